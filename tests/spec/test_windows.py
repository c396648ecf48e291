from __future__ import annotations

import pytest
from asked import answered, events, grid, nothing, rows, spec

EVERY = ("count", "any", "sum", "mean", "max", "days_since_last")
SPELL = """
    spell_id | person_id | area | birth_month | start_date | end_date | known_date
    s1       | a         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
"""


def test_a_window_holds_its_first_day_and_not_the_as_of_date():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2023-02-28 | 2023-02-28
        b         | suspension | 2023-03-01 | 2023-03-01
        c         | suspension | 2024-02-29 | 2024-02-29
        d         | suspension | 2024-03-01 | 2024-03-01
    """)
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-03-01 | 0
        b         | 2024-03-01 | 1
        c         | 2024-03-01 | 1
        d         | 2024-03-01 | 0
    """
    assert answered(asked, held) == rows(asked)


def test_a_calendar_month_is_clipped_at_a_shorter_month_and_days_are_counted():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-02-28 | 2024-02-28
        b         | suspension | 2024-02-29 | 2024-02-29
        c         | suspension | 2024-03-01 | 2024-03-01
    """)
    asked = """
        person_id | as_of      | suspension_count_1m | suspension_count_30d
        a         | 2024-03-31 | 0                   | 0
        b         | 2024-03-31 | 1                   | 0
        c         | 2024-03-31 | 1                   | 1
    """
    declared = spec(features=grid("count", windows=("1 month", "30 days")))
    assert answered(asked, held, declared) == rows(asked)


def test_a_year_back_from_a_leap_day_begins_on_28_february():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2023-02-27 | 2023-02-27
        b         | suspension | 2023-02-28 | 2023-02-28
    """)
    asked = """
        person_id | as_of      | suspension_count_12m | suspension_days_since_last_12m
        a         | 2024-02-29 | 0                    | 366
        b         | 2024-02-29 | 1                    | 366
    """
    assert answered(asked, held, spec(features=grid("count", "days_since_last"))) == rows(asked)


def test_every_measure_of_a_few_events():
    held = events("""
        person_id | indicator  | event_date | known_date | value
        a         | suspension | 2023-06-01 | 2023-06-02 | 2
        a         | suspension | 2024-02-20 | 2024-02-21 | 0.5
        a         | suspension | 2024-02-20 | 2024-02-21 | 5
        a         | suspension | 2024-02-21 | 2024-02-22 |
        b         | suspension | 2024-02-01 | 2024-02-22 |
        c         | suspension | 2024-02-01 | 2024-02-22 | -1
    """)
    asked = """
        person_id | as_of      | suspension_count_12m | suspension_any_12m | suspension_sum_12m
        a         | 2024-03-01 | 4                    | 1                  | 7.5
        b         | 2024-03-01 | 1                    | 1                  | 0
        c         | 2024-03-01 | 1                    | 1                  | -1
    """
    more = """
        person_id | as_of      | suspension_mean_12m | suspension_max_12m | suspension_days_since_last_12m
        a         | 2024-03-01 | 2.5                 | 5                  | 9
        b         | 2024-03-01 |                     |                    | 29
        c         | 2024-03-01 | -1                  | -1                 | 29
    """
    declared = spec(features=grid(*EVERY))
    assert answered(asked, held, declared) == rows(asked)
    assert answered(more, held, declared) == rows(more)


@pytest.mark.parametrize(
    ("window", "longest"), [("1 month", 31), ("6 months", 184), ("12 months", 366), ("90 days", 90)]
)
def test_without_events_counts_are_0_the_last_is_a_window_ago_and_mean_and_max_are_missing(window, longest):
    w = {"1 month": "1m", "6 months": "6m", "12 months": "12m", "90 days": "90d"}[window]
    asked = f"""
        person_id | as_of      | exclusions_{w} | suspension_count_{w} | suspension_any_{w} | suspension_sum_{w}
        a         | 2024-03-01 | none_recorded  | 0                    | 0                  | 0
    """
    more = f"""
        person_id | as_of      | suspension_mean_{w} | suspension_max_{w} | suspension_days_since_last_{w}
        a         | 2024-03-01 |                     |                    | {longest}
    """
    held, declared = events(nothing(), spells=SPELL), spec(features=grid(*EVERY, windows=(window,)))
    assert answered(asked, held, declared) == rows(asked)
    assert answered(more, held, declared) == rows(more)


def test_events_before_a_short_window_are_in_the_longer_one_alone():
    held = events("""
        person_id | indicator       | event_date | known_date
        a         | missing_episode | 2023-09-01 | 2023-09-02
        a         | missing_episode | 2024-02-28 | 2024-02-29
    """)
    asked = """
        person_id | as_of      | missing_episode_count_7d | missing_episode_count_12m | suspension_count_12m
        a         | 2024-03-01 | 1                        | 2                         | 0
    """
    declared = spec(
        features=grid("count", of=("suspension", "missing_episode"), windows=("12 months",))
        + grid("count", of=("missing_episode",), windows=("1 week",))
    )
    assert answered(asked, held, declared) == rows(asked)


def test_two_events_alike_on_one_day_are_two():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-01-10 | 2024-01-12
        a         | suspension | 2024-01-10 | 2024-01-12
    """)
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-03-01 | 2
    """
    assert answered(asked, held) == rows(asked)
