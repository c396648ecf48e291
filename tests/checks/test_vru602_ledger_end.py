from __future__ import annotations

import pytest

from vru_models.audit.ledger import Ledger


def end(ledger):
    return next(f for f in ledger.verify() if f.code == "VRU602")


def test_a_finished_end_passes(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("a")
    assert end(ledger).status == "pass"


@pytest.mark.parametrize("left", [b"{", b"\x00" * 4096, b"x"])
def test_an_unfinished_end_cannot_tell_a_crash_from_an_edit(tmp_path, left):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("a")
    with ledger.path.open("ab") as stream:
        stream.write(left)
    before = ledger.path.read_bytes()
    found = end(ledger)
    assert (found.status, found.figures["unfinished_bytes"]) == ("cannot tell", len(left))
    assert ledger.path.read_bytes() == before


def test_once_kept_aside_the_end_passes_and_the_count_stays(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.path.write_bytes(b"{")
    ledger.append("a")
    assert (end(ledger).status, end(ledger).figures["kept_aside"]) == ("pass", 1)
    assert [f.code for f in ledger.verify().with_status("fail", "cannot tell")] == ["VRU603"]


def test_kept_ends_of_a_neighbour_are_not_counted(tmp_path):
    (tmp_path / "other.jsonl.torn-1").write_bytes(b"{")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("a")
    assert end(ledger).figures["kept_aside"] == 0
