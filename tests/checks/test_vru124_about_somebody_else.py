import datetime as dt

import small

from vru_models.events import record_events
from vru_models.feeds import admit

HEADER = "episode_id,person_id,start_date,known_date"
DECLARED = small.spec(**{"feeds.missing.delivery": "snapshot"})


def recorded(*extracts, declared=DECLARED):
    """Extracts of ``missing``, a month apart, each a list of (episode, person)."""
    events = None
    for i, episodes in enumerate(extracts):
        lines = [f"{episode},{person},2022-06-01,2022-06-0{2 + i}" for episode, person in episodes]
        frames = small.extracts() | {"missing": small.rows(HEADER, *lines)}
        dates = dict.fromkeys(declared.feeds, dt.date(2022, 9 + i, 1))
        events = record_events(admit(frames, declared, extract_dates=dates), declared, earlier=events)
    return events


def found(events, code):
    return next((f for f in events.findings if f.code == code and f.where == "missing"), None)


TWENTY = [(f"m{i}", "abc"[i % 3]) for i in range(20)]


def test_a_snapshot_under_other_pseudonyms_fails():
    moved = found(recorded(TWENTY, [(episode, f"z{person}") for episode, person in TWENTY]), "VRU124")
    assert (moved.status, moved.figures) == ("fail", {"elsewhere": 20, "again": 20})
    assert moved.message == "20 of 20 records that came again are about somebody else (at most 10%)"


def test_a_few_records_may_be_put_right():
    assert found(recorded(TWENTY, [("m0", "b"), ("m1", "c"), *TWENTY[2:]]), "VRU124").status == "pass"
    assert found(recorded(TWENTY, [("m0", "b"), ("m1", "c"), ("m2", "a"), *TWENTY[3:]]), "VRU124").status == "fail"


def test_records_that_did_not_come_again_and_first_extracts_have_no_finding():
    assert found(recorded(TWENTY), "VRU124") is None
    assert found(recorded(TWENTY, [("new", "a")]), "VRU124") is None
