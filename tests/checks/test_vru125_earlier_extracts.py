import datetime as dt

import small

from vru_models.events import record_events
from vru_models.feeds import admit

HEADER = "episode_id,person_id,start_date,known_date"
GOOD, BAD = "m1,c,2022-06-01,2022-06-02", "m1,c,2022-06-01,?"


def recorded(*extracts):
    """Extracts of ``missing``: (month, lines)."""
    events, spec = None, small.spec()
    for month, lines in extracts:
        frames = small.extracts() | {"missing": small.rows(HEADER, *lines)}
        feeds = admit(frames, spec, extract_dates=dict.fromkeys(spec.feeds, dt.date(2022, month, 1)))
        events = record_events(feeds, spec, earlier=events)
    return [(f.status, f.where, f.message) for f in events.findings if f.code == "VRU125" and f.where == "missing"]


SEPTEMBER = (
    "cannot tell",
    "missing",
    "in the extract of 2022-09-01: 1 of 1 rows quarantined (100.0%; at most 1%); known_date:not_a_date 1; "
    "dates are read as %Y-%m-%d (source.date_format) (VRU102)",
)


def test_a_bad_extract_is_told_with_every_later_one():
    assert recorded((9, [BAD])) == []
    assert recorded((9, [BAD]), (10, [GOOD])) == [SEPTEMBER]
    assert recorded((9, [BAD]), (10, [GOOD]), (11, [GOOD])) == [SEPTEMBER]
    twice = [message[18:28] for _, _, message in recorded((9, [BAD]), (10, [BAD]), (11, [GOOD]))]
    assert sorted(twice) == ["2022-09-01", "2022-10-01"]


def test_a_corrected_extract_of_the_same_day_takes_its_place():
    assert recorded((9, [BAD]), (9, [GOOD])) == []
    assert recorded((8, [BAD]), (9, [BAD]), (9, [GOOD])) == [tuple(s.replace("-09-", "-08-") for s in SEPTEMBER)]


def test_good_extracts_leave_nothing_to_tell():
    assert recorded((9, [GOOD]), (10, [GOOD])) == []
