from __future__ import annotations

import pyarrow as pa
import pytest
import small

from vru_models.feeds import validate as module
from vru_models.feeds.batches import Batch
from vru_models.feeds.validate import validate, validate_batches
from vru_models.frames import arrow_table

EXCLUSIONS = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
GOOD = "x1,a,S,2022-01-10,2022-01-12,3,recorded"


def batch(*lines, first=1, malformed=(), header=EXCLUSIONS):
    return Batch(arrow_table(small.rows(header, *lines)), first, malformed)


def held(*batches, feed="exclusions", declared=None):
    verdicts = validate_batches(batches, declared or small.spec(), feed=feed, extract_date=small.EXTRACT_DATE)
    return [verdict.quarantine.values.tolist() for verdict in verdicts]


def test_a_key_that_came_in_an_earlier_batch_is_a_duplicate_under_its_number_in_the_file():
    assert held(batch(GOOD), batch(GOOD.replace("x1", "x2"), GOOD, first=2)) == [[], [[3, "duplicate"]]]


def test_a_later_known_date_in_a_later_batch_is_a_correction():
    assert held(batch(GOOD), batch(GOOD.replace("2022-01-12", "2022-02-01"), first=2)) == [[], []]


def test_a_bad_row_of_an_earlier_batch_makes_no_duplicate():
    bad = GOOD.replace(",3,", ",0,")
    assert held(batch(bad), batch(GOOD, GOOD, first=2)) == [[[1, "sessions:below_minimum"]], [[3, "duplicate"]]]
    assert held(batch(bad, GOOD, GOOD)) == [[[1, "sessions:below_minimum"], [3, "duplicate"]]]


def test_a_value_that_is_to_be_unique_stands_at_its_first_row_in_the_feed():
    fields = [small.column("person_id"), small.column("code", "integer", unique=True)]
    declared = small.spec(schemas={"audit": small.schema("audit", fields, "person_id", kind="audit")})
    batches = (
        batch("a,1", "b,", header="person_id,code"),
        batch("c,01", "d,", "a,2", first=3, header="person_id,code"),
        batch("a,2", first=6, header="person_id,code"),
    )
    assert held(*batches, feed="audit", declared=declared) == [
        [],
        [[3, "code:not_unique"], [5, "duplicate"]],
        [[6, "code:not_unique; duplicate"]],
    ]


def test_a_month_written_in_two_ways_is_one_value():
    fields = [small.column("person_id"), small.column("month", "yearmonth", unique=True)]
    declared = small.spec(schemas={"audit": small.schema("audit", fields, "person_id", kind="audit")})
    one = batch("a,2010-01", "b,2010-01-01", header="person_id,month")
    assert held(one, feed="audit", declared=declared) == [[[2, "month:not_unique"]]]


def test_malformed_rows_are_quarantined_in_the_batch_they_came_with():
    batches = (batch(GOOD, malformed=(1,)), batch(GOOD, first=3, malformed=(4,)))
    assert held(*batches) == [[[1, "wrong_number_of_fields"]], [[3, "duplicate"], [4, "wrong_number_of_fields"]]]


@pytest.mark.parametrize("first", [1, 3])
def test_a_batch_that_comes_twice_or_is_left_out_is_refused(first):
    with pytest.raises(ValueError, match=f"exclusions: a batch begins at row {first}, not at row 2"):
        held(batch(GOOD), batch(GOOD, first=first))


def test_a_batch_is_not_asked_for_before_the_verdict_on_the_one_before_was_taken():
    asked = []

    def batches():
        for first in (1, 2):
            asked.append(first)
            yield batch(GOOD, first=first)

    verdicts = validate_batches(batches(), small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    next(verdicts)
    assert asked == [1]


def test_every_batch_has_the_same_compact_columns_whatever_is_in_it():
    lines = [GOOD, GOOD.replace(",S,", ",,").replace(",3,", ",,").replace("x1", "x2"), GOOD.replace("S", "Z")]
    verdicts = validate_batches(
        [batch(line, first=i) for i, line in enumerate(lines, 1)],
        small.spec(),
        feed="exclusions",
        extract_date=small.EXTRACT_DATE,
    )
    text, day = pa.string(), pa.date32()
    types = [text, text, text, day, day, pa.int64(), text]
    tables = [v.table for v in verdicts]
    assert [table.schema.types for table in tables] == [types] * 3
    assert [table["kind"].to_pylist() for table in tables] == [["S"], [None], []]
    assert [table["sessions"].to_pylist() for table in tables] == [[3], [None], []]


def test_a_whole_table_is_read_in_batches_of_its_own(monkeypatch):
    monkeypatch.setattr(module, "BATCH_ROWS", 2)
    table = batch(GOOD, GOOD.replace("x1", "x2"), GOOD, GOOD.replace(",3,", ",0,"), GOOD).table
    verdict = validate(table, small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE, malformed=[6, 2])
    assert verdict.quarantine.values.tolist() == [
        [2, "wrong_number_of_fields"],
        [4, "duplicate"],
        [5, "sessions:below_minimum"],
        [6, "wrong_number_of_fields"],
        [7, "duplicate"],
    ]
    assert (verdict.rows_in, verdict.table.num_rows) == (7, 2)


@pytest.mark.parametrize("others", [["S"], ["S"] * 9])
def test_a_missing_text_is_missing_whether_a_column_repeats_or_not(others):
    lines = [f"x{i},a,{kind},2022-01-10,2022-01-12,3,recorded" for i, kind in enumerate(["", "P", *others])]
    table = batch(*lines).table
    verdict = validate(table, small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    assert verdict.table["kind"].to_pylist() == [None, "P", *others]


@pytest.mark.parametrize("distinct", [2, 3_000])
def test_reasons_are_the_same_whether_a_column_repeats_or_not(distinct):
    n = 6_000
    ids = [f"x{i}" for i in range(n)]
    sessions = [str(i % distinct) for i in range(n)]
    people = ["" if i % 1_000 == 1 else "A!" if i % 1_000 == 2 else f"a{i % distinct}" for i in range(n)]
    lines = [f"{i},{p},S,2022-01-10,2022-01-12,{s},recorded" for i, p, s in zip(ids, people, sessions, strict=True)]
    found = dict(held(batch(*lines))[0])
    expected = {}
    for row, (person, s) in enumerate(zip(people, sessions, strict=True), 1):
        reasons = {"": ["person_id:required"], "A!": ["person_id:pattern"]}.get(person, [])
        reasons += ["sessions:below_minimum"] if int(s) < 1 else ["sessions:above_maximum"] if int(s) > 90 else []
        if reasons:
            expected[row] = "; ".join(reasons)
    assert found == expected
