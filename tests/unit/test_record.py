"""Extracts into a store that is kept: what stops them, who answers, what is told of what was held back."""

import datetime as dt
import shutil
from contextlib import contextmanager

import pandas as pd
import pytest
import small
import world as worlds

from vru_models import workflow
from vru_models.audit.ledger import Ledger
from vru_models.errors import DataError, RefusedError, StorageError
from vru_models.events import Events, record_events, store
from vru_models.fairness.readiness import readiness
from vru_models.feeds import read_feeds, write_extracts
from vru_models.spec.digest import digest_file
from vru_models.workflow import Answers, Kept, build, check, look_at, open_audit_file, purge, record

SPEC = worlds.spec()
ANSWER = Answers({"VRU102:missing": "the agency sends the rest with the next extract"}, "A. Name, data lead")
KEY = bytes(range(32))


def sent(folder, *, spoilt=0, day=small.EXTRACT_DATE):
    frames = worlds.extracts(n=120)
    frames["missing"].loc[frames["missing"].index[:spoilt], "start_date"] = "CANARY7f3a"
    write_extracts(folder, frames, extract_date=day)
    return folder


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "store", KEY)


def refused(*args, **kwargs):
    with pytest.raises(RefusedError) as error:
        record(SPEC, *args, **kwargs)
    return str(error.value)


@pytest.mark.parametrize("begun", [False, True])
def test_too_many_rows_held_back_are_refused_listed_and_not_recorded(begun, kept, ledger, tmp_path):
    if begun:
        record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    before, entries = (Events.open(kept.store).digest if begun else None), len(ledger)
    folder, listed = sent(tmp_path / "extracts", spoilt=60), tmp_path / "held"
    said = refused(folder, kept=kept, ledger=ledger, quarantine=listed)
    assert said.startswith("record: refused.\n  VRU102 fail, missing: 60 of ")
    assert "Nothing was recorded. Mend the extracts at their source." in said
    assert "CANARY" not in said
    assert (Events.open(kept.store).digest if begun else None) == before
    assert kept.store.exists() == begun
    assert len(ledger) == entries
    held = pd.read_csv(listed / "quarantine.csv")
    assert held.groupby(["feed", "reasons"]).size().to_dict() == {("missing", "start_date:not_a_date"): 60}


@pytest.mark.parametrize("begun", [False, True])
def test_a_named_person_may_answer_and_the_ledger_says_so(begun, kept, ledger, tmp_path):
    if begun:
        record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    folder = sent(tmp_path / "extracts", spoilt=60)
    done = record(SPEC, folder, kept=kept, ledger=ledger, answers=ANSWER, quarantine=tmp_path / "held")
    body = ledger.find("feeds")[-1].body
    assert (body["overrides"], body["by"]) == (dict(ANSWER.reasons), ANSWER.by)
    assert body["quarantine"] == {f.name: digest_file(f) for f in (tmp_path / "held").iterdir()}
    assert done.digest == Events.open(kept.store).digest == ledger.find("events")[-1].body["events"]
    assert repr(done).startswith("Recorded(5 feeds: ")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        (Answers({"VRU102": "too bad"}, "A. Name, data lead"), "overrides.VRU102: gives no reason of 10 characters"),
        (Answers({"VRU102": ANSWER.reasons["VRU102:missing"]}), "by: names nobody; give name and role in one line"),
        (Answers({"VRU102": f"see {'0a' * 16} among others"}, "A. Name"), "overrides: hold what may be a pseudonym"),
        (Answers({**ANSWER.reasons, "VRU121": "nothing stands here"}, "A. Name"), "overrides.VRU121: nothing with"),
    ],
)
def test_an_answer_that_answers_nothing_is_refused(answers, says, kept, ledger, tmp_path):
    assert says in refused(sent(tmp_path / "extracts", spoilt=60), kept=kept, ledger=ledger, answers=answers)
    assert not kept.store.exists()


