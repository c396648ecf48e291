from __future__ import annotations

import numpy as np
import pytest

from vru_models.evaluation.decision import decision_curve


def naive(y, p, t):
    offered = [(a, b >= t) for a, b in zip(y, p, strict=True) if not np.isnan(a)]
    true = sum(1 for a, o in offered if o and a == 1)
    false = sum(1 for a, o in offered if o and a == 0)
    return (true - false * t / (1 - t)) / len(offered)


def test_net_benefit_as_worked_by_hand():
    # threshold 0.2: all three at or above it, 2 of them right: (2 - 1 x 0.25) / 4
    t = decision_curve([1, 0, 1, 0, None], [0.9, 0.2, 0.4, 0.1, 0.8], thresholds=[0.2]).iloc[0]
    assert t[["n_labelled", "offered", "net_benefit", "net_benefit_none"]].tolist() == pytest.approx(
        [4, 0.75, 0.4375, 0]
    )
    assert t["net_benefit_all"] == pytest.approx((2 - 2 * 0.25) / 4)


def test_the_curve_agrees_with_its_definition():
    rng = np.random.default_rng(0)
    y, p = rng.choice([0, 1, np.nan], 300, p=[0.6, 0.3, 0.1]), np.round(rng.random(300), 1)
    cuts = [0.05, 0.1, 0.3, 0.5, 0.99]
    assert decision_curve(y, p, thresholds=cuts)["net_benefit"].tolist() == pytest.approx(
        [naive(y, p, t) for t in cuts]
    )


def test_nobody_labelled_is_undefined():
    assert decision_curve([None], [0.5], thresholds=[0.5])[["net_benefit", "net_benefit_none"]].isna().all(axis=None)


@pytest.mark.parametrize("t", [0.0, 1.0])
def test_a_threshold_of_0_or_1_is_refused(t):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        decision_curve([1], [0.5], thresholds=[t])
