from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from typing import Any

import numpy as np
import pytest

from vru_models.audit.entries import Entry
from vru_models.audit.ledger import Ledger
from vru_models.errors import LedgerError, RefusedError, StorageError


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "audit" / "ledger.jsonl")


def chained(records: list[dict[str, Any]]) -> bytes:
    """The twin: the bytes of a ledger, from the definition alone."""
    prev, lines = "0" * 64, b""
    for seq, record in enumerate(records, start=1):
        content = record | {"seq": seq, "prev": prev}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        prev = hashlib.sha256(text.encode()).hexdigest()
        whole = json.dumps(content | {"hash": prev}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        lines += whole.encode() + b"\n"
    return lines


def test_nothing_is_made_until_the_first_entry(ledger):
    assert (len(ledger), list(ledger), ledger.find("x"), ledger.head) == (0, [], (), "0" * 64)
    assert not ledger.path.parent.exists()
    ledger.append("started")
    assert ledger.path.exists()


def test_an_empty_ledger_is_true_so_that_it_is_not_taken_for_none_and_shows_where_it_is(ledger):
    assert ledger
    assert repr(ledger) == f"Ledger({str(ledger.path)!r})"


def test_entries_are_numbered_from_one_and_each_carries_the_hash_before(ledger):
    first, second = ledger.append("fitted", rows=3), ledger.append("evaluated", precision="0.31")
    assert (first.seq, first.prev, second.seq, second.prev) == (1, "0" * 64, 2, first.hash)
    assert list(ledger) == [first, second]
    assert (len(ledger), ledger.head) == (2, second.hash)


def test_the_file_is_the_chain_of_its_definition(ledger):
    entries = [ledger.append("a", n=1, text="é", deep={"b": [None, True]}), ledger.append("b"), ledger.append("a")]
    records = [{"kind": e.kind, "at": e.at, "body": dict(e.body)} for e in entries]
    assert ledger.path.read_bytes() == chained(records)


def test_the_clock_is_in_utc_and_iso_form(ledger):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", ledger.append("x").at)


def test_the_returned_entry_is_what_will_be_read_back(ledger):
    entry = ledger.append("x", pair=(1, 2))
    assert entry.body == {"pair": [1, 2]}
    assert next(iter(ledger)) == entry


def test_find_needs_the_kind_and_every_given_value(ledger):
    a, b = ledger.append("bar", code="x", n=1), ledger.append("bar", code="x", n=2)
    ledger.append("other", code="x", n=1)
    assert ledger.find("bar") == (a, b)
    assert ledger.find("bar", code="x", n=2) == (b,)
    assert ledger.find("bar", missing=None) == ()


def test_an_entry_can_be_appended_while_the_ledger_is_being_read(ledger):
    ledger.append("a")
    for entry in ledger:
        ledger.append("b", after=entry.seq)
    assert [entry.kind for entry in ledger] == ["a", "b"]


def test_two_ledgers_on_one_path_share_the_chain(ledger):
    ledger.append("a")
    Ledger(ledger.path).append("b")
    ledger.append("c")
    assert [entry.kind for entry in ledger] == ["a", "b", "c"]


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), [1.0], {"x": float("nan")}])
def test_floats_are_refused_with_the_remedy_and_nothing_is_written(ledger, value):
    with pytest.raises(TypeError, match=r"precision: a float has no single written form.*Write it as text"):
        ledger.append("evaluated", precision=value)
    assert not ledger.path.exists()


@pytest.mark.parametrize(
    "key", ["person_id", "pseudo_id", "personId", "Person-IDs", "household_id", "nhs_number", "upn"]
)
@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: {"deep": d}, lambda d: {"rows": [1, [d]]}])
def test_a_person_is_refused_at_any_depth_without_repeating_the_value(ledger, key, wrap):
    with pytest.raises(ValueError, match=r"a ledger never holds a person\. Write counts and digests") as caught:
        ledger.append("listed", **wrap({key: "CANARY"}))
    assert "CANARY" not in str(caught.value)
    assert not ledger.path.exists()


def test_counts_of_people_are_not_people(ledger):
    assert ledger.append("listed", people=200, persons_listed=3).body == {"people": 200, "persons_listed": 3}


@pytest.mark.parametrize("kind", ["", "Fitted", "1st", "a b", "a\n", "x" * 65, 7])
def test_a_kind_is_a_short_lower_case_name(ledger, kind):
    with pytest.raises(ValueError, match="kind is not a short name"):
        ledger.append(kind)


def test_a_body_that_does_not_fit_a_line_is_refused(ledger):
    with pytest.raises(ValueError, match="Write a digest of it"):
        ledger.append("x", text="a" * (1 << 19))
    assert ledger.append("x", text="a" * ((1 << 19) - 11)).seq == 1


def test_the_longest_entries_still_chain(ledger):
    for _ in range(5):
        ledger.append("x", text="a" * ((1 << 19) - 11))
    assert len(ledger) == 5


LINE = '{"at":"t","body":{},"hash":"%s","kind":"k","prev":"' + "0" * 64 + '","seq":1}'


