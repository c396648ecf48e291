"""As of 1 January 2024 with an embargo of 1 month, a horizon of 6 and a lag of 1: the outcome counts from 1 February on
(inclusive) to 1 August (exclusive), as known before 1 September.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from asked import answered, events, rows, spec

from vru_models.dataset.outcome import WHY_MISSING, label_dates
from vru_models.errors import DataError
from vru_models.spec.calendar import as_days

LATER = {"outcome.embargo": "1 month"}
REVIEWED = {"outcome.ascertainment": "reviewed", "outcome.reviewed_by": ["plan"]}


def _dates(as_of):
    asked = spec(**LATER)
    return label_dates(asked, asked.outcome, as_days(as_of))


def test_the_window_of_the_outcome_starts_after_the_embargo_and_its_label_is_complete_after_the_lag():
    assert [str(d) for d in _dates("2024-01-01")] == [
        "2024-02-01",
        "2024-08-01",
        "2024-09-01",
    ]
    assert [str(d) for d in _dates("2023-12-31")] == [
        "2024-01-31",
        "2024-07-31",
        "2024-08-31",
    ]


def test_the_outcome_counts_from_the_first_day_of_the_horizon_to_the_last():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2023-12-31 | 2024-01-01
        b         | permanent_exclusion | 2024-02-01 | 2024-02-02
        c         | permanent_exclusion | 2024-07-31 | 2024-08-02
        d         | permanent_exclusion | 2024-08-01 | 2024-08-02
        e         | suspension          | 2024-03-01 | 2024-03-02
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 0 |
        b         | 2024-01-01 | 1 |
        c         | 2024-01-01 | 1 |
        d         | 2024-01-01 | 0 |
        e         | 2024-01-01 | 0 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_at_least_so_many_outcome_events_make_a_1():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
        b         | permanent_exclusion | 2024-03-01 | 2024-03-02
        b         | permanent_exclusion | 2024-03-01 | 2024-03-03
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 0 |
        b         | 2024-01-01 | 1 |
    """
    assert answered(asked, held, spec(**LATER, **{"outcome.at_least": 2})) == rows(asked)


