import datetime as dt
import shutil
import stat

import kept
import pandas as pd
import pytest
import small
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.dataset import Dataset, build_dataset
from vru_models.errors import DataError, LockedError, RefusedError, StorageError
from vru_models.events import Events
from vru_models.events import store as events_store
from vru_models.events.tombstones import Purged
from vru_models.feeds import write_extracts
from vru_models.identifiers.pseudonyms import PseudonymKey
from vru_models.spec.digest import digest_file
from vru_models.workflow import (
    Kept,
    build,
    check,
    events_of,
    open_audit_file,
    purge,
    record,
    write_report,
)


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


def test_a_clean_delivery_leaves_an_empty_quarantine(built, tmp_path):
    folder = tmp_path / "work" / "quarantine"
    assert len(built.feeds.quarantine) == 0
    assert (folder / "quarantine.csv").read_text() == "feed,row,reasons\n"
    assert len(pd.read_parquet(folder / "quarantine.parquet")) == 0


@pytest.fixture
def spoilt(tmp_path):
    frames = worlds.extracts(n=120)
    bad = frames["missing"].iloc[[0]].astype("str").assign(person_id="=CANARY7f3a", start_date="CANARY7f3a")
    frames["missing"] = pd.concat([frames["missing"].astype("str"), bad], ignore_index=True)
    write_extracts(tmp_path / "spoilt", frames, extract_date=small.EXTRACT_DATE)
    return build(worlds.spec(), tmp_path / "spoilt", out=tmp_path / "held", ledger=Ledger(tmp_path / "held.jsonl"))


def test_a_quarantine_says_where_a_row_is_and_why_and_never_what_it_says(spoilt, tmp_path):
    folder, n = tmp_path / "held" / "quarantine", spoilt.feeds.rows_in["missing"]
    assert (folder / "quarantine.csv").read_text() == f"feed,row,reasons\nmissing,{n},start_date:not_a_date\n"
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "quarantine.parquet"), spoilt.feeds.quarantine)
    assert b"CANARY" not in b"".join(file.read_bytes() for file in folder.iterdir())


def test_a_quarantine_is_for_its_owner_alone_and_its_digests_are_in_the_ledger(spoilt, tmp_path):
    folder = tmp_path / "held" / "quarantine"
    (entry,) = Ledger(tmp_path / "held.jsonl").find("feeds")
    assert entry.body["quarantine"] == {file.name: digest_file(file) for file in folder.iterdir()}
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_without_an_audit_feed_there_is_no_audit_file(tmp_path):
    declared = small.spec(without=("audit",), **{"splits": {"as_of": worlds.AS_OF}, "capacity.k": 20})
    frames = {name: frame for name, frame in worlds.extracts(n=120).items() if name != "audit"}
    write_extracts(tmp_path / "extracts", frames, extract_date=small.EXTRACT_DATE)
    build(declared, tmp_path / "extracts", out=tmp_path / "work", ledger=Ledger(tmp_path / "l.jsonl"))
    assert open_audit_file(tmp_path / "work") is None


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        ("events", "event store: the folder is missing"),
        ("dataset", "dataset already there"),
        ("audit_file.parquet", "is already there, from other extracts or another spec"),
        ("quarantine", "quarantine.parquet: cannot be read"),
    ],
)
def test_nothing_is_overwritten_and_nothing_recorded(extracts, tmp_path, taken, says):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / taken).touch()
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(LockedError if taken == "dataset" else StorageError, match=says):
        build(worlds.spec(), extracts, out=tmp_path / "work", ledger=ledger)
    assert len(ledger) == 0


@pytest.mark.parametrize(
    "left", [["events"], ["events", "audit_file.parquet"], ["events", "audit_file.parquet", "quarantine"]]
)
def test_a_build_that_was_stopped_goes_on_in_the_same_folder(built, extracts, tmp_path, left):
    (tmp_path / "again").mkdir()
    for part in left:
        source = tmp_path / "work" / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "again" / part)
    again = build(worlds.spec(), extracts, out=tmp_path / "again", ledger=Ledger(tmp_path / "again" / "l.jsonl"))
    assert again.data.digest == built.data.digest
    assert Dataset.open(tmp_path / "again" / "dataset").digest == built.data.digest


