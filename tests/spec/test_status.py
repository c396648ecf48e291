from __future__ import annotations

import copy

import pytest
import small
from asked import ALL_SHARED, answered, events, grid, nothing, rows, spec

from vru_models.features import STATUS

SPELL = """
    spell_id | person_id | area | birth_month | start_date | end_date | known_date
    s1       | a         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
"""
SHARED_LATE = """
    coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
    c1          | exclusions | *    |          |        | 2023-06-01 |            | 2023-06-01
    c2          | missing    | *    |          |        | 2015-01-01 |            | 2015-01-01
"""


def exclusions(**vru):
    schema = copy.deepcopy(small.SCHEMAS["exclusions"])
    schema["x-vru"].update(vru)
    return {"schemas": {"exclusions": schema}}


def test_the_codes_are_never_renumbered():
    assert STATUS == (
        "none_recorded",
        "observed",
        "not_shared",
        "not_in_view",
        "not_applicable",
        "partly_observed",
        "not_yet_due",
        "withheld",
    )


def test_none_recorded_is_0_and_one_event_of_the_feed_makes_all_of_it_observed():
    held = events(
        """
        person_id | indicator           | event_date | known_date
        b         | permanent_exclusion | 2024-01-10 | 2024-01-12
        """,
        spells=SPELL + "    s2 | b | E01 | 2010-01-01 | 2015-01-01 | | 2015-01-01\n",
    )
    asked = """
        person_id | as_of      | exclusions_12m | suspension_count_12m | missing_12m
        a         | 2024-03-01 | none_recorded  | 0                    | none_recorded
        b         | 2024-03-01 | observed       | 0                    | none_recorded
    """
    assert answered(asked, held) == rows(asked)


def test_a_feed_that_was_shared_for_a_part_of_the_window_is_missing_even_with_events():
    held = events(
        """
        person_id | indicator  | event_date | known_date
        a         | suspension | 2023-08-01 | 2023-08-02
        """,
        coverage=SHARED_LATE,
    )
    asked = """
        person_id | as_of      | exclusions_12m  | suspension_count_12m | missing_episode_count_12m
        a         | 2023-06-01 | not_shared      |                      | 0
        a         | 2023-06-02 | partly_observed |                      | 0
        a         | 2024-05-31 | partly_observed |                      | 0
        a         | 2024-06-01 | observed        | 1                    | 0
    """
    assert answered(asked, held) == rows(asked)


def test_a_feed_without_any_coverage_was_not_shared():
    only_missing = "\n".join(line for line in ALL_SHARED.splitlines() if "exclusions" not in line)
    held = events(nothing(), spells=SPELL, coverage=only_missing)
    asked = """
        person_id | as_of      | exclusions_12m | suspension_count_12m
        a         | 2024-06-01 | not_shared     |
    """
    assert answered(asked, held) == rows(asked)


def test_coverage_that_becomes_known_on_the_as_of_date_is_not_known_yet():
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
        c1          | exclusions | *    |          |        | 2015-01-01 |            | 2024-03-01
    """
    asked = """
        person_id | as_of      | exclusions_12m
        a         | 2024-03-01 | not_shared
        a         | 2024-03-02 | none_recorded
    """
    assert answered(asked, events(nothing(), spells=SPELL, coverage=coverage)) == rows(asked)


def test_an_outage_counts_from_when_it_was_known_and_not_before():
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
        c1          | exclusions | *    |          |        | 2015-01-01 |            | 2015-01-01
        c1          | exclusions | *    |          |        | 2015-01-01 | 2023-10-01 | 2024-03-01
        c2          | exclusions | *    |          |        | 2023-12-01 |            | 2024-03-01
    """
    asked = """
        person_id | as_of      | exclusions_1m   | exclusions_12m  | suspension_count_1m | suspension_count_12m
        a         | 2024-03-01 | none_recorded   | none_recorded   | 0                   | 0
        a         | 2024-03-02 | none_recorded   | partly_observed | 0                   |
        a         | 2024-11-30 | none_recorded   | partly_observed | 0                   |
        a         | 2024-12-01 | none_recorded   | none_recorded   | 0                   | 0
    """
    held = events(nothing(), spells=SPELL, coverage=coverage)
    declared = spec(features=grid("count", windows=("1 month", "12 months")))
    assert answered(asked, held, declared) == rows(asked)