def test_an_outcome_that_becomes_known_once_the_label_is_complete_is_too_late():
    held = events("""
        event_id | person_id | indicator           | event_date | known_date | status
        e1       | a         | permanent_exclusion | 2024-03-01 | 2024-08-31 | recorded
        e2       | b         | permanent_exclusion | 2024-03-01 | 2024-09-01 | recorded
        e3       | c         | permanent_exclusion | 2024-03-01 | 2024-03-02 | recorded
        e3       | c         | permanent_exclusion | 2024-03-01 | 2024-08-31 | withdrawn
        e4       | d         | permanent_exclusion | 2024-03-01 | 2024-03-02 | recorded
        e4       | d         | permanent_exclusion | 2024-03-01 | 2024-09-01 | withdrawn
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 1 |
        b         | 2024-01-01 | 0 |
        c         | 2024-01-01 | 0 |
        d         | 2024-01-01 | 1 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_an_outcome_in_the_embargo_makes_the_label_missing_and_overrides_a_1():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-01-01 | 2024-01-05
        b         | permanent_exclusion | 2024-01-31 | 2024-02-05
        b         | permanent_exclusion | 2024-03-01 | 2024-03-05
        c         | permanent_exclusion | 2024-02-01 | 2024-02-05
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 |   | in_embargo
        b         | 2024-01-01 |   | in_embargo
        c         | 2024-01-01 | 1 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_fewer_outcome_events_in_the_embargo_than_make_a_1_change_nothing():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-01-15 | 2024-01-16
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
        a         | permanent_exclusion | 2024-03-05 | 2024-03-06
        b         | permanent_exclusion | 2024-01-15 | 2024-01-16
        b         | permanent_exclusion | 2024-03-01 | 2024-03-02
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 1 |
        b         | 2024-01-01 | 0 |
    """
    assert answered(asked, held, spec(**LATER, **{"outcome.at_least": 2})) == rows(asked)


def test_without_an_embargo_no_label_is_missing_for_it():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-01-01 | 2024-01-05
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 1 |
    """
    assert answered(asked, held) == rows(asked)


def test_an_offer_accepted_from_the_as_of_date_to_the_end_of_the_horizon_makes_the_label_missing():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | offer               | 2023-12-31 | 2024-01-01
        b         | offer               | 2024-01-01 | 2024-01-02
        c         | offer               | 2024-07-31 | 2024-08-31
        c         | permanent_exclusion | 2024-02-01 | 2024-02-02
        d         | offer               | 2024-08-01 | 2024-08-02
        e         | offer               | 2024-03-01 | 2024-09-01
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 0 |
        b         | 2024-01-01 |   | treated
        c         | 2024-01-01 |   | treated
        d         | 2024-01-01 | 0 |
        e         | 2024-01-01 | 0 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_an_outcome_up_to_the_day_of_an_exit_is_a_1_and_an_exit_without_one_makes_the_label_missing():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | departure           | 2024-05-01 | 2024-05-02
        b         | departure           | 2024-05-01 | 2024-05-02
        b         | permanent_exclusion | 2024-04-30 | 2024-05-02
        c         | departure           | 2024-05-01 | 2024-05-02
        c         | permanent_exclusion | 2024-05-01 | 2024-05-02
        d         | departure           | 2024-05-01 | 2024-05-02
        d         | permanent_exclusion | 2024-05-02 | 2024-05-02
        e         | departure           | 2024-01-01 | 2024-01-02
        e         | permanent_exclusion | 2024-03-01 | 2024-03-02
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 |   | exited
        b         | 2024-01-01 | 1 |
        c         | 2024-01-01 | 1 |
        d         | 2024-01-01 |   | exited
        e         | 2024-01-01 |   | exited
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_an_exit_counts_from_the_as_of_date_to_the_last_day_of_the_horizon_as_known_when_complete():
    held = events("""
        person_id | indicator | event_date | known_date
        a         | departure | 2023-12-31 | 2024-01-02
        b         | departure | 2024-07-31 | 2024-08-31
        c         | departure | 2024-08-01 | 2024-08-02
        d         | departure | 2024-05-01 | 2024-09-01
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 0 |
        b         | 2024-01-01 |   | exited
        c         | 2024-01-01 | 0 |
        d         | 2024-01-01 | 0 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_the_end_of_a_stay_is_an_exit_and_a_move_to_another_area_is_not():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2020-01-01
        s2       | b         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2020-01-01
        s3       | b         | E02  | 2010-01-01  | 2024-05-01 |            | 2024-05-01
        s4       | c         | E01  | 2010-01-01  | 2020-01-01 | 2024-08-01 | 2020-01-01
        s5       | d         | E01  | 2010-01-01  | 2020-01-01 | 2024-07-31 | 2020-01-01
        s6       | e         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2020-01-01
        s7       | e         | E01  | 2010-01-01  | 2024-05-02 |            | 2024-05-02
        s8       | f         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2020-01-01
    """
    held = events(
        """
        person_id | indicator           | event_date | known_date
        f         | permanent_exclusion | 2024-05-01 | 2024-05-02
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 |   | exited
        b         | 2024-01-01 | 0 |
        c         | 2024-01-01 | 0 |
        d         | 2024-01-01 |   | exited
        e         | 2024-01-01 |   | exited
        f         | 2024-01-01 | 1 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_an_end_of_stay_is_taken_as_it_is_known_when_the_label_is_complete():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s1       | a         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2024-08-31
        s2       | b         | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s2       | b         | E01  | 2010-01-01  | 2020-01-01 | 2024-05-01 | 2024-09-01
        s3       | c         | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s3       | c         | E01  | 2010-01-01  | 2020-01-01 | 2023-11-01 | 2024-03-01
    """
    held = events(
        """
        person_id | indicator           | event_date | known_date
        c         | permanent_exclusion | 2024-03-01 | 2024-03-02
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 |   | exited
        b         | 2024-01-01 | 0 |
        c         | 2024-01-01 |   | exited
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_who_passes_the_age_bound_before_the_end_of_the_horizon_has_no_label_whatever_happened():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2006-07-01  | 2020-01-01 |          | 2020-01-01
        s2       | b         | E01  | 2006-08-01  | 2020-01-01 |          | 2020-01-01
    """
    held = events(
        """
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | cohort   | y | why_missing
        a         | 2024-01-01 | eligible |   | beyond_frame
        b         | 2024-01-01 | eligible | 0 |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


def test_without_declared_ages_nobody_passes_an_age_bound():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 1 |
    """
    declared = spec(**LATER, **{"cohort.age_from": None, "cohort.age_to": None})
    assert answered(asked, held, declared) == rows(asked)


@pytest.mark.parametrize(("extracted", "y", "why"), [("2024-09-01", "1", ""), ("2024-08-31", "", "beyond_frame")])
def test_a_label_that_is_complete_only_after_the_extract_is_missing_whatever_happened(extracted, y, why):
    held = events(
        """
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
        """,
        extracted=dt.date.fromisoformat(extracted),
    )
    asked = f"""
        person_id | as_of      | cohort   | y   | why_missing
        a         | 2024-01-01 | eligible | {y} | {why}
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)


@pytest.mark.parametrize("feed", ["exclusions", "missing", "people"])
def test_the_data_end_with_the_earliest_extract_that_labels_are_read_from(feed):
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
    """)
    early = replace(held, extract_dates={**held.extract_dates, feed: dt.date(2024, 8, 31)})
    asked = """
        person_id | as_of      | why_missing
        a         | 2024-01-01 | beyond_frame
    """
    assert answered(asked, early, spec(**LATER)) == rows(asked)


def test_an_extract_without_a_date_is_an_error_that_names_the_feed():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-01 | 2024-03-02
    """)
    undated = replace(held, extract_dates={"exclusions": dt.date(2025, 1, 1)})
    asked = """
        person_id | as_of      | y
        a         | 2024-01-01 | 1
    """
    with pytest.raises(DataError, match=r"extract dates: none for missing, people\. Say when each feed was extracted"):
        answered(asked, undated)


