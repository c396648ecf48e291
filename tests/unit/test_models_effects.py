from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from vru_models.models.effects import Patterns, Shape, fit_effects

ONES = np.ones(4)


def shape(direction=0, *, reference=0, capped=False, bins=4, fit_missing=False):
    return Shape(bins=bins, direction=direction, reference=reference, capped=capped, fit_missing=fit_missing)


def nearest(kind, target, weights=ONES):
    return kind.project(np.array(target, dtype=float), np.array(weights, dtype=float)).tolist()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (shape(), [1, 3, 2, 6]),
        (shape(1), [1, 2.5, 2.5, 6]),
        (shape(-1), [3, 3, 3, 3]),
        (shape(capped=True), [3.5, 3, 2, 3.5]),
        (shape(capped=True, reference=3), [1, 3, 2, 6]),
        (shape(-1, capped=True, reference=3), [3, 3, 3, 3]),
        (shape(1, capped=True), [3, 3, 3, 3]),
        (shape(1, capped=True, reference=2), [1, 3, 4, 4]),
    ],
)
def test_projections_worked_by_hand(kind, expected):
    assert nearest(kind, [1, 3, 2, 6]) == pytest.approx(expected)


def test_violators_are_pooled_by_weight():
    assert nearest(shape(1, bins=2), [4, 0], [3, 1]) == [3, 3]


def test_missing_is_never_above_a_capped_reference():
    assert nearest(shape(capped=True, bins=2, fit_missing=True), [0, -1, 5], [1, 1, 1]) == [0, -1, 0]


def test_patterns_do_not_depend_on_the_order_of_rows_or_on_repetition():
    codes = np.array([[1, 0, 1, 2], [0, 0, 0, 3]], dtype=np.uint8)
    weights = np.array([2.0, 1.0, 3.0, 0.5])
    positive = np.array([True, False, False, True])
    whole = Patterns.of(codes, positive, weights)
    assert whole.codes.tolist() == [[0, 1, 2], [0, 0, 3]]
    assert (whole.positive.tolist(), whole.negative.tolist()) == ([0.0, 2.0, 0.5], [1.0, 3.0, 0.0])
    turned = Patterns.of(codes[:, ::-1], positive[::-1], weights[::-1])
    assert turned.codes.tolist() == whole.codes.tolist()


def small_problem(seed):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, size=(2, 300)).astype(np.uint8)  # code 3 is NaN
    eta = np.array([-0.5, 0.8, 0.2, 0.0])[codes[0]] + np.array([0.3, -0.6, 1.0, 0.0])[codes[1]] - 1
    return Patterns.of(codes, rng.random(300) < expit(eta), rng.uniform(0.5, 2, 300))


def slow_fit(patterns, shapes, l2):
    """The same convex problem for a general solver: level, then three effects of either feature."""
    known = [patterns.by_bin(j, patterns.weight, 4)[:3] for j in range(2)]

    def loss(b):
        effects = [np.append(b[1:4], 0.0), np.append(b[4:7], 0.0)]
        eta = b[0] + effects[0][patterns.codes[0]] + effects[1][patterns.codes[1]]
        return patterns.weight @ np.logaddexp(0, eta) - patterns.positive @ eta + l2 / 2 * (b[1:] @ b[1:])

    rules = [
        {"type": "eq", "fun": lambda b, j=j: known[j] @ b[1 + 3 * j : 4 + 3 * j] / known[j].sum()} for j in range(2)
    ]
    for j, kind in enumerate(shapes):
        part = slice(1 + 3 * j, 4 + 3 * j)
        if kind.direction:
            rules.append({"type": "ineq", "fun": lambda b, p=part, d=kind.direction: d * np.diff(b[p])})
        if kind.capped:
            rules.append({"type": "ineq", "fun": lambda b, p=part, r=kind.reference: b[p][r] - b[p]})
    return minimize(loss, np.zeros(7), constraints=rules, method="SLSQP", options={"ftol": 1e-12, "maxiter": 500}).x


@pytest.mark.parametrize(
    "kinds",
    [
        (shape(bins=3), shape(bins=3)),
        (shape(1, bins=3), shape(-1, bins=3)),
        (shape(bins=3, capped=True), shape(-1, bins=3, capped=True, reference=1)),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_fit_is_the_optimum_that_a_general_solver_finds(kinds, seed):
    patterns = small_problem(seed)
    effects = fit_effects(patterns, list(kinds), l2=3.0, max_iter=100)
    ours = np.concatenate([values[:3] for values in effects.values])
    assert effects.settled
    assert ours == pytest.approx(slow_fit(patterns, kinds, 3.0)[1:], abs=3e-3)


def test_neutral_missing_has_no_effect_and_fitted_missing_has_one():
    patterns = small_problem(2)
    neutral = fit_effects(patterns, [shape(bins=3)] * 2, l2=1.0, max_iter=50)
    fitted = fit_effects(patterns, [shape(bins=3, fit_missing=True)] * 2, l2=1.0, max_iter=50)
    assert [values[3] for values in neutral.values] == [0.0, 0.0]
    assert all(abs(values[3]) > 0.01 for values in fitted.values)


def test_one_sweep_is_not_called_settled():
    effects = fit_effects(small_problem(3), [shape(bins=3)] * 2, l2=1.0, max_iter=1)
    assert (effects.sweeps, effects.settled) == (1, False)
