import re
import sys

import pytest
import retained

from vru_models.audit.ledger import Ledger
from vru_models.cli import main


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a list of 2026 and an audit file of 2029, a spec that keeps each for a year; it is 2030."""
    folder, ledger = tmp_path / "work", Ledger(tmp_path / "work" / "ledger.jsonl")
    retained.on(monkeypatch, "2026-11-01")
    retained.scores(folder, ledger, "scores/2026-11")
    retained.on(monkeypatch, "2029-06-01")
    retained.audit_file(folder, ledger)
    retained.write(folder, "", {"trust.toml": b""})
    retained.on(monkeypatch, "2030-01-01")
    for name, content in retained.every("1 year").files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return folder


@pytest.fixture
def call(place, monkeypatch, capsys):
    def run(*words):
        argv = ["vru-models", "expire", place, "--spec", place.parent / "spec.toml", *words]
        monkeypatch.setattr(sys, "argv", [*map(str, argv)])
        with pytest.raises(SystemExit, match=r".*") as stop:
            main()
        return stop.value.code or 0, *capsys.readouterr()

    return run


TABLE = r"""kind +place +written +kept until +what happens
scores +scores/2026-11 +2026-11-01 +2027-11-01 +goes: older than 1 year
audit_file +audit_file.parquet +2029-06-01 +2030-06-01 +stays: kept for 1 year
Other files here, which no rule is about and which stay: 2\.
"""


def test_the_plan_prints_what_goes_and_what_stays_until_when_and_removes_nothing(call, place):
    before = retained.files(place), (place / "ledger.jsonl").read_bytes()
    code, out, err = call("--plan")
    assert (code, err) == (0, "")
    assert re.fullmatch(TABLE + r"Due: 1. Nothing was removed.\n", out), out
    assert (retained.files(place), (place / "ledger.jsonl").read_bytes()) == before


def test_without_the_plan_it_prints_the_same_first_and_then_the_proof(call, place):
    code, out, err = call()
    assert (code, err) == (0, "")
    told = (
        r"Removed: 1, with 3 files and 20 bytes in all; the proofs are in .*ledger.jsonl\.\nWhat lies in backups .*\n"
    )
    assert re.fullmatch(TABLE + told, out), out
    assert retained.files(place) == {"audit_file.parquet", "trust.toml"}
    assert [entry.kind for entry in Ledger(place / "ledger.jsonl")][2:] == ["expiring", "expired"]


def test_with_nothing_due_it_says_so(call, place):
    call()
    code, out, _ = call()
    assert code == 0
    assert out.endswith("which stay: 2.\nNothing is due, and nothing was removed.\n")


def test_what_a_stopped_write_left_is_told(call, place):
    retained.write(place, ".dataset.4711-0.tmp", {"rows.parquet": b"rows"})
    code, out, _ = call("--plan")
    assert code == 0
    assert "1 of them were left by a write that was stopped, and may hold rows of people" in out


def test_a_change_is_refused_with_its_place_and_never_its_content(call, place):
    retained.write(place, "scores/2026-11", {"list.csv": b"person_id\nCANARY7f3a\n"})
    code, out, err = call()
    assert code == 3
    assert re.match(r"RefusedError: expire: refused\.\n  scores/2026-11: is not what the ledger says", err)
    assert "refused: is not what the ledger says was written" in out
    assert "CANARY7f3a" not in out + err
    assert "scores/2026-11/list.csv" in retained.files(place)


def test_another_ledger_may_be_named(call, place, tmp_path):
    (place / "ledger.jsonl").rename(tmp_path / "one.jsonl")
    code, _, err = call()
    assert code == 74
    assert "ledger: is missing" in err
    assert call("--ledger", tmp_path / "one.jsonl")[0] == 0
    assert "audit_file.parquet" in retained.files(place)
    assert len(Ledger(tmp_path / "one.jsonl").find("expired")) == 1
