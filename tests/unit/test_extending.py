"""Extract after extract: nothing twice, corrections beside what they correct, history untouched."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest
import small
import world as worlds

from vru_models.dataset import build_dataset
from vru_models.errors import DataError, RefusedError
from vru_models.events import Events, record_events
from vru_models.feeds import admit

JUNE, JULY, AUGUST = dt.date(2022, 6, 1), dt.date(2022, 7, 1), dt.date(2022, 8, 1)
HEADER = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
FIRST = "x1,a,S,2022-01-10,2022-01-12,3,recorded"
SNAPSHOT = small.spec(**{"feeds.exclusions.delivery": "snapshot", "feeds.people.delivery": "snapshot"})
FIRST_SEEN = small.spec(**{"feeds.exclusions.known": {"kind": "first_seen"}, "feeds.exclusions.delivery": "snapshot"})


def extract(day: dt.date, *lines: str, declared: Any = None, **others: Any) -> Any:
    chosen = declared or small.spec()
    frames = small.extracts() | {"missing": small.extracts()["missing"].iloc[:0]} | others
    if lines != ("as ever",):
        frames["exclusions"] = small.rows(HEADER, *lines) if lines else small.extracts()["exclusions"].iloc[:0]
    return admit(frames, chosen, extract_dates=dict.fromkeys(chosen.feeds, day))


def recorded(*extracts: Any, declared: Any = None) -> Events:
    events = None
    for feeds in extracts:
        events = record_events(feeds, declared or small.spec(), earlier=events)
    return events


def versions(events: Events) -> list[str]:
    """Who, when known, until when, how many sessions: of the exclusions."""
    frame = events.frame[events.frame["feed"] == "exclusions"]
    dates = zip(frame["person_id"], frame["known_date"], frame["known_until"], frame["value"], strict=True)
    return [f"{p} {k:%d %b} {'open' if pd.isna(u) else format(u, '%d %b')} {v:g}" for p, k, u, v in dates]


def test_an_extract_that_arrives_twice_adds_nothing():
    once = recorded(extract(JUNE, FIRST))
    again = recorded(extract(JUNE, FIRST), extract(JUNE, FIRST))
    later = recorded(extract(JUNE, FIRST), extract(JULY, FIRST))
    assert versions(once) == versions(again) == versions(later) == ["a 12 Jan open 3"]
    assert again.digest == once.digest
    assert later.rows["spells"].equals(once.rows["spells"])


def test_what_is_new_is_known_as_it_says_and_what_says_it_was_there_before_from_its_own_extract():
    new = "x2,b,S,2022-06-10,2022-06-12,1,recorded"
    late = "x3,c,S,2022-05-10,2022-05-12,2,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, new, late))
    assert versions(events) == ["a 12 Jan open 3", "b 12 Jun open 1", "c 01 Jul open 2"]
    (found,) = [f for f in events.findings if f.code == "VRU122" and f.where == "exclusions"]
    assert (found.status, found.figures) == ("pass", {"new": 2, "late": 1})


def test_a_correction_under_its_old_date_is_known_from_the_extract_that_brought_it_and_both_are_kept():
    other = "x1,a,S,2022-01-10,2022-01-12,5,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, other), extract(AUGUST, other))
    assert versions(events) == ["a 12 Jan 01 Jul 3", "a 01 Jul open 5"]


def test_a_correction_under_a_new_date_is_known_from_that():
    corrected = "x1,a,S,2022-01-10,2022-06-20,5,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, FIRST, corrected))
    assert versions(events) == ["a 12 Jan 20 Jun 3", "a 20 Jun open 5"]


def test_an_old_version_that_comes_again_alone_changes_nothing():
    corrected = "x1,a,S,2022-01-10,2022-06-20,5,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, corrected), extract(AUGUST, FIRST))
    assert versions(events) == ["a 12 Jan 20 Jun 3", "a 20 Jun open 5"]


def test_a_row_that_no_longer_matches_closes_what_an_earlier_extract_made():
    lunchtime = "x1,a,P,2022-01-10,2022-06-20,3,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, lunchtime), extract(AUGUST, lunchtime))
    assert versions(events) == ["a 12 Jan 20 Jun 3", "a 20 Jun open nan"]
    assert events.frame["indicator"].astype(str).tolist() == ["suspension", "permanent_exclusion"]


def test_a_record_that_is_about_somebody_else_and_no_longer_matches_closes_what_it_made():
    other = "x1,b,P,2022-01-10,2022-06-20,3,recorded"
    events = recorded(extract(JUNE, FIRST), extract(JULY, other))
    assert versions(events) == ["a 12 Jan 20 Jun 3", "b 20 Jun open nan"]


def test_a_snapshot_that_keeps_earlier_versions_gives_nobody_s_record_to_somebody_else():
    both = (FIRST, "x1,b,S,2022-01-10,2022-05-20,3,recorded")
    events = recorded(*(extract(day, *both, declared=SNAPSHOT) for day in (JUNE, JULY)), declared=SNAPSHOT)
    (found,) = [f for f in events.findings if f.code == "VRU124" and f.where == "exclusions"]
    assert (found.status, found.figures) == ("pass", {"elsewhere": 0, "again": 1})


def test_a_record_that_was_corrected_to_an_earlier_day_and_then_vanishes_is_withdrawn_as_it_was_last_said():
    earlier = "x1,a,S,2021-12-10,2022-06-20,3,recorded"
    events = recorded(*(extract(day, *lines, declared=SNAPSHOT) for day, lines in
                        ((JUNE, (FIRST,)), (JULY, (earlier,)), (AUGUST, ()))), declared=SNAPSHOT)  # fmt: skip
    assert versions(events) == ["a 20 Jun 01 Aug 3", "a 12 Jan 20 Jun 3"]
    assert events.closers["event_date"].dt.strftime("%Y-%m-%d").tolist() == ["2021-12-10"]


def test_who_is_purged_leaves_closed_what_a_correction_took_from_somebody_else(tmp_path):
    events = recorded(extract(JUNE, FIRST), extract(JULY, "x1,b,S,2022-01-10,2022-06-20,3,recorded"))
    left = events.purge("b", key=bytes(32))
    assert versions(left) == ["a 12 Jan 20 Jun 3"]
    left.save(tmp_path / "store")
    assert versions(Events.open(tmp_path / "store")) == versions(left)
    closed = recorded(extract(JUNE, FIRST), extract(JULY, "x1,b,S,2022-01-10,2022-06-20,3,withdrawn"))
    assert versions(closed.purge("b", key=bytes(32))) == ["a 12 Jan 20 Jun 3"]
    closed.purge("b", key=bytes(32)).save(tmp_path / "closed")
    assert versions(Events.open(tmp_path / "closed")) == ["a 12 Jan 20 Jun 3"]


def test_what_a_record_said_before_it_was_about_who_was_purged_does_not_come_in_again():
    both = (FIRST, "x1,b,S,2022-01-10,2022-05-20,3,recorded")
    held = recorded(extract(JUNE, *both, declared=SNAPSHOT), declared=SNAPSHOT).purge("b", key=bytes(32))
    later = extract(JULY, *both, declared=SNAPSHOT)
    events = record_events(later, SNAPSHOT, earlier=held, key=bytes(32))
    assert versions(events) == versions(held) == ["a 12 Jan 20 May 3"]
    put_right = extract(AUGUST, *both, "x1,a,S,2022-01-10,2022-07-20,3,recorded", declared=SNAPSHOT)
    events = record_events(put_right, SNAPSHOT, earlier=events, key=bytes(32))
    assert versions(events) == ["a 12 Jan 20 May 3", "a 20 Jul open 3"]


def test_a_row_that_vanishes_from_a_snapshot_was_withdrawn_and_one_that_is_back_is_known_again():
    second = "x2,b,S,2022-05-10,2022-05-12,1,recorded"
    both, one = (extract(day, *lines, declared=SNAPSHOT) for day, lines in ((JUNE, (FIRST, second)), (JULY, (FIRST,))))
    gone = recorded(both, one, declared=SNAPSHOT)
    assert versions(gone) == ["a 12 Jan open 3", "b 12 May 01 Jul 1"]
    (found,) = [f for f in gone.findings if f.code == "VRU121" and f.where == "exclusions"]
    assert (found.status, found.figures) == ("fail", {"gone": 1, "standing": 2, "held_back": 0})
    back = record_events(extract(AUGUST, FIRST, second, declared=SNAPSHOT), SNAPSHOT, earlier=gone)
    assert versions(back) == ["a 12 Jan open 3", "b 12 May 01 Jul 1", "b 01 Aug open 1"]


SECOND = "x2,b,S,2022-05-10,2022-05-12,1,recorded"


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("x2,b,S,2022-05-10,2022-05-12,four,recorded", "sessions:not_a_number"),
        ("x2,B,S,2022-05-10,2022-05-12,1,recorded", "person_id:pattern"),
        ("x2,b,S,,2022-05-12,1,recorded", "start_date:required"),
    ],
)
def test_a_row_of_a_snapshot_that_is_held_back_withdraws_nothing(typed, reason):
    later = extract(JULY, FIRST, typed, declared=SNAPSHOT)
    assert later.quarantine["reasons"].tolist() == [reason]
    events = recorded(extract(JUNE, FIRST, SECOND, declared=SNAPSHOT), later, declared=SNAPSHOT)
    assert versions(events) == ["a 12 Jan open 3", "b 12 May open 1"]
    (found,) = [f for f in events.findings if f.code == "VRU121" and f.where == "exclusions"]
    assert (found.status, found.figures) == ("pass", {"gone": 0, "standing": 2, "held_back": 1})
    assert found.message.endswith("; 1 are in it in rows that were held back: they stand as they were")


def test_a_row_of_a_snapshot_whose_key_cannot_be_read_may_be_any_record_so_none_is_withdrawn():
    later = extract(JULY, ",b,S,2022-05-10,2022-05-12,1,recorded", declared=SNAPSHOT)
    events = recorded(extract(JUNE, FIRST, SECOND, declared=SNAPSHOT), later, declared=SNAPSHOT)
    assert versions(events) == ["a 12 Jan open 3", "b 12 May open 1"]
    (found,) = [f for f in events.findings if f.code == "VRU121" and f.where == "exclusions"]
    assert found.status == "cannot tell"
    assert found.message == "1 rows are held back whose key cannot be read: nothing was withdrawn"


OBJECTIONS = small.rows(
    "objection_id,person_id,purpose,start_date,end_date,known_date",
    "o1,a,all,2022-02-01,,2022-02-01", "o2,b,score,2022-02-01,,2022-02-01",
)  # fmt: skip


@pytest.mark.parametrize(("cell", "reason"), [("purpose", "not_in_enum"), ("known_date", "not_a_date")])
def test_a_slip_in_an_objection_does_not_lift_it_and_is_never_a_pass(cell, reason):
    declared = small.spec(schemas=small.MORE_SCHEMAS, **small.also("objections"),
                          **{"feeds.objections.delivery": "snapshot"})  # fmt: skip
    slip = OBJECTIONS.copy()
    slip.loc[0, cell] += " "
    first, second = (
        extract(day, FIRST, declared=declared, objections=rows) for day, rows in ((JUNE, OBJECTIONS), (JULY, slip))
    )
    assert second.quarantine["reasons"].tolist() == [f"{cell}:{reason}"]
    events = recorded(first, second, declared=declared)
    assert events.rows["objections"]["known_until"].isna().tolist() == [True, True]
    shut = {f.where: f.message for f in events.findings.with_status("fail") if f.code == "VRU102"}
    assert list(shut) == ["objections"]
    assert shut["objections"].startswith(f"1 of 2 rows quarantined (50.0%; at most 0%); {cell}:{reason} 1")


def test_one_objection_in_a_thousand_that_is_held_back_fails_the_gate():
    purposes = ["Score" if i == 7 else "score" for i in range(1_000)]
    lines = [f"o{i},a,{purpose},2022-02-01,,2022-02-01" for i, purpose in enumerate(purposes)]
    declared = small.spec(schemas=small.MORE_SCHEMAS, **small.also("objections"))
    many = small.rows(",".join(OBJECTIONS.columns), *lines)
    found = extract(JUNE, FIRST, declared=declared, objections=many).findings
    assert [f.status for f in found if f.code == "VRU102" and f.where == "objections"] == ["fail"]


def test_additions_alone_withdraw_nothing():
    events = recorded(extract(JUNE, FIRST), extract(JULY))
    assert versions(events) == ["a 12 Jan open 3"]
    assert {f.status for f in events.findings if f.code == "VRU121"} == {"not applicable"}


def test_a_spell_that_vanishes_is_withdrawn_and_one_that_changes_is_corrected():
    people = small.extracts()["people"]
    moved = people.iloc[:2].assign(area=["E09", "E01"])
    first = extract(JUNE, "as ever", declared=SNAPSHOT)
    events = recorded(first, extract(JULY, "as ever", declared=SNAPSHOT, people=moved), declared=SNAPSHOT)
    held = events.spells[["person_id", "area", "known_date", "known_until"]].astype("str").fillna("open")
    assert held.to_numpy().tolist() == [
        ["a", "E01", "2021-09-01", "2022-07-01"],
        ["a", "E09", "2022-07-01", "open"],
        ["b", "E01", "2021-09-01", "open"],
        ["c", "E02", "2021-09-01", "2022-07-01"],
    ]
    again = record_events(extract(AUGUST, "as ever", declared=SNAPSHOT, people=people), SNAPSHOT, earlier=events)
    assert again.as_known("2022-09-01").spells["area"].tolist() == ["E01", "E01", "E02"]


def test_four_years_that_arrive_at_once_are_refused_under_first_seen_with_the_remedy():
    years = [f"x{i},a,S,{2020 + i // 12}-{1 + i % 12:02}-10,2022-05-30,1,recorded" for i in range(48)]
    message = (
        r"feeds\.exclusions\.known: first_seen: the first extract holds 46 events \(96%\) from more than 3 months "
        r"before it\. Expected: recent events, as arrive monthly\. Declare feeds\.exclusions\.known as assumed_lag with"
    )
    declared = small.spec(**{"feeds.exclusions.known": {"kind": "first_seen"}})
    late = admit(
        small.extracts() | {"exclusions": small.rows(HEADER, *years)},
        declared,
        extract_dates=dict.fromkeys(declared.feeds, dt.date(2024, 1, 31)),
    )
    with pytest.raises(DataError, match=message):
        record_events(late, declared)


def test_under_assumed_lag_the_same_years_are_known_year_by_year_and_what_comes_later_from_its_extract():
    lag = {"kind": "assumed_lag", "median": 30, "p95": 60}
    declared = small.spec(**{"feeds.exclusions.known": lag})
    early, late = "x1,a,S,2020-01-10,2022-05-30,1,recorded", "x2,b,S,2020-03-10,2022-05-30,1,recorded"
    events = recorded(
        extract(JUNE, early, declared=declared), extract(JULY, early, late, declared=declared), declared=declared
    )
    assert versions(events) == ["a 09 Feb open 1", "b 01 Jul open 1"]


def test_under_first_seen_a_row_is_known_from_the_extract_in_which_it_first_came_as_it_is():
    new = "x2,b,S,2022-05-10,2022-05-12,1,recorded"
    corrected = "x2,b,S,2022-05-10,2022-05-12,4,recorded"
    extracts = [extract(d, line, declared=FIRST_SEEN) for d, line in ((JUNE, new), (JULY, new), (AUGUST, corrected))]
    assert versions(recorded(*extracts, declared=FIRST_SEEN)) == ["b 01 Jun 01 Aug 1", "b 01 Aug open 4"]


def test_extracts_come_in_order():
    with pytest.raises(DataError, match=r"extracts: older than the extract that is held: exclusions, missing, people"):
        recorded(extract(JULY, FIRST), extract(JUNE, FIRST))


def test_events_that_other_indicators_made_are_not_added_to():
    other = small.spec(**{"indicators.suspension.where": {"kind": ["S"]}})
    held = recorded(extract(JUNE, FIRST))
    with pytest.raises(DataError, match=r"events: were recorded by other indicators than those of this spec"):
        record_events(extract(JULY, FIRST, declared=other), other, earlier=held)


def test_an_agreement_that_is_renewed_or_a_lag_that_is_better_known_leaves_the_store_of_use():
    renewed = small.spec(
        **{"feeds.exclusions.agreement.to": dt.date(2030, 1, 1), "feeds.missing.known": {"kind": "first_seen"}}
    )
    held = recorded(extract(JUNE, FIRST))
    events = record_events(extract(JULY, FIRST, declared=renewed), renewed, earlier=held)
    assert versions(events) == ["a 12 Jan open 3"]


def test_who_was_purged_does_not_come_in_again_by_any_feed():
    held = recorded(extract(JUNE, "as ever")).purge("a", key=bytes(32))
    with pytest.raises(RefusedError, match=r"tombstones: there are 1, and no key to tell whose rows must stay out"):
        record_events(extract(JULY, "as ever"), small.spec(), earlier=held)
    events = record_events(extract(JULY, "as ever"), small.spec(), earlier=held, key=bytes(32))
    assert "a" not in {*events.frame["person_id"], *events.closers["person_id"], *events.spells["person_id"]}
    (found,) = [f for f in events.findings if f.code == "VRU123"]
    assert (found.status, found.figures) == ("pass", {"rows": 4})
    assert events.tombstones == held.tombstones


def test_years_that_arrive_at_once_train_under_assumed_lag_and_have_nothing_to_train_on_under_first_seen():
    def declared(**known):
        return worlds.spec(**{f"feeds.{feed}.known": known for feed in ("exclusions", "missing")})

    def at_once(spec):
        return admit(worlds.extracts(n=200), spec, extract_dates=dict.fromkeys(spec.feeds, small.EXTRACT_DATE))

    lagged = declared(kind="assumed_lag", median=14, p95=60)
    data = build_dataset(lagged, record_events(at_once(lagged), lagged))
    assert data.labelled.sum() > 400
    assert data.X.max().max() > 0
    seen = declared(kind="first_seen")
    with pytest.raises(
        DataError, match=r"Declare feeds\.exclusions\.known as assumed_lag with the median and the 95th"
    ):
        record_events(at_once(seen), seen)
