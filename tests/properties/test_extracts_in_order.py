"""Extract after extract against their definition: history never changes, and a diff of snapshots is the event log."""

from __future__ import annotations

import datetime as dt
from functools import cache
from itertools import pairwise

import pandas as pd
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.events import Events, record_events
from vru_models.feeds import admit
from vru_models.spec.digest import digest_rows

START = dt.date(2022, 1, 1)
EXTRACTED = [START + dt.timedelta(days) for days in (30, 60, 61, 90)]
KEYS, DAYS = ("x1", "x2", "x3"), st.integers(0, 92)
HEADER = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
said = st.builds(
    dict,
    key=st.sampled_from(KEYS),
    known=DAYS,
    kind=st.sampled_from(["S", "S", "P"]),
    sessions=st.integers(1, 3),
    status=st.sampled_from(["recorded", "recorded", "withdrawn"]),
)

logs = st.lists(said, max_size=9, unique_by=lambda v: (v["key"], v["known"]))
states = st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(1, 3)), min_size=4, max_size=4)


@cache
def declared(delivery, known):
    return small.spec(**{"feeds.exclusions.delivery": delivery, "feeds.exclusions.known": {"kind": known}})


def extract(spec, day, lines):
    frames = {name: frame.iloc[:0] for name, frame in small.extracts().items()}
    frames["exclusions"] = small.rows(HEADER, *lines) if lines else frames["exclusions"]
    return admit(frames, spec, extract_dates=dict.fromkeys(spec.feeds, day))


def line(key, known, kind, sessions, status):
    return f"{key},p{key[1]},{kind},2021-12-01,{START + dt.timedelta(known)},{sessions},{status}"


def one_after_the_other(spec, extracts):
    events, steps = None, []
    for feeds in extracts:
        events = record_events(feeds, spec, earlier=events)
        steps.append(events)
    return steps


def content(events: Events) -> list[list[str]]:
    return events.frame.drop(columns="event_id").astype("str").to_numpy().tolist()


def what(events: Events) -> list[list[str]]:
    """What is said, whenever it was first said."""
    return events.frame.drop(columns=["event_id", "known_date"]).astype("str").to_numpy().tolist()


@settings(deadline=None, max_examples=12)
@given(logs)
def test_extracts_that_each_hold_all_that_was_known_give_what_the_last_of_them_gives(log):
    spec = declared("append", "column")
    extracts = [
        extract(spec, day, [line(**v) for v in log if START + dt.timedelta(v["known"]) <= day]) for day in EXTRACTED
    ]
    *_, last = one_after_the_other(spec, extracts)
    at_once = record_events(extracts[-1], spec)
    for asked in (START + dt.timedelta(days) for days in {v["known"] + later for v in log for later in (0, 1)}):
        assert what(last.as_known(asked)) == what(at_once.as_known(asked))


@settings(deadline=None, max_examples=12)
@given(st.lists(logs, min_size=4, max_size=4), st.sampled_from(["append", "snapshot"]))
def test_whatever_arrives_later_what_was_known_by_an_extract_stays_as_it_was(logs, delivery):
    spec = declared(delivery, "column")
    extracts = []
    for day, log in zip(EXTRACTED, logs, strict=True):
        lines = [line(**v) for v in log if START + dt.timedelta(v["known"]) <= day]
        extracts.append(extract(spec, day, lines))
    steps = one_after_the_other(spec, extracts)
    for day, (before, after) in zip(EXTRACTED, pairwise(steps), strict=False):
        for asked in (day, day - dt.timedelta(1), day - dt.timedelta(17)):
            assert content(after.as_known(asked)) == content(before.as_known(asked))


@settings(deadline=None, max_examples=12)
@given(states)
def test_a_diff_of_snapshots_is_the_log_of_what_came_changed_and_went(snapshots):
    spec = declared("snapshot", "first_seen")
    extracts = [
        extract(spec, day, [f"{k},p{k[1]},S,2021-12-01,2021-12-02,{n},recorded" for k, n in state.items()])
        for day, state in zip(EXTRACTED, snapshots, strict=True)
    ]
    *_, last = one_after_the_other(spec, extracts)
    rows, before = [], {}
    for day, state in zip(EXTRACTED, snapshots, strict=True):
        for key in sorted({*before, *state}):
            if before.get(key) != state.get(key):
                status = "recorded" if key in state else "withdrawn"
                rows.append((key, f"p{key[1]}", day, float(state.get(key, before.get(key))), status))
        before = state
    log = pd.DataFrame(rows, columns=["key", "person_id", "known_date", "value", "status"])
    ids = digest_rows([["exclusions"] * len(log), log["key"], ["suspension"] * len(log)])
    expected = Events.from_frame(
        log.assign(event_id=ids, indicator="suspension", event_date="2021-12-01", feed="exclusions")
    )
    assert content(last) == content(expected)
