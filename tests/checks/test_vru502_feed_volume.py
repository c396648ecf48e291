import dataclasses

import numpy as np
import pandas as pd
import pytest
import small
import tiny
import world as worlds
from hypothesis import given
from hypothesis import strategies as st

from vru_models.audit.release import Release
from vru_models.dataset.volume import unnamed, volume_frame
from vru_models.errors import RefusedError
from vru_models.findings import Finding, Findings
from vru_models.scoring import score
from vru_models.scoring.outage import linked, outages, unexplained

DATES = ("2023-02-01", "2023-08-01", "2024-02-01")
TRAINED = [(1000, 400, 100, 20), (1100, 460, 120, 11), (900, 350, 80, 9)]


def rows(date, counts, area="*", name="missing_episode"):
    return (date, "missing", "*" if area != "*" else name, area, *counts)


def trained(counts=TRAINED, **choices):
    return volume_frame([rows(date, each, **choices) for date, each in zip(DATES, counts, strict=True)])


def found(people=1000, events=400, recent=100, not_known=15, *, before=None, name="missing_episode"):
    now = volume_frame([rows("2024-09-02", (people, events, recent, not_known), name=name)])
    return {(f.code, f.where): f for f in outages(trained() if before is None else before, now)}


def volume(events, **choices):
    return found(events=events, **choices)[("VRU502", "missing_episode")]


@pytest.mark.parametrize(
    ("events", "expected"),
    # Least .389 and most .418 a person: from 311.1 less 3 x 17.6 to 522.7 and 3 x 22.9 more.
    [(258, "fail"), (259, "pass"), (400, "pass"), (591, "pass"), (592, "fail"), (0, "fail")],
)
def test_an_indicator_may_tell_a_fifth_less_than_the_least_to_a_quarter_more_than_the_most(events, expected):
    assert volume(events).status == expected


def test_the_message_gives_the_figures_per_100_people():
    assert volume(150).message == (
        "15.0 in the last year per 100 people of the cohort; 38.9 to 41.8 on the training dates"
    )


def test_an_indicator_so_rare_that_none_may_be_chance_is_not_judged():
    few = trained([(1000, 10, 3, 0), (1000, 11, 3, 0), (1000, 11, 3, 0)])
    assert volume(0, before=few).status == "not applicable"
    assert volume(1, before=few).status == "pass"
    assert volume(38, before=few).status == "pass"
    assert volume(41, before=few).status == "fail"
    assert volume(15, before=trained([(1000, 0, 0, 0)] * 3)).status == "pass"


def test_a_training_date_with_an_outage_of_its_own_does_not_lower_the_bar():
    dead = trained([(1000, 0, 0, 0), (1000, 400, 100, 0), (1000, 400, 100, 0)])
    assert volume(200, before=dead).status == "fail"
    assert found(recent=20, before=dead)[("VRU503", "missing")].status == "fail"


def test_a_feed_that_the_release_says_nothing_of_cannot_be_told():
    unknown = {f.code: f.status for f in found(name="other").values() if f.where == "other"}
    assert unknown == {"VRU502": "cannot tell"}
    assert {f.status for f in found(before=trained().iloc[:0]).values()} == {"cannot tell"}


