from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from vru_models.evaluation.intervals import (
    counts_are_small,
    decimals,
    interval,
    newcombe,
    newcombe_p_value,
    newcombe_upper,
    rate_interval,
    wilson,
)  # fmt: skip


@pytest.mark.parametrize(("x", "n"), [(0, 10), (10, 10), (1, 10), (7, 29), (81, 263)])
def test_wilson_agrees_with_scipy(x, n):
    low, high = wilson(x / n, n)
    peer = binomtest(x, n).proportion_ci(method="wilson")
    assert (float(low), float(high)) == pytest.approx((peer.low, peer.high), abs=1e-12)


def test_wilson_of_nobody_is_undefined():
    assert np.isnan(wilson(0.0, 0)).all()
    assert np.isnan(wilson(1.0, 0)).all()


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "low", "high"),
    [  # Newcombe (1998) Stat Med 17:873-890, table II, method 10
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (10, 10, 0, 20, 0.6791, 1.0),
        (5, 56, 0, 29, -0.0381, 0.1926),
    ],
)
def test_newcombe_gives_the_published_intervals(x1, n1, x2, n2, low, high):
    assert newcombe(x1 / n1, n1, p2=x2 / n2, n2=n2) == pytest.approx((low, high), abs=6e-5)


def test_newcombe_for_shared_people_gives_the_published_interval():
    # Newcombe (1998) Stat Med 17:2635-2650: pairs e = 36, f = 12, g = 2, h = 0, phi = -0.0714 after its correction
    p1, p2, phi = 48 / 50, 38 / 50, -24 / np.sqrt(48 * 2 * 38 * 12)
    low, high = newcombe(p1, 50, p2=p2, n2=50, correlation=phi)
    assert (low, high) == pytest.approx((0.0569, 0.3404), abs=6e-5)


def test_what_lists_share_narrows_the_interval():
    apart, shared = (newcombe(0.5, 50, p2=0.4, n2=50, correlation=c) for c in (0.0, 0.8))
    assert shared[1] - shared[0] < (apart[1] - apart[0]) / 2


def test_the_p_value_at_the_upper_bound_is_its_level():
    upper = newcombe_upper(0.3, 40, p2=0.25, n2=60)
    assert newcombe_p_value(0.3, 40, p2=0.25, n2=60, limit=upper) == pytest.approx(0.95)


def test_the_p_value_at_the_gap_itself_is_a_half():
    assert newcombe_p_value(0.3, 40, p2=0.25, n2=60, limit=0.05) == pytest.approx(0.5, abs=1e-6)


def test_the_p_value_nears_the_large_sample_one():
    p1, p2, n = 0.35, 0.30, 40_000
    z = (p1 - p2 - 0.04) / np.sqrt(p1 * (1 - p1) / n + p2 * (1 - p2) / n)
    assert newcombe_p_value(p1, n, p2=p2, n2=n, limit=0.04) == pytest.approx(norm.sf(z), rel=0.02)


def test_an_impossible_limit_is_never_exceeded_and_an_empty_side_is_undefined():
    assert newcombe_p_value(0.5, 30, p2=0.5, n2=30, limit=1.0) == 1
    assert np.isnan(newcombe_p_value(0.5, 0, p2=0.5, n2=30, limit=0.1))


def test_a_gap_beyond_doubt_has_a_p_value_of_0():
    assert newcombe_p_value(1.0, 1e9, p2=0.0, n2=1e9, limit=0.1) == 0


@pytest.mark.parametrize(("p", "n", "small"), [(0.5, 60, False), (0.5, 59, True), (0.0, 900, True), (1.0, 900, True)])
def test_counts_are_small_below_30_positives_or_negatives(p, n, small):
    assert counts_are_small(p, n) is small


def test_an_undefined_rate_counts_as_small():
    assert counts_are_small(float("nan"), 0)


def test_exactly_30_of_each_uses_the_bootstrap():
    replicates = np.array([0.4, 0.5, 0.6])
    assert rate_interval(0.5, denominator=60, n_units=60, replicates=replicates)[2] == "bootstrap"
    assert rate_interval(0.5, denominator=59, n_units=59, replicates=replicates)[2] == "wilson"


def test_the_wilson_interval_rests_on_units_not_rows():
    low, high, _ = rate_interval(0.5, denominator=40, n_units=10, replicates=np.array([]))
    assert (low, high) == pytest.approx(tuple(map(float, wilson(0.5, 10))))


def test_undefined_replicates_are_left_out_and_none_defined_is_undefined():
    assert interval(np.array([0.0, 1.0, np.nan]), level=0.5) == (0.25, 0.75)
    assert np.isnan(interval(np.array([np.nan]))).all()


@pytest.mark.parametrize(
    ("figures", "least", "said"),
    [
        ((0.2, 0.5), 2, 2),
        ((0.052, 0.049), 2, 3),
        ((0.0996, 0.1), 2, 4),
        ((4.96, 5.0), 1, 2),
        ((0.3, 0.3), 2, 2),
        ((0.3, 0.3 + 1e-12), 2, 2),
        ((0.3, 0.300001), 2, 6),
        ((0.1, 0.2, 0.204), 2, 3),
        ((float("nan"), 0.1), 2, 2),
    ],
)
def test_figures_that_differ_are_printed_with_as_many_decimals_as_tell_them_apart(figures, least, said):
    assert decimals(*figures, least=least) == said
