from __future__ import annotations

import numpy as np
import pytest

from vru_models.audit.canonical import parse_record, record_bytes


def test_key_order_does_not_change_the_bytes():
    assert record_bytes({"b": (1, True, None), "a": {"é": "x"}}) == '{"a":{"é":"x"},"b":[1,true,null]}'.encode()


@pytest.mark.parametrize("value", [0.5, 1.0, float("nan"), np.float64(1), [0.5], {"x": 0.5}])
def test_a_float_is_refused_with_the_remedy(value):
    with pytest.raises(TypeError, match=r"precision: a float has no single written form\. Write it as text"):
        record_bytes({"precision": value})


@pytest.mark.parametrize(
    ("value", "kind"), [(np.int64(1), "int64"), (np.bool_(True), "bool"), ({1}, "set"), (b"", "bytes")]
)
def test_what_is_not_plain_json_is_refused_by_its_type(value, kind):
    with pytest.raises(TypeError, match=f"n: a {kind}.* is not plain JSON"):
        record_bytes({"n": value})


def test_whole_numbers_have_at_most_64_bits():
    assert parse_record(record_bytes({"n": 2**63 - 1, "m": -(2**63)})) == {"n": 2**63 - 1, "m": -(2**63)}
    with pytest.raises(ValueError, match="n: a whole number does not fit in 64 bits"):
        record_bytes({"n": 2**63})


def test_keys_must_be_text():
    with pytest.raises(TypeError, match="counts: a key is not text"):
        record_bytes({"counts": {1: 2}})


def test_messages_name_the_outer_field_and_no_inner_key():
    with pytest.raises(TypeError, match=r"^counts: a float") as caught:
        record_bytes({"counts": {"CANARY": 0.5}})
    assert "CANARY" not in str(caught.value)


def test_text_that_is_not_unicode_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="not valid Unicode") as caught:
        record_bytes({"x": "CANARY\ud800"})
    assert "CANARY" not in str(caught.value)


def test_endless_nesting_is_refused_both_ways():
    nested: list = []
    nested.append(nested)
    with pytest.raises(ValueError, match="nested too deeply"):
        record_bytes({"x": nested})
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_record(b'{"x":' + b"[" * 100_000)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"n":1,"n":1}', "a key occurs twice"),
        (b'{"a":{"n":1,"n":2}}', "a key occurs twice"),
        (b'{"n":1.5}', "decimal point"),
        (b'{"n":1e3}', "decimal point"),
        (b'{"n":NaN}', "decimal point"),
        (b'{"n":-0}', "canonical"),
        (b'{"n": 1}', "canonical"),
        (b'{"n":1} ', "canonical"),
        (b'{"b":1,"a":2}', "canonical"),
        (b'{"a":"\\u0041"}', "canonical"),
        (b'{"a":"\\ud800"}', "UTF-8"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'\xef\xbb\xbf{"a":1}', "UTF-8"),
        (b"", "UTF-8"),
        (b'{"a":', "UTF-8"),
        (b'{"n":' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"n":9223372036854775808}', "64 bits"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_only_the_exact_canonical_bytes_are_read(content, reason):
    with pytest.raises(ValueError, match=reason):
        parse_record(content)
