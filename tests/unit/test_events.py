from __future__ import annotations

import datetime as dt

import kept
import pandas as pd
import pytest
import small

from vru_models.errors import RefusedError
from vru_models.events import Events
from vru_models.findings import Finding, Findings
from vru_models.identifiers.pseudonyms import PseudonymKey

SAID = pd.DataFrame(
    {
        "person_id": ["b", "a", "a"],
        "indicator": ["late", "late", "absent"],
        "event_date": ["2024-01-10", "2024-02-01", "2024-01-05"],
        "known_date": ["2024-01-12", "2024-04-01", "2024-01-07"],
    }
)
SPELL = pd.DataFrame(
    {
        "spell_id": ["s"],
        "person_id": ["a"],
        "area": ["E01"],
        "birth_month": ["2010-01-01"],
        "start_date": ["2021-09-01"],
        "end_date": [None],
        "known_date": ["2021-09-01"],
    }
)


def test_a_bare_frame_is_filled_with_the_documented_defaults_and_sorted():
    frame = Events.from_frame(SAID).frame
    assert frame[["person_id", "indicator"]].astype(str).values.tolist() == [
        ["a", "absent"],
        ["a", "late"],
        ["b", "late"],
    ]
    assert frame["role"].tolist() == ["subject"] * 3
    assert frame["status"].tolist() == ["recorded"] * 3
    assert frame["value"].isna().all()
    assert frame["event_id"].nunique() == 3
    assert frame["indicator"].cat.categories.tolist() == ["absent", "late"]


def test_rows_level_in_everything_are_sorted_by_event_id():
    frame = SAID.iloc[[0, 0, 0]].assign(event_id=["c", "a", "b"])
    assert Events.from_frame(frame).frame["event_id"].tolist() == ["a", "b", "c"]


def test_a_given_known_until_is_kept_as_a_withdrawal():
    events = Events.from_frame(SAID.assign(known_until=["2024-03-01", None, None]))
    assert events.frame.query("person_id == 'b'")["known_until"].dt.strftime("%Y-%m-%d").tolist() == ["2024-03-01"]
    assert events.closers[["person_id", "status"]].astype(str).values.tolist() == [["b", "withdrawn"]]


def test_a_frame_made_from_another_events_frame_is_the_same():
    events = small.events()
    again = Events.from_frame(
        events.frame, spells=events.spells, coverage=events.coverage, extract_dates=events.extract_dates
    )
    assert again.digest == events.digest


@pytest.mark.parametrize("date", ["2022-06", 2022, None, "2022-W24-3"])
def test_what_was_known_is_asked_for_one_day(date):
    with pytest.raises(ValueError, match=r"not a day. Expected: YYYY-MM-DD"):
        small.events().as_known(date)


def test_as_known_is_what_an_extract_on_that_day_would_have_given():
    known = small.events().as_known("2022-06-15")
    assert known.frame["person_id"].tolist() == ["a", "a", "b", "c"]
    assert known.frame["known_until"].isna().all()
    assert len(known.closers) == 0
    assert set(known.extract_dates.values()) == {dt.date(2022, 6, 15)}
    assert known.as_known("2022-06-15").digest == known.digest
    assert known.frame["indicator"].cat.categories.tolist() == ["missing_episode", "suspension"]


def test_as_known_after_everything_keeps_the_extract_dates():
    assert small.events().as_known("2025-01-01").extract_dates == small.events().extract_dates


def test_spells_and_coverage_are_known_from_their_own_dates():
    known = small.events().as_known("2021-01-02")
    assert (len(known.spells), known.coverage["coverage_id"].tolist()) == (0, ["c1", "c2"])
    assert small.events().as_known("2021-01-01").coverage["coverage_id"].tolist() == ["c1"]


def test_the_digest_changes_with_any_part_but_not_with_findings():
    base = Events.from_frame(SAID, spells=SPELL, extract_dates={"unnamed": dt.date(2024, 9, 1)})
    found = Findings([Finding("VRU104", "pass", "unnamed", "none assumed")])
    assert Events.from_frame(SAID, spells=SPELL, extract_dates=base.extract_dates, findings=found).digest == base.digest
    others = [
        Events.from_frame(SAID.assign(value=1.0), spells=SPELL, extract_dates=base.extract_dates),
        Events.from_frame(SAID, spells=SPELL.assign(area="E02"), extract_dates=base.extract_dates),
        Events.from_frame(SAID, spells=SPELL),
        Events.from_frame(SAID, extract_dates=base.extract_dates),
    ]
    assert len({base.digest, *(e.digest for e in others)}) == 5


def test_describe_shows_lags_of_first_versions_and_protects_them():
    many = pd.DataFrame({"person_id": [f"p{i}" for i in range(40)], "indicator": "late", "event_date": "2024-01-01",
                         "known_date": ["2024-01-03"] * 30 + ["2024-03-01"] * 10})  # fmt: skip
    described = Events.from_frame(pd.concat([many, SAID])).describe()
    late, absent = described.lags.table.set_index("indicator").loc[["late", "absent"]].to_dict("records")
    assert (late["events"], late["late"], late["late_share"]) == (40, 10, 0.25)
    assert pd.isna(absent["events"])
    assert described.frame()["indicator"].tolist() == ["absent", "late"]
    assert set(described.composition.table["by"]) == {"role", "status", "year"}
    assert repr(described).splitlines() == [
        "indicator   events   people   late_share assumed_share  median_days     p95_days",
        "   absent redacted redacted not testable  not testable not testable not testable",
        "     late       40       40       25.0 %  at most 19 %            2           60",
        "(.lags, .composition: by role, status and year)",
    ]