@pytest.mark.usefixtures("built")
def test_events_of_other_extracts_are_not_taken_for_a_build_that_was_stopped(extracts, tmp_path):
    shutil.rmtree(tmp_path / "work" / "dataset")
    write_extracts(tmp_path / "more", worlds.extracts(n=121), extract_date=small.EXTRACT_DATE)
    ledger = Ledger(tmp_path / "other.jsonl")
    with pytest.raises(StorageError, match="events: is already there, from other extracts or another spec"):
        build(worlds.spec(), tmp_path / "more", out=tmp_path / "work", ledger=ledger)
    assert len(ledger) == 0


def test_the_ledger_holds_the_digest_of_every_extract_that_was_read(built, extracts, tmp_path):
    (entry,) = Ledger(tmp_path / "work" / "ledger.jsonl").find("feeds")
    assert entry.body["files"] == {file.name: digest_file(file) for file in extracts.iterdir()}
    assert sorted(entry.body["files"]) == sorted(["extracts.toml", *(f"{feed}.csv" for feed in built.feeds.rows_in)])


@pytest.mark.usefixtures("spoilt")
def test_a_quarantine_of_other_extracts_is_not_taken_for_this_one(extracts, tmp_path):
    shutil.copytree(tmp_path / "held" / "quarantine", tmp_path / "new" / "quarantine")
    ledger = Ledger(tmp_path / "other.jsonl")
    with pytest.raises(StorageError, match="quarantine: is already there, from other extracts or another spec"):
        build(worlds.spec(), extracts, out=tmp_path / "new", ledger=ledger)
    assert len(ledger) == 0


@pytest.mark.parametrize("step", [check, lambda spec, folder: build(spec, folder, out="nowhere", ledger=None)])
def test_extracts_of_tomorrow_are_refused(tmp_path, step):
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    write_extracts(tmp_path / "extracts", worlds.extracts(n=120), extract_date=tomorrow)
    with pytest.raises(
        DataError, match=r"extract dates: 5 of 5 feeds are dated after today \(audit, cover, exclusions"
    ):
        step(worlds.spec(), tmp_path / "extracts")


def test_a_report_is_of_the_evidence_that_the_ledger_holds(released, tmp_path):
    with pytest.raises(RefusedError, match="is not the evidence of this run that the ledger holds"):
        write_report(released.place, tmp_path / "page.html", ledger=Ledger(tmp_path / "none.jsonl"))
    assert list(tmp_path.iterdir()) == []


def test_a_report_overwrites_nothing_but_a_page_that_report_wrote(released, tmp_path):
    work = shutil.copytree(released.place, tmp_path / "work")
    ledger = Ledger(work / "ledger.jsonl")
    for part in ("ledger.jsonl", "trust.toml", "audit_file.parquet", "run"):
        with pytest.raises(StorageError, match="is already there, and is no page of this ledger's"):
            write_report(work, work / part, ledger=ledger)
    for _ in range(2):
        write_report(work, work / "report.html", ledger=ledger)
    assert len(ledger.find("report")) == 2


def test_check_says_when_an_impact_assessment_is_out_of_date(extracts):
    late = {"purpose.dpia": {"reference": "DPIA-1", "review_by": dt.date(2026, 1, 1)}}
    found = {f.code: (f.status, f.message) for f in check(worlds.spec(**late), extracts)}["VRU608"]
    assert found == ("fail", "purpose.dpia: was to be reviewed by 2026-01-01")
    assert {f.code: f.status for f in check(worlds.spec(), extracts)}["VRU608"] == "pass"


def test_a_report_inside_a_release_would_break_it(released):
    with pytest.raises(StorageError, match="lies inside a release"):
        write_report(released.place, released.place / "release" / "page.html", ledger=released.ledger)


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
    assert found.message == (
        "4 possible with data until 2024-09-01, tested on (training dates): 2022-05-01 (1), 2022-12-01 (2), "
        "2023-07-01 (3), 2024-02-01 (4, sealed). Not 2021-10-01: no earlier as-of date had complete labels by then. "
        "Not 2024-06-01: its labels are complete only on 2025-01-01, after the data end. "
        "With data until 2025-01-01 there would be 5"
    )


@pytest.mark.parametrize(("n", "status"), [(4, "pass"), (3, "cannot tell"), (2, "cannot tell"), (1, "fail")])
def test_check_wants_three_splits(extracts, n, status):
    declared = worlds.spec(**{"splits.as_of": worlds.AS_OF[:n]})
    assert {f.code: f.status for f in check(declared, extracts)}["VRU203"] == status


