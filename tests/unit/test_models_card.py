from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.errors import DataError
from vru_models.models import Card, CardFeature

SUSPENDED = CardFeature("suspended", edges=(0.0, 2.0), points=(0, 3, 7), neutral=1, reference=0, kind="count")
ATTENDANCE = CardFeature("attendance", edges=(80.0, 92.5), points=(4, 2, 0), neutral=1, reference=2)
FLAG = CardFeature("missing", edges=(0.0,), points=(0, -2), neutral=0, reference=0, kind="flag")
CARD = Card((SUSPENDED, ATTENDANCE, FLAG), slope=0.25, intercept=-3.5)
PEOPLE = pd.DataFrame({"suspended": [0, 1, 5], "attendance": [95.0, 92.5, None], "missing": [False, True, False]})


def feature_with(**changed):
    whole = {"name": "a", "edges": (0.0,), "points": (0, 1), "neutral": 0, "reference": 0}
    return CardFeature(**(whole | changed))


def test_a_score_is_the_sum_of_the_points_of_its_bins():
    assert CARD.points(PEOPLE).tolist() == [0, 3 + 2 - 2, 7 + 1]


def test_contributions_are_the_summands_and_keep_the_index():
    parts = CARD.contributions(PEOPLE.set_axis(["p", "q", "r"]))
    assert parts.to_dict("list") == {"suspended": [0, 3, 7], "attendance": [0, 2, 1], "missing": [0, -2, 0]}
    assert parts.index.tolist() == ["p", "q", "r"]
    assert (parts.dtypes == np.int64).all()


def test_an_upper_edge_belongs_to_the_bin_below_it():
    values = np.array([80.0, np.nextafter(80.0, 81.0), 92.5, np.nextafter(92.5, 93.0)])
    assert ATTENDANCE.earn(values).tolist() == [4, 2, 2, 0]


def test_probability_is_the_logistic_of_intercept_plus_slope_times_score():
    assert CARD.probability([14]).tolist() == [0.5]
    assert CARD.probability([0])[0] == pytest.approx(1 / (1 + np.exp(3.5)))


def test_columns_are_found_by_name_in_any_order_and_others_are_ignored():
    shuffled = PEOPLE[["missing", "suspended", "attendance"]].assign(surname="never read")
    assert CARD.points(shuffled).tolist() == CARD.points(PEOPLE).tolist()


def test_nullable_columns_are_read_and_na_is_neutral():
    people = PEOPLE.assign(
        suspended=pd.array([0, None, 5], dtype="Int64"), missing=pd.array([None, True, False], dtype="boolean")
    )
    assert CARD.points(people).tolist() == [0, 1 + 2 - 2, 8]


def test_a_frame_without_rows_has_no_scores():
    assert CARD.points(PEOPLE.iloc[:0]).tolist() == []


def test_missing_columns_are_named():
    with pytest.raises(DataError, match=r"2 columns of the card are missing: attendance, missing\. Give every column"):
        CARD.points(PEOPLE[["suspended"]])


def test_a_column_that_is_there_twice_is_refused():
    twice = pd.concat([PEOPLE, PEOPLE[["missing"]]], axis=1)
    with pytest.raises(DataError, match="1 columns of the card are there twice: missing"):
        CARD.points(twice)


@pytest.mark.parametrize(
    "column",
    [
        ["1", "2", "3"],
        pd.to_datetime(["2026-01-01"] * 3),
        pd.Categorical([1, 2, 3]),
        [1j, 2j, 3j],
        pd.Series([1, 2, 3], dtype=object),
    ],
)
def test_only_numbers_and_booleans_are_read(column):
    people = PEOPLE.assign(suspended=column)
    with pytest.raises(DataError, match="neither numbers nor booleans: suspended"):
        CARD.points(people)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_refused_by_count(value):
    people = PEOPLE.assign(attendance=[value, 1.0, value])
    with pytest.raises(DataError, match=r"X\['attendance'\]: 2 infinite values. Expected: a number or NaN"):
        CARD.points(people)