@pytest.mark.parametrize(
    # The least is 900 / 1.1 less 3 x 28.6, the most 1,100 x 1.1 and 3 x 34.8 more.
    ("people", "expected"),
    [(732, "fail"), (733, "pass"), (1000, "pass"), (1314, "pass"), (1315, "fail")],
)
def test_the_cohort_is_held_against_the_training_dates_too(people, expected):
    assert found(people, people * 4 // 10)[("VRU502", "cohort")].status == expected


@pytest.mark.parametrize(
    # The least is .0889 a person; half of it 44.4, less 3 x 6.67.
    ("recent", "expected"),
    [(24, "fail"), (25, "pass"), (100, "pass"), (500, "pass"), (1, "fail")],
)
def test_a_feed_that_told_less_than_half_of_the_least_of_late_has_fallen_silent(recent, expected):
    assert found(recent=recent)[("VRU503", "missing")].status == expected


def test_silence_says_nothing_where_little_is_ever_told():
    few = trained([(1000, 400, 10, 0), (1000, 400, 11, 0), (1000, 400, 12, 0)])
    assert found(recent=0, before=few)[("VRU503", "missing")].status == "not applicable"


@pytest.mark.parametrize(("not_known", "expected"), [(20, "pass"), (70, "pass"), (71, "fail"), (1000, "fail")])
def test_the_share_not_known_may_rise_by_five_hundredths(not_known, expected):
    assert found(not_known=not_known)[("VRU506", "missing")].status == expected


def test_an_area_that_told_too_little_is_named():
    def told(north, south):
        now = [(*rows("2024-09-02", (500, 200, 50, 0), area=a)[:5], n, 50, 0) for a, n in (("N", north), ("S", south))]
        before = [trained([(500, 200, 50, 0)] * 3, area=area) for area in "NS"]
        everywhere = volume_frame([rows("2024-09-02", (1000, 400, 100, 15))])
        frame = pd.concat([everywhere, volume_frame(now)], ignore_index=True)
        (area,) = (f for f in outages(unnamed(pd.concat([trained(), *before])), frame) if f.code == "VRU507")
        return area.status, area.message

    assert told(200, 200) == ("pass", "all 2 areas told enough")
    assert told(0, 200) == ("fail", "too little from 1 of 2 areas: N")
    assert told(123, 123) == ("pass", "all 2 areas told enough")
    assert told(122, 122) == ("fail", "too little from 2 of 2 areas: N, S")


@pytest.mark.parametrize(("share", "expected"), [(98, "pass"), (93, "pass"), (92, "fail"), (60, "fail")])
def test_links_may_fall_by_five_hundredths(share, expected):
    made = Finding("VRU108", "pass", "missing", "linked", {"people": 100, "linked": share})
    assert [f.status for f in linked({"missing": 98}, Findings([made]))] == [expected]
    assert list(linked({}, Findings([made]))) == []


@given(st.lists(st.sampled_from(["points", "random"]), max_size=12), st.data())
def test_most_people_listed_by_points_need_something_recorded(kinds, data):
    reasons = data.draw(st.lists(st.sampled_from(["", "Moved"]), min_size=len(kinds), max_size=len(kinds)))
    listed = pd.DataFrame({"kind": kinds, "reason_1": reasons}, dtype=object)
    by_points = [reason for kind, reason in zip(kinds, reasons, strict=True) if kind == "points"]
    expected = [] if not by_points else ["fail" if 2 * by_points.count("") > len(by_points) else "pass"]
    assert [f.status for f in unexplained(listed)] == expected


def test_people_without_a_birth_month_leave_a_cohort_too_small(tmp_path):
    frames = worlds.extracts(n=200)
    declared = tiny.spec(**{"capacity.k": 12})
    whole = small.events(frames, declared)
    release = tiny.release(declared, volumes=tiny.volumes(whole, declared))
    frames["people"] = frames["people"].iloc[::2]
    ledger = tiny.ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(RefusedError, match="VRU502 fail, cohort"):
        score(release, small.events(frames, declared), as_of=tiny.AS_OF, ledger=ledger)


def cut(world, keep):
    """The world's events, fewer of them in one feed, as if its file had been cut; the gate sees nothing."""
    events = world.built.events
    gone = (events.frame["feed"] == "exclusions").to_numpy() & ~keep(events.frame)
    return dataclasses.replace(events, frame=events.frame[~gone])


@pytest.mark.parametrize(
    ("keep", "code"),
    [
        (lambda frame: np.arange(len(frame)) % 4 == 0, "VRU502 fail, suspension"),
        (lambda frame: (frame["known_date"] < "2024-04-01").to_numpy(), "VRU503 fail, exclusions"),
    ],
    ids=["three rows in four are gone", "the last five months are gone"],
)
def test_a_cut_feed_makes_no_list(released, keep, code):
    release = Release.load(released.place / "release", trusted=released.place / "trust.toml")
    whole = score(release, released.built.events, as_of=worlds.SCORED, ledger=released.ledger)
    assert not whole.findings.with_status("fail", "cannot tell")
    with pytest.raises(RefusedError, match=code):
        score(release, cut(released, keep), as_of=worlds.SCORED, ledger=released.ledger)
