from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.evaluation.arrays import coded, complete, dates_of, outcomes, places, probabilities, ratio, weights


@pytest.mark.parametrize(
    "given",
    [[1, 0, None], np.array([1.0, 0.0, np.nan]), pd.array([True, False, pd.NA], dtype="boolean"), [True, False, None]],
)
def test_a_missing_label_is_nan_in_every_form(given):
    assert outcomes(given).tolist()[:2] == [1.0, 0.0]
    assert np.isnan(outcomes(given)[2])


def test_a_label_that_is_not_0_or_1_is_refused_by_count():
    with pytest.raises(ValueError, match="2 of 3 values that are not 0, 1 or missing"):
        outcomes([1, 2, 0.5])


def test_text_is_refused_without_being_echoed():
    with pytest.raises(TypeError, match="y_true holds values that are not numbers") as caught:
        outcomes(["secret", 1])
    assert "secret" not in str(caught.value)


def test_nobody_is_ranked_on_a_missing_score():
    with pytest.raises(ValueError, match="y_score has 1 of 2 values that are missing or infinite"):
        complete("y_score", [1.0, None], 2)


def test_a_row_too_few_is_refused():
    with pytest.raises(ValueError, match="y_score has 1 rows, expected 2"):
        complete("y_score", [1.0], 2)


def test_a_probability_above_1_is_refused():
    with pytest.raises(ValueError, match="1 of 2 lie outside 0 to 1"):
        probabilities([0.5, 1.1], 2)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="sample_weight: 1 of 2 are negative"):
        weights([1, -1], 2)


def test_a_missing_unit_is_refused():
    with pytest.raises(ValueError, match="unit is missing in 1 of 2 rows"):
        coded("unit", ["a", None], 2)


def test_units_of_another_length_are_refused():
    with pytest.raises(ValueError, match="unit has 1 rows, expected 2"):
        coded("unit", ["a"], 2)


def test_without_dates_everybody_is_on_one_list():
    codes, dates = dates_of(None, 2)
    assert (codes.tolist(), dates.tolist()) == ([0, 0], ["all"])


def test_places_may_be_given_for_each_date_as_text():
    dates = pd.DatetimeIndex(["2024-01-01", "2024-02-01"])
    assert places({"2024-02-01": 3, "2024-01-01": 2}, dates).tolist() == [2, 3]


def test_a_date_without_places_is_named():
    with pytest.raises(ValueError, match="no number of places for 1 as-of dates: 2024-02"):
        places({"2024-01": 2}, pd.Index(["2024-01", "2024-02"]))


@pytest.mark.parametrize("k", [0, -1, 2.0, True, "3"])
def test_places_are_a_whole_number_of_at_least_1(k):
    with pytest.raises(ValueError, match="a whole number of at least 1"):
        places(k, pd.Index(["all"]))


def test_a_ratio_over_nothing_is_nan():
    assert np.isnan(ratio([0.0], [0.0])[0])
