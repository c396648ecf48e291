from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from vru_models.evaluation.intervals import newcombe_p_value, newcombe_upper
from vru_models.fairness.measures import MEASURES
from vru_models.fairness.verdict import Side, holm, judge

LARGE = Side(
    measure=MEASURES["recall"],
    limit=0.10,
    attribute="sex",
    group="M",
    units=(400.0, 600.0),
    rates=(0.50, 0.55),
    sizes=(200.0, 300.0),
    effective=(200.0, 300.0),
    spread=0.04,
)


def one(side, min_group=30):
    return judge([side], min_group).iloc[0]


def test_holm_multiplies_the_smallest_most_and_never_falls():
    assert holm(np.array([0.01, 0.02, 0.03])).tolist() == pytest.approx([0.03, 0.04, 0.04])


def test_holm_never_exceeds_1_and_keeps_the_place_of_what_was_not_tested():
    assert holm(np.array([0.5, np.nan, 0.6])).tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert holm(np.array([0.01, np.nan]))[0] == pytest.approx(0.02)


def test_p_and_bound_come_from_the_bootstrap_error_where_counts_are_large():
    row = one(LARGE)
    assert row[["gap", "upper", "p"]].tolist() == pytest.approx(
        [0.05, 0.05 + 1.6449 * 0.04, norm.sf(-0.05 / 0.04)], abs=1e-4
    )
    assert row["method"] == "bootstrap"


def test_p_and_bound_come_from_newcombe_where_counts_are_small():
    side = replace(LARGE, sizes=(40.0, 300.0), effective=(35.0, 300.0))
    row = one(side)
    assert row["method"] == "newcombe"
    assert row["p"] == pytest.approx(newcombe_p_value(0.55, 300, p2=0.50, n2=35, limit=0.10))
    assert row["upper"] == pytest.approx(newcombe_upper(0.55, 300, p2=0.50, n2=35))


def test_for_false_omission_the_group_itself_comes_first():
    side = replace(
        LARGE, measure=MEASURES["false_omission_rate"], rates=(0.2, 0.1), sizes=(40.0, 300.0), effective=(40.0, 300.0)
    )
    row = one(side)
    assert row["gap"] == pytest.approx(0.1)
    assert row["p"] == pytest.approx(0.5, abs=1e-6)


def test_a_bound_under_the_limit_passes():
    assert one(replace(LARGE, spread=0.03))["status"] == "pass"


def test_a_bound_at_the_limit_cannot_tell():
    spread = 0.05 / norm.isf(0.05)
    assert one(replace(LARGE, spread=spread * 1.0001))["status"] == "cannot tell"
    assert one(replace(LARGE, spread=spread * 0.9999))["status"] == "pass"


def test_a_gap_beyond_the_limit_fails_only_when_it_is_sure():
    wide = replace(LARGE, rates=(0.40, 0.55))
    assert one(replace(wide, spread=0.03))["status"] == "fail"
    assert one(wide)["status"] == "cannot tell"


def test_a_family_makes_failing_harder():
    side = replace(LARGE, rates=(0.40, 0.55), spread=0.028)
    assert one(side)["status"] == "fail"
    family = judge([side, *[replace(LARGE, group=f"g{i}") for i in range(9)]], 30)
    assert family["status"].iloc[0] == "cannot tell"


def test_below_min_group_nothing_is_told_and_at_min_group_it_is():
    assert one(replace(LARGE, units=(29.0, 600.0)))[["method", "status"]].tolist() == ["too few", "cannot tell"]
    assert one(replace(LARGE, units=(600.0, 29.0)))["status"] == "cannot tell"
    assert one(replace(LARGE, units=(30.0, 600.0), spread=0.01))["status"] == "pass"


def test_an_undefined_rate_cannot_tell():
    row = one(replace(LARGE, rates=(float("nan"), 0.55), sizes=(0.0, 300.0), effective=(0.0, 300.0)))
    assert row[["method", "status"]].tolist() == ["undefined", "cannot tell"]


def test_a_gap_without_spread_is_certain():
    assert one(replace(LARGE, spread=0.0))["status"] == "pass"
    assert one(replace(LARGE, rates=(0.3, 0.55), spread=0.0))["status"] == "fail"


def test_a_group_that_is_everyone_is_not_applicable():
    assert one(replace(LARGE, units=(900.0, 0.0), rates=(0.5, float("nan"))))["status"] == "not applicable"


def test_the_size_that_would_tell_does_tell():
    row = one(LARGE)
    shrunk = replace(LARGE, spread=LARGE.spread * np.sqrt(400 / row["units_needed"]))
    assert row["units_needed"] > 400
    assert one(shrunk)["status"] == "pass"
    assert (
        one(replace(LARGE, spread=LARGE.spread * np.sqrt(400 / (row["units_needed"] - 2))))["status"] == "cannot tell"
    )


def test_a_larger_gap_than_the_limit_is_settled_by_failing():
    side = replace(LARGE, rates=(0.40, 0.55))
    needed = one(side)["units_needed"]
    assert one(replace(side, spread=side.spread * np.sqrt(400 / needed)))["status"] == "fail"


def test_a_gap_equal_to_the_limit_is_settled_by_no_size():
    assert np.isnan(one(replace(LARGE, rates=(0.25, 0.5), limit=0.25))["units_needed"])


def test_a_group_that_cannot_be_measured_needs_what_no_gap_would_take():
    # 1.6449^2 x 0.5 x 0.5 / 0.1^2 = 67.6 positives; everyone else has one for every two people
    row = one(replace(LARGE, units=(12.0, 600.0), rates=(0.3, 0.5)))
    assert row["units_needed"] == 136


def test_no_size_is_named_where_everyone_else_tells_nothing():
    assert np.isnan(one(replace(LARGE, units=(12.0, 600.0), rates=(0.3, float("nan"))))["units_needed"])