def test_an_array_has_no_names_and_is_refused():
    with pytest.raises(TypeError, match="DataFrame with named columns, not ndarray"):
        CARD.points(PEOPLE.to_numpy())


def test_the_frame_is_the_whole_card():
    frame = Card((SUSPENDED,), slope=0.0, intercept=0.0).frame()
    assert list(frame.columns) == ["feature", "bin", "lower", "upper", "points"]
    assert frame.fillna(-1.0).to_numpy().tolist() == [
        ["suspended", "0", -np.inf, 0.0, 0],
        ["suspended", "1 to 2", 0.0, 2.0, 3],
        ["suspended", "3 or more", 2.0, np.inf, 7],
        ["suspended", "not known", -1.0, -1.0, 1],
    ]


@pytest.mark.parametrize(
    ("feature", "texts"),
    [
        (ATTENDANCE, ["up to 80", "over 80, up to 92.5", "over 92.5", "not known"]),
        (FLAG, ["no", "yes", "not known"]),
        (feature_with(kind="count", edges=(3.0, 4.0), points=(0, 1, 2)), ["0 to 3", "4", "5 or more", "not known"]),
        (feature_with(edges=(), points=(0,)), ["any value", "not known"]),
    ],
)
def test_bins_are_worded_by_kind(feature, texts):
    assert [feature.bin_text(i) for i in range(len(texts))] == texts


def test_the_range_of_scores_includes_neutral_points():
    card = Card((feature_with(points=(0, 1), neutral=-2), FLAG), slope=0.0, intercept=0.0)
    assert (card.lowest, card.highest) == (-4, 1)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"name": ""}, "a name of 1 to 200 printable characters"),
        ({"name": "a" * 201}, "a name of 1 to 200 printable characters"),
        ({"name": "a\nb"}, "a name of 1 to 200 printable characters"),
        ({"edges": tuple(range(64)), "points": (0,) * 65}, "at most 64 bins"),
        ({"points": (0, 1, 2)}, "one bin more than edges"),
        ({"edges": (float("nan"),)}, "finite edges"),
        ({"edges": (float("inf"),)}, "finite edges"),
        ({"edges": (1.0, 1.0), "points": (0, 1, 2)}, "strictly increasing edges"),
        ({"points": (0, 101)}, "points from -100 to 100"),
        ({"neutral": -101}, "points from -100 to 100"),
        ({"reference": 2}, "a reference that is one of the bins"),
        ({"reference": -1}, "a reference that is one of the bins"),
        ({"reference": 1}, "0 points in the reference bin"),
        ({"kind": "grade"}, "a kind out of flag, count, number"),
        ({"kind": "flag", "edges": (1.0,)}, "a flag with no edge but 0"),
        ({"kind": "count", "edges": (0.5,)}, "whole edges of a count"),
        ({"kind": "count", "edges": (-1.0,)}, "whole edges of a count"),
    ],
)
def test_a_feature_out_of_bounds_cannot_be_made(changed, expected):
    with pytest.raises(DataError, match=expected):
        feature_with(**changed)


@pytest.mark.parametrize(
    ("features", "slope", "intercept", "message"),
    [
        ((), 0.0, 0.0, "0 features. Expected: 1 to 500"),
        ((FLAG, FLAG), 0.0, 0.0, "1 feature names are used twice"),
        ((FLAG,), -0.1, 0.0, "card.slope: the number is out of bounds"),
        ((FLAG,), float("nan"), 0.0, "card.slope: the number is out of bounds"),
        ((FLAG,), 0.1234567, 0.0, "card.slope: .* at most 6 decimals"),
        ((FLAG,), 0.0, float("-inf"), "card.intercept: the number is out of bounds"),
    ],
)
def test_a_card_out_of_bounds_cannot_be_made(features, slope, intercept, message):
    with pytest.raises(DataError, match=message):
        Card(features, slope=slope, intercept=intercept)
