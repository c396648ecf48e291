"""Where one column is cut into bins: weighted quantiles, zero apart, no bin smaller than asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vru_models.models.card import Kind

_SLACK = 1e-9  # weights are summed in some order; a quantile is reached when it is reached to this share


@dataclass(frozen=True)
class Distinct:
    """The distinct known values of a column, increasing, each with its total weight."""

    values: NDArray[np.float64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, column: NDArray[np.float64], weights: NDArray[np.float64]) -> Distinct:
        """The distinct values of a column; NaN is left out."""
        known = ~np.isnan(column)
        values, weights = column[known], weights[known]
        if not len(values):
            return cls(values, weights)
        order = np.argsort(values)
        values, weights = values[order] + 0.0, weights[order]
        starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1])))
        return cls(values[starts], np.add.reduceat(weights, starts))

    @property
    def kind(self) -> Kind:
        """``flag`` for 0 and 1 alone, ``count`` for whole numbers from 0, else ``number``."""
        values = self.values
        if not len(values) or values[0] < 0 or (values % 1 != 0).any():
            return "number"
        return "flag" if values[-1] <= 1 else "count"

    def holds(self, value: float) -> bool:
        """Whether a value lies within the range that was seen."""
        return bool(len(self.values)) and bool(self.values[0] <= value <= self.values[-1])


def cut(distinct: Distinct, *, max_bins: int, min_bin: float) -> tuple[float, ...]:
    """Upper edges, inclusive, of at most ``max_bins`` bins that hold a weight of ``min_bin`` or more each.

    In a column without negative values zero is a bin of its own, and the remaining bins are quantiles of what is above
    zero: rare counts keep their resolution. Quantiles are inverse values of the weighted distribution function
    (Hyndman and Fan 1996, type 1), so a row of weight 2 is two rows. Edges that are not counts
    keep two digits of their smallest gap.

    Examples
    --------
    >>> column = np.array([0, 0, 0, 0, 1, 1, 2, 2, 5, 9], dtype=float)
    >>> cut(Distinct.of(column, np.ones(10)), max_bins=4, min_bin=2)
    (0.0, 1.0, 2.0)
    """
    values, weights = distinct.values, distinct.weights
    if len(values) < 2:
        return ()
    zero_apart = int(values[0] == 0)
    edges = _quantiles(values[zero_apart:], weights[zero_apart:], max_bins - zero_apart)
    edges = np.unique(np.concatenate(([0.0] * zero_apart, edges)))
    return _merge(_tidy(edges) if distinct.kind == "number" else edges, distinct, min_bin)


def _quantiles(values: NDArray[np.float64], weights: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    reached = np.cumsum(weights) / weights.sum() + _SLACK
    wanted = np.arange(1, bins) / bins
    return values[np.searchsorted(reached, wanted)]


def _tidy(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges with two digits of their smallest gap: readable, and seldom one person's exact value."""
    if len(edges) < 2:
        return edges
    decimals = 1 - int(np.floor(np.log10(np.diff(edges).min())))
    return np.round(edges, decimals) + 0.0 if abs(decimals) < 100 else edges


def _merge(edges: NDArray[np.float64], distinct: Distinct, min_bin: float) -> tuple[float, ...]:
    least = min_bin * (1 - _SLACK)
    below = np.concatenate(([0.0], np.cumsum(distinct.weights)))[np.searchsorted(distinct.values, edges, side="right")]
    total, taken, kept = float(distinct.weights.sum()), 0.0, []
    for edge, reached in zip(edges.tolist(), below.tolist(), strict=True):
        if reached - taken >= least and total - reached >= least:
            kept.append(edge)
            taken = reached
    return tuple(kept)
