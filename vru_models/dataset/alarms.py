"""Alarms on what is too good to be true: one feature that ranks the labels alone, counted part by part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from vru_models.findings import Finding, Findings

TOO_GOOD: Final = 0.95
"""A single feature with an AUC above this is an alarm."""

_SMALL: Final = 1 << 12


def tally(cells: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """How often each feature has each value among rows labelled 0 and 1: columns ``feature, value, zeros, ones``.

    ``cells`` are features x rows; missing cells and rows without a label are left out. Tallies of several parts add up.
    """
    labelled = ~np.isnan(y)
    cells = cells if labelled.all() else cells[:, labelled]
    positive = y[labelled] == 1
    at = np.flatnonzero(positive)
    parts = [_tally_of(i, row, positive, at) for i, row in enumerate(cells)]
    columns = ("feature", "value", "zeros", "ones")
    return pd.DataFrame({name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(columns)})


def _tally_of(feature: int, cells: np.ndarray, positive: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, ...]:
    """The tally of one feature; ``at`` are the positions of the positive rows."""
    given = ~np.isnan(cells)
    if not given.all():
        cells = cells[given]
        at = np.flatnonzero(positive[given])
    if len(cells) and cells.min() >= 0 and cells.max() < _SMALL:
        whole = cells.astype(np.intp)
        if (whole.astype(cells.dtype) == cells).all():
            every, ones = np.bincount(whole), np.bincount(whole[at], minlength=int(cells.max()) + 1)
            value = np.flatnonzero(every)
            return _columns(feature, value.astype(np.float64), every[value], ones[value])
    value, place = np.unique(cells.astype(np.float64), return_inverse=True)
    every, ones = (np.bincount(places, minlength=len(value)) for places in (place, place[at]))
    return _columns(feature, value, every, ones)


def _columns(feature: int, value: np.ndarray, every: np.ndarray, ones: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.full(len(value), feature), value, every - ones, ones


def alarms(tallies: Iterable[pd.DataFrame], names: Sequence[str]) -> Findings:
    """VRU202: whether any one feature ranks the labels suspiciously well (AUC above 0.95 either way round).

    A feature that is missing or constant where labels are known is not tested.
    """
    held = pd.concat(list(tallies), ignore_index=True).groupby(["feature", "value"]).sum().reset_index()
    of_feature = [held[held["feature"] == i] for i in range(len(names))]
    aucs = [_auc(rows["zeros"].to_numpy(), rows["ones"].to_numpy()) for rows in of_feature]
    tested = {name: auc for name, auc in zip(names, aucs, strict=True) if not np.isnan(auc)}
    if too_good := [name for name, auc in tested.items() if max(auc, 1 - auc) > TOO_GOOD]:
        which = f"{len(too_good)} of {len(tested)} features alone"
        message = f"{which} rank the labels with AUC above {TOO_GOOD}: {', '.join(too_good)}"
        return Findings([Finding("VRU202", "fail", "features", message, {"features": too_good})])
    message = f"none of {len(tested)} features alone has AUC above {TOO_GOOD}"
    return Findings([Finding("VRU202", "pass", "features", message)])


def _auc(zeros: np.ndarray, ones: np.ndarray) -> float:
    """The chance that a 1 has the larger value than a 0, ties counted half; by values in ascending order."""
    if not zeros.sum() or not ones.sum():
        return float("nan")
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / (zeros.sum() * ones.sum()))
