"""The verdict on a gap: fail, pass or cannot tell; and the size that would tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from vru_models.evaluation.arrays import Floats
from vru_models.evaluation.intervals import counts_are_small, newcombe_p_value, newcombe_upper
from vru_models.fairness.measures import Measure
from vru_models.findings import Status

ALPHA = 0.05
_Z = float(norm.isf(ALPHA))
_LARGEST_SIZE = 100_000
_STEP = 1.02
Pair = tuple[float, float]
VERDICTS = [
    "measure", "attribute", "group", "n_units", "rate", "rest", "gap", "limit", "upper", "p", "p_adjusted", "method",
    "status", "units_needed",
]  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One group beside everyone else in one measure; pairs are (group, everyone else).

    Parameters
    ----------
    units
        Distinct people or households altogether.
    sizes, effective
        The denominators in rows and in distinct units.
    spread
        The bootstrap standard error of the gap.
    """

    measure: Measure
    limit: float
    attribute: str
    group: str
    units: Pair
    rates: Pair
    sizes: Pair
    effective: Pair
    spread: float

    @property
    def gap(self) -> float:
        """How far the group is worse off, in the measure's own direction of harm; NaN where a rate is undefined."""
        return float(self.measure.gap(*self.rates))

    def tested(self, min_group: int) -> tuple[float, float, str]:
        """Upper bound, p-value of a gap at most the limit, and the method."""
        if min(self.units) < min_group:
            return float("nan"), float("nan"), "too few"
        if math.isnan(self.gap):
            return float("nan"), float("nan"), "undefined"
        if any(counts_are_small(p, n) for p, n in zip(self.rates, self.sizes, strict=True)):
            p1, n1, p2, n2 = self._worse_off_first()
            upper = newcombe_upper(p1, n1, p2=p2, n2=n2, level=1 - ALPHA)
            return upper, newcombe_p_value(p1, n1, p2=p2, n2=n2, limit=self.limit), "newcombe"
        beyond = self.gap - self.limit
        z = beyond / self.spread if self.spread else math.copysign(math.inf, beyond)
        return self.gap + _Z * self.spread, float(norm.sf(z)), "bootstrap"

    def _worse_off_first(self) -> tuple[float, float, float, float]:
        (group, rest), (n_group, n_rest) = self.rates, self.effective
        return (rest, n_rest, group, n_group) if self.measure.harm == "lower" else (group, n_group, rest, n_rest)

    def units_needed(self, upper: float, *, method: str, critical: float, min_group: int) -> float:
        """The size of the group that would settle such a gap, everyone else growing with it.

        A gap under its limit is settled when its upper bound is too, one above it when its adjusted p is below .05.
        Bootstrap standard errors fall with the root of the size; by Newcombe's method sizes are tried, each 2 % larger.
        Where the gap cannot be measured yet, the size is the one at which no gap at all would pass. NaN where 100,000
        would not do, as at a gap that equals its limit.
        """
        if math.isnan(upper):
            return self._named(max(self._units_for_no_gap(), float(min_group)))
        if method == "newcombe":
            return self._units_by_newcombe(float(norm.sf(critical)))
        error, margin = (upper - self.gap) / _Z, self.limit - self.gap
        z = _Z if margin > 0 else critical
        if not margin:
            return float("nan")
        return self._named(max(self.units[0] * (z * error / margin) ** 2, self.units[0] + 1))

    def _units_by_newcombe(self, alpha: float) -> float:
        p1, n1, p2, n2 = self._worse_off_first()
        size = self.units[0] + 1
        while size <= _LARGEST_SIZE:
            more = size / self.units[0]
            grown = {"n1": n1 * more, "p2": p2, "n2": n2 * more}
            passes = newcombe_upper(p1, **grown, level=1 - ALPHA) < self.limit
            if passes or newcombe_p_value(p1, **grown, limit=self.limit) < alpha:
                return float(math.ceil(size))
            size = max(size + 1, size * _STEP)
        return float("nan")

    @staticmethod
    def _named(size: float) -> float:
        return float(math.ceil(size)) if size <= _LARGEST_SIZE else float("nan")

    def _units_for_no_gap(self) -> float:
        """From the rate and the denominator per unit of everyone else; NaN where these are unknown."""
        rate, per_unit = self.rates[1], self.effective[1] / self.units[1] if self.units[1] else 0.0
        if math.isnan(rate) or not per_unit or not self.limit:
            return float("nan")
        return _Z**2 * rate * (1 - rate) / self.limit**2 / per_unit


def holm(p: Floats) -> Floats:
    """Holm's (1979) adjusted p-values; a test that could not be made (NaN) keeps its place in the family.

    Examples
    --------
    >>> holm(np.array([0.01, np.nan, 0.04, 0.03]))
    array([0.04, nan, 0.09, 0.09])
    """
    order = np.argsort(p)
    factors = len(p) - np.arange(len(p))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted


def judge(sides: Sequence[Side], min_group: int) -> pd.DataFrame:
    """One row per comparison with its verdict; p-values are adjusted over all of them."""
    tests = [side.tested(min_group) for side in sides]
    adjusted = holm(np.array([p for _, p, _ in tests]))
    critical = float(norm.isf(ALPHA / len(sides)))
    rows = []
    for side, (upper, p, method), p_adjusted in zip(sides, tests, adjusted, strict=True):
        status = _status(side, upper, p_adjusted)
        needed = (
            side.units_needed(upper, method=method, critical=critical, min_group=min_group)
            if status == "cannot tell"
            else float("nan")
        )
        rows.append(
            (
                side.measure.name, side.attribute, side.group, round(side.units[0]), *side.rates, side.gap, side.limit,
                upper, p, p_adjusted, method, status, needed,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=VERDICTS)


def _status(side: Side, upper: float, p_adjusted: float) -> Status:
    if not side.units[1]:
        return "not applicable"
    if p_adjusted < ALPHA:
        return "fail"
    return "pass" if upper < side.limit else "cannot tell"
