import shutil

import pytest
import retained
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.verify import verify
from vru_models.retention import expire

PARTS = ["extracts", "quarantine", "events", "dataset", "audit_file.parquet", "run", "evidence", "release"]
DAY = "2090-01-02"


@pytest.fixture(scope="module")
def whole(released, tmp_path_factory):
    copy = shutil.copytree(released.place, tmp_path_factory.mktemp("expired") / "work")
    return retained.everything(worlds.World(copy, released.spec, released.built, released.run, released.evidence))


@pytest.fixture
def place(whole, tmp_path, monkeypatch):
    place = shutil.copytree(whole, tmp_path / "work")
    retained.on(monkeypatch, DAY)
    return place


def recorded(place):
    return {f.where: (f.status, f.message) for f in verify(place) if f.code == "VRU607"}


def test_what_expired_passes_with_its_day_and_its_rule(place):
    expire(place, retained.every("1 year"), Ledger(place / "ledger.jsonl"))
    message = f"expired on {DAY} under the spec's rule (kept 1 year)"
    assert recorded(place) == dict.fromkeys([*PARTS, "lists", "report.html"], ("pass", message))
    assert not verify(place).with_status("fail")


def test_what_is_gone_without_a_proof_still_cannot_be_told(place):
    expire(place, retained.spec(events="1 day"), Ledger(place / "ledger.jsonl"))
    shutil.rmtree(place / "dataset")
    found = recorded(place)
    assert found["events"][0] == "pass"
    assert found["dataset"] == (
        "cannot tell",
        "1 of 1 that the ledger names are not in this folder: kept elsewhere, or removed",
    )


def test_what_expired_and_is_here_again_is_said(place):
    backup = shutil.copytree(place, place.with_name("backup"))
    expire(place, retained.every("1 year"), Ledger(place / "ledger.jsonl"))
    for name in PARTS:
        copy = shutil.copytree if (backup / name).is_dir() else shutil.copy
        copy(backup / name, place / name)
    shutil.copytree(backup / "scores", place / "scores", dirs_exist_ok=True)
    shutil.copy(backup / "report.html", place / "report.html")
    message = f"as the ledger says, which also says that it expired on {DAY}: a copy, or restored"
    found = recorded(place)
    assert [found[name] for name in [*PARTS, "report.html", "2024-09"]] == [("cannot tell", message)] * 10


def test_an_announcement_alone_is_no_proof(place):
    ledger = Ledger(place / "ledger.jsonl")
    (said,) = ledger.find("events")
    ledger.append("expiring", artefact="events", digest=said.body["events"], rule="1 year")
    shutil.rmtree(place / "events")
    assert recorded(place)["events"][0] == "cannot tell"


def test_of_several_lists_the_expired_and_the_missing_are_told_apart(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    retained.on(monkeypatch, "2026-11-01")
    for name in ("scores/2026-09", "scores/2026-10"):
        retained.scores(tmp_path, ledger, name, mark=name)
    retained.on(monkeypatch, "2028-11-01")
    for name in ("scores/2028-09", "scores/2028-10", "scores/2028-11"):
        retained.scores(tmp_path, ledger, name, mark=name)
    expire(tmp_path, retained.spec(scores="1 year"), ledger)
    shutil.rmtree(tmp_path / "scores" / "2028-09")
    found = [(f.where, f.status, f.message) for f in verify(tmp_path) if f.where == "lists"]
    assert found == [
        ("lists", "pass", "expired: 2 of 2, the last on 2028-11-01 under the spec's rule (kept 1 year)"),
        ("lists", "cannot tell", "1 of 5 that the ledger names are not in this folder: kept elsewhere, or removed"),
    ]


def test_what_a_stopped_removal_left_aside_is_no_list_and_no_release(place):
    (place / ".expiring-1").mkdir()
    shutil.move(place / "scores" / "2024-09", place / ".expiring-1" / "part")
    shutil.move(place / "release", place / ".expiring-2")
    found = recorded(place)
    assert found["lists"][0] == found["release"][0] == "cannot tell"
    assert not {".expiring-2", "part"} & set(found)
