"""What the people who left would have shown: weights that let those who stayed stand for them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.dataset.outcome import EXITED, WHY_MISSING


def exit_weights(rows: pd.DataFrame) -> pd.Series[float]:
    """The weight of each row: 1 over the chance of not having left before its label was decided; NaN without a label.

    The chance is the reverse Kaplan-Meier estimate of each as-of date, in which an exit is what happens and a label
    decided first is what hides it (weights by the inverse probability of censoring: Robins and Rotnitzky 1992; at a
    fixed horizon: Graf and others 1999). Of one day, outcomes come before exits. On a date on which nobody left, every
    weight is exactly 1. The weighted figures are those of a population in which nobody left, as far as leaving has
    nothing to do with the outcome; within a date nothing else about a person is taken into account.

    Parameters
    ----------
    rows
        ``Dataset.rows``: index level ``as_of``; columns ``y``, ``why_missing`` and ``followed``.

    Examples
    --------
    >>> dates = pd.MultiIndex.from_product([list("abcd"), pd.to_datetime(["2024-01-01"])], names=["person_id", "as_of"])
    >>> rows = pd.DataFrame({"y": [1, None, 1, 0], "why_missing": ["", "exited", "", ""],
    ...     "followed": [10, 20, 30, 182]}, index=dates)
    >>> exit_weights(rows).round(3).tolist()
    [1.0, nan, 1.5, 1.5]
    """
    exited, y = (rows["why_missing"] == WHY_MISSING[EXITED]).to_numpy(), rows["y"].to_numpy(dtype=np.float64)
    weight = np.where(np.isnan(y), np.nan, 1.0)
    date = pd.factorize(rows.index.get_level_values("as_of"))[0]
    for d in np.unique(date[exited]):
        mine = np.flatnonzero((date == d) & (exited | ~np.isnan(y)))
        stayed = _stayed(rows["followed"].to_numpy()[mine], exited[mine])
        weight[mine] = np.where(exited[mine], np.nan, 1.0 / stayed)
    return pd.Series(weight, index=rows.index, name="weight")


def _stayed(followed: np.ndarray, exited: np.ndarray) -> np.ndarray:
    """For each row, the chance of staying until just before it was decided or left; above 0 wherever it was decided."""
    days, left = np.unique(followed[exited], return_counts=True)
    later = len(followed) - np.searchsorted(np.sort(followed), days, side="right")
    chance = np.cumprod(np.append(1.0, later / (later + left)))
    before = np.searchsorted(days, followed, side="left")
    return np.where(exited, 1.0, chance[before])
