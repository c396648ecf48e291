"""Whether probabilities mean what they say: Brier score, calibration slope and intercept, reliability; and AUC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import rankdata

from vru_models.evaluation.arrays import Floats, coded, complete, outcomes, probabilities, ratio, weights
from vru_models.evaluation.intervals import wilson
from vru_models.evaluation.resampling import distinct_units

_STEPS = 100
_CONVERGED = 1e-10
_LONGEST_STEP = 1.0


def brier_score(y_true: Any, y_prob: Any, *, sample_weight: Any = None) -> float:
    """The mean squared difference of probability and outcome among the labelled (Brier 1950); NaN without any.

    Examples
    --------
    >>> brier_score([1, 0, None], [0.5, 0.5, 0.9])
    0.25
    """
    y, p, w = _labelled(y_true, y_prob, sample_weight)
    return float(ratio((w * (p - y) ** 2).sum(), w.sum()))


def auc(y_true: Any, y_score: Any, *, sample_weight: Any = None) -> float:
    """The chance that a labelled positive outranks a labelled negative, ties counting half; NaN with one class only.

    Examples
    --------
    >>> auc([1, 0, 1, 0, None], [3, 2, 2, 1, 9])
    0.875
    """
    everyone = outcomes(y_true)
    score, w = complete("y_score", y_score, len(everyone)), weights(sample_weight, len(everyone))
    known = ~np.isnan(everyone)
    y, level, w = everyone[known], rankdata(score[known], method="dense").astype(np.intp) - 1, w[known]
    positive, negative = (np.bincount(level, weights=w * (y == side)) for side in (1, 0))
    beaten = np.cumsum(negative) - negative / 2
    return float(ratio((positive * beaten).sum(), positive.sum() * negative.sum()))


@dataclass(frozen=True)
class Calibration:
    """The line of logistic recalibration among the ``n`` labelled; NaN where it is undefined.

    Parameters
    ----------
    slope
        1 is right; below 1 the probabilities are too extreme.
    intercept
        The intercept that goes with the slope.
    in_the_large
        The intercept with the slope held at 1: 0 is right, above 0 the probabilities are too low.
    """

    n: int
    slope: float
    intercept: float
    in_the_large: float

    def frame(self) -> pd.DataFrame:
        """One row: n, slope, intercept, in_the_large."""
        return pd.DataFrame([vars(self)])


def calibration(y_true: Any, y_prob: Any, *, sample_weight: Any = None) -> Calibration:
    """Calibration slope and intercepts, by logistic regression of the outcome on the logit of the probability.

    Undefined with one class only, with outcomes that the probabilities part perfectly, with a single probability (the
    slope), and where a probability is exactly 0 or 1, for its logit is infinite (Cox 1958; Van Calster et al. 2016).

    Examples
    --------
    >>> c = calibration([1, 0, 0, 0, 1, 1, 1, 0], [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.75, 0.75])
    >>> round(c.slope, 6), round(abs(c.intercept), 6)
    (1.0, 0.0)
    """
    y, p, w = _labelled(y_true, y_prob, sample_weight)
    if not len(y) or ((p == 0) | (p == 1)).any():
        return Calibration(len(y), np.nan, np.nan, np.nan)
    x = logit(p)
    slope_line = _newton(np.column_stack([np.ones_like(x), x]), y, w, np.zeros_like(x))
    large = _newton(np.ones((len(x), 1)), y, w, x)
    return Calibration(len(y), float(slope_line[1]), float(slope_line[0]), float(large[0]))


def reliability(y_true: Any, y_prob: Any, *, bands: int | Sequence[float] = 10, unit: Any = None) -> pd.DataFrame:
    """Mean probability beside the observed share, band by band, with Wilson's 95 % interval on the distinct units.

    Bands are ``[from, to)``, the last one closed. A whole number asks for that many bands of about equal size; equal
    probabilities are never parted, so there may be fewer.

    Returns
    -------
    DataFrame
        ``band_from, band_to, n, n_labelled, positives, mean_probability`` (of the labelled), ``observed, low, high``.

    Examples
    --------
    >>> reliability([0, 1, 1, None], [0.1, 0.2, 0.9, 0.9], bands=[0, 0.5, 1])[
    ...     ["n", "n_labelled", "observed"]].values.tolist()
    [[2.0, 2.0, 0.5], [2.0, 1.0, 1.0]]
    """
    y = outcomes(y_true)
    p = probabilities(y_prob, len(y))
    units = np.arange(len(y)) if unit is None else coded("unit", unit, len(y))[0]
    edges = _edges(p, bands)
    band = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, len(edges) - 2)
    known = ~np.isnan(y)
    n, labelled, positives, total = (
        np.bincount(band, weights=w, minlength=len(edges) - 1) for w in (np.ones(len(y)), known, y == 1, p * known)
    )
    effective = [distinct_units(units, 1.0 * (known & (band == b))) for b in range(len(edges) - 1)]
    observed = ratio(positives, labelled)
    low, high = wilson(observed, effective)
    return pd.DataFrame(
        {
            "band_from": edges[:-1],
            "band_to": edges[1:],
            "n": n.astype(np.int64),
            "n_labelled": labelled.astype(np.int64),
            "positives": positives.astype(np.int64),
            "mean_probability": ratio(total, labelled),
            "observed": observed,
            "low": low,
            "high": high,
        }
    )


def _labelled(y_true: Any, y_prob: Any, sample_weight: Any) -> tuple[Floats, Floats, Floats]:
    y = outcomes(y_true)
    p, w = probabilities(y_prob, len(y)), weights(sample_weight, len(y))
    known = ~np.isnan(y)
    return y[known], p[known], w[known]


def _edges(p: Floats, bands: int | Sequence[float]) -> Floats:
    if not isinstance(bands, int):
        edges = np.asarray(bands, dtype=np.float64)
        if len(edges) < 2 or (np.diff(edges) <= 0).any() or ((p < edges[0]) | (p > edges[-1])).any():
            raise ValueError("bands are ascending edges, at least 2, and hold every probability")
        return edges
    if bands < 1:
        raise ValueError(f"bands is {bands}, expected at least 1")
    inner = np.quantile(p, np.linspace(0, 1, bands + 1)[1:-1]) if len(p) else np.array([])
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))


def _newton(X: Floats, y: Floats, w: Floats, offset: Floats) -> Floats:
    """The maximum-likelihood logistic line by Newton steps no longer than 1 (log-odds); NaN where there is none."""
    beta: Floats = np.zeros(X.shape[1])
    for _ in range(_STEPS):
        p = expit(offset + X @ beta)
        information = (X * (w * p * (1 - p))[:, None]).T @ X
        if np.linalg.cond(information) > 1 / np.finfo(float).eps or not np.isfinite(information).all():
            break
        step = np.linalg.solve(information, X.T @ (w * (y - p)))
        beta = beta + step * min(1.0, _LONGEST_STEP / max(np.abs(step).max(), _CONVERGED))
        if np.abs(step).max() < _CONVERGED:
            return beta
    return np.full(X.shape[1], np.nan)
