from __future__ import annotations

import datetime as dt

import small

from vru_models.events import record_events
from vru_models.events.checks import until_found
from vru_models.events.description import first_known
from vru_models.feeds import admit


def test_the_share_of_assumed_dates_is_stated_and_is_not_a_pass():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 9}})
    found = {f.where: f for f in small.events(declared=declared).findings if f.code == "VRU104"}
    assert {name: f.status for name, f in found.items()} == {"exclusions": "pass", "missing": "cannot tell"}
    assert found["missing"].message == "1 of 1 known dates are assumed: event date + 5 days"
    assert found["exclusions"].figures == {
        "rows": 4,
        "assumed": 0,
        "until": "",
    }  # the version that withdraws another is none


LAG = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 9}})
SEEN = small.spec(**{"feeds.missing.known": {"kind": "first_seen"}})
HEADER = "episode_id,person_id,start_date,known_date"


def test_what_was_assumed_stays_assumed_when_later_extracts_are_not():
    days = [dt.date(2022, 7, 1), dt.date(2022, 8, 1), dt.date(2022, 9, 1)]
    lines = ["m1,c,2022-06-01,2022-06-02", "m2,a,2022-07-20,2022-07-21", "m3,b,2022-08-20,2022-08-21"]
    events = None
    for i, declared in enumerate([LAG, SEEN, SEEN]):
        frames = {name: frame.iloc[:0] for name, frame in small.extracts().items()}
        frames |= {"missing": small.rows(HEADER, *lines[: i + 1])}
        feeds = admit(frames, declared, extract_dates=dict.fromkeys(declared.feeds, days[i]))
        events = record_events(feeds, declared, earlier=events)
    (found,) = [f for f in events.findings if f.code == "VRU104" and f.where == "missing"]
    assert (found.status, found.figures) == ("cannot tell", {"rows": 3, "assumed": 1, "until": "2022-07-01"})
    assert found.message == "1 of 3 known dates are assumed: up to 2022-07-01"
    assert first_known(events.frame, until_found(events.findings))["assumed"].tolist() == [True, False, False]
