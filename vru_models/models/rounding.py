"""From log-odds to whole-number points, and from point totals to probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
DECIMALS = 6
_NO_EFFECT = 1e-3  # log-odds
_SLACK = 9  # decimals kept before rounding to whole numbers, so that an exact half stays one


def round_half_even(values: Floats | float) -> Whole:
    """Whole numbers nearest to the values, halves to the even one."""
    return np.asarray(np.rint(np.round(values, _SLACK)), dtype=np.int64)


def to_points(effects: list[Floats], max_points: int) -> list[Whole]:
    """Effects in whole points: one scale for all, on which the largest effect is ``max_points``.

    Examples
    --------
    >>> [p.tolist() for p in to_points([np.array([0.0, 0.5, 1.0]), np.array([0.0, -0.32])], 10)]
    [[0, 5, 10], [0, -3]]
    """
    largest = max(float(np.abs(values).max()) for values in effects)
    scale = max_points / largest if largest > _NO_EFFECT else 0.0
    return [round_half_even(values * scale) for values in effects]


def neutral_points(points: Whole, weights: Floats) -> int:
    """Weighted mean of the points over the known cells, halves to the even number; 0 when nothing is known."""
    return int(round_half_even(np.average(points, weights=weights))) if weights.any() else 0


def calibrate(totals: Whole, positive: Floats, negative: Floats) -> tuple[float, float]:
    """Slope (never negative) and intercept of the log-odds on the score, to 6 decimals.

    Maximum likelihood with the smoothed targets of Platt (1999), ``(P + 1) / (P + 2)`` and ``1 / (N + 2)``: finite
    when the score separates the outcomes, and without effect on the mean.

    Examples
    --------
    >>> calibrate(np.array([0, 1]), np.array([100.0, 500.0]), np.array([900.0, 500.0]))
    (2.190053, -2.191949)
    """
    centre, spread = np.average(totals, weights=positive + negative), max(1.0, float(np.ptp(totals)))
    x = (totals - centre) / spread
    n_positive, n_negative = positive.sum(), negative.sum()
    high, low = (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2)
    weight, wanted = positive + negative, positive * high + negative * low

    def loss(beta: Floats) -> tuple[float, Floats]:
        z = beta[0] + beta[1] * x
        error = weight * expit(z) - wanted
        return float(weight @ np.logaddexp(0, z) - wanted @ z) / n_all, np.array([error.sum(), error @ x]) / n_all

    n_all = weight.sum()
    start = np.array([logit(wanted.sum() / n_all), 0.0])
    if not np.ptp(totals):
        return 0.0, round(float(start[0]), DECIMALS)
    found = minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(None, None), (0, None)],
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    slope = round(float(found.x[1]) / spread, DECIMALS)
    return slope, round(float(found.x[0]) - slope * float(centre), DECIMALS)


def area_under_curve(score: Floats | Whole, positive: Floats, negative: Floats) -> float:
    """AUC of a score over patterns with weights of either outcome, ties counted half."""
    sides = np.repeat([1, 0], len(score))
    return float(roc_auc_score(sides, np.tile(score, 2), sample_weight=np.concatenate((positive, negative))))