def test_check_hands_on_what_the_gate_found(extracts):
    assert {f.code for f in check(worlds.spec(), extracts)} >= {"VRU101", "VRU102", "VRU103", "VRU110", "VRU203"}


def sent(folder, day, frames):
    write_extracts(folder, frames, extract_date=day)
    return folder


def test_a_store_is_kept_from_month_to_month_and_the_same_extracts_add_nothing(tmp_path):
    spec, ledger = worlds.spec(), Ledger(tmp_path / "ledger.jsonl")
    frames = worlds.extracts(n=120)
    early = frames | {"missing": frames["missing"][frames["missing"]["known_date"] < "2024-08-01"]}
    first = sent(tmp_path / "august", dt.date(2024, 8, 31), early)
    second = sent(tmp_path / "september", small.EXTRACT_DATE, frames)
    kept = Kept(tmp_path / "store")
    for folder in (first, second):
        events = record(spec, folder, ledger=ledger, kept=kept)
    assert len(early["missing"]) < len(frames["missing"])
    assert events.digest == Events.open(tmp_path / "store").digest == ledger.find("events")[-1].body["events"]
    again = record(spec, second, ledger=ledger, kept=kept)
    assert again.digest == events.digest
    made = build(spec, second, out=tmp_path / "work", ledger=ledger, kept=kept)
    assert made.events.digest == events.digest
    assert events_of(tmp_path / "store", spec, ledger=ledger).digest == events.digest


def test_who_is_purged_is_out_of_the_store_and_of_what_is_added_later_and_the_ledger_names_nobody(extracts, tmp_path):
    spec, ledger, key = worlds.spec(), Ledger(tmp_path / "ledger.jsonl"), bytes(range(32))
    store = tmp_path / "store"
    record(spec, extracts, ledger=ledger, kept=Kept(store, key))
    events = Events.open(store)
    done = purge(store, ["p0001", "p0002", "nobody"], key=PseudonymKey("erasure", key), ledger=ledger)
    assert done == Purged(found=2, before=0, unknown=1, linked=0, left=0)
    begun, said = ledger.find("purging")[0], ledger.find("purge")[0]
    assert begun.body == said.body
    assert (said.seq, said.body["people"], said.body["before"]) == (begun.seq + 1, 3, events.digest)
    assert said.body["events"] == Events.open(store).digest
    record(spec, extracts, ledger=ledger, kept=Kept(store, key))
    events = Events.open(store)
    assert not {"p0001", "p0002"} & {*events.frame["person_id"], *events.spells["person_id"]}
    assert said.body["events"] == ledger.find("events")[-1].body["events"] == ledger.find("events")[-1].body["before"]
    stored = b"".join(f.read_bytes() for f in [ledger.path, *store.glob("*.json")])
    assert b"p0001" not in stored


def test_who_is_in_no_event_is_found_and_who_was_purged_before_is_told_from_who_never_came(
    tmp_path,
):
    place, ledger = kept.kept(tmp_path / "w", made=kept.linked())
    assert purge(place, ["d", "e"], key=kept.KEY, ledger=ledger) == Purged(2, 0, 0, 0, 0)
    assert purge(place, ["d", "e", "D", "person"], key=kept.KEY, ledger=ledger) == Purged(0, 2, 2, 0, 0)
    assert purge(place, ["D"], key=kept.KEY, ledger=ledger) == Purged(0, 1, 0, 0, 0)


def test_where_others_are_linked_nobody_goes_until_it_is_said_what_becomes_of_them(tmp_path):
    place, ledger = kept.kept(tmp_path / "w", made=kept.linked())
    message = r"people: 2 other pseudonyms are linked to those given. Expected: linked=True.*--not-linked\). Nothing"
    with pytest.raises(RefusedError, match=message):
        purge(place, ["a"], key=kept.KEY, ledger=ledger)
    assert (Events.open(place).digest, ledger.find("purging")) == (kept.linked().digest, ())


