from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import small

from vru_models.errors import SpecError
from vru_models.spec import CodeList, TableSchema
from vru_models.spec.spec import shipped_schemas

SCHEMA = small.SCHEMAS["exclusions"]
LINKS = small.schema(
    "links",
    [
        *(small.column(name) for name in ("link_id", "person_id", "other_id", "kind")),
        small.column("confidence", "number"),
        small.column("known_date", "date"),
    ],
    "link_id",
    kind="links",
)


def changed(path, value, base=SCHEMA):
    schema = copy.deepcopy(base)
    *way, last = path
    at = schema
    for part in way:
        at = at[part]
    at[last] = value
    return json.dumps(schema)


def test_a_schema_is_read_and_written_and_read_again():
    schema = TableSchema.parse(json.dumps(SCHEMA), "exclusions.json")
    assert schema.columns == ("exclusion_id", "person_id", "kind", "start_date", "known_date", "sessions", "status")
    assert TableSchema.parse(schema.to_json().decode(), "again") == schema
    assert schema.missing_values == ("",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"exclusions.json: is not JSON \(.*line 1 column 2"),
        ("[" * 100_000, "exclusions.json: is not JSON that can be used"),
        ("9" * 5_000, "exclusions.json: is not JSON that can be used"),
        (changed(["title"], "\ud800"), "exclusions.json: is not JSON that can be used"),
        (changed(["fields", 5, "constraints"], {"minimum": float("nan")}), "is not JSON that can be used"),
        (
            changed(["fields", 1, "constraints"], {"pattern": "(" * 900 + ")" * 100}),
            "pattern is not a regular expression",
        ),
        (changed(["fields", 1, "constraints"], {"pattern": "a" * 1_001}), "at most 1000 characters"),
        (changed(["fields", 1, "constraints"], {"maxLength": -1}), "greater than or equal to 0"),
        (changed(["x-vru", "due_after"], 36_526), "less than or equal to 36525"),
        ("[]", "exclusions.json: 1 fault"),
        (
            changed(["colour"], "red"),
            "colour: is not a known key here. Expected: one of description, fields, missingValues, .*, x-vru",
        ),
        (changed(["fields", 0, "type"], "text"), r"fields\[0\].type: 'text' is not allowed"),
        (changed(["fields", 0, "name"], "person_id"), "two fields have the same name"),
        (changed(["fields", 1, "constraints"], {"pattern": "("}), "pattern is not a regular expression"),
        (changed(["primaryKey"], ["ghost"]), "not among the fields: ghost"),
        (changed(["primaryKey"], []), "primaryKey is not given"),
        (changed(["x-vru", "event_date"], None), "x-vru.event_date must name the column"),
        (changed(["x-vru", "known_date"], "ghost"), "not among the fields: ghost"),
        (changed(["x-vru", "status"], "ghost"), "not among the fields: ghost"),
        (changed(["x-vru", "person"], "ghost"), "not among the fields: ghost"),
        (changed(["x-vru", "codelists"], {"ghost": "kinds"}), "not among the fields: ghost"),
        (changed(["x-vru", "event_date"], "kind"), "field kind is a string; expected: date"),
        (changed(["x-vru", "kind"], "spells"), "not among the fields: area, birth_month, end_date, spell_id"),
        (
            changed(["fields", 3, "type"], "string", small.SCHEMAS["people"]),
            "field birth_month is a string; expected: yearmonth",
        ),
        (
            changed(["fields", 1, "type"], "integer", small.SCHEMAS["people"]),
            "field person_id is a integer; expected: string",
        ),
        (
            changed(["fields", 3, "type"], "string", small.SCHEMAS["cover"]),
            "field age_from is a string; expected: integer",
        ),
        (changed(["primaryKey"], ["person_id"], small.SCHEMAS["people"]), "primaryKey is not spell_id"),
        (changed(["primaryKey"], ["person_id"], LINKS), "primaryKey is not link_id"),
        (changed(["fields", 4, "type"], "string", LINKS), "field confidence is a string; expected: number"),
        (
            changed(["x-vru", "kind"], "objections", LINKS),
            "among the fields: end_date, objection_id, purpose, start",
        ),
        (changed(["x-vru", "kind"], "area", LINKS), "not among the fields: area, area_record_id, end_date, start_date"),
        (changed(["x-vru", "unit"], "area"), "a feed of unit area holds no person_id"),
        (changed(["x-vru", "refused"], {"kind": {"S": "why"}}), "at least 10 characters"),
        (
            changed(["x-vru", "refused"], {"ghost": {"S": "a reason of length"}}),
            "codes are given of .* ghost",
        ),
        (
            changed(["x-vru", "context_only"], {"ghost": {"*": "a reason of length"}}),
            "codes are given .* ghost",
        ),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_by_path(text, message):
    with pytest.raises(SpecError, match=message):
        TableSchema.parse(text, "exclusions.json")


