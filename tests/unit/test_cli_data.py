import json
import sys

import pytest
import ready
import small

from vru_models.audit.ledger import Ledger
from vru_models.cli import main
from vru_models.cli.app import ORDER
from vru_models.feeds.read import write_extracts
from vru_models.spec.digest import digest_bytes


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the small spec and its extracts."""
    folder = tmp_path_factory.mktemp("readiness")
    for name, content in small.spec().files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    write_extracts(folder / "extracts", ready.frames(), extract_date=small.EXTRACT_DATE)
    return folder


@pytest.fixture
def call(monkeypatch, capsys, place):
    monkeypatch.delenv("VRU_LEDGER", raising=False)

    def run(out, *words):
        given = ["readiness", place / "spec.toml", "--extracts", place / "extracts", "--out", out, *words]
        monkeypatch.setattr(sys, "argv", ["vru-models", *map(str, given)])
        with pytest.raises(SystemExit, match=r".*") as stop:
            main()
        return stop.value.code or 0, capsys.readouterr()

    return run


def test_it_writes_the_page_the_tables_and_the_findings(call, place, tmp_path):
    code, said = call(tmp_path / "out")
    assert code == 0
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"readiness.html", "findings.json", "calendar.csv", "groups.csv"} <= names
    assert "Readiness(small: 2 feeds" in said.out
    assert "VRU113 cannot tell" in said.out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out"]
    assert not list(place.glob("*.jsonl"))


def test_a_ledger_that_is_given_gets_digests_and_counts(call, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert call(tmp_path / "out", "--ledger", ledger)[0] == 0
    (entry,) = Ledger(ledger).find("readiness")
    written = {file.name: digest_bytes(file.read_bytes()) for file in (tmp_path / "out").iterdir()}
    assert entry.body["files"] == written
    assert entry.body["spec"] == small.spec().digest
    found = json.loads((tmp_path / "out" / "findings.json").read_text())["findings"]
    assert entry.body["findings"] == {s: sum(f["status"] == s for f in found) for s in ("fail", "cannot tell", "pass")}


def test_what_is_there_is_not_overwritten_and_not_recorded(call, tmp_path):
    (tmp_path / "out").mkdir()
    ledger = tmp_path / "ledger.jsonl"
    code, said = call(tmp_path / "out", "--ledger", ledger)
    assert code == 75
    assert said.err.startswith("LockedError: ")
    assert not ledger.exists()


def test_it_is_listed_after_check():
    assert ORDER.index("readiness") == ORDER.index("check") + 1