def test_stretches_of_coverage_that_touch_or_overlap_are_one_and_a_day_between_them_is_a_gap():
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
        c1          | exclusions | *    |          |        | 2023-10-01 |            | 2015-01-01
        c2          | exclusions | *    |          |        | 2015-01-01 | 2023-10-01 | 2015-01-01
        c3          | exclusions | E01  |          |        | 2023-09-01 | 2023-11-01 | 2015-01-01
        c4          | missing    | *    |          |        | 2015-01-01 | 2023-10-01 | 2015-01-01
        c5          | missing    | *    |          |        | 2023-10-02 |            | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m | missing_12m
        a         | 2024-03-01 | none_recorded  | partly_observed
    """
    assert answered(asked, events(nothing(), spells=SPELL, coverage=coverage)) == rows(asked)


def test_days_that_are_covered_twice_do_not_make_up_for_a_gap():
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
        c1          | exclusions | *    |          |        | 2023-01-01 | 2023-12-01 | 2023-01-01
        c2          | exclusions | *    |          |        | 2023-04-01 | 2023-05-01 | 2023-01-01
        c3          | exclusions | *    |          |        | 2023-06-01 | 2023-12-01 | 2023-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m
        a         | 2024-03-01 | partly_observed
    """
    assert answered(asked, events(nothing(), spells=SPELL, coverage=coverage)) == rows(asked)


def test_coverage_up_to_an_age_ends_on_the_birthday_after_it():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2011-03-01  | 2015-01-01 |          | 2015-01-01
    """
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date | known_date
        c1          | exclusions | *    |          | 12     | 2015-01-01 |          | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m
        a         | 2024-03-01 | none_recorded
        a         | 2024-03-02 | partly_observed
        a         | 2025-03-01 | not_shared
    """
    assert answered(asked, events(nothing(), spells=spells, coverage=coverage)) == rows(asked)


def test_who_was_in_view_for_a_part_of_the_window_is_missing_for_the_rest():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2024-01-31 |            | 2015-01-01
        s2       | b         | E01  | 2010-01-01  | 2015-01-01 | 2023-12-01 | 2015-01-01
        s3       | b         | E01  | 2010-01-01  | 2023-12-15 |            | 2015-01-01
        s4       | c         | E01  | 2010-01-01  | 2015-01-01 | 2023-12-15 | 2015-01-01
        s5       | c         | E01  | 2010-01-01  | 2023-12-15 |            | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_1m   | exclusions_12m
        a         | 2024-01-31 | not_in_view     | not_in_view
        a         | 2024-02-01 | partly_observed | partly_observed
        a         | 2024-02-29 | partly_observed | partly_observed
        a         | 2024-03-01 | none_recorded   | partly_observed
        b         | 2024-03-01 | none_recorded   | partly_observed
        c         | 2024-03-01 | none_recorded   | none_recorded
    """
    declared = spec(features=grid("count", windows=("1 month", "12 months")))
    assert answered(asked, events(nothing(), spells=spells), declared) == rows(asked)


def test_a_move_between_areas_is_observed_where_each_was_shared_while_the_person_was_there():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | both      | E01  | 2010-01-01  | 2015-01-01 | 2023-12-01 | 2015-01-01
        s2       | both      | E02  | 2010-01-01  | 2023-12-01 |            | 2015-01-01
        s3       | early     | E02  | 2010-01-01  | 2015-01-01 | 2023-12-01 | 2015-01-01
        s4       | early     | E01  | 2010-01-01  | 2023-12-01 |            | 2015-01-01
        s5       | away      | E03  | 2010-01-01  | 2015-01-01 | 2023-12-01 | 2015-01-01
        s6       | away      | E02  | 2010-01-01  | 2023-12-01 |            | 2015-01-01
        s7       | never     | E03  | 2010-01-01  | 2015-01-01 |            | 2015-01-01
    """
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
        c1          | exclusions | E01  |          |        | 2015-01-01 | 2023-12-01 | 2015-01-01
        c2          | exclusions | E02  |          |        | 2023-12-01 |            | 2015-01-01
        c3          | exclusions | E99  |          |        | 2015-01-01 |            | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m
        both      | 2024-03-01 | none_recorded
        early     | 2024-03-01 | not_shared
        away      | 2024-03-01 | partly_observed
        never     | 2024-03-01 | not_shared
    """
    assert answered(asked, events(nothing(), spells=spells, coverage=coverage)) == rows(asked)


def test_coverage_with_age_limits_holds_on_the_days_on_which_the_person_was_of_these_ages():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | ten       | E01  | 2013-09-01  | 2015-01-01 |          | 2015-01-01
        s2       | eleven    | E01  | 2013-03-01  | 2015-01-01 |          | 2015-01-01
        s3       | twelve    | E01  | 2012-03-01  | 2015-01-01 |          | 2015-01-01
        s4       | sixteen   | E01  | 2007-03-01  | 2015-01-01 |          | 2015-01-01
        s5       | older     | E01  | 2007-02-01  | 2015-01-01 |          | 2015-01-01
        s6       | unknown   | E01  |             | 2015-01-01 |          | 2015-01-01
    """
    coverage = """
        coverage_id | feed       | area | age_from | age_to | start_date | end_date | known_date
        c1          | exclusions | *    | 11       | 16     | 2015-01-01 |          | 2015-01-01
        c2          | missing    | *    | 11       |        | 2015-01-01 |          | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m  | missing_12m
        ten       | 2024-03-01 | not_shared      | not_shared
        eleven    | 2024-03-01 | not_shared      | not_shared
        eleven    | 2024-03-02 | partly_observed | partly_observed
        twelve    | 2024-03-01 | none_recorded   | none_recorded
        sixteen   | 2024-03-01 | none_recorded   | none_recorded
        sixteen   | 2024-03-02 | partly_observed | none_recorded
        older     | 2024-03-01 | partly_observed | none_recorded
        older     | 2025-02-01 | not_shared      | none_recorded
        unknown   | 2024-03-01 | not_shared      | not_shared
    """
    declared = spec(**{"cohort.age_from": None, "cohort.age_to": None})
    assert answered(asked, events(nothing(), spells=spells, coverage=coverage), declared) == rows(asked)