def test_describe_of_no_events_has_no_rows():
    assert len(Events.from_frame(SAID.iloc[:0]).describe().frame()) == 0


def test_the_representation_counts_and_names_nobody():
    assert repr(small.events()) == "Events(5 rows of 3 people, 3 indicators, 1 withdrawn; findings: pass)"


def test_what_is_missing_from_a_frame_is_named():
    with pytest.raises(ValueError, match=r"a frame of events lacks known_date. Expected: at least person_id"):
        Events.from_frame(SAID.drop(columns="known_date"))
    with pytest.raises(ValueError, match=r"a frame of spells lacks area"):
        Events.from_frame(SAID, spells=SPELL.drop(columns="area"))
    with pytest.raises(TypeError, match=r"stays not known. Expected: spells, coverage, links, objections"):
        Events.from_frame(SAID, stays=SPELL)
    with pytest.raises(ValueError, match=r"Use Events.from_frame"):
        Events(SAID, {}, {})
    with pytest.raises(ValueError, match=r"rows are not spells, coverage, links, objections"):
        Events(Events.from_frame(SAID).frame, {"spells": SPELL}, {})


def test_a_rows_known_until_is_kept_as_its_withdrawal_and_never_reaches_past_the_next_version():
    later = SPELL.assign(known_date="2023-01-01", area="E02")
    both = pd.concat([SPELL.assign(known_until="2022-01-01"), later.assign(known_until="2024-01-01")])
    spells = Events.from_frame(SAID, spells=both).spells
    assert spells["known_until"].dt.strftime("%Y-%m-%d").tolist() == ["2022-01-01", "2024-01-01"]
    both = pd.concat([SPELL.assign(known_until="2025-01-01"), later.assign(known_until=None)])
    spells = Events.from_frame(SAID, spells=both).spells
    assert spells["known_until"].dt.strftime("%Y-%m-%d").tolist()[:1] == ["2023-01-01"]
    assert spells["known_until"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("person", "error", "message"),
    [
        ("", ValueError, "1 of 1 pseudonyms are empty. Nobody is called so."),
        (None, TypeError, "person_id is no text. Expected: one pseudonym; for several, Events.purge_all."),
        (["a", "b"], TypeError, "person_id is no text"),
    ],
)
def test_what_is_no_pseudonym_is_not_purged(person, error, message):
    with pytest.raises(error, match=message):
        kept.events().purge(person, key=kept.KEY)


def test_a_key_is_bytes_or_a_pseudonym_key_made_for_erasure():
    key, other = PseudonymKey("erasure", kept.KEY), PseudonymKey("early_help", kept.KEY)
    left = kept.events().purge("a", key=key)
    assert left.tombstones == kept.events().purge("a", key=kept.KEY).tombstones
    assert left.tombstones.hide(pd.Series(["a", "b"]), key=key).tolist() == [True, False]
    with pytest.raises(RefusedError, match="purpose"):
        kept.events().purge("a", key=other)
    with pytest.raises(TypeError, match=r"key is no key. Expected: bytes, or a PseudonymKey"):
        kept.events().purge("a", key="00" * 32)


def test_many_are_purged_as_one_after_the_other_would_be():
    events = kept.linked()
    at_once, one_by_one = events.purge_all(["a", "d", "d"], key=kept.KEY), events
    for person in "ad":
        one_by_one = one_by_one.purge(person, key=kept.KEY)
    assert at_once.digest == one_by_one.digest
    assert (at_once.people, len(at_once.tombstones)) == ({"b", "c", "e"}, 2)


def test_people_are_those_of_every_row():
    assert kept.linked().people == {"a", "b", "c", "d", "e"}
    assert kept.events("ab").people == {"a", "b", "e"}


def test_the_digest_tells_who_was_purged_even_where_they_had_no_rows():
    events = kept.events()
    gone = events.purge("nobody", key=kept.KEY)
    assert gone.frame.equals(events.frame)
    assert len({events.digest, gone.digest, events.purge("nobody else", key=kept.KEY).digest}) == 3


def test_who_is_purged_is_in_no_row_and_leaves_a_tombstone_that_only_the_key_can_read():
    links = pd.DataFrame({"link_id": ["l"], "person_id": ["b"], "other_id": ["a"], "kind": ["merge"],
                          "confidence": [1.0], "known_date": ["2024-01-01"]})  # fmt: skip
    closed = pd.concat([SAID.assign(event_id=["e1", "e2", "e3"], status="recorded"),
                        SAID.iloc[1:2].assign(event_id="e2", status="withdrawn", known_date="2024-05-01")])  # fmt: skip
    events = Events.from_frame(closed, spells=SPELL, links=links)
    left = events.purge("a", key=bytes(32))
    assert left.frame["person_id"].tolist() == ["b"]
    assert [len(events.closers), len(left.closers)] == [1, 0]
    assert [len(left.rows["spells"]), len(left.rows["links"])] == [0, 0]
    assert left.tombstones.hide(pd.Series(["a", "b"]), key=bytes(32)).tolist() == [True, False]
    assert len(left.purge("b", key=bytes(32)).tombstones) == 2
    assert left.frame["indicator"].cat.categories.tolist() == ["late"]
    with pytest.raises(RefusedError, match=r"tombstones: the key is not the one under which they were purged"):
        left.purge("b", key=bytes(31) + b"1")
    with pytest.raises(RefusedError, match=r"the key is too short. Expected: at least 32 random bytes"):
        events.purge("a", key=b"short")
    with pytest.raises(RefusedError, match=r"there are 1, and no key to tell whose rows must stay out"):
        left.tombstones.hide(pd.Series(["a"]), key=None)
