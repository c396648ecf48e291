from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.feeds import repeats
from vru_models.feeds.repeats import Numbers, Repeats, key_digests


def again(*batches, columns=("a",)):
    held = Repeats({"duplicate": columns})
    return [held.among(pa.table(batch))["duplicate"].tolist() for batch in batches]


def test_a_key_comes_again_in_the_same_batch_and_in_a_later_one():
    assert again({"a": ["x", "y", "x"]}, {"a": ["z", "y"]}, {"a": ["z"]}) == [
        [False, False, True],
        [False, True],
        [True],
    ]


def test_a_key_with_a_missing_part_is_no_key():
    batch = {"a": ["x", None, "x"], "b": [1, 1, None]}
    assert again(batch, batch, columns=("a", "b")) == [[False] * 3, [True, False, False]]


def test_reasons_are_looked_for_apart():
    held = Repeats({"a:not_unique": ["a"], "duplicate": ["a", "b"]})
    found = held.among(pa.table({"a": ["x", "x", "x"], "b": [1, 2, 1]}))
    assert {reason: mask.tolist() for reason, mask in found.items()} == {
        "a:not_unique": [False, True, True],
        "duplicate": [False, False, True],
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["", "a"], ["a", ""]),
        (["a", ""], ["a\0", ""]),
        (["12345678", ""], ["12345678\0", ""]),
        (["x" * 64, ""], ["x" * 65, ""]),
        (["x" * 65, ""], ["x" * 65 + "\0", ""]),
        (["e\u0301", ""], ["\u00e9", ""]),
        ([1, 0], [0, 1]),
        ([0.5, 1.5], [1.5, 0.5]),
        ([True, False], [False, True]),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], [dt.date(2024, 1, 2), dt.date(2024, 1, 1)]),
    ],
)
def test_different_keys_are_told_apart_and_the_same_are_not(one, other):
    table = {"a": [one[0], other[0], one[0]], "b": [one[1], other[1], one[1]]}
    assert again(table, columns=("a", "b")) == [[False, False, True]]


def test_a_key_is_the_same_whatever_stands_beside_it():
    alone = key_digests([pa.array(["abc"])])
    beside = key_digests([pa.array(["abc", "z" * 9, "z" * 99, ""])])
    assert (alone[:, 0] == beside[:, 0]).all()
    assert len({tuple(key) for key in beside.T}) == 4


def test_nought_has_no_sign_in_a_key():
    assert again({"a": [0.0, -0.0]}) == [[False, True]]


def test_keys_alike_in_one_of_their_two_numbers_are_different():
    seen = (Numbers(), Numbers())
    keys = np.array([[7, 7, 8], [1, 2, 1]], dtype=np.uint64)
    assert repeats._again(keys, seen).tolist() == [False, False, False]
    assert repeats._again(np.array([[7, 9], [3, 1]], dtype=np.uint64), seen).tolist() == [False, False]
    assert repeats._again(keys, seen).tolist() == [True, True, True]


def test_a_key_takes_sixteen_bytes():
    held = Repeats({"duplicate": ["a"]})
    for start in range(0, 30_000, 10_000):
        held.among(pa.table({"a": [f"record-{i}" for i in range(start, start + 10_000)]}))
    _, _, seen = held._keys[0]
    assert sum(array.nbytes for n in seen for array in (n._most, n._later, *n._new)) == 16 * 30_000


TEXTS = st.sampled_from(["", "a", "b", "a\0", "12345678", "123456789", "é", "x" * 64, "x" * 65, None])
BATCHES = st.lists(st.lists(st.tuples(TEXTS, st.integers(-1, 1)), min_size=1, max_size=8), max_size=8)


@given(BATCHES)
@settings(max_examples=80, deadline=None)
def test_repeats_are_those_that_a_set_finds(batches):
    seen, expected, given_ = set(), [], []
    for batch in batches:
        given_.append({"a": pa.array([t for t, _ in batch], pa.string()), "b": [n for _, n in batch]})
        expected.append([])
        for key in batch:
            expected[-1].append(key[0] is not None and key in seen)
            seen.add(key)
    assert again(*given_, columns=("a", "b")) == expected


@given(st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=20), max_size=12))
@settings(max_examples=80, deadline=None)
def test_numbers_are_found_however_often_the_arrays_are_merged(batches):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "_LATER", 10)
        patch.setattr(repeats, "_STEP", 3)
        held, seen = Numbers(), set()
        for batch in batches:
            ordered = np.unique(np.array(batch, dtype=np.uint64))
            assert held.those(ordered).tolist() == [n for n in ordered.tolist() if n in seen]
            held.add(np.array([n for n in ordered.tolist() if n not in seen], dtype=np.uint64))
            seen |= set(batch)