def test_a_thing_that_cannot_happen_at_an_age_is_not_applicable():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | young     | E01  | 2013-04-01  | 2015-01-01 |          | 2015-01-01
        s2       | eleven    | E01  | 2013-03-01  | 2015-01-01 |          | 2015-01-01
        s3       | was       | E01  | 2007-04-01  | 2015-01-01 |          | 2015-01-01
        s4       | older     | E01  | 2006-03-01  | 2015-01-01 |          | 2015-01-01
        s5       | unknown   | E01  |             | 2015-01-01 |          | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_12m
        young     | 2024-02-01 | not_applicable
        eleven    | 2024-03-01 | none_recorded
        was       | 2024-03-01 | none_recorded
        older     | 2024-02-29 | none_recorded
        older     | 2024-03-01 | not_applicable
        unknown   | 2024-03-01 | none_recorded
    """
    declared = spec(**exclusions(ages=[11, 16]), **{"cohort.age_from": None, "cohort.age_to": None})
    assert answered(asked, events(nothing(), spells=spells), declared) == rows(asked)


def test_august_is_not_an_improvement():
    held = events(nothing(), spells=SPELL)
    asked = """
        person_id | as_of      | exclusions_1m  | exclusions_2m | suspension_count_1m | suspension_count_2m
        a         | 2024-08-31 | none_recorded  | none_recorded | 0                   | 0
        a         | 2024-09-01 | not_applicable | none_recorded |                     | 0
        a         | 2024-09-02 | none_recorded  | none_recorded | 0                   | 0
    """
    declared = spec(features=grid("count", windows=("1 month", "2 months")), **exclusions(calendar="term_time"))
    assert answered(asked, held, declared) == rows(asked)


def test_what_is_due_only_later_than_the_whole_window_is_not_yet_due():
    held = events(
        """
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-02-25 | 2024-02-26
        """
    )
    asked = """
        person_id | as_of      | exclusions_30d | exclusions_31d | suspension_count_30d | suspension_count_31d
        a         | 2024-03-01 | not_yet_due    | observed       |                      | 1
    """
    declared = spec(features=grid("count", windows=("30 days", "31 days")), **exclusions(due_after=30))
    assert answered(asked, held, declared) == rows(asked)


@pytest.mark.parametrize(
    ("born", "start", "shared", "due_after", "status"),
    [
        ("2014-01-01", "2024-03-01", "2030-01-01", 366, "not_applicable"),
        ("2010-01-01", "2024-03-01", "2030-01-01", 366, "not_in_view"),
        ("2010-01-01", "2024-02-01", "2030-01-01", 366, "not_shared"),
        ("2010-01-01", "2024-02-01", "2024-02-10", 366, "not_yet_due"),
        ("2010-01-01", "2024-02-01", "2024-02-10", 365, "partly_observed"),
        ("2010-01-01", "2023-03-01", "2023-03-01", 365, "observed"),
        ("2010-01-01", "2022-03-01", "2022-03-01", 0, "observed"),
    ],
)
def test_of_several_the_first_in_the_declared_order_is_given(born, start, shared, due_after, status):
    spells = f"""
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | {born}      | {start}    |          | 2015-01-01
    """
    coverage = f"""
        coverage_id | feed       | area | age_from | age_to | start_date | end_date | known_date
        c1          | exclusions | *    |          |        | {shared}   |          | 2015-01-01
    """
    said = """
        person_id | indicator  | event_date | known_date
        a         | suspension | 2024-02-20 | 2024-02-21
    """
    asked = f"""
        person_id | as_of      | exclusions_12m
        a         | 2024-03-01 | {status}
    """
    declared = spec(**exclusions(ages=[11, 17], due_after=due_after))
    assert answered(asked, events(said, spells=spells, coverage=coverage), declared) == rows(asked)
