"""Intervals of precision and recall at capacity, and of the difference that one ranking makes to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vru_models.evaluation.arrays import Codes, Floats, Places, coded, complete, outcome_codes, outcomes, ratio
from vru_models.evaluation.intervals import counts_are_small, interval, newcombe, rate_interval
from vru_models.evaluation.ranking import Ranked, rank
from vru_models.evaluation.resampling import RandomState, cells_of, distinct_units, resampled_counts, sum_by


def capacity_intervals(
    y_true: Any,
    y_score: Any,
    *,
    as_of: Any = None,
    k: Places,
    unit: Any,
    n_replicates: int = 1000,
    random_state: RandomState,
    level: float = 0.95,
) -> pd.DataFrame:
    """Precision and recall over all as-of dates, each with its interval: one row per metric.

    Units (people, or households) are resampled with all their rows, and every replicate reselects the top k of each
    date, with ties at the cut in parts. Below 30 positives or negatives in a denominator the interval is Wilson's, on
    the number of distinct units in it.

    Returns
    -------
    DataFrame
        ``metric, estimate, low, high, method`` (bootstrap, wilson or undefined), ``denominator, n_units``.

    Examples
    --------
    >>> t = capacity_intervals([1, 0, 1, 0], [4, 3, 2, 1], k=2, unit=list("abcd"), random_state=0)
    >>> t[["metric", "estimate", "method", "n_units"]].values.tolist()
    [['precision', 0.5, 'wilson', 2.0], ['recall', 0.5, 'wilson', 2.0]]
    """
    y = outcomes(y_true)
    ranked = rank(complete("y_score", y_score, len(y)), as_of=as_of, k=k)
    households, _ = coded("unit", unit, len(y))
    reach = ranked.within_reach(households)
    cell, (level_of, outcome_of) = cells_of(reach.level, outcome_codes(y))
    board = _Board(reach, level_of, outcome_of)
    draws = resampled_counts(cell, households, n_replicates=n_replicates, random_state=random_state)
    replicates = np.concatenate([board.rates(counts) for counts in draws])
    estimates, shares = board.rates(np.bincount(cell)[None, :].astype(np.float64))[0], ranked.row_shares()
    rows = []
    for i, (metric, part) in enumerate({"precision": shares * ~np.isnan(y), "recall": (y == 1) * 1.0}.items()):
        size, n_units = float(part.sum()), distinct_units(households, part)
        low, high, method = rate_interval(
            estimates[i], denominator=size, n_units=n_units, replicates=replicates[:, i], level=level
        )
        rows.append((metric, estimates[i], low, high, method, size, n_units))
    return pd.DataFrame(rows, columns=["metric", "estimate", "low", "high", "method", "denominator", "n_units"])


def paired_precision_difference(
    y_true: Any,
    y_score: Any,
    *,
    against: Any,
    as_of: Any = None,
    k: Places,
    unit: Any,
    n_replicates: int = 1000,
    random_state: RandomState,
) -> pd.DataFrame:
    """How much higher precision at k is by ``y_score`` than by ``against``, with its two-sided 95 % interval: one row.

    Both lists are drawn anew from the same resampled units, so what the lists share cancels. Below 30 positives or
    negatives on either list the interval is Newcombe's for proportions that share people; the correlation of the two
    precisions is the labelled places held in common over the geometric mean of the two denominators.

    Returns
    -------
    DataFrame
        ``metric`` (``precision difference``), ``estimate, low, high, method`` (bootstrap, newcombe or undefined),
        ``n_units, n_units_against``.

    Examples
    --------
    >>> t = paired_precision_difference([1, 0, 1, 0], [4, 1, 3, 2], against=[4, 3, 2, 1], k=2, unit=list("abcd"),
    ...     random_state=0)
    >>> t[["estimate", "method"]].values.tolist()[0]
    [0.5, 'newcombe']
    """
    y = outcomes(y_true)
    pair = [rank(complete(n, s, len(y)), as_of=as_of, k=k) for n, s in (("y_score", y_score), ("against", against))]
    households, _ = coded("unit", unit, len(y))
    reach = [ranked.within_reach(households) for ranked in pair]
    cell, (level_a, level_b, outcome_of) = cells_of(reach[0].level, reach[1].level, outcome_codes(y))
    boards = [_Board(r, by, outcome_of) for r, by in zip(reach, (level_a, level_b), strict=True)]
    draws = resampled_counts(cell, households, n_replicates=n_replicates, random_state=random_state)
    replicates = np.concatenate([boards[0].rates(c)[:, 0] - boards[1].rates(c)[:, 0] for c in draws])
    counts = np.bincount(cell)[None, :].astype(np.float64)
    first, second = (float(board.rates(counts)[0, 0]) for board in boards)
    parts = [r.row_shares() * ~np.isnan(y) for r in pair]
    sizes, n_units = [float(p.sum()) for p in parts], [distinct_units(households, p) for p in parts]
    if np.isnan(first - second):
        low, high, method = float("nan"), float("nan"), "undefined"
    elif counts_are_small(first, sizes[0]) or counts_are_small(second, sizes[1]):
        common = float(np.minimum(*parts).sum()) / float(np.sqrt(sizes[0] * sizes[1]))
        low, high = newcombe(first, n_units[0], p2=second, n2=n_units[1], correlation=common)
        method = "newcombe"
    else:
        low, high, method = *interval(replicates), "bootstrap"
    row = ("precision difference", first - second, low, high, method, *n_units)
    return pd.DataFrame([row], columns=["metric", "estimate", "low", "high", "method", "n_units", "n_units_against"])


@dataclass(frozen=True, eq=False)
class _Board:
    """A ranking on cells: each cell's block and outcome."""

    ranked: Ranked
    level: Codes
    outcome: Codes

    def rates(self, counts: Floats) -> Floats:
        """Precision and recall (last axis) of each replicate."""
        by_level = sum_by(counts, self.level, len(self.ranked.date))
        listed = counts * self.ranked.shares(by_level)[:, self.level]
        found, positives = listed[:, self.outcome == 1].sum(axis=1), counts[:, self.outcome == 1].sum(axis=1)
        labelled = found + listed[:, self.outcome == 0].sum(axis=1)
        return np.column_stack([ratio(found, labelled), ratio(found, positives)])
