from __future__ import annotations

from asked import answered, events, nothing, rows, spec

from vru_models.dataset.rows import day_of
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.spec.calendar import as_days

FOUR = """
    spell_id | person_id | area | birth_month | start_date | end_date   | known_date
    s1       | a         | E01  | 2014-03-01  | 2020-01-01 |            | 2020-01-01
    s2       | b         | E02  | 2006-04-01  | 2020-01-01 | 2024-03-01 | 2020-01-01
    s3       | c         | E01  |             | 2020-01-01 |            | 2020-01-01
    s4       | d         | E03  | 2010-01-01  | 2024-03-01 |            | 2024-01-01
"""


def test_in_view_means_from_the_first_day_and_not_on_the_end_date():
    asked = """
        person_id | as_of      | cohort
        b         | 2024-02-29 | eligible
        b         | 2024-03-01 | no
        d         | 2024-02-29 | no
        d         | 2024-03-01 | eligible
    """
    assert answered(asked, events(nothing(), spells=FOUR)) == rows(asked)


def test_ages_are_completed_years_inclusive_and_birthdays_fall_on_the_first_of_the_month():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2014-03-01  | 2020-01-01 |          | 2020-01-01
        s2       | b         | E01  | 2006-04-01  | 2020-01-01 |          | 2020-01-01
        s3       | c         | E01  | 2012-02-01  | 2020-01-01 |          | 2020-01-01
    """
    asked = """
        person_id | as_of      | cohort
        a         | 2024-02-29 | no
        a         | 2024-03-01 | eligible
        b         | 2024-03-31 | eligible
        b         | 2024-04-01 | no
        c         | 2024-02-29 | eligible
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_an_unknown_birth_month_is_not_eligible_where_ages_are_declared_and_is_where_they_are_not():
    held = events(nothing(), spells=FOUR)
    aged = """
        person_id | as_of      | cohort
        c         | 2024-03-01 | no
    """
    ageless = """
        person_id | as_of      | cohort   | suspension_count_12m
        c         | 2024-03-01 | eligible | 0
    """
    assert answered(aged, held) == rows(aged)
    declared = spec(**{"cohort.age_from": None, "cohort.age_to": None})
    assert answered(ageless, held, declared) == rows(ageless)


