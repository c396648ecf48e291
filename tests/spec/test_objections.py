"""What somebody refuses: from the day after it was known, on the days on which it stands, and for nothing else."""

from __future__ import annotations

import pytest
from asked import answered, events, grid, rows, spec

from vru_models.dataset import build_dataset

SAID = """
    person_id | indicator       | event_date | known_date
    a         | suspension      | 2023-05-10 | 2023-05-12
    a         | plan            | 2023-05-10 | 2023-05-12
    b         | missing_episode | 2023-05-10 | 2023-05-12
"""
HEADER = "objection_id | person_id | purpose | feed | start_date | end_date | known_date\n"
ROUTED = {"cohort.routed": [{"indicator": "plan", "window": "12 months"}]}


def held(*objections: str, said: str = SAID):
    return events(said, objections=HEADER + "\n".join(objections))


@pytest.mark.parametrize("purpose", ["score", "all"])
def test_who_objects_to_being_scored_is_not_eligible_from_the_day_after_it_was_known_while_it_stands(purpose):
    asked = """
        person_id | as_of      | cohort
        b         | 2023-09-10 | eligible
        b         | 2023-09-11 | objecting
        b         | 2023-12-31 | objecting
        b         | 2024-01-01 | eligible
    """
    objection = f"o1 | b | {purpose} | | 2023-09-01 | 2024-01-01 | 2023-09-10"
    assert answered(asked, held(objection)) == rows(asked)


@pytest.mark.parametrize("purpose", ["train", "audit"])
def test_an_objection_to_something_else_leaves_a_person_eligible(purpose):
    asked = "person_id | as_of | cohort\nb | 2023-10-01 | eligible"
    assert answered(asked, held(f"o1 | b | {purpose} | | 2023-09-01 | | 2023-09-01")) == rows(asked)


def test_an_objection_comes_before_the_route_to_statutory_services():
    asked = """
        person_id | as_of      | cohort
        a         | 2023-09-01 | routed
        a         | 2023-10-01 | objecting
    """
    assert answered(asked, held("o1 | a | score | | 2023-09-01 | | 2023-09-01"), spec(**ROUTED)) == rows(asked)


def test_a_feed_that_somebody_withholds_is_withheld_and_routes_nobody_and_the_other_feed_counts():
    asked = """
        person_id | as_of      | cohort   | missing_12m  | missing_episode_count_12m | exclusions_12m
        a         | 2023-09-01 | routed   | not eligible | not eligible              | not eligible
        a         | 2023-10-01 | eligible | withheld     |                           | observed
        b         | 2023-10-01 | eligible | observed     | 1                         | none_recorded
    """
    declared = spec(features=grid("count", of=("suspension", "missing_episode")), **ROUTED)
    objection = "o1 | a | score | missing | 2023-09-01 | | 2023-09-01"
    assert answered(asked, held(objection), declared) == rows(asked)


def test_no_row_is_made_of_who_objects_to_training_as_known_at_the_last_whenever_it_began():
    said = """
        person_id | indicator           | event_date | known_date
        a         | suspension          | 2022-01-10 | 2022-01-12
        a         | permanent_exclusion | 2022-10-10 | 2022-10-12
        b         | suspension          | 2022-01-10 | 2022-01-12
        c         | permanent_exclusion | 2022-10-10 | 2022-10-12
    """
    objections = (
        "o1 | b | train | | 2024-06-01 | | 2024-06-01",
        "o2 | c | train | missing | 2024-06-01 | 2024-07-01 | 2024-06-01",
    )
    data = build_dataset(spec(), held(*objections, said=said))
    assert set(data.X.index.get_level_values("person_id")) == {"a", "c"}
    (found,) = [f for f in data.findings if f.code == "VRU205"]
    assert (found.status, found.figures) == ("pass", {"people": 1})
