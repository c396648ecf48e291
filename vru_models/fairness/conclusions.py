"""Verdicts as findings: one for each limit and attribute, its message naming the worst group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vru_models.fairness.measures import MEASURES
from vru_models.findings import Finding, Findings, Status

_FIGURES = ["n_units", "rate", "rest", "gap", "limit", "upper", "p_adjusted", "units_needed"]


def findings_of(verdicts: pd.DataFrame) -> Findings:
    """An attribute fails if any group fails, passes if every group passes, and cannot tell otherwise."""
    by_limit = verdicts.groupby(["measure", "attribute"], sort=False)
    return Findings(_finding(str(name[0]), str(name[1]), groups) for name, groups in by_limit)


def _finding(name: str, attribute: str, groups: pd.DataFrame) -> Finding:
    measure, status = MEASURES[name], _overall(set(groups["status"]))
    such = groups[groups["status"] == status]
    worst = _worst(such)
    figures = {"group": worst["group"], **{key: _plain(worst[key]) for key in _FIGURES}}
    message = _MESSAGES[status](measure.title, worst) + _others(status, len(such) - 1)
    return Finding(measure.code, status, attribute, message, figures)


def _others(status: Status, n: int) -> str:
    return f"; the same of {n} other group{'s' if n > 1 else ''}" if n and status in ("fail", "cannot tell") else ""


def _overall(found: set[Status]) -> Status:
    order: tuple[Status, ...] = ("fail", "cannot tell", "not applicable", "pass")
    return next(status for status in order if status in found)


def _worst(groups: pd.DataFrame) -> pd.Series[Any]:
    """The tested group with the largest gap; where none could be tested, the smallest group."""
    tested = groups[groups["p"].notna()]
    return tested.iloc[int(tested["gap"].argmax())] if len(tested) else groups.iloc[int(groups["n_units"].argmin())]


def _plain(value: Any) -> float | int | None:
    return None if pd.isna(value) else value.item() if isinstance(value, np.generic) else value


def _fail(title: str, row: pd.Series[Any]) -> str:
    p = "< 0.001" if row["p_adjusted"] < 0.001 else f"= {row['p_adjusted']:.3f}"
    return f"{_gap(title, row)}; limit {row['limit']:.2f}, adjusted p {p})"


def _pass(title: str, row: pd.Series[Any]) -> str:
    return (
        f"every group is within {row['limit']:.2f} of everyone else; {_gap(title, row)};"
        f" one-sided 95 % bound {row['upper']:.3f})"
    )


def _cannot_tell(title: str, row: pd.Series[Any]) -> str:
    if row["method"] == "too few":
        reason = (
            f"{title} of '{row['group']}' or of everyone else rests on too few people ({row['n_units']} in the group)"
        )
    elif row["method"] == "undefined":
        reason = f"{title} of '{row['group']}' or of everyone else has nobody in its denominator"
    else:
        reason = f"{_gap(title, row)}; limit {row['limit']:.2f}, one-sided 95 % bound {row['upper']:.2f})"
    return f"{reason}; {_remedy(row)}"


def _remedy(row: pd.Series[Any]) -> str:
    more = row["units_needed"] - row["n_units"]
    if pd.isna(more):
        return "no group size can be named that would tell"
    return f"{int(max(more, 1))} more people in the group, and others in proportion, would tell"


def _not_applicable(title: str, row: pd.Series[Any]) -> str:
    return f"{title}: everyone is in the group '{row['group']}', so there is nobody to compare with"


def _gap(title: str, row: pd.Series[Any]) -> str:
    size, sense = abs(row["rate"] - row["rest"]), "lower" if row["rate"] < row["rest"] else "higher"
    rates = f"{row['rate']:.2f} against {row['rest']:.2f}"
    return f"{title} of '{row['group']}' is {size:.2f} {sense} than everyone else's ({rates}"


_MESSAGES = {"fail": _fail, "pass": _pass, "cannot tell": _cannot_tell, "not applicable": _not_applicable}