def test_only_the_declared_areas_are_eligible_by_the_area_on_the_day():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
        s2       | a         | E02  | 2010-01-01  | 2024-03-01 |          | 2024-01-01
    """
    asked = """
        person_id | as_of      | cohort   | area
        a         | 2024-02-29 | no       | not eligible
        a         | 2024-03-01 | eligible | E02
    """
    held = events(nothing(), spells=spells)
    assert answered(asked, held, spec(**{"cohort.areas": ["E02"]})) == rows(asked)
    nowhere = "person_id | as_of | cohort\n a | 2024-03-01 | no"
    assert answered(nowhere, held, spec(**{"cohort.areas": ["E99"]})) == rows(nowhere)


def test_where_two_spells_overlap_the_later_one_takes_over_and_the_stay_ends_with_the_last():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 | 2024-06-01 | 2020-01-01
        s2       | a         | E02  | 2010-01-01  | 2024-02-01 | 2024-03-01 | 2024-01-01
    """
    asked = """
        person_id | as_of      | cohort   | area
        a         | 2024-01-31 | eligible | E01
        a         | 2024-02-01 | eligible | E02
        a         | 2024-03-01 | eligible | E02
        a         | 2024-05-31 | eligible | E02
        a         | 2024-06-01 | no       | not eligible
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_a_spell_that_ends_when_it_begins_holds_no_day_and_takes_nobody_over():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2024-02-01 | 2024-02-01 | 2024-01-01
        s2       | b         | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s3       | b         | E02  | 2010-01-01  | 2024-02-01 | 2024-02-01 | 2024-01-01
    """
    asked = """
        person_id | as_of      | cohort   | area
        a         | 2024-02-01 | no       | not eligible
        b         | 2024-02-01 | eligible | E01
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_of_two_spells_that_begin_on_one_day_the_one_known_later_takes_over():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E02  | 2010-01-01  | 2020-01-01 |          | 2024-02-01
        s2       | a         | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
    """
    asked = """
        person_id | as_of      | area
        a         | 2024-02-01 | E01
        a         | 2024-02-02 | E02
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)


def test_every_entry_rule_must_hold_as_known_on_the_day():
    held = events("""
        person_id | indicator       | event_date | known_date
        a         | suspension      | 2024-01-01 | 2024-01-02
        a         | suspension      | 2024-01-05 | 2024-02-29
        b         | suspension      | 2024-01-01 | 2024-01-02
        b         | suspension      | 2024-01-05 | 2024-01-06
        b         | missing_episode | 2023-12-31 | 2024-01-02
        c         | suspension      | 2024-01-01 | 2024-01-02
        c         | suspension      | 2024-01-05 | 2024-01-06
        c         | missing_episode | 2024-01-01 | 2024-01-02
    """)
    twice = {"indicator": "suspension", "at_least": 2, "window": "3 months"}
    once = {"indicator": "missing_episode", "window": "2 months"}
    asked = """
        person_id | as_of      | cohort
        a         | 2024-02-29 | no
        a         | 2024-03-01 | eligible
    """
    assert answered(asked, held, spec(**{"cohort.entry": [twice]})) == rows(asked)
    both = """
        person_id | as_of      | cohort
        a         | 2024-03-01 | no
        b         | 2024-03-01 | no
        c         | 2024-03-01 | eligible
        c         | 2024-03-02 | no
    """
    assert answered(both, held, spec(**{"cohort.entry": [twice, once]})) == rows(both)


def test_a_rule_does_not_count_an_event_dated_on_the_as_of_date_or_after_it():
    held = events("""
        person_id | indicator | event_date | known_date
        a         | plan      | 2024-03-01 | 2024-01-01
    """)
    asked = """
        person_id | as_of      | cohort
        a         | 2024-03-01 | eligible
        a         | 2024-03-02 | routed
    """
    declared = spec(**{"cohort.routed": [{"indicator": "plan", "window": "12 months"}]})
    assert answered(asked, held, declared) == rows(asked)


def test_who_meets_a_routed_rule_is_routed_and_not_eligible_unless_out_of_the_cohort_anyway():
    held = events(
        """
        person_id | indicator | event_date | known_date
        a         | plan      | 2024-02-20 | 2024-02-29
        d         | plan      | 2024-02-20 | 2024-02-21
        """,
        spells=FOUR,
    )
    asked = """
        person_id | as_of      | cohort
        a         | 2024-03-01 | routed
        d         | 2024-02-29 | no
        d         | 2024-03-01 | routed
        d         | 2025-02-20 | routed
        d         | 2025-02-21 | eligible
    """
    declared = spec(**{"cohort.routed": [{"indicator": "plan", "window": "12 months"}]})
    assert answered(asked, held, declared) == rows(asked)


def test_the_cohort_is_counted_as_in_view_eligible_and_routed():
    held = events(
        """
        person_id | indicator | event_date | known_date
        a         | plan      | 2024-02-20 | 2024-02-29
        """,
        spells=FOUR,
    )
    declared = spec(**{"cohort.routed": [{"indicator": "plan", "window": "12 months"}]})
    day = day_of(Layout.of(declared), encode(declared, held), as_days("2024-03-01"))
    assert day.cohort.counts == {"in_view": 3, "eligible": 1, "routed": 1, "objecting": 0}


def test_before_anything_was_known_nobody_is_in_view():
    held = events(nothing(), spells=FOUR)
    day = day_of(Layout.of(spec()), encode(spec(), held.as_known("2020-01-01")), as_days("2020-01-01"))
    early = day_of(Layout.of(spec()), encode(spec(), held), as_days("2020-01-01"))
    for nobody in (day, early):
        assert nobody.cohort.counts == {"in_view": 0, "eligible": 0, "routed": 0, "objecting": 0}
        assert nobody.X.shape == (0, 2)
        assert list(nobody.status.columns) == ["exclusions_12m", "missing_12m"]


def test_the_household_is_the_one_of_the_spell_on_the_day_and_the_person_alone_where_none_is_known():
    spells = """
        spell_id | person_id | household_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | h1           | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
        s2       | a         | h2           | E01  | 2010-01-01  | 2024-03-01 |          | 2024-01-01
        s3       | b         |              | E01  | 2010-01-01  | 2020-01-01 |          | 2020-01-01
    """
    asked = """
        person_id | as_of      | household_id
        a         | 2024-02-29 | h1
        a         | 2024-03-01 | h2
        b         | 2024-03-01 | b
    """
    assert answered(asked, events(nothing(), spells=spells)) == rows(asked)
