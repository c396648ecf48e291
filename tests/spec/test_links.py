"""Two pseudonyms that are one person: from the day it was known, and no longer once it was known not to be so."""

from __future__ import annotations

from asked import answered, events, grid, rows, spec
from tables import table

from vru_models.events import Events

SAID = """
    person_id | indicator           | event_date | known_date
    a         | suspension          | 2023-05-10 | 2023-05-12
    z         | suspension          | 2023-06-10 | 2023-06-12
    z         | permanent_exclusion | 2024-03-10 | 2024-03-12
"""
SPELLS = """
    spell_id | person_id | area | birth_month | start_date | end_date | known_date
    s1       | a         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
    s2       | b         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
"""
HEADER = "link_id | person_id | other_id | kind | confidence | known_date\n"
COUNTS = spec(features=grid("count"))


def held(*links: str, said: str = SAID):
    return events(said, spells=SPELLS, links=HEADER + "\n".join(links))


def test_what_is_known_of_either_pseudonym_counts_from_the_day_after_the_merge_was_known():
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2023-09-01 | 1
        a         | 2023-09-02 | 2
        b         | 2023-09-02 | 0
    """
    assert answered(asked, held("l1 | a | z | merge | 1 | 2023-09-01"), COUNTS) == rows(asked)


def test_a_split_takes_it_back_from_the_day_after_it_was_known():
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2023-10-01 | 2
        a         | 2023-10-02 | 1
    """
    links = ("l1 | a | z | merge | 1 | 2023-09-01", "l2 | z | a | split | 0.4 | 2023-10-01")
    assert answered(asked, held(*links), COUNTS) == rows(asked)


def test_a_merge_that_is_less_sure_than_is_asked_for_is_none_and_a_later_one_of_that_kind_undoes_a_sure_one():
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2023-09-02 | 1
        a         | 2023-10-02 | 2
        a         | 2023-11-02 | 1
    """
    links = (
        "l1 | a | z | merge | 0.89 | 2023-09-01",
        "l2 | a | z | merge | 0.9  | 2023-10-01",
        "l3 | a | z | merge | 0.5  | 2023-11-01",
    )
    assert answered(asked, held(*links), COUNTS) == rows(asked)
    surer = spec(features=grid("count"), **{"cohort.same_person_from": 0.95})
    assert (
        answered("person_id | as_of | suspension_count_12m\na | 2023-10-02 | 1", held(*links), surer)[0][
            "suspension_count_12m"
        ]
        == "1"
    )


def test_a_person_is_called_by_a_pseudonym_that_has_a_spell_and_is_one_row():
    asked = """
        person_id | as_of      | cohort   | suspension_count_12m
        a         | 2024-01-01 | eligible | 2
        b         | 2024-01-01 | no       | not eligible
        z         | 2024-01-01 | no       | not eligible
    """
    links = ("l1 | z | b | merge | 1 | 2023-09-01", "l2 | b | a | merge | 1 | 2023-09-01")
    assert answered(asked, held(*links), COUNTS) == rows(asked)


def test_a_label_counts_what_is_known_to_be_the_same_person_once_it_is_complete():
    asked = """
        person_id | as_of      | y
        a         | 2024-01-01 | 1
        b         | 2024-01-01 | 0
    """
    assert answered(asked, held("l1 | a | z | merge | 1 | 2024-07-01"), COUNTS) == rows(asked)
    later = "l1 | a | z | merge | 1 | 2024-08-01"
    assert answered("person_id | as_of | y\na | 2024-01-01 | 0", held(later), COUNTS)[0]["y"] == "0"


def test_a_link_that_was_withdrawn_is_as_if_it_had_been_split():
    links = table(HEADER + "l1 | a | z | merge | 1 | 2023-09-01").assign(known_until="2023-10-01")
    merged = Events.from_frame(
        table(SAID), spells=table(SPELLS), coverage=held("l | a | z | split | 1 | 2020-01-01").coverage, links=links,
        extract_dates=held("l | a | z | split | 1 | 2020-01-01").extract_dates,
    )  # fmt: skip
    asked = """
        person_id | as_of      | suspension_count_12m
        a         | 2023-10-01 | 2
        a         | 2023-10-02 | 1
    """
    assert answered(asked, merged, COUNTS) == rows(asked)
