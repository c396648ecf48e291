"""How sure a figure is: Wilson and Newcombe for small counts, the bootstrap over people or households otherwise."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from vru_models.evaluation.arrays import Floats

SMALL_COUNT = 30
_FAR = 40.0
_MOST_DECIMALS = 6


def wilson(p: Any, n: Any, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """The score interval of a proportion ``p`` of ``n`` (Wilson 1927); NaN where ``n`` is 0.

    ``n`` is the effective number, the distinct people or households in the denominator, and need not be whole.

    Examples
    --------
    >>> low, high = wilson(0.0, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (0.0, 0.278)
    """
    return _wilson(p, n, norm.isf((1 - level) / 2))


def newcombe(
    p1: float, n1: float, *, p2: float, n2: float, correlation: float = 0.0, level: float = 0.95
) -> tuple[float, float]:
    """The interval of ``p1 - p2`` from the two Wilson intervals; NaN where either ``n`` is 0.

    Independent proportions: Newcombe (1998) Stat Med 17:873-890, method 10. Proportions that share people: Newcombe
    (1998) Stat Med 17:2635-2650, method 10, with ``correlation`` that of the two estimates.

    Examples
    --------
    >>> low, high = newcombe(56 / 70, 70, p2=48 / 80, n2=80)
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    z = float(norm.isf((1 - level) / 2))
    return tuple(_newcombe_bound(p1, n1, p2, n2, z=sign * z, correlation=correlation) for sign in (1, -1))  # type: ignore[return-value]


def newcombe_p_value(p1: float, n1: float, *, p2: float, n2: float, limit: float) -> float:
    """The one-sided p-value of ``p1 - p2`` being at most ``limit``: the level at which Newcombe's bound reaches it.

    Examples
    --------
    >>> low, _ = newcombe(0.8, 70, p2=0.6, n2=80, level=0.90)
    >>> round(newcombe_p_value(0.8, 70, p2=0.6, n2=80, limit=low), 6)
    0.05
    """
    if not (n1 > 0 and n2 > 0):
        return float("nan")

    def above(z: float) -> float:
        return _newcombe_bound(p1, n1, p2, n2, z=z) - limit

    if above(-_FAR) <= 0:
        return 1.0
    return 0.0 if above(_FAR) >= 0 else float(norm.sf(brentq(above, -_FAR, _FAR, xtol=1e-10)))


def newcombe_upper(p1: float, n1: float, *, p2: float, n2: float, level: float = 0.95) -> float:
    """The one-sided upper bound of ``p1 - p2``."""
    return _newcombe_bound(p1, n1, p2, n2, z=-float(norm.isf(1 - level)))


def counts_are_small(p: float, denominator: float) -> bool:
    """Whether a denominator holds fewer than 30 positives or negatives (0 of n and n of n included)."""
    return not min(p * denominator, (1 - p) * denominator) >= SMALL_COUNT


def rate_interval(
    estimate: float, *, denominator: float, n_units: float, replicates: Floats, level: float = 0.95
) -> tuple[float, float, str]:
    """Low, high and method for a rate: Wilson on the effective n where counts are small, else bootstrap percentiles.

    Examples
    --------
    >>> rate_interval(float("nan"), denominator=0, n_units=0, replicates=np.array([]))
    (nan, nan, 'undefined')
    """
    if np.isnan(estimate):
        return float("nan"), float("nan"), "undefined"
    if counts_are_small(estimate, denominator):
        low, high = wilson(estimate, n_units, level=level)
        return float(low), float(high), "wilson"
    return (*interval(replicates, level=level), "bootstrap")


def interval(replicates: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of a figure from its replicates; those in which it is undefined are left out.

    Examples
    --------
    >>> interval(np.array([0.2, 0.2, 0.2, float("nan")]))
    (0.2, 0.2)
    """
    defined = replicates[~np.isnan(replicates)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def decimals(*figures: float, least: int = 2) -> int:
    """The fewest decimals, from ``least`` to 6, at which no two of the figures that differ are printed alike.

    Examples
    --------
    >>> decimals(0.044, 0.056), decimals(0.052, 0.049), decimals(0.5, 0.5)
    (2, 3, 2)
    """
    pairs = [(a, b) for a, b in combinations(figures, 2) if round(a, _MOST_DECIMALS) != round(b, _MOST_DECIMALS)]
    fit = (d for d in range(least, _MOST_DECIMALS) if all(f"{a:.{d}f}" != f"{b:.{d}f}" for a, b in pairs))
    return next(fit, _MOST_DECIMALS)


def _wilson(p: Any, n: Any, z: float) -> tuple[Floats, Floats]:
    share, size = np.broadcast_arrays(np.asarray(p, dtype=np.float64), np.asarray(n, dtype=np.float64))
    size = np.where(size > 0, size, np.nan)
    centre = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    low = np.where(share == 0, np.where(np.isnan(size), np.nan, 0.0), np.clip(centre - half, 0, 1))
    high = np.where(share == 1, np.where(np.isnan(size), np.nan, 1.0), np.clip(centre + half, 0, 1))
    return low, high


def _newcombe_bound(p1: float, n1: float, p2: float, n2: float, *, z: float, correlation: float = 0.0) -> float:
    """The lower bound of ``p1 - p2`` for z above 0, the upper bound for z below 0: one falling function of z."""
    (low1, high1), (low2, high2) = _wilson(p1, n1, abs(z)), _wilson(p2, n2, abs(z))
    first, second = (p1 - low1, high2 - p2) if z > 0 else (high1 - p1, p2 - low2)
    width = np.sqrt(np.maximum(first**2 - 2 * correlation * first * second + second**2, 0.0))
    return float(p1 - p2 - np.sign(z) * width)