def test_linked_pseudonyms_stay_and_are_counted_or_go_and_are_kept_out_too(tmp_path):
    place, ledger = kept.kept(tmp_path / "w", made=kept.linked())
    other, said = kept.kept(tmp_path / "v", made=kept.linked())
    third, third_said = kept.kept(tmp_path / "u", made=kept.linked())
    assert purge(place, ["a"], key=kept.KEY, ledger=ledger, linked=False) == Purged(1, 0, 0, 0, 2)
    assert Events.open(place).people == {"b", "c", "d", "e"}
    assert purge(other, ["a"], key=kept.KEY, ledger=said, linked=True) == Purged(1, 0, 0, 2, 0)
    left = Events.open(other)
    assert (left.people, len(left.tombstones), said.find("purge")[0].body["people"]) == ({"d", "e"}, 3, 3)
    sure = {"linked": True, "same_person_from": 0.99}
    assert purge(third, ["a"], key=kept.KEY, ledger=third_said, **sure) == Purged(1, 0, 0, 1, 0)
    assert Events.open(third).people == {"c", "d", "e"}


def test_a_purge_is_said_before_it_is_done_and_again_when_it_is(tmp_path, monkeypatch):
    place, ledger = kept.kept(tmp_path / "w")

    def full(*_, **__):
        assert len(ledger.find("purging")) == 1
        raise StorageError("no space")

    monkeypatch.setattr(events_store, "write_file", full)
    with pytest.raises(StorageError, match="no space"):
        purge(place, ["a"], key=kept.KEY, ledger=ledger)
    assert (ledger.find("purge"), "a" in Events.open(place).people) == ((), True)


@pytest.mark.parametrize(
    ("people", "error", "message"),
    [
        ("a", TypeError, "people is one text. Expected: several pseudonyms"),
        (["a", None], TypeError, "1 of 2 pseudonyms are no text"),
        (["a", " "], ValueError, "1 of 2 pseudonyms are empty"),
    ],
)
def test_what_is_no_pseudonym_is_refused_before_the_ledger_is_written_to(tmp_path, people, error, message):
    place, ledger = kept.kept(tmp_path / "w")
    with pytest.raises(error, match=message):
        purge(place, people, key=kept.KEY, ledger=ledger)
    assert ledger.find("purging") == ()


def test_the_ledger_says_what_a_kept_store_held_before_and_what_a_dataset_was_built_from(extracts, tmp_path):
    spec, ledger, store = worlds.spec(), Ledger(tmp_path / "ledger.jsonl"), Kept(tmp_path / "store")
    first = record(spec, extracts, kept=store, ledger=ledger).digest
    made = build(spec, extracts, out=tmp_path / "work", ledger=ledger, kept=store)
    build(spec, extracts, out=tmp_path / "other", ledger=ledger)
    said = [entry.body.get("before", "not kept") for entry in ledger.find("events")]
    assert said == [None, first, "not kept"]
    assert [entry.body["events"] for entry in ledger.find("dataset")] == [made.events.digest] * 2


def test_events_that_other_indicators_made_are_built_into_nothing(extracts, tmp_path):
    kept = Kept(tmp_path / "store")
    record(worlds.spec(), extracts, ledger=Ledger(tmp_path / "ledger.jsonl"), kept=kept)
    other = worlds.spec(**{"indicators.suspension.where": {"kind": ["S"]}})
    with pytest.raises(DataError, match=r"events: were recorded by other indicators than those of this spec"):
        build_dataset(other, Events.open(tmp_path / "store"))


def test_who_objects_to_equality_monitoring_is_not_in_the_audit_file_by_whatever_pseudonym(tmp_path):
    spec = worlds.spec(
        **{name: value for kind in ("links", "objections") for name, value in small.also(kind).items()},
        schemas=small.MORE_SCHEMAS,
    )
    frames = worlds.extracts(n=120) | {
        "links": small.rows(
            "link_id,person_id,other_id,kind,confidence,known_date", "1,p0003,other,merge,1,2022-01-01"
        ),
        "objections": small.rows(
            "objection_id,person_id,purpose,start_date,end_date,known_date",
            "1,p0001,audit,2022-01-01,,2022-01-01",
            "2,other,all,2022-01-01,,2022-01-01",
            "3,p0002,audit,2022-01-01,2023-01-01,2022-01-01",
        ),
    }
    made = build(spec, sent(tmp_path / "sent", small.EXTRACT_DATE, frames), out=tmp_path / "work",
                 ledger=Ledger(tmp_path / "ledger.jsonl"))  # fmt: skip
    audited = set(open_audit_file(tmp_path / "work")["person_id"])
    assert not {"p0001", "p0003"} & audited
    assert "p0002" in audited
    assert made.feeds.quarantine["reasons"].tolist() == ["objected"]
    assert "p0003" not in made.data.X.index.get_level_values("person_id")
    assert "p0001" in made.data.X.index.get_level_values("person_id")
