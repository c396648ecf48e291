from __future__ import annotations

import pytest
from asked import answered, events, grid, nothing, rows, spec


def test_an_event_counts_only_once_it_was_known():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-01-10 | 2024-01-12
        a         | suspension | 2024-02-20 | 2024-03-05
    """)
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-01-11 | 0
        a         | 2024-01-12 | 0
        a         | 2024-01-13 | 1
        a         | 2024-03-05 | 1
        a         | 2024-03-06 | 2
    """
    assert answered(asked, held) == rows(asked)


def test_an_event_that_is_heard_of_late_counts_in_the_window_in_which_it_happened():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2022-03-01 | 2024-02-01
        b         | suspension | 2023-03-01 | 2024-02-01
    """)
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-03-01 | 0
        b         | 2024-03-01 | 1
        b         | 2024-03-02 | 0
    """
    assert answered(asked, held) == rows(asked)


def test_a_withdrawn_event_counts_up_to_and_including_the_day_of_its_withdrawal():
    held = events("""
        event_id | person_id | indicator  | event_date | known_date | status
        e1       | a         | suspension | 2024-01-10 | 2024-01-12 | recorded
        e1       | a         | suspension | 2024-01-10 | 2024-05-01 | withdrawn
    """)
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-04-30 | 1
        a         | 2024-05-01 | 1
        a         | 2024-05-02 | 0
    """
    assert answered(asked, held) == rows(asked)


def test_a_correction_replaces_the_earlier_value_from_the_day_after_it_was_known():
    held = events("""
        event_id | person_id | indicator  | event_date | known_date | value
        e1       | a         | suspension | 2024-01-10 | 2024-01-12 | 3
        e1       | a         | suspension | 2024-01-11 | 2024-05-01 | 1
    """)
    asked = """
        person_id | as_of      | suspension_count_12m | suspension_sum_12m | suspension_days_since_last_12m
        a         | 2024-05-01 | 1                    | 3                  | 112
        a         | 2024-05-02 | 1                    | 1                  | 112
    """
    declared = spec(features=grid("count", "sum", "days_since_last"))
    assert answered(asked, held, declared) == rows(asked)


def test_an_event_expires_by_its_own_date_and_still_counts_on_the_last_day():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-01-31 | 2024-02-01
        b         | suspension | 2024-01-30 | 2024-02-01
        c         | suspension | 2024-01-29 | 2024-02-01
    """)
    asked = """
        person_id | as_of      | suspension_count_12m | exclusions_12m
        a         | 2024-04-30 | 1                    | observed
        b         | 2024-04-30 | 1                    | observed
        c         | 2024-04-30 | 0                    | none_recorded
        a         | 2024-05-01 | 0                    | none_recorded
    """
    declared = spec(**{"indicators.suspension.expires_after": "3 months"})
    assert answered(asked, held, declared) == rows(asked)


def test_expiry_acts_on_features_and_not_on_who_is_routed():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | plan       | 2024-01-31 | 2024-02-01
    """)
    asked = """
        person_id | as_of      | cohort
        a         | 2024-12-01 | routed
    """
    rule = {"indicator": "plan", "window": "12 months"}
    declared = spec(**{"indicators.plan.expires_after": "3 months", "cohort.routed": [rule]})
    assert answered(asked, held, declared) == rows(asked)


def test_a_person_is_in_view_only_once_their_spell_was_known():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2024-01-01 |          | 2024-02-01
    """
    asked = """
        person_id | as_of      | cohort
        a         | 2024-02-01 | no
        a         | 2024-02-02 | eligible
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_a_departure_that_is_heard_of_later_takes_nobody_out_of_an_earlier_cohort():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 | 2024-03-01 | 2024-06-01
    """
    asked = """
        person_id | as_of      | cohort
        a         | 2024-02-29 | eligible
        a         | 2024-03-01 | eligible
        a         | 2024-06-01 | eligible
        a         | 2024-06-02 | no
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_a_corrected_birth_month_changes_ages_from_the_day_after_it_was_known():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
        s1       | a         | E01  | 2016-01-01  | 2020-01-01 |          | 2024-06-01
    """
    asked = """
        person_id | as_of      | cohort
        a         | 2024-06-01 | eligible
        a         | 2024-06-02 | no
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


@pytest.mark.parametrize(("as_of", "count"), [("2024-03-01", 1), ("2024-02-29", 0)])
def test_what_happened_the_day_before_counts_when_it_was_known_that_day(as_of, count):
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-02-29 | 2024-02-29
    """)
    asked = f"""
        person_id | as_of   | suspension_count_12m
        a         | {as_of} | {count}
    """
    assert answered(asked, held) == rows(asked)


def test_an_event_dated_after_the_as_of_date_is_not_counted_even_when_it_is_known():
    held = events("""
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-03-01 | 2024-01-01
    """)
    asked = """
        person_id | as_of      | suspension_count_12m | exclusions_12m
        a         | 2024-03-01 | 0                    | none_recorded
        a         | 2024-03-02 | 1                    | observed
    """
    assert answered(asked, held) == rows(asked)


def test_somebody_with_events_and_no_spell_is_nowhere():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
    """
    held = events(
        """
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-01-01 | 2024-01-01
        b         | suspension | 2024-01-01 | 2024-01-01
        b         | suspension | 2024-01-02 | 2024-01-02
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2024-03-01 | 1
    """
    assert answered(asked, held) == rows(asked)