def test_a_build_into_the_store_is_refused_alike_and_takes_the_answer_that_was_recorded(kept, ledger, tmp_path):
    folder = sent(tmp_path / "extracts", spoilt=60)
    with pytest.raises(RefusedError, match=r"VRU102 fail, missing: 60 of"):
        build(SPEC, folder, out=tmp_path / "work", ledger=ledger, kept=kept)
    record(SPEC, folder, kept=kept, ledger=ledger, answers=ANSWER)
    assert build(SPEC, folder, out=tmp_path / "work", ledger=ledger, kept=kept).events.digest
    assert record(SPEC, folder, kept=kept, ledger=ledger).rows
    with pytest.raises(RefusedError, match=r"VRU102 fail, missing: 61 of"):
        record(SPEC, sent(tmp_path / "other", spoilt=61), ledger=ledger, kept=kept)


def test_the_first_and_the_next_extracts_give_the_store_that_is_made_in_memory(kept, ledger, tmp_path):
    folders = [sent(tmp_path / "august", day=dt.date(2024, 8, 31)), sent(tmp_path / "september")]
    events = None
    for folder in folders:
        record(SPEC, folder, kept=kept, ledger=ledger)
        events = record_events(read_feeds(folder, SPEC), SPEC, earlier=events)
        assert Events.open(kept.store).digest == events.digest
        assert Events.open(kept.store).findings.records() == events.findings.records()


def test_what_a_later_month_brought_is_told_by_feed(kept, ledger, tmp_path):
    august = record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    assert august.brought.to_numpy().tolist() == []
    frames = worlds.extracts(n=120)
    more = small.rows(
        ",".join(frames["missing"].columns), "new1,p0001,2024-08-30,2024-08-31", "new2,p0002,2024-08-30,2024-09-01"
    )
    frames["missing"] = pd.concat([frames["missing"].astype("str"), more])
    write_extracts(tmp_path / "september", frames, extract_date=small.EXTRACT_DATE)
    brought = record(SPEC, tmp_path / "september", kept=kept, ledger=ledger).brought.set_index("feed")
    assert brought.loc["missing"].to_dict() == {"new": 2, "late": 1, "gone": 0}
    assert brought.loc["exclusions"].to_dict() == {"new": 0, "late": 0, "gone": 0}


def test_a_good_month_writes_no_quarantine_and_a_taken_place_is_refused_first(kept, ledger, tmp_path):
    folder = sent(tmp_path / "extracts")
    record(SPEC, folder, kept=kept, ledger=ledger, quarantine=tmp_path / "held")
    assert not (tmp_path / "held").exists()
    with pytest.raises(StorageError, match=r"quarantine: cannot be written .*Nothing is overwritten"):
        record(SPEC, tmp_path / "nowhere", kept=kept, ledger=ledger, quarantine=folder)


@pytest.mark.parametrize("begun", [False, True])
def test_a_file_that_changes_while_it_is_read_is_refused(begun, kept, ledger, tmp_path, monkeypatch):
    if begun:
        record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    folder = sent(tmp_path / "extracts")
    answer = workflow._refuse_unanswered

    def change(*given):
        (folder / "missing.csv").write_bytes((folder / "missing.csv").read_bytes() + b"\n")
        answer(*given)

    monkeypatch.setattr(workflow, "_refuse_unanswered", change)
    with pytest.raises(DataError, match=r"extracts: were changed while they were read: missing.csv. Run again"):
        record(SPEC, folder, kept=kept, ledger=ledger)
    assert kept.store.exists() == begun
    assert len(ledger) == 2 * begun


def test_the_ledger_names_the_files_that_are_read_and_no_others(kept, ledger, tmp_path):
    folder = sent(tmp_path / "extracts")
    for name in ("people.A Name 2010-03-04 bak", "missing.csv.bak", "notes.csv"):
        (folder / name).touch()
    record(SPEC, folder, kept=kept, ledger=ledger)
    (entry,) = ledger.find("feeds")
    assert sorted(entry.body["files"]) == sorted(["extracts.toml", *(f"{feed}.csv" for feed in SPEC.feeds)])


def test_extracts_are_looked_at_as_if_they_had_been_added(kept, ledger, tmp_path):
    record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    before = Events.open(kept.store).digest
    _, events = look_at(SPEC, sent(tmp_path / "september"), kept=kept)
    found = check(SPEC, tmp_path / "september", kept=kept)
    assert {f.code for f in found} >= {"VRU121", "VRU122"}
    assert events.digest != before
    assert Events.open(kept.store).digest == before


