from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from vru_models.evaluation.calibration import auc, brier_score, calibration, reliability
from vru_models.evaluation.intervals import wilson


def sample(seed=0, n=500):
    rng = np.random.default_rng(seed)
    p = rng.choice(np.linspace(0.05, 0.95, 19), n)
    return (rng.random(n) < p**1.5).astype(float), p, rng.random(n)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_brier_agree_with_scikit_learn(seed):
    y, p, w = sample(seed)
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p))
    assert auc(y, p, sample_weight=w) == pytest.approx(roc_auc_score(y, p, sample_weight=w))
    assert brier_score(y, p, sample_weight=w) == pytest.approx(brier_score_loss(y, p, sample_weight=w))


def test_auc_of_ties_is_a_half():
    assert auc([1, 0], [3, 3]) == 0.5


def test_auc_with_one_class_and_brier_with_no_label_are_undefined():
    assert np.isnan(auc([1, 1], [1, 2]))
    assert np.isnan(brier_score([None], [0.5]))


def test_the_recalibration_line_agrees_with_scikit_learn():
    y, p, w = sample()
    x = np.log(p / (1 - p))[:, None]
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(x, y, sample_weight=w)
    c = calibration(y, p, sample_weight=w)
    assert (c.slope, c.intercept) == pytest.approx((peer.coef_[0, 0], peer.intercept_[0]), abs=1e-4)


def test_calibration_in_the_large_makes_the_mean_right():
    y, p, _ = sample()
    c = calibration(y, p)
    shifted = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + c.in_the_large)))
    assert shifted.mean() == pytest.approx(y.mean())


def test_probabilities_twice_too_extreme_have_a_slope_of_a_half():
    y, p = [1, 0, 0, 0, 1, 1, 1, 0], [0.1] * 4 + [0.9] * 4
    c = calibration(y, p)
    assert c.slope == pytest.approx(np.log(3) / np.log(9))
    assert c.frame().columns.tolist() == ["n", "slope", "intercept", "in_the_large"]


@pytest.mark.parametrize(
    ("y", "p"),
    [([1, 1], [0.4, 0.6]), ([0, 1], [0.4, 0.6]), ([0, 1], [0.0, 0.5]), ([None], [0.5]), ([0, 1], [0.5, 1.0])],
)
def test_a_slope_that_does_not_exist_is_undefined(y, p):
    assert np.isnan(calibration(y, p).slope)


def test_a_single_probability_has_no_slope_but_is_right_or_wrong_in_the_large():
    c = calibration([1, 0, 0, 0], [0.5] * 4)
    assert np.isnan(c.slope)
    assert c.in_the_large == pytest.approx(np.log(1 / 3))


def test_probabilities_far_too_low_are_told_by_how_much():
    assert calibration([1, 0] * 20, [1e-4] * 40).in_the_large == pytest.approx(np.log(9999))


def test_a_line_that_does_not_settle_is_undefined(monkeypatch):
    monkeypatch.setattr("vru_models.evaluation.calibration._STEPS", 1)
    y, p, _ = sample()
    assert np.isnan(calibration(y, p).slope)


def test_bands_hold_their_lower_edge_and_the_last_its_upper():
    t = reliability([0, 1, 1, None], [0.0, 0.5, 1.0, 0.5], bands=[0, 0.5, 1])
    assert t[["n", "n_labelled", "positives"]].to_numpy().tolist() == [[1, 1, 0], [3, 2, 2]]
    assert t["mean_probability"].tolist() == [0, 0.75]


def test_an_empty_band_is_undefined():
    t = reliability([1], [0.9], bands=[0, 0.5, 1]).iloc[0]
    assert t["n"] == 0
    assert t[["observed", "low", "high", "mean_probability"]].isna().all()


def test_equal_probabilities_share_a_band():
    t = reliability([0, 1] * 10, [0.2] * 10 + [0.7] * 10, bands=5)
    assert t.loc[t["n"] > 0, "n"].tolist() == [10, 10]


def test_the_interval_of_a_band_rests_on_distinct_people():
    t = reliability([1, 0, 1, 0], [0.5] * 4, bands=[0, 1], unit=["p", "p", "q", "q"]).iloc[0]
    assert (t["low"], t["high"]) == pytest.approx(tuple(map(float, wilson(0.5, 2))))


@pytest.mark.parametrize("bands", [[0.5], [0, 0], [0, 0.3]])
def test_bands_that_do_not_hold_every_probability_are_refused(bands):
    with pytest.raises(ValueError, match="bands are ascending edges"):
        reliability([1], [0.5], bands=bands)


def test_no_bands_are_refused():
    with pytest.raises(ValueError, match="expected at least 1"):
        reliability([1], [0.5], bands=0)


def test_nobody_has_one_empty_band():
    assert reliability([], [], bands=10)["n"].tolist() == [0]
