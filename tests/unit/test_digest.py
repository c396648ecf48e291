from __future__ import annotations

import hashlib
import hmac
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.spec import digest

TEXT = st.text(st.sampled_from("ab\\\x1fu\x00é"), max_size=4)


def test_canonical_json_is_sorted_unspaced_and_utf8():
    assert digest.canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'.encode()
    with pytest.raises(ValueError, match=r"Out of range float values"):
        digest.canonical_json(float("nan"))


def test_the_published_sha256_vector_is_met(tmp_path):
    vector = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    (tmp_path / "f").write_bytes(b"abc")
    assert digest.digest_bytes(b"abc") == vector
    assert digest.digest_file(tmp_path / "f") == vector
    assert digest.digest_json({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        pd.DataFrame({"x": [1.0, 2.0], "y": ["a", "b"]}),
        pd.DataFrame({"x": [1.0, None], "y": ["a", "c"]}),
        pd.DataFrame({"x": [1.0, None], "z": ["a", "b"]}),
        pd.DataFrame({"x": [1.0, None], "y": ["b", "a"]}),
        pd.DataFrame({"y": ["a", "b"], "x": [1.0, None]}),
        pd.DataFrame({"x": [1.0, None], "y": ["a", None]}),
        pd.DataFrame({"x": [1.0, None], "y": ["a", "b"]}, index=[1, 2]),
        pd.DataFrame({"x": [1.0, None], "y": pd.Categorical(["a", "b"])}),
    ],
)
def test_a_frames_digest_changes_with_any_value_name_type_order_or_index(other):
    assert digest.digest_frame(pd.DataFrame({"x": [1.0, None], "y": ["a", "b"]})) != digest.digest_frame(other)


def test_texts_that_run_together_are_told_apart():
    a = pd.DataFrame({"x": ["a", "bc"], "y": ["", "d"]})
    b = pd.DataFrame({"x": ["a", "b"], "y": ["c", "d"]})
    c = pd.DataFrame({"x": ["a\x1fb", ""], "y": ["c", "d"]})
    missing, null = pd.DataFrame({"x": [None, "a"]}, dtype="str"), pd.DataFrame({"x": ["\x00", "a"]}, dtype="str")
    assert len({digest.digest_frame(f) for f in (a, b, c, missing, null)}) == 5


def test_nullable_numbers_have_a_digest_of_their_values():
    def frame():
        return pd.DataFrame({"n": pd.array([1, None, 300], "Int64"), "b": pd.array([True, None, False], "boolean")})

    changed = frame().assign(n=pd.array([1, None, 301], "Int64"))
    assert digest.digest_frame(frame()) == digest.digest_frame(frame())
    assert digest.digest_frame(frame()) != digest.digest_frame(changed)


def test_without_its_index_a_frame_is_its_columns():
    a, b = pd.DataFrame({"x": [1]}, index=[5]), pd.DataFrame({"x": [1]}, index=[6])
    assert digest.digest_frame(a, index=False) == digest.digest_frame(b, index=False)


def test_an_identity_is_128_bits_of_sha256_over_the_row():
    assert digest.digest_rows([["feed"], ["k1"]]) == [hashlib.sha256(b"feed\x1fk1").hexdigest()[:32]]
    assert digest.digest_rows([[], []]) == []


def test_columns_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"shorter"):
        digest.digest_rows([["a", "b"], ["c"]])


@given(st.lists(st.tuples(TEXT, TEXT), min_size=2, max_size=8, unique=True))
@settings(max_examples=100, deadline=None)
def test_two_different_rows_never_share_an_identity(rows):
    ids = digest.digest_rows([[a for a, _ in rows], [b for _, b in rows]])
    alone = [digest.digest_rows([[a], [b]])[0] for a, b in rows]
    assert len(set(ids)) == len(rows)
    assert ids == alone


def test_a_draw_depends_on_purpose_card_date_and_person_but_not_on_order():
    keys = [f"p{i}" for i in range(50)]
    drawn = dict(zip(keys, digest.lottery_numbers("tie", "card", "2024-01-01", keys), strict=True))
    back = dict(zip(keys[::-1], digest.lottery_numbers("tie", "card", "2024-01-01", keys[::-1]), strict=True))
    others = [
        digest.lottery_numbers(*head, keys)
        for head in (("random", "card", "2024-01-01"), ("tie", "other", "2024-01-01"), ("tie", "card", "2024-02-01"))
    ]
    assert drawn == back
    assert len(set(drawn.values())) == 50
    assert all((other != np.array(list(drawn.values()))).all() for other in others)
    expected = int.from_bytes(hashlib.sha256(b"tie\x1fcard\x1f2024-01-01\x1fp0").digest()[:8], "big")
    assert int(drawn["p0"]) == expected


def test_a_draw_is_even():
    drawn = digest.lottery_numbers("tie", "card", "2024-01-01", [str(i) for i in range(20_000)])
    share = (drawn < np.uint64(2**63)).mean()
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 20_000)


def test_buckets_are_of_the_key_alone_and_in_range():
    expected = int.from_bytes(hashlib.sha256(b"p1").digest()[:4], "big") % 7
    assert digest.buckets_of(["p1", "p2", "p1"], 7).tolist()[::2] == [expected, expected]
    buckets = digest.buckets_of([str(i) for i in range(2000)], 8)
    assert set(buckets.tolist()) == set(range(8))
    assert np.bincount(buckets).min() > 180


def test_a_keyed_digest_is_hmac_and_its_parts_do_not_run_together():
    assert digest.keyed_digest(b"k", "a", "b") == hmac.new(b"k", b"a\x1fb", "sha256").hexdigest()
    assert digest.keyed_digest(b"k", "a\x1fb") != digest.keyed_digest(b"k", "a", "b")


def test_the_hmac_vector_of_rfc_4231_is_met():
    # test case 2: key "Jefe", data "what do ya want for nothing?"
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert digest.keyed_digest(b"Jefe", "what do ya want for nothing?") == expected


@given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=4))
@settings(max_examples=50, deadline=None)
def test_canonical_json_reads_back(value):
    assert json.loads(digest.canonical_json(value)) == value


@given(st.binary(min_size=1, max_size=8), st.lists(TEXT, max_size=2), st.lists(TEXT, max_size=4))
@settings(max_examples=100, deadline=None)
def test_keyed_digests_are_the_keyed_digest_of_each_text(key, head, texts):
    assert digest.keyed_digests(key, head, texts) == [digest.keyed_digest(key, *head, text) for text in texts]


@pytest.mark.parametrize("texts", [["a", None, "é", "", "x" * 300], [None, None], [], ["", ""]])
def test_texts_are_digested_alike_however_they_are_held(texts):
    held = pd.Series(texts, dtype="str")
    plain = pd.DataFrame({"x": held})
    halves = pd.DataFrame({"x": pd.concat([held.iloc[:1], held.iloc[1:]])})
    sliced = pd.DataFrame({"x": pd.concat([pd.Series(["0"], dtype="str"), held])}).iloc[1:]
    lengths = np.array([-1 if text is None else len(text.encode()) for text in texts], dtype=np.int64)
    content = lengths.tobytes() + "".join(text or "" for text in texts).encode()
    for frame in (plain, halves, sliced):
        assert digest._column_bytes(frame["x"]) == content
        assert digest._column_bytes(frame["x"].astype("category")) == content
        assert digest._column_bytes(frame["x"].astype(object)) == content
