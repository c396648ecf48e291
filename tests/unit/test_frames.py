from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from vru_models.frames import encoded, text_of


def read_back(column):
    codes, values = encoded(column)
    texts = values.to_pylist()
    return [None if code < 0 else texts[code] for code in codes], len(values)


@pytest.mark.parametrize(
    ("column", "rows", "n_values"),
    [
        (pa.array(["a", None, "b", "a", "a", "a"]), ["a", None, "b", "a", "a", "a"], 2),
        (pa.array(["a", None, "b", "c"]), ["a", None, "b", "c"], 4),
        (pa.chunked_array([["a", "b"], ["a", None, "b", "a"]]), ["a", "b", "a", None, "b", "a"], 2),
        (pa.chunked_array([["a", "b"], ["c"]]), ["a", "b", "c"], 3),
        (pa.array([1.5, float("nan"), 1.5, 1.5, 1.5]), [1.5, None, 1.5, 1.5, 1.5], 1),
        (pa.array(["a", "b", "a", "a", "a"]).dictionary_encode(), ["a", "b", "a", "a", "a"], 2),
        (pa.nulls(3), [None] * 3, 0),
        (pa.array([], pa.string()), [], 0),
    ],
)
def test_every_row_finds_its_value_whether_values_repeat_or_most_differ(column, rows, n_values):
    assert read_back(column) == (rows, n_values)


def test_how_values_are_held_is_decided_on_the_first_rows_and_changes_no_value():
    differing = [f"v{i}" for i in range(5_000)]
    for rows in (differing + ["same"] * 5_000, ["same"] * 5_000 + differing):
        assert read_back(pa.array(rows))[0] == rows


def test_columns_as_the_text_they_have_in_a_file():
    dates = pd.Series(np.array(["2024-02-29", "NaT"], "datetime64[s]"), index=[7, 3])
    assert text_of(dates).to_dict() == {7: "2024-02-29", 3: pytest.approx(np.nan, nan_ok=True)}
    assert text_of(pd.Series([True, False, True])).tolist() == ["true", "false", "true"]
    assert text_of(pd.Series([3.0, 0.5])).tolist() == ["3", "0.5"]
    assert text_of(pd.Series([dt.date(2024, 1, 1)])).tolist() == ["2024-01-01"]
