"""Log-odds per bin: L2-penalised logistic regression on bins by cyclic block Newton, with shape constraints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, isotonic_regression

Floats = NDArray[np.float64]
_LONGEST_STEP = 2.0  # log-odds a bin may move in one block step: Newton is not to be trusted further
_LEVEL = 1e-12  # a mean that is 0
_SETTLED = 1e-3  # log-odds; a point is rarely worth less than a hundred times that


@dataclass(frozen=True)
class Patterns:
    """The distinct rows of a coded table, in their own order, with the weight of the two outcomes in each.

    Everything fitted depends on these alone: not on the order of rows, nor on whether a row is weighted or repeated.
    """

    codes: NDArray[np.uint8]  # (n_features, n_patterns)
    positive: Floats
    negative: Floats

    @property
    def weight(self) -> Floats:
        """Total weight of each pattern."""
        return self.positive + self.negative

    @classmethod
    def of(cls, codes: NDArray[np.uint8], positive: NDArray[np.bool_], weights: Floats) -> Patterns:
        """The patterns of codes of shape ``(n_features, n_rows)``."""
        order = np.argsort(weights, kind="stable")
        rows = np.ascontiguousarray(codes[:, order].T + np.uint8(1))
        text = rows.view(f"S{rows.shape[1]}").ravel()
        sorting = np.argsort(text, kind="stable")
        text, order = text[sorting], order[sorting]
        starts = np.flatnonzero(np.concatenate(([True], text[1:] != text[:-1])))
        totals = [np.add.reduceat(weights[order] * side[order], starts) for side in (positive, ~positive)]
        return cls(np.ascontiguousarray(codes[:, order[starts]]), *totals)

    def by_bin(self, feature: int, values: Floats, size: int) -> Floats:
        """Sums of a value per pattern over the bins of a feature."""
        return np.bincount(self.codes[feature], weights=values, minlength=size).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Shape:
    """What the effects of one feature may look like.

    ``direction`` is 1 (never falls), -1 (never rises) or 0. With ``capped`` no bin is above the reference bin. With
    ``fit_missing`` NaN, the code after the last bin, has an effect of its own; otherwise the average one.
    """

    bins: int
    direction: int
    reference: int
    capped: bool
    fit_missing: bool

    def project(self, target: Floats, weights: Floats) -> Floats:
        """The allowed effects nearest to a target, by weighted squares."""
        allowed = target.copy()
        shown, w = allowed[: self.bins], weights[: self.bins]
        if self.capped:
            self._cap(shown, w)
        if self.direction:
            shown[:] = isotonic_regression(shown, weights=w, increasing=self.direction > 0).x
        if self.capped and self.fit_missing:
            allowed[self.bins] = min(allowed[self.bins], shown[self.reference])
        return allowed

    def _cap(self, shown: Floats, w: Floats) -> None:
        """Level the bins that have to be level with the reference; the rest is for the pool of adjacent violators."""
        if self.direction:
            end = slice(self.reference, None) if self.direction > 0 else slice(None, self.reference + 1)
            shown[end] = np.average(shown[end], weights=w[end])
            return
        pool = [self.reference]
        for other in sorted(set(range(self.bins)) - {self.reference}, key=lambda i: -shown[i]):
            if shown[other] <= np.average(shown[pool], weights=w[pool]):
                break
            pool.append(other)
        shown[pool] = np.average(shown[pool], weights=w[pool])


@dataclass(frozen=True)
class Effects:
    """Fitted log-odds: one array per feature (bins, then NaN), relative to the average of the known cells."""

    values: list[Floats]
    log_odds: Floats  # per pattern
    sweeps: int
    settled: bool


def fit_effects(patterns: Patterns, shapes: list[Shape], *, l2: float, max_iter: int) -> Effects:
    """Effects that minimise the weighted logistic loss plus ``l2 / 2`` times their squares, within their shapes.

    The effects of a feature average 0 over its known cells; NaN, unless it has an effect of its own, has the effect 0.
    One block is one feature: its gradients and curvatures are two histograms over bins, and the Newton target is
    projected on the shape in the metric of the curvatures (pool adjacent violators: Ayer and others 1955). The problem
    is convex.
    """
    descent = _Descent(patterns, shapes, l2)
    sweeps, moved = 0, np.inf
    while sweeps < max_iter and moved > _SETTLED:
        sweeps += 1
        moved = max([descent.move_level(), *(descent.move(j) for j in range(len(shapes)))])
    return Effects(descent.values, np.log(descent.odds), sweeps, bool(moved <= _SETTLED))


class _Descent:
    def __init__(self, patterns: Patterns, shapes: list[Shape], l2: float) -> None:
        self.patterns, self.shapes, self.l2, self.weight = patterns, shapes, l2, patterns.weight
        sizes = [shape.bins + 1 for shape in shapes]
        self.known = [patterns.by_bin(j, self.weight, size) for j, size in enumerate(sizes)]
        self.positive = [patterns.by_bin(j, patterns.positive, size) for j, size in enumerate(sizes)]
        self.values = [np.zeros(size) for size in sizes]
        self.odds = np.full(len(self.weight), patterns.positive.sum() / patterns.negative.sum())
        for totals, shape in zip(self.known, shapes, strict=True):
            totals[shape.bins] *= shape.fit_missing

    def _curves(self) -> tuple[Floats, Floats]:
        """Expected positives of each pattern, and their variance."""
        expected = self.odds / (1.0 + self.odds)
        variance = expected * (1.0 - expected)
        expected *= self.weight
        variance *= self.weight
        return expected, variance

    def move_level(self) -> float:
        expected, variance = self._curves()
        step = np.clip((self.patterns.positive.sum() - expected.sum()) / variance.sum(), -_LONGEST_STEP, _LONGEST_STEP)
        self.odds *= np.exp(step)
        return abs(float(step))

    def move(self, j: int) -> float:
        shape, old = self.shapes[j], self.values[j]
        if shape.bins + shape.fit_missing < 2 or not self.known[j].any():
            return 0.0
        expected, variance = self._curves()
        slope = self.patterns.by_bin(j, expected, len(old)) - self.positive[j] + self.l2 * old
        curvature = self.patterns.by_bin(j, variance, len(old)) + self.l2
        if not shape.fit_missing:
            slope[shape.bins] = 0.0
        newton = old - slope / curvature
        step = _nearest_centred(shape, newton, curvature=curvature, weights=self.known[j]) - old
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        self.values[j] = old + step
        self.odds *= np.exp(step)[self.patterns.codes[j]]
        return float(np.abs(step).max())


def _nearest_centred(shape: Shape, target: Floats, *, curvature: Floats, weights: Floats) -> Floats:
    """The allowed effects of weighted mean 0 nearest to a target: shifted along that constraint, then projected."""
    normal = weights / curvature

    def mean_after(shift: float) -> float:
        return float(weights @ shape.project(target + shift * normal, curvature))

    shift = -float(weights @ target) / float(weights @ normal)
    if shape.direction or shape.capped:
        residual = mean_after(shift) / float(weights.sum())
        if abs(residual) < _LEVEL:
            return shape.project(target + shift * normal, curvature)
        reach = 1e-6 + abs(residual * float(weights.sum())) / float(weights @ normal)
        while mean_after(shift - reach) > 0 or mean_after(shift + reach) < 0:
            reach *= 2
        shift = float(brentq(mean_after, shift - reach, shift + reach, xtol=1e-12, rtol=1e-12))
    return shape.project(target + shift * normal, curvature)
