import datetime as dt

import pytest
import small
import tiny

from vru_models.events import record_events
from vru_models.feeds import admit


def found(**changes):
    return {f.where: (f.status, f.message) for f in tiny.events(**changes).findings if f.code == "VRU108"}


def episodes(*people):
    rows = [f"m{i},{person},2024-06-01,2024-06-02" for i, person in enumerate(people)]
    return small.rows("episode_id,person_id,start_date,known_date", *rows)


@pytest.mark.parametrize(
    ("people", "status", "share"),
    [("abcd", "pass", "100%"), ("abxy", "pass", "50%"), ("axyz", "fail", "25%"), ("xyz", "fail", "0%")],
)
def test_half_of_a_feeds_people_need_a_spell(people, status, share):
    message = f"{share} of its people have a spell (at least 50%)"
    assert found(missing=episodes(*people))["missing"] == (status, message)


def test_a_person_counts_once():
    assert found(missing=episodes("a", "x", "x", "x"))["missing"][0] == "pass"


def test_a_feed_without_events_is_not_judged():
    assert found(missing=episodes())["missing"][0] == "not applicable"


def in_months(*months):
    """The finding after extracts of episodes, a month apart, each of (episode, person)."""
    events, spec = None, small.spec()
    for i, who in enumerate(months):
        lines = [f"m{i}-{n},{person},2022-06-01,2022-0{7 + i}-02" for n, person in enumerate(who)]
        frames = small.extracts() | {"missing": small.rows("episode_id,person_id,start_date,known_date", *lines)}
        spells = [f"s{n},p{n},E01,2010-01,2021-09-01,,2021-09-01" for n in range(40)]
        frames["people"] = small.rows(",".join(frames["people"].columns), *spells)
        dates = dict.fromkeys(spec.feeds, dt.date(2022, 8 + i, 1))
        events = record_events(admit(frames, spec, extract_dates=dates), spec, earlier=events)
    return next(f for f in events.findings if f.code == "VRU108" and f.where == "missing")


def test_a_month_under_other_pseudonyms_fails_however_much_was_right_before():
    found = in_months([f"p{n}" for n in range(40)], [f"z{n}" for n in range(10)])
    assert found.status == "fail"
    assert found.message == "80% of its people have a spell (at least 50%); 0% of the 10 in this extract"
    assert found.figures == {"people": 50, "linked": 40, "came": 10, "came_linked": 0}


def test_a_few_strangers_in_a_month_are_not_judged():
    assert in_months([f"p{n}" for n in range(40)], [f"z{n}" for n in range(9)]).status == "pass"
    assert (
        in_months([f"p{n}" for n in range(40)], [*(f"z{n}" for n in range(5)), *(f"p{n}" for n in range(5))]).status
        == "pass"
    )


def test_a_share_that_falls_short_does_not_read_as_if_it_did_not():
    wrong = in_months([f"p{n}" for n in range(40)] + [f"z{n}" for n in range(41)])
    assert (wrong.status, wrong.message) == ("fail", "49% of its people have a spell (at least 50%)")
