from __future__ import annotations

import pytest

from vru_models.audit.ledger import Ledger


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    made = Ledger(tmp_path / "ledger.jsonl")
    for n in range(5):
        made.append("step", n=n)
    return made


def chain(ledger):
    return next(f for f in ledger.verify() if f.code == "VRU601")


def rewrite(ledger, change):
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(change(lines)))


def test_a_ledger_as_written_passes(ledger):
    found = chain(ledger)
    assert (found.status, found.figures["entries"]) == ("pass", 5)


def test_a_ledger_without_entries_is_not_applicable_never_a_pass(tmp_path):
    assert chain(Ledger(tmp_path / "none.jsonl")).status == "not applicable"


@pytest.mark.parametrize("at", range(5))
def test_an_edited_entry_fails_and_those_before_it_are_counted(ledger, at):
    edit = lambda line: line.replace(f'"n":{at}'.encode(), b'"n":9')  # noqa: E731
    rewrite(ledger, lambda lines: [*lines[:at], edit(lines[at]), *lines[at + 1 :]])
    found = chain(ledger)
    assert (found.status, found.figures["entries"]) == ("fail", at)
    assert f"entry {at + 1}: its content does not fit its hash" in found.message


@pytest.mark.parametrize("at", range(4))
def test_a_deleted_entry_fails(ledger, at):
    rewrite(ledger, lambda lines: lines[:at] + lines[at + 1 :])
    found = chain(ledger)
    assert (found.status, found.figures["entries"]) == ("fail", at)
    assert f"entry {at + 1}: it does not follow the one before it" in found.message


@pytest.mark.parametrize("at", range(4))
def test_two_swapped_entries_fail(ledger, at):
    rewrite(ledger, lambda lines: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
    assert (chain(ledger).status, chain(ledger).figures["entries"]) == ("fail", at)


@pytest.mark.parametrize("at", range(5))
def test_a_repeated_entry_fails(ledger, at):
    rewrite(ledger, lambda lines: [*lines[: at + 1], lines[at], *lines[at + 1 :]])
    assert (chain(ledger).status, chain(ledger).figures["entries"]) == ("fail", at + 1)


def test_an_entry_of_another_ledger_fails(ledger, tmp_path):
    other = Ledger(tmp_path / "other.jsonl")
    for n in range(5):
        other.append("step", n=n + 1)
    stranger = other.path.read_bytes().splitlines(keepends=True)[2]
    rewrite(ledger, lambda lines: [*lines[:2], stranger, *lines[3:]])
    assert chain(ledger).status == "fail"
