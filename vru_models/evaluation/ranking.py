"""How good the top k of each as-of date is, with ties at the cut counted exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vru_models.evaluation.arrays import Codes, Floats, Places, complete, dates_of, numbers, outcomes, places, ratio

_COUNTS = [
    "n", "n_labelled", "k", "listed", "positives", "listed_labelled", "listed_positives", "positives_by_chance",
    "labelled_worst", "positives_worst", "labelled_best", "positives_best",
]  # fmt: skip
_RATIOS = [
    "precision", "recall", "missed", "number_needed_to_review", "lift", "expected_positives",
    "precision_worst", "precision_best", "recall_worst", "recall_best",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ranked:
    """Everyone of each as-of date in blocks of equal score, best block first, with the places of each date.

    Parameters
    ----------
    dates
        The as-of dates, ascending.
    level
        For each row, its block. Blocks are numbered by date, then by score from the highest.
    date
        For each block, the position of its date in ``dates``.
    k
        For each date, its places.
    """

    dates: pd.Index[Any]
    level: Codes
    date: Codes
    k: Floats

    def __post_init__(self) -> None:
        if (np.diff(self.date) < 0).any() or len(self.k) != len(self.dates):
            raise ValueError("blocks are numbered by date and every date has its places")

    def shares(self, counts: Floats) -> Floats:
        """The share of a place that each person of a block holds, given the people in each block (last axis).

        1 above the cut, 0 below it, and at the cut the places left over the people level there: the exact
        probability that a random order of the level gives one of them a place.
        """
        left = self.k[self.date] - self._above(counts)
        return np.clip(np.divide(left, counts, out=np.zeros_like(left), where=counts > 0), 0.0, 1.0)

    def row_shares(self) -> Floats:
        """The share of a place that each row holds: 0, 1, or a fraction for those level at the cut."""
        return self.shares(self.count(np.ones(len(self.level))))[self.level]

    def within_reach(self, unit: Codes) -> Ranked:
        """The same ranking for resampling: the blocks of a date that no replicate's cut can reach are made one.

        Below ``3 k + 50`` distinct units the cut of a replicate is out of reach: it would take fewer than k draws where
        more than ``3 k + 50`` are expected, which has a chance below 1e-20. Scores without ties become a few blocks.
        """
        order = np.argsort(self.level, kind="stable")
        pair = self.date[self.level[order]] * (int(unit.max(initial=0)) + 1) + unit[order]
        new = np.zeros(len(unit))
        new[order[np.unique(pair, return_index=True)[1]]] = 1
        deep = self._above(self.count(new)) >= 3 * self.k[self.date] + 50
        kept = ~deep | (np.diff(self.date, prepend=-1) != 0) | ~np.roll(deep, 1)
        return Ranked(self.dates, (np.cumsum(kept) - 1)[self.level], self.date[kept], self.k)

    def count(self, weight: Floats) -> Floats:
        """The weight of the rows in each block."""
        return np.bincount(self.level, weights=weight, minlength=len(self.date)).astype(np.float64)

    def _above(self, counts: Floats) -> Floats:
        """What the better blocks of the same date hold together."""
        above = np.cumsum(counts, axis=-1) - counts
        first = np.searchsorted(self.date, np.arange(len(self.dates)))
        within: Floats = above - above[..., first][..., self.date]
        return within

    def by_date(self, values: Any) -> Floats:
        """The sum of a figure of the blocks over each date."""
        return np.bincount(self.date, weights=values, minlength=len(self.dates)).astype(np.float64)


def rank(y_score: Any, *, as_of: Any = None, k: Places) -> Ranked:
    """Everyone ranked on each as-of date, higher score first, equal scores level.

    Examples
    --------
    >>> rank([9, 7, 7, 1], k=2).row_shares()
    array([1. , 0.5, 0.5, 0. ])
    """
    score = complete("y_score", y_score, len(numbers("y_score", y_score)))
    date, dates = dates_of(as_of, len(score))
    order = np.lexsort((-score, date))
    new = np.ones(len(score), dtype=bool)
    new[1:] = (np.diff(date[order]) != 0) | (np.diff(score[order]) != 0)
    level = np.empty(len(score), dtype=np.intp)
    level[order] = np.cumsum(new) - 1
    return Ranked(dates, level, date[order][new], places(k, dates))


def capacity_table(y_true: Any, y_score: Any, *, as_of: Any = None, k: Places) -> pd.DataFrame:
    """What the k places of each as-of date found and missed: one row per date.

    Everyone is ranked, higher score first; the unlabelled (NaN) keep their place and leave the figures. A place that is
    shared by people level at the cut counts in parts, so ``listed_labelled``, ``listed_positives`` and ``missed`` are
    exact expectations over all orders of the level, and the ``worst`` and ``best`` columns are what the least and the
    most lucky order would give. A ``k`` above ``n`` lists everyone.

    Parameters
    ----------
    y_true
        1, 0, or missing for the unlabelled.
    as_of
        The date of each row; none means one list.
    k
        Places on every date, or ``{as_of: places}``.

    Returns
    -------
    DataFrame
        ``as_of, n, n_labelled, k, listed, positives, listed_labelled, listed_positives``; ``precision``
        (listed_positives / listed_labelled), ``recall`` (listed_positives / positives), ``missed`` (positives not
        listed), ``number_needed_to_review`` (1 / precision), ``lift`` (precision / (positives / n_labelled)),
        ``expected_positives`` (precision x listed), ``precision_worst, precision_best, recall_worst, recall_best``;
        and the counts behind these: ``positives_by_chance`` (what a random list of the same size would hold),
        ``labelled_worst, positives_worst, labelled_best, positives_best``. What is undefined is NaN: precision with
        nobody labelled on the list, recall without positives, reviews needed when the list holds no positive.

    Notes
    -----
    Precision is a ratio of expected counts. It is the exact expectation of precision unless unlabelled people are level
    at the cut, when the denominator too depends on the order. ``precision_worst`` and ``precision_best`` are NaN where
    the order concerned would leave nobody labelled on the list.

    Examples
    --------
    >>> t = capacity_table([1, 0, 1, None, 1], [9, 5, 5, 5, 1], k=2)
    >>> t[["listed_labelled", "precision", "recall", "missed", "recall_worst", "recall_best"]].round(3).iloc[0].tolist()
    [1.667, 0.8, 0.444, 1.667, 0.333, 0.667]
    """
    y = outcomes(y_true)
    ranked = rank(complete("y_score", y_score, len(y)), as_of=as_of, k=k)
    return _with_ratios(_counts(ranked, y))


def pooled(table: pd.DataFrame) -> pd.DataFrame:
    """The figures of :func:`capacity_table` over all its dates, each date keeping its own k: one row, same columns.

    Counts are summed and ratios taken of the sums, so a date weighs by its places (precision) or by its positives
    (recall). ``lift`` compares with lists of the same sizes drawn at random on the same dates.

    Examples
    --------
    >>> t = capacity_table([1, 0, 0, 1], [2, 1, 2, 1], as_of=["2024-01-01"] * 2 + ["2024-02-01"] * 2, k=1)
    >>> pooled(t)[["as_of", "k", "precision", "lift"]].values.tolist()[0]
    ['pooled', 2, 0.5, 1.0]
    """
    return _with_ratios(table[_COUNTS].sum().to_frame().T.assign(as_of="pooled"))


def _counts(ranked: Ranked, y: Floats) -> pd.DataFrame:
    everyone = ranked.count(np.ones(len(y)))
    labelled, positive = ranked.count(~np.isnan(y) * 1.0), ranked.count((y == 1) * 1.0)
    share = ranked.shares(everyone)
    frame = pd.DataFrame(
        {
            "as_of": ranked.dates,
            "n": ranked.by_date(everyone),
            "n_labelled": ranked.by_date(labelled),
            "k": ranked.k,
            "positives": ranked.by_date(positive),
            "listed_labelled": ranked.by_date(share * labelled),
            "listed_positives": ranked.by_date(share * positive),
        }
    )
    frame["listed"] = np.minimum(frame["k"], frame["n"])
    frame["positives_by_chance"] = frame["listed_labelled"] * ratio(frame["positives"], frame["n_labelled"])
    return frame.assign(**_luck(ranked, share, everyone, labelled, positive))


def _luck(ranked: Ranked, share: Floats, everyone: Floats, labelled: Floats, positive: Floats) -> dict[str, Floats]:
    """The labelled and the positives on the list when the order at the cut is the worst and the best there is.

    Precision rises with each positive and falls with each labelled negative, so the worst order takes as few positives
    and as many labelled negatives as the places allow, and the best the reverse. Both can be had at once.
    """
    sure, cut = share == 1, (share > 0) & (share < 1)
    sure_labelled, sure_positive = ranked.by_date(sure * labelled), ranked.by_date(sure * positive)
    left = np.rint(ranked.by_date(cut * share * everyone))
    level, ones, zeros = (ranked.by_date(cut * count) for count in (everyone, positive, labelled - positive))
    few, most = np.maximum(0, left - (level - ones)), np.minimum(ones, left)
    many, least = np.minimum(zeros, left - few), np.maximum(0, left - (level - zeros))
    return {
        "labelled_worst": sure_labelled + few + many,
        "positives_worst": sure_positive + few,
        "labelled_best": sure_labelled + most + least,
        "positives_best": sure_positive + most,
    }


def _with_ratios(counts: pd.DataFrame) -> pd.DataFrame:
    whole = counts.assign(
        **{name: counts[name].astype(np.int64) for name in ("n", "n_labelled", "k", "listed", "positives")}
    )
    precision = ratio(whole["listed_positives"], whole["listed_labelled"])
    ratios = {
        "precision": precision,
        "recall": ratio(whole["listed_positives"], whole["positives"]),
        "missed": whole["positives"] - whole["listed_positives"],
        "number_needed_to_review": ratio(whole["listed_labelled"], whole["listed_positives"]),
        "lift": ratio(whole["listed_positives"], whole["positives_by_chance"]),
        "expected_positives": precision * whole["listed"],
        "precision_worst": ratio(whole["positives_worst"], whole["labelled_worst"]),
        "precision_best": ratio(whole["positives_best"], whole["labelled_best"]),
        "recall_worst": ratio(whole["positives_worst"], whole["positives"]),
        "recall_best": ratio(whole["positives_best"], whole["positives"]),
    }
    return whole.assign(**ratios)[["as_of", *_COUNTS[:7], *_RATIOS, *_COUNTS[7:]]]