def forged(text: str) -> bytes:
    """A line whose own hash fits, whatever else is wrong with it."""
    content = text.replace('"hash":"%s",', "")
    return (text % hashlib.sha256(content.encode()).hexdigest()).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"CANARY\n", "entry 1: not JSON"),
        (b"\n", "entry 1: not JSON"),
        (b"[1]\n", "entry 1: not a JSON object"),
        (forged(LINE.replace('"body":{}', '"body":{"n":1,"n":2}')), "entry 1: a key occurs twice"),
        (forged(LINE.replace('"body":{}', '"body":{"n":0.5}')), "entry 1: a number has a decimal point"),
        (forged(LINE.replace('"body":{}', '"body": {}')), "entry 1: not in canonical form"),
        (forged(LINE.replace('"body":{}', '"body":[]')), "entry 1: its fields"),
        (forged(LINE.replace('"seq":1', '"seq":true')), "entry 1: its fields"),
        (forged(LINE.replace('"seq":1', '"seq":1,"t":1')), "entry 1: its fields"),
        (forged(LINE.replace('"seq":1', '"seq":2')), "entry 1: it does not follow"),
        (forged(LINE.replace("0" * 64, "1" * 64)), "entry 1: it does not follow"),
        ((LINE % ("0" * 64)).encode() + b"\n", "entry 1: its content does not fit its hash"),
    ],
)
def test_what_is_not_an_entry_is_refused_by_number(ledger, content, reason):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(content)
    with pytest.raises(LedgerError, match=reason) as caught:
        list(ledger)
    assert "CANARY" not in str(caught.value)


def test_a_forged_line_is_otherwise_a_good_one():
    assert Entry.parse(forged(LINE)[:-1]).seq == 1


def test_nothing_is_appended_after_a_last_entry_that_was_changed(ledger):
    ledger.append("a", n=1)
    changed = ledger.path.read_bytes().replace(b'"n":1', b'"n":2')
    ledger.path.write_bytes(changed)
    with pytest.raises(LedgerError, match="last entry: its content does not fit its hash"):
        ledger.append("b")
    assert ledger.path.read_bytes() == changed


def test_a_file_of_something_else_is_not_appended_to(ledger):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"x" * (5 << 20))
    with pytest.raises(LedgerError, match="its end is no entry"):
        ledger.append("a")
    assert ledger.path.stat().st_size == 5 << 20
    assert not ledger.torn()


def test_an_unfinished_end_is_kept_aside_and_told(ledger):
    first = ledger.append("a")
    with ledger.path.open("ab") as stream:
        stream.write(b'{"at":"20')
    ledger.append("b")
    assert [entry.kind for entry in ledger] == ["a", "torn_tail", "b"]
    torn = next(iter(ledger.find("torn_tail")))
    assert torn.prev == first.hash
    assert torn.body == {"bytes": 9, "sha256": hashlib.sha256(b'{"at":"20').hexdigest(), "kept_as": "torn-1"}
    assert [p.name for p in ledger.torn()] == ["ledger.jsonl.torn-1"]
    assert ledger.torn()[0].read_bytes() == b'{"at":"20'


def test_an_unfinished_first_entry_is_kept_aside_too(ledger):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(b"{")
    ledger.append("a")
    assert [(entry.seq, entry.kind) for entry in ledger] == [(1, "torn_tail"), (2, "a")]


def test_kept_ends_are_never_overwritten_even_when_one_was_moved_away(ledger):
    for n, left in enumerate((b"one", b"two", b"three"), start=1):
        ledger.append("a")
        with ledger.path.open("ab") as stream:
            stream.write(left)
        ledger.append("b")
        if n == 2:
            ledger.path.with_name("ledger.jsonl.torn-1").unlink()
    assert {p.name: p.read_bytes() for p in ledger.torn()} == {
        "ledger.jsonl.torn-1": b"three",
        "ledger.jsonl.torn-2": b"two",
    }


def test_a_write_that_fails_half_way_loses_nothing_and_is_told(ledger, monkeypatch):
    first = ledger.append("a")
    real = os.write
    taken = iter([20])

    def short_then_full(fd, data):
        n = next(taken, None)
        if n is None:
            raise OSError(errno.ENOSPC, "full")
        return real(fd, bytes(data)[:n])

    monkeypatch.setattr(os, "write", short_then_full)
    with pytest.raises(StorageError, match=r"No space left.*The entry may be there or not"):
        ledger.append("b")
    monkeypatch.undo()
    assert list(ledger) == [first]
    ledger.append("c")
    assert [entry.kind for entry in ledger] == ["a", "torn_tail", "c"]


def test_after_a_failed_sync_the_entry_can_be_looked_for(ledger, monkeypatch):
    def failing(fd):
        raise OSError(errno.EIO, "CANARY")

    ledger.append("a")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(StorageError, match="look before writing it again") as caught:
        ledger.append("b", job="7")
    monkeypatch.undo()
    assert "CANARY" not in str(caught.value)
    assert len(ledger.find("b", job="7")) == 1
    assert ledger.append("c").seq == 3


def test_a_failed_sync_of_a_new_ledgers_folder_is_told(ledger, monkeypatch):
    real, calls = os.fsync, iter(range(9))

    def second_fails(fd):
        if next(calls) == 1:
            raise OSError(errno.EIO, "x")
        real(fd)

    monkeypatch.setattr(os, "fsync", second_fails)
    with pytest.raises(StorageError, match="ledger: cannot be appended to"):
        ledger.append("a")


def test_a_ledger_is_not_followed_through_a_link(ledger, tmp_path):
    ledger.append("a")
    (tmp_path / "link").symlink_to(ledger.path)
    with pytest.raises(RefusedError, match="Links are not followed"):
        Ledger(tmp_path / "link").append("b")
    with pytest.raises(RefusedError, match="Links are not followed"):
        len(Ledger(tmp_path / "link"))


def test_a_folder_or_a_read_only_place_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="Is a directory"):
        Ledger(tmp_path).append("a")
    with pytest.raises(StorageError, match="ledger: cannot be appended to"):
        Ledger("/proc/version/ledger.jsonl").append("a")
