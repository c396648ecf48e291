"""Verdicts as findings: one for each limit and attribute, its message naming the worst group."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.evaluation.intervals import decimals
from vru_models.fairness.measures import MEASURES
from vru_models.findings import Finding, Findings, Status

_FIGURES = ["n_units", "rate", "rest", "gap", "limit", "upper", "p_adjusted", "units_needed"]
_NEARLY: Final = 0.9
_COULD: Final = {
    "selection_rate": "a group could be left off the list {almost}entirely and still pass",
    "recall": "a group could be missed {almost}entirely and still pass",
    "precision": "a group's listed could {almost}all be without the need and still pass",
    "false_omission_rate": "a group's could be {almost}twice as high and still pass",
}


def findings_of(verdicts: pd.DataFrame) -> Findings:
    """An attribute fails if any group fails, passes if every group passes, and cannot tell otherwise."""
    by_limit = verdicts.groupby(["measure", "attribute"], sort=False)
    return Findings(_finding(str(name[0]), str(name[1]), groups) for name, groups in by_limit)


def _finding(name: str, attribute: str, groups: pd.DataFrame) -> Finding:
    measure, status = MEASURES[name], _overall(set(groups["status"]))
    such = groups[groups["status"] == status]
    worst = _worst(such)
    figures = {"group": worst["group"], **{key: _plain(worst[key]) for key in _FIGURES}}
    message = _MESSAGES[status](measure.title, worst) + _others(status, such.drop(index=worst.name))
    if status in ("pass", "cannot tell") and (warning := too_wide(name, groups["limit"].iloc[0], groups["rest"].min())):
        message += f"; {warning}"
    return Finding(measure.code, status, attribute, message, figures)


def too_wide(name: str, limit: float, rate: float) -> str:
    """A warning where a limit is nine tenths of the figure that it is about, or more; blank elsewhere.

    Examples
    --------
    >>> too_wide("recall", 0.08, 0.07)
    'the limit (0.08) is no smaller than the recall itself (0.070), so a group could be missed entirely and still pass'
    >>> too_wide("recall", 0.08, 0.30)
    ''
    """
    if math.isnan(rate) or limit < _NEARLY * rate:
        return ""
    size, almost = ("no smaller", "") if limit >= rate else ("hardly smaller", "almost ")
    could = _COULD[name].format(almost=almost)
    return f"the limit ({limit:g}) is {size} than the {MEASURES[name].title} itself ({rate:.3f}), so {could}"


def _others(status: Status, groups: pd.DataFrame) -> str:
    """The other groups of the same verdict, each with its gap."""
    if not len(groups) or status not in ("fail", "cannot tell"):
        return ""
    named = [f"'{row['group']}' ({_apart(row)})" for _, row in groups.sort_values("p", kind="stable").iterrows()]
    return f"; the same of {', '.join(named)}"


def _apart(row: pd.Series[Any]) -> str:
    if pd.isna(row["gap"]):
        return "undefined"
    if pd.isna(row["p"]):
        return "too few people"
    sense = "lower" if row["rate"] < row["rest"] else "higher"
    return f"{abs(row['rate'] - row['rest']):.{_digits(row)}f} {sense}"


def _overall(found: set[Status]) -> Status:
    order: tuple[Status, ...] = ("fail", "cannot tell", "not applicable", "pass")
    return next(status for status in order if status in found)


def _worst(groups: pd.DataFrame) -> pd.Series[Any]:
    """The tested group whose gap is the likeliest to be beyond its limit; where none could be tested, the smallest."""
    tested = groups[groups["p"].notna()].sort_values("gap", ascending=False, kind="stable")
    return tested.iloc[int(tested["p"].argmin())] if len(tested) else groups.iloc[int(groups["n_units"].argmin())]


def _plain(value: Any) -> float | int | None:
    return None if pd.isna(value) else value.item() if isinstance(value, np.generic) else value


def _fail(title: str, row: pd.Series[Any]) -> str:
    p = "< 0.001" if row["p_adjusted"] < 0.001 else f"= {row['p_adjusted']:.3f}"
    return f"{_gap(title, row)}; limit {_shown(row, 'limit')}, adjusted p {p})"


def _pass(title: str, row: pd.Series[Any]) -> str:
    return (
        f"every group is within {_shown(row, 'limit')} of everyone else; {_gap(title, row)};"
        f" one-sided 95 % bound {_shown(row, 'upper')})"
    )


def _cannot_tell(title: str, row: pd.Series[Any]) -> str:
    if row["method"] == "too few":
        reason = (
            f"{title} of '{row['group']}' or of everyone else rests on too few people ({row['n_units']} in the group)"
        )
    elif row["method"] == "undefined":
        reason = f"{title} of '{row['group']}' or of everyone else has nobody in its denominator"
    else:
        reason = f"{_gap(title, row)}; limit {_shown(row, 'limit')}, one-sided 95 % bound {_shown(row, 'upper')})"
    return f"{reason}; {_remedy(row)}"


def _remedy(row: pd.Series[Any]) -> str:
    more = row["units_needed"] - row["n_units"]
    if pd.isna(more):
        return "no group size can be named that would tell"
    size = _two_figures(int(max(more, 1)))
    return f"{size} in the group, and others in proportion, would tell"


def _two_figures(n: int) -> str:
    """So many more people, to two significant figures, rounded up."""
    if n < 10:
        return f"{n} more {'person' if n == 1 else 'people'}"
    step = 10 ** (len(str(n)) - 2)
    return f"about {-(-n // step) * step:,} more people"


def _not_applicable(title: str, row: pd.Series[Any]) -> str:
    return f"{title}: everyone is in the group '{row['group']}', so there is nobody to compare with"


def _gap(title: str, row: pd.Series[Any]) -> str:
    rates = f"({_shown(row, 'rate')} against {_shown(row, 'rest')}"
    if row["rate"] == row["rest"]:
        return f"{title} of '{row['group']}' is the same as everyone else's {rates}"
    sense = "lower" if row["rate"] < row["rest"] else "higher"
    return f"{title} of '{row['group']}' is {abs(row['gap']):.{_digits(row)}f} {sense} than everyone else's {rates}"


def _shown(row: pd.Series[Any], figure: str) -> str:
    return f"{row[figure]:.{_digits(row)}f}"


def _digits(row: pd.Series[Any]) -> int:
    """Decimals at which rate and rest, gap and nothing, gap and limit, bound and limit are told apart."""
    gap, limit = abs(row["gap"]), row["limit"]
    pairs = [(row["rate"], row["rest"]), (gap, 0.0), (gap, limit), (row["upper"], limit)]
    return max(decimals(*pair) for pair in pairs)


_MESSAGES = {"fail": _fail, "pass": _pass, "cannot tell": _cannot_tell, "not applicable": _not_applicable}