def test_under_first_seen_a_month_can_be_checked_only_with_the_store_it_is_added_to(ledger, tmp_path):
    lag, seen = ({"feeds.missing.known": {"kind": kind, **more}} for kind, more in
                 (("assumed_lag", {"median": 5, "p95": 20}), ("first_seen", {})))  # fmt: skip
    kept = Kept(tmp_path / "store")
    record(worlds.spec(**lag), sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    folder = sent(tmp_path / "september")
    with pytest.raises(DataError, match=r"first_seen: the first extract holds"):
        check(worlds.spec(**seen), folder)
    assert check(worlds.spec(**seen), folder, kept=kept)


def test_who_was_purged_is_in_no_audit_file_and_in_no_readiness(kept, ledger, tmp_path):
    folder = sent(tmp_path / "extracts")
    record(SPEC, folder, kept=kept, ledger=ledger)
    purge(kept.store, ["p0001"], key=KEY, ledger=ledger)
    feeds, _ = look_at(SPEC, folder, kept=kept)
    assert "p0001" not in set(feeds.sensitive["person_id"])
    held = feeds.quarantine[feeds.quarantine["feed"] == "audit"]
    assert held.to_numpy().tolist() == [["audit", 2, "purged"]]
    build(SPEC, folder, out=tmp_path / "work", ledger=ledger, kept=kept)
    assert "p0001" not in set(open_audit_file(tmp_path / "work")["person_id"])
    assert len(open_audit_file(tmp_path / "work")) == 119


def test_nothing_is_added_to_a_copy_from_before_a_purge(kept, ledger, tmp_path):
    record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    shutil.copytree(kept.store, tmp_path / "copy")
    purge(kept.store, ["p0001"], key=KEY, ledger=ledger)
    folder, entries = sent(tmp_path / "september"), len(ledger)
    with pytest.raises(RefusedError, match=r"event store: is from before a purge. .* Restore the last one"):
        record(SPEC, folder, kept=Kept(tmp_path / "copy", KEY), ledger=ledger)
    with pytest.raises(RefusedError, match=r"event store: is from before a purge"):
        build(SPEC, folder, out=tmp_path / "work", ledger=ledger, kept=Kept(tmp_path / "copy", KEY))
    assert len(ledger) == entries
    record(SPEC, folder, kept=kept, ledger=ledger)


@contextmanager
def stopped_at_the_first_file(monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt("stopped here")

    with monkeypatch.context() as patched:
        patched.setattr(store, "write_file", stop)
        with pytest.raises(KeyboardInterrupt, match="stopped here"):
            yield


def test_nothing_is_added_while_a_purge_is_not_finished(kept, ledger, tmp_path, monkeypatch):
    record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    folder = sent(tmp_path / "september")
    with stopped_at_the_first_file(monkeypatch):
        purge(kept.store, ["p0001"], key=KEY, ledger=ledger)
    with pytest.raises(RefusedError, match=r"event store: a purge of it was begun and never finished. Purge the same"):
        record(SPEC, folder, kept=kept, ledger=ledger)
    purge(kept.store, ["p0001"], key=KEY, ledger=ledger)
    assert record(SPEC, folder, kept=kept, ledger=ledger).rows


def test_a_record_that_was_stopped_after_its_entry_is_recorded_again(kept, ledger, tmp_path, monkeypatch):
    record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    folder = sent(tmp_path / "september")
    with stopped_at_the_first_file(monkeypatch):
        record(SPEC, folder, kept=kept, ledger=ledger)
    assert record(SPEC, folder, kept=kept, ledger=ledger).digest == Events.open(kept.store).digest


def test_the_page_of_a_kept_store_asks_every_question_and_says_what_was_held_back(kept, ledger, tmp_path):
    record(SPEC, sent(tmp_path / "august", day=dt.date(2024, 8, 31)), kept=kept, ledger=ledger)
    purge(kept.store, [f"p{i:04}" for i in range(20)], key=KEY, ledger=ledger)
    feeds, events = look_at(SPEC, sent(tmp_path / "september", spoilt=60), kept=kept)
    ready = readiness(feeds, events, SPEC)
    assert {f.code for f in ready.findings} >= {"VRU121", "VRU122", "VRU123"}
    assert ready.tables["held_back"].text().to_numpy().tolist() == [
        ["missing", "start_date:not_a_date", "60"],
        ["audit", "purged", "20"],
    ]
    page = ready.files()["readiness.html"].decode()
    assert "Do people who were purged stay out?" in page
    assert "What was held back" in page
