from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from vru_models.feeds.batches import Batch, Verdict, numbered


def rows(n):
    return pa.table({"person_id": [f"p{i}" for i in range(n)]})


def cut(sizes, malformed):
    return [(b.first_row, b.table.num_rows, b.malformed) for b in numbered(map(rows, sizes), malformed)]


def test_rows_are_numbered_around_those_that_could_not_be_split():
    batch = Batch(rows(3), first_row=5, malformed=(5, 7, 10))
    assert batch.rows_in == 6
    assert batch.numbers.tolist() == [6, 8, 9]


def test_a_batch_of_malformed_rows_alone_has_no_numbers_for_others():
    assert Batch(rows(0), first_row=5, malformed=(5, 6)).numbers.tolist() == []


@pytest.mark.parametrize(("first", "malformed"), [(0, ()), (1, (4,)), (1, (0,)), (5, (4,)), (1, (2, 2)), (1, (3, 1))])
def test_malformed_rows_are_ascending_and_within_the_batch(first, malformed):
    with pytest.raises(ValueError, match="the malformed rows are not ascending numbers of rows of the batch"):
        Batch(rows(2), first, malformed)


@pytest.mark.parametrize(
    ("sizes", "malformed", "batches"),
    [
        ([2, 2], [], [(1, 2, ()), (3, 2, ())]),
        ([2, 2], [1], [(1, 2, (1,)), (4, 2, ())]),
        ([2, 2], [2, 4], [(1, 2, (2,)), (4, 2, (4,))]),
        ([2, 2], [3], [(1, 2, ()), (3, 2, (3,))]),
        ([2, 2], [5, 6], [(1, 2, ()), (3, 2, ()), (5, 0, (5, 6))]),
        ([0], [1, 2], [(1, 0, ()), (1, 0, (1, 2))]),
        ([0], [], [(1, 0, ())]),
        ([], [], []),
    ],
)
def test_a_malformed_row_belongs_to_the_batch_of_the_next_row_that_could_be_split(sizes, malformed, batches):
    assert cut(sizes, malformed) == batches


def test_a_reader_may_name_malformed_rows_as_it_goes_and_be_ahead():
    named = []

    def tables():
        named.extend([2, 5])
        yield rows(2)
        yield rows(2)
        named.append(7)

    assert [(b.first_row, b.malformed) for b in numbered(tables(), named)] == [(1, (2,)), (4, (5,)), (7, (7,))]


def test_numbers_that_no_row_of_the_file_can_have_are_refused():
    with pytest.raises(ValueError, match="the malformed rows are not ascending numbers of rows of the batch"):
        cut([2], [9])


def test_malformed_rows_without_any_table_would_be_lost_and_are_refused():
    with pytest.raises(ValueError, match="a file gives at least one table, if without rows"):
        cut([], [1])


def test_verdicts_are_joined_in_order_and_accepted_is_in_the_house_types():
    table = pa.table({"n": pa.array([1, None]), "day": pa.array([dt.date(2024, 1, 1), None]), "x": ["a", "b"]})
    held = pd.DataFrame({"row": np.array([3]), "reasons": ["duplicate"]})
    joined = Verdict.joined([Verdict(table, held, 3), Verdict(table.slice(0, 1), held.assign(row=4), 2)])
    assert (joined.rows_in, joined.quarantine["row"].tolist()) == (5, [3, 4])
    assert joined.table["n"].to_pylist() == [1, None, 1]
    assert joined.accepted.dtypes.astype(str).to_dict() == {"n": "Int64", "day": "datetime64[s]", "x": "str"}