def test_of_several_reasons_the_first_is_given():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | all       | E01  | 2006-07-01  | 2020-01-01 | 2024-03-01 | 2020-01-01
        s2       | three     | E01  | 2010-01-01  | 2020-01-01 | 2024-03-01 | 2020-01-01
        s3       | two       | E01  | 2010-01-01  | 2020-01-01 | 2024-03-01 | 2020-01-01
        s4       | one       | E01  | 2010-01-01  | 2020-01-01 | 2024-03-01 | 2020-01-01
        s5       | none      | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
    """
    held = events(
        """
        person_id | indicator           | event_date | known_date
        all       | offer               | 2024-02-01 | 2024-02-02
        all       | permanent_exclusion | 2024-01-15 | 2024-02-02
        three     | offer               | 2024-02-01 | 2024-02-02
        three     | permanent_exclusion | 2024-01-15 | 2024-02-02
        two       | permanent_exclusion | 2024-01-15 | 2024-02-02
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | y | why_missing
        all       | 2024-01-01 |   | beyond_frame
        three     | 2024-01-01 |   | treated
        two       | 2024-01-01 |   | in_embargo
        one       | 2024-01-01 |   | exited
        none      | 2024-01-01 |   | not_reviewed
    """
    assert answered(asked, held, spec(**LATER, **REVIEWED)) == rows(asked)
    assert [row["why_missing"] for row in rows(asked)] == list(WHY_MISSING[1:])


def test_where_an_outcome_is_seen_only_in_reviews_not_reviewed_is_unknown():
    held = events("""
        person_id | indicator           | event_date | known_date
        a         | plan                | 2024-02-01 | 2024-02-02
        b         | plan                | 2024-07-31 | 2024-08-31
        c         | plan                | 2024-01-31 | 2024-02-01
        d         | plan                | 2024-08-01 | 2024-08-02
        e         | plan                | 2024-05-01 | 2024-09-01
        f         | permanent_exclusion | 2024-05-01 | 2024-05-02
        g         | plan                | 2024-03-01 | 2024-03-02
        g         | permanent_exclusion | 2024-05-01 | 2024-05-02
    """)
    asked = """
        person_id | as_of      | y | why_missing
        a         | 2024-01-01 | 0 |
        b         | 2024-01-01 | 0 |
        c         | 2024-01-01 |   | not_reviewed
        d         | 2024-01-01 |   | not_reviewed
        e         | 2024-01-01 |   | not_reviewed
        f         | 2024-01-01 | 1 |
        g         | 2024-01-01 | 1 |
    """
    assert answered(asked, held, spec(**LATER, **REVIEWED)) == rows(asked)


def test_the_days_until_a_label_was_decided_are_counted_from_the_start_of_the_window():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date   | known_date
        s1       | stays     | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s2       | first     | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s3       | leaves    | E01  | 2010-01-01  | 2020-01-01 | 2024-02-11 | 2020-01-01
        s4       | early     | E01  | 2010-01-01  | 2020-01-01 | 2024-01-22 | 2020-01-01
        s5       | treated   | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
        s6       | both      | E01  | 2010-01-01  | 2020-01-01 | 2024-04-01 | 2020-01-01
        s7       | embargo   | E01  | 2010-01-01  | 2020-01-01 |            | 2020-01-01
    """
    held = events(
        """
        person_id | indicator           | event_date | known_date
        first     | permanent_exclusion | 2024-02-01 | 2024-02-02
        first     | permanent_exclusion | 2024-03-01 | 2024-03-02
        treated   | offer               | 2024-03-01 | 2024-03-02
        treated   | permanent_exclusion | 2024-05-01 | 2024-05-02
        both      | offer               | 2024-03-01 | 2024-03-02
        embargo   | permanent_exclusion | 2024-01-15 | 2024-01-16
        """,
        spells=spells,
    )
    asked = """
        person_id | as_of      | y | why_missing | with_treated | followed
        stays     | 2024-01-01 | 0 |             | 0            | 182
        first     | 2024-01-01 | 1 |             | 1            | 0
        leaves    | 2024-01-01 |   | exited      |              | 10
        early     | 2024-01-01 |   | exited      |              | -10
        treated   | 2024-01-01 |   | treated     | 1            |
        both      | 2024-01-01 |   | treated     |              |
        embargo   | 2024-01-01 |   | in_embargo  |              |
    """
    assert answered(asked, held, spec(**LATER)) == rows(asked)
    twice = asked.replace(
        "first     | 2024-01-01 | 1 |             | 1            | 0",
        "first     | 2024-01-01 | 1 |             | 1            | 29",
    )
    treated_once = twice.replace("treated     | 1            |", "treated     | 0            |")
    at_least_two = spec(**LATER, **{"outcome.at_least": 2})
    wanted = [row for row in rows(treated_once) if row["person_id"] != "embargo"]
    assert [row for row in answered(asked, held, at_least_two) if row["person_id"] != "embargo"] == wanted
