from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.models.binning import Distinct, cut


def edges_of(column, *, max_bins=4, min_bin=1.0, weights=None):
    column = np.array(column, dtype=float)
    weights = np.ones(len(column)) if weights is None else np.array(weights, dtype=float)
    return cut(Distinct.of(column, weights), max_bins=max_bins, min_bin=min_bin)


def test_zero_is_a_bin_of_its_own_and_the_rest_are_quantiles_above_it():
    assert edges_of([0] * 90 + [1, 2, 3, 4, 5, 6]) == (0.0, 2.0, 4.0)


def test_quantiles_are_inverse_values_of_the_distribution_function():
    column = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5]
    assert edges_of(column) == (2.5, 4.5, 6.5)
    assert edges_of(column) == tuple(np.quantile(column, [0.25, 0.5, 0.75], method="inverted_cdf"))


def test_with_negative_values_zero_is_a_value_like_any_other():
    assert edges_of([-2, -1, 0, 1], max_bins=2) == (-1.0,)


def test_a_bin_smaller_than_asked_joins_a_neighbour():
    column = [0] * 20 + [1] * 3 + [2] * 9 + [5] * 10
    assert edges_of(column, max_bins=8, min_bin=10) == (0.0, 2.0)


def test_exactly_the_least_weight_is_enough_and_one_less_is_not():
    assert edges_of([0] * 20 + [1] * 10, min_bin=10) == (0.0,)
    assert edges_of([0] * 20 + [1] * 9, min_bin=10) == ()


@pytest.mark.parametrize("column", [[], [np.nan, np.nan], [3.0, 3.0], [0.0, np.nan]])
def test_a_column_with_one_known_value_or_none_has_one_bin(column):
    assert edges_of(column) == ()


def test_edges_keep_two_digits_of_their_smallest_gap():
    assert edges_of([-1.0, -1.0, 50.2, 51.34567, 100.1, 101.4, 151.9, 152.0]) == (-1.0, 51.0, 101.0)
    assert edges_of([2019.126, 2019.257, 2019.399, 2019.5]) == (2019.13, 2019.26, 2019.4)


def test_zero_stays_apart_from_the_smallest_positive_edge():
    assert edges_of([0.0, 0.0041, 0.5, 1.0, 7.0], max_bins=5) == (0.0, 0.0041, 0.5, 1.0)


def test_edges_of_counts_are_never_rounded():
    assert edges_of([0, 1001, 20002, 30003]) == (0.0, 1001.0, 20002.0)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([0, 1, 1], "flag"),
        ([1, 1, np.nan], "flag"),
        ([0, 1, 2], "count"),
        ([0, 0.5], "number"),
        ([-1, 0], "number"),
        ([], "number"),
    ],
)
def test_the_kind_is_read_from_the_values(column, kind):
    assert Distinct.of(np.array(column, dtype=float), np.ones(len(column))).kind == kind


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 9), st.integers(1, 3)), min_size=1, max_size=60), st.integers(2, 6))
def test_a_weight_is_so_many_rows_and_no_bin_is_too_small(rows, max_bins):
    column, weights = np.array(rows, dtype=float).T
    weighted = edges_of(column, max_bins=max_bins, min_bin=3, weights=weights)
    repeated = np.repeat(column, weights.astype(int))
    assert weighted == edges_of(repeated[::-1], max_bins=max_bins, min_bin=3)
    sizes = np.histogram(repeated, [-np.inf, *np.nextafter(weighted, np.inf), np.inf])[0]
    assert len(sizes) <= max_bins
    assert len(sizes) == 1 or sizes.min() >= 3
