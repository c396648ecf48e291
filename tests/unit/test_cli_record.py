"""The commands that take extracts in: what they print, what they return, what they leave."""

import pytest
import small
import world as worlds

from vru_models.events import Events
from vru_models.feeds import write_extracts
from vru_models.spec import Spec

CANARY = "CANARY7f3a"


@pytest.fixture
def spec_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Spec, "load", classmethod(lambda cls, path: worlds.spec()))
    return tmp_path / "spec.toml"


def sent(folder, *, spoilt):
    frames = worlds.extracts(n=120)
    frames["missing"].loc[frames["missing"].index[:spoilt], "start_date"] = CANARY
    write_extracts(folder, frames, extract_date=small.EXTRACT_DATE)
    return folder


def test_a_bad_month_stops_with_3_and_says_how_to_see_and_answer_it(call, spec_file, tmp_path):
    given = ["--extracts", sent(tmp_path / "extracts", spoilt=40), "--store", tmp_path / "store"]
    given += ["--ledger", tmp_path / "ledger.jsonl"]
    said = call("record", spec_file, *given, "--quarantine", tmp_path / "held")
    assert said.code == 3
    assert "RefusedError: record: refused." in said.err
    assert "VRU102 fail, missing: 40 of" in said.err
    assert not (tmp_path / "store").exists()
    assert not (tmp_path / "ledger.jsonl").exists()
    assert len((tmp_path / "held" / "quarantine.csv").read_text().splitlines()) == 41
    answer = ["--override", "VRU102:missing=the agency sends them next month", "--by", "A. Name, data lead"]
    done = call("record", spec_file, *given, *answer)
    assert done.code == 0
    assert "Rows held back, and why: 40, not listed: give --quarantine DIR" in done.out
    assert done.out.startswith("Recorded(5 feeds: ")
    assert CANARY not in said.out + said.err + done.out + done.err + (tmp_path / "ledger.jsonl").read_text()
    assert len(Events.open(tmp_path / "store").frame)


@pytest.mark.parametrize(("spoilt", "code"), [(0, 0), (40, 3)])
def test_check_returns_3_when_a_check_fails(call, spec_file, tmp_path, spoilt, code):
    said = call("check", spec_file, "--extracts", sent(tmp_path / "extracts", spoilt=spoilt))
    assert said.code == code
    assert said.out.endswith("1 checks fail (above).\n") == bool(spoilt)
