import dataclasses

import numpy as np
import pandas as pd
import pytest
import world as worlds
from hypothesis import given
from hypothesis import strategies as st

from vru_models.audit.release import Release
from vru_models.dataset.volume import volume_frame
from vru_models.errors import RefusedError
from vru_models.events import Events
from vru_models.scoring import score
from vru_models.scoring.outage import outages, unexplained

TRAINED = [("2023-02-01", 1000, 400), ("2023-08-01", 1100, 460), ("2024-02-01", 900, 350)]


def trained(rows=TRAINED, days=(3, 5, 2)):
    held = zip(rows, days, strict=True)
    return volume_frame([(date, "missing", people, events, late) for (date, people, events), late in held])


def found(events, people=1000, days=3, before=None):
    now = volume_frame([("2024-09-02", "missing", people, events, days)])
    return {(f.code, f.where): f for f in outages(trained() if before is None else before, now)}


def status(*args, **choices):
    return found(*args, **choices)[("VRU502", "missing")].status


@pytest.mark.parametrize(
    ("events", "expected"),
    # Least .389 and most .418 per person: from 259.3 less 3 x 16.1 to 627.3 and 3 x 25.0 more.
    [(210, "fail"), (211, "pass"), (400, "pass"), (702, "pass"), (703, "fail"), (0, "fail")],
)
def test_a_feed_may_tell_two_thirds_of_the_least_to_half_as_much_again_as_the_most(events, expected):
    assert status(events) == expected


def test_the_message_gives_the_figures_per_100_people():
    assert found(150)[("VRU502", "missing")].message == (
        "15.0 events of the last year per 100 people of the cohort; 38.9 to 41.8 on the training dates"
    )


def test_a_feed_so_rare_that_none_may_be_chance_is_not_judged():
    few = trained([("2023-02-01", 1000, 10), ("2023-08-01", 1000, 11), ("2024-02-01", 1000, 12)])
    assert status(0, before=few) == "not applicable"
    assert status(1, before=few) == "pass"
    assert status(60, before=few) == "fail"


def test_a_training_date_with_an_outage_of_its_own_does_not_lower_the_bar():
    dead = trained([("2023-02-01", 1000, 0), ("2023-08-01", 1000, 400), ("2024-02-01", 1000, 400)])
    assert status(150, before=dead) == "fail"


def test_a_feed_that_the_release_says_nothing_of_cannot_be_told():
    now = volume_frame([("2024-09-02", "housing", 1000, 5, 3)])
    by_code = {f.code: f.status for f in outages(trained(), now) if f.where == "housing"}
    assert by_code == {"VRU502": "cannot tell", "VRU503": "cannot tell"}
    assert {f.status for f in outages(trained().iloc[:0], now)} == {"cannot tell"}


@pytest.mark.parametrize(
    ("people", "expected"), [(599, "fail"), (600, "pass"), (1000, "pass"), (1650, "pass"), (1651, "fail")]
)
def test_the_cohort_is_held_against_the_training_dates_too(people, expected):
    assert found(400 * people // 1000, people=people)[("VRU502", "cohort")].status == expected


@pytest.mark.parametrize(("days", "expected"), [(49, "pass"), (50, "fail"), (51, "fail"), (None, "fail")])
def test_a_feed_may_be_silent_less_than_45_days_longer_than_ever_in_training(days, expected):
    assert found(400, days=days)[("VRU503", "missing")].status == expected


@pytest.mark.parametrize(("longest", "expected"), [(365, "fail"), (366, "not applicable")])
def test_silence_says_nothing_of_a_feed_that_was_silent_for_more_than_a_year_in_training(longest, expected):
    before = trained(days=(3, longest, 2))
    assert found(400, days=500, before=before)[("VRU503", "missing")].status == expected


@given(st.lists(st.sampled_from(["points", "random"]), max_size=12), st.data())
def test_most_people_listed_by_points_need_something_recorded(kinds, data):
    reasons = data.draw(st.lists(st.sampled_from(["", "Moved"]), min_size=len(kinds), max_size=len(kinds)))
    listed = pd.DataFrame({"kind": kinds, "reason_1": reasons}, dtype=object)
    by_points = [reason for kind, reason in zip(kinds, reasons, strict=True) if kind == "points"]
    expected = [] if not by_points else ["fail" if 2 * by_points.count("") > len(by_points) else "pass"]
    assert [f.status for f in unexplained(listed)] == expected


def cut(world, keep):
    """The world's events, fewer of them in one feed, as if its file had been cut; the gate sees nothing."""
    events = world.built.events
    gone = (events.frame["feed"] == "exclusions").to_numpy() & ~keep(events.frame)
    return dataclasses.replace(events, frame=events.frame[~gone])


@pytest.mark.parametrize(
    ("keep", "code"),
    [
        (lambda frame: np.arange(len(frame)) % 4 == 0, "VRU502 fail, exclusions"),
        (lambda frame: (frame["known_date"] < "2024-04-01").to_numpy(), "VRU503 fail, exclusions"),
    ],
    ids=["three rows in four are gone", "the last five months are gone"],
)
def test_a_cut_feed_makes_no_list(released, keep, code):
    release = Release.load(released.place / "release", trusted=released.place / "trust.toml")
    whole = score(release, released.built.events, as_of=worlds.SCORED, ledger=released.ledger)
    assert not whole.findings.with_status("fail", "cannot tell")
    part = cut(released, keep)
    assert isinstance(part, Events)
    with pytest.raises(RefusedError, match=code):
        score(release, part, as_of=worlds.SCORED, ledger=released.ledger)