def test_a_column_that_may_not_arrive_is_refused_as_a_whole_and_is_not_among_the_fields():
    refused = {"diagnosis": {"*": "no diagnosis is shared"}, "kind": {"Z": "it may never be counted"}}
    schema = TableSchema.parse(changed(["x-vru", "refused"], refused), "exclusions.json")
    assert schema.x_vru.refused == refused
    assert TableSchema.parse(schema.to_json().decode(), "again") == schema


def test_a_schema_that_refuses_nothing_is_written_as_before():
    text = TableSchema.parse(json.dumps(SCHEMA), "exclusions.json").to_json().decode()
    assert not any(word in text for word in ("refused", "context_only", "unit"))


@pytest.mark.parametrize(
    ("code", "date", "valid"),
    [
        ("H", "2024-08-18", True),
        ("H", "2024-08-19", False),
        ("K", "2024-08-18", False),
        ("K", "2024-08-19", True),
        ("S", "1900-01-01", True),
        ("Z", "2024-08-19", False),
        ("S", "NaT", False),
        ("R", "2021-06-01", False),
        ("R", "2020-06-01", True),
        ("R", "2022-06-01", True),
    ],
)
def test_a_code_is_valid_between_its_dates_both_inclusive(code, date, valid):
    codes = CodeList.parse(
        "code,label,valid_from,valid_to,source\nH,,,2024-08-18,x\nK,,2024-08-19,,x\nS,,,,x\nR,,,2020-12-31,x\nR,,2022-01-01,,x\n",
        "codes",
    )
    assert codes.valid(np.array([code], dtype=object), np.array([date], "datetime64[D]")).tolist() == [valid]
    assert codes.codes == {"H", "K", "S", "R"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "code,label\nS,x\n",
        "code,label,valid_from,valid_to,source\nS,x\n",
        "code,label,valid_from,valid_to,source\n" + "S" * 200_000 + ",x,,,y\n",
    ],
)
def test_what_is_not_a_code_list_is_refused(text):
    with pytest.raises(
        SpecError, match=r"codes: is not a code list. Expected: CSV with the header code,label,valid_from"
    ):
        CodeList.parse(text, "codes")


@pytest.mark.parametrize("ends", ["soon,", ",2024-02-30", "2024-W01-1,", "20240101,", "0001-01-01,"])
def test_an_end_that_is_not_a_date_is_refused(ends):
    with pytest.raises(SpecError, match=r"codes: has a valid_from or valid_to that is not a date"):
        CodeList.parse(f"code,label,valid_from,valid_to,source\nS,x,{ends},y\n", "codes")


def test_a_code_list_may_end_its_lines_in_a_carriage_return():
    lines = "code,label,valid_from,valid_to,source\rS,x,,,y\rT,x,,,y\r"
    assert CodeList.parse(lines, "codes").codes == {"S", "T"}


@pytest.mark.parametrize("file", sorted((shipped_schemas() / "feeds").glob("*.json")), ids=lambda f: f.stem)
def test_every_schema_that_ships_can_be_read_and_names_code_lists_that_ship(file):
    schema = TableSchema.parse(file.read_text(encoding="utf-8"), file.name)
    assert schema.name == file.stem
    for listed in schema.x_vru.codelists.values():
        assert (shipped_schemas() / "codelists" / f"{listed}.csv").is_file()


@pytest.mark.parametrize("file", sorted((shipped_schemas() / "codelists").glob("*.csv")), ids=lambda f: f.stem)
def test_every_code_list_that_ships_can_be_read(file):
    assert CodeList.parse(file.read_text(encoding="utf-8"), file.stem).codes
