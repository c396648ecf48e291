from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vru_models.models.rounding import area_under_curve, calibrate, neutral_points, round_half_even, to_points


def test_halves_go_to_the_even_number_whatever_the_last_bit():
    assert round_half_even(np.array([0.5, 1.5, 2.5 - 1e-13, 2.5 + 1e-13, -0.5])).tolist() == [0, 2, 2, 2, 0]


def test_the_largest_effect_carries_the_most_points_whatever_its_sign():
    points = to_points([np.array([0.0, 0.3]), np.array([-2.0, 0.0, 1.0])], 20)
    assert [p.tolist() for p in points] == [[0, 3], [-20, 0, 10]]


def test_no_effect_is_no_points():
    assert [p.tolist() for p in to_points([np.zeros(3)], 10)] == [[0, 0, 0]]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([3, 1], 1), ([7, 1], 0), ([1, 1], 2), ([0, 0], 0)],
)
def test_neutral_is_the_weighted_mean_with_halves_to_even(weights, expected):
    assert neutral_points(np.array([0, 4]), np.array(weights, dtype=float)) == expected


def test_calibration_agrees_with_logistic_regression():
    rng = np.random.default_rng(0)
    totals = np.arange(-10, 31)
    positive = rng.integers(1, 400, 41).astype(float)
    negative = np.round(positive * np.exp(1.0 - 0.2 * totals)) + 1
    sides, x = np.repeat([1, 0], 41), np.tile(totals, 2)[:, None]
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    peer.fit(x, sides, sample_weight=np.concatenate((positive, negative)))
    assert calibrate(totals, positive, negative) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=5e-3)


def test_the_slope_is_never_negative():
    slope, intercept = calibrate(np.array([0, 1]), np.array([50.0, 10.0]), np.array([50.0, 90.0]))
    assert slope == 0.0
    assert intercept == pytest.approx(np.log(60 / 140), abs=0.02)


def test_one_total_has_no_slope_and_the_base_rate():
    slope, intercept = calibrate(np.array([4]), np.array([100.0]), np.array([900.0]))
    assert (slope, intercept) == (0.0, pytest.approx(np.log(100 / 900), abs=0.001))


def test_outcomes_that_are_told_apart_fully_still_have_a_finite_slope():
    slope, _ = calibrate(np.array([0, 10]), np.array([0.0, 50.0]), np.array([50.0, 0.0]))
    assert slope == pytest.approx(2 * np.log(51) / 10, abs=1e-4)


def test_auc_is_that_of_the_repeated_rows():
    score, positive, negative = np.array([0, 2, 1]), np.array([1.0, 4.0, 2.0]), np.array([5.0, 1.0, 3.0])
    rows = np.concatenate((np.repeat(score, positive.astype(int)), np.repeat(score, negative.astype(int))))
    y = np.repeat([1, 0], [7, 9])
    assert area_under_curve(score, positive, negative) == pytest.approx(roc_auc_score(y, rows))
