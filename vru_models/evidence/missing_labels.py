"""What missing labels leave unknown: of those who left, of the treated, and where outcomes are seen only in reviews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset.outcome import EXITED, WHY_MISSING
from vru_models.evaluation.arrays import ratio
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec

BASES: Final = (
    "as observed",
    "weighted for those who left",
    "at least, whatever those who left had",
    "at most, whatever those who left had",
    "with the treated",
)
"""The rows of the table: which labels the figures are from."""

_UNSEEN: Final = ("recall", "missed", "false_omission_rate")


def sensitivity(rows: pd.DataFrame, weight: pd.Series[float], share: np.ndarray) -> pd.DataFrame:
    """Base rate, precision and recall of one list on several bases: one row each, in the order of :data:`BASES`.

    Parameters
    ----------
    rows
        Columns ``y``, ``why_missing`` and ``with_treated`` of one as-of date.
    weight
        The weight of each row for exits (NaN without a label).
    share
        The share of a place that each row holds.

    Returns
    -------
    DataFrame
        ``basis``; ``people``, those counted without an observed label (who left, or the treated); ``base_rate,
        precision, recall`` (NaN where undefined). The weighted figures are those of a population in which nobody left.
        The least and the most are exact bounds of each figure by itself: recall is least when only those had the
        outcome who left and were not listed.
    """
    y = rows["y"].to_numpy(dtype=np.float64)
    left = (rows["why_missing"] == WHY_MISSING[EXITED]).to_numpy()
    treated = rows["with_treated"].to_numpy(dtype=np.float64)
    known, none, every = (~np.isnan(y)) * 1.0, np.where(left, 0.0, y), np.where(left, 1.0, y)
    least, most = (_figures(labels, (~np.isnan(labels)) * 1.0, share) for labels in (none, every))
    least["recall"], most["recall"] = _bounds_of_recall(y, np.sort(share[left]), share)
    figures = [
        _figures(y, known, share),
        _figures(y, weight.fillna(0.0).to_numpy(), share),
        least,
        most,
        _figures(treated, (~np.isnan(treated)) * 1.0, share),
    ]
    people = [0, *[int(left.sum())] * 3, int((np.isnan(y) & ~np.isnan(treated)).sum())]
    return pd.DataFrame([{"basis": b, "people": n, **f} for b, n, f in zip(BASES, people, figures, strict=True)])


def _bounds_of_recall(y: np.ndarray, left: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """The least and the most recall: those with the smallest, or largest, share of a place have the outcome first."""
    found, positives = (share * (y == 1)).sum(), (y == 1).sum() + np.arange(len(left) + 1)
    both = [ratio(found + np.append(0.0, np.cumsum(order)), positives) for order in (left, left[::-1])]
    if np.isnan(both).all():
        return float("nan"), float("nan")
    return float(np.nanmin(both[0])), float(np.nanmax(both[1]))


def _figures(y: np.ndarray, weight: np.ndarray, share: np.ndarray) -> dict[str, float]:
    ones = weight * (y == 1)
    return {
        "base_rate": float(ratio(ones.sum(), weight.sum())),
        "precision": float(ratio((share * ones).sum(), (share * weight).sum())),
        "recall": float(ratio((share * ones).sum(), ones.sum())),
    }


def exits_told(table: pd.DataFrame, *, low: float, high: float) -> Finding:
    """VRU407: whether what those who left had could take precision out of its own interval, ``low`` to ``high``."""
    by_basis: Any = table.set_index("basis")
    people = int(by_basis.loc[BASES[1], "people"])
    if not people:
        return Finding("VRU407", "not applicable", "exits", "nobody left before the outcome could be known")
    least, most = (float(by_basis.loc[basis, "precision"]) for basis in BASES[2:4])
    figures = {"least": round(least, 6), "most": round(most, 6)}
    if np.isnan(low + high + least + most):
        return Finding("VRU407", "cannot tell", "exits", f"{people:,} left, and precision has no interval", figures)
    said = f"whatever the {people:,} who left had, precision is {least:.3f} to {most:.3f}"
    said += f" (interval {low:.3f} to {high:.3f})"
    within = low <= least and most <= high
    return Finding("VRU407", "pass" if within else "cannot tell", "exits", said, figures)


def sees_everybody(spec: Spec) -> bool:
    """Whether the outcome is seen for everybody, so that who was missed can be counted."""
    return spec.outcome.ascertainment == "all"


def unseen(names: Iterable[str], spec: Spec) -> list[str]:
    """Of some names of figures, those about people who were not listed, whom nobody may have looked at."""
    return [] if sees_everybody(spec) else [name for name in names if name.startswith(_UNSEEN)]


def without_unseen(table: pd.DataFrame, spec: Spec, *, instead: Any = float("nan")) -> pd.DataFrame:
    """The table with such figures undefined; their positives are those among the reviewed alone."""
    return table.assign(**dict.fromkeys(unseen(map(str, table.columns), spec), instead))


def reviews(spec: Spec) -> Findings:
    """VRU408: that recall cannot be known, where it cannot."""
    if sees_everybody(spec):
        return Findings()
    message = "the outcome is seen only for those reviewed: whom the list missed cannot be known without random places"
    return Findings([Finding("VRU408", "cannot tell", "recall", message)])
