import datetime as dt
import stat

import pandas as pd
import pytest
import small
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.dataset import Dataset
from vru_models.errors import DataError, StorageError
from vru_models.feeds import Events, write_extracts
from vru_models.workflow import build, check, open_audit_file


@pytest.fixture(scope="module")
def extracts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent") / "extracts"
    write_extracts(folder, worlds.extracts(n=120), extract_date=small.EXTRACT_DATE)
    return folder


@pytest.fixture
def built(extracts, tmp_path):
    return build(worlds.spec(), extracts, out=tmp_path / "work", ledger=Ledger(tmp_path / "work" / "ledger.jsonl"))


def test_what_was_built_is_what_is_stored(built, tmp_path):
    work = tmp_path / "work"
    assert Events.open(work / "events").digest == built.events.digest
    assert Dataset.open(work / "dataset").digest == built.data.digest
    pd.testing.assert_frame_equal(open_audit_file(work), built.feeds.sensitive)


def test_every_step_is_in_the_ledger_with_its_counts(built, tmp_path):
    feeds, events, data, audit = Ledger(tmp_path / "work" / "ledger.jsonl")
    assert [e.kind for e in (feeds, events, data, audit)] == ["feeds", "events", "dataset", "audit_file"]
    assert feeds.body["feeds"] == built.feeds.frame().to_dict("records")
    assert events.body == {"events": built.events.digest, "rows": len(built.events.frame)}
    assert data.body["dataset"] == built.data.digest
    assert data.body["labelled"] == int(built.data.labelled.sum())
    assert audit.body["rows"] == len(built.feeds.sensitive)


def test_the_audit_file_is_apart_and_for_its_owner_alone(built, tmp_path):
    file = tmp_path / "work" / "audit_file.parquet"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "sex" not in built.data.rows
    assert "sex" not in built.data.X


def test_without_an_audit_feed_there_is_no_audit_file(tmp_path):
    declared = small.spec(without=("audit",), **{"splits": {"as_of": worlds.AS_OF}, "capacity.k": 20})
    frames = {name: frame for name, frame in worlds.extracts(n=120).items() if name != "audit"}
    write_extracts(tmp_path / "extracts", frames, extract_date=small.EXTRACT_DATE)
    build(declared, tmp_path / "extracts", out=tmp_path / "work", ledger=Ledger(tmp_path / "l.jsonl"))
    assert open_audit_file(tmp_path / "work") is None


@pytest.mark.parametrize("taken", ["events", "dataset", "audit_file.parquet"])
def test_nothing_is_overwritten_and_nothing_recorded(extracts, tmp_path, taken):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / taken).touch()
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(StorageError, match=rf"{taken} already there"):
        build(worlds.spec(), extracts, out=tmp_path / "work", ledger=ledger)
    assert len(ledger) == 0


def test_a_build_that_is_refused_leaves_nothing(extracts, tmp_path):
    barred = worlds.spec(**{"feeds.missing": {"schema": "missing", "agreement": small.agreement("score")}})
    with pytest.raises(DataError, match=r"feeds.missing.agreement: does not allow training"):
        build(barred, extracts, out=tmp_path / "work", ledger=Ledger(tmp_path / "ledger.jsonl"))
    assert not (tmp_path / "work").exists()


def test_the_same_extracts_give_the_same_store(built, extracts, tmp_path):
    again = build(worlds.spec(), extracts, out=tmp_path / "again", ledger=Ledger(tmp_path / "again" / "ledger.jsonl"))
    assert again.data.digest == built.data.digest
    for name in ("events", "dataset"):
        first, second = (tmp_path / place / name for place in ("work", "again"))
        stored = [file.relative_to(first) for file in first.rglob("*.*") if file.is_file()]
        assert [f for f in stored if (first / f).read_bytes() != (second / f).read_bytes()] == []


def test_check_says_which_splits_are_possible_and_why_others_are_not(extracts):
    later = [*worlds.AS_OF, dt.date(2024, 6, 1)]
    (found,) = (f for f in check(worlds.spec(**{"splits.as_of": later}), extracts) if f.code == "VRU203")
    assert found.status == "pass"
    assert found.message.startswith("4 possible: 2022-05-01 (1 training dates), 2022-12-01 (2 training dates)")
    assert "not 2024-06-01: its labels are complete only on 2025-01-01, after the data end" in found.message


@pytest.mark.parametrize(("n", "status"), [(4, "pass"), (3, "cannot tell"), (2, "cannot tell"), (1, "fail")])
def test_check_wants_three_splits(extracts, n, status):
    declared = worlds.spec(**{"splits.as_of": worlds.AS_OF[:n]})
    assert {f.code: f.status for f in check(declared, extracts)}["VRU203"] == status


def test_check_hands_on_what_the_gate_found(extracts):
    assert {f.code for f in check(worlds.spec(), extracts)} >= {"VRU101", "VRU102", "VRU103", "VRU110", "VRU203"}
