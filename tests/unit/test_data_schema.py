import csv
import json

import pytest

from vru_models.spec import CodeList, TableSchema
from vru_models.spec.spec import shipped_schemas

FEEDS = {path.stem: path for path in sorted((shipped_schemas() / "feeds").glob("*.json"))}
CODELISTS = {path.stem: path for path in sorted((shipped_schemas() / "codelists").glob("*.csv"))}
AGENCY_FEEDS = {
    "education_attendance", "education_suspension", "health_mh", "police_da_missing", "housing", "social_care",
}  # fmt: skip


def schema(name):
    return TableSchema.parse(FEEDS[name].read_text(encoding="utf-8"), name)


def codes(name):
    return CodeList.parse(CODELISTS[name].read_text(encoding="utf-8"), name)


def test_the_feeds_that_ship_are_these():
    assert set(FEEDS) == AGENCY_FEEDS | {"people", "coverage", "equality_audit", "offers"}


@pytest.mark.parametrize("name", FEEDS)
def test_a_schema_is_named_after_its_file_and_says_what_it_is(name):
    table = schema(name)
    assert table.name == name
    assert table.title
    assert table.description
    assert table.x_vru.source
    assert all(column.title for column in table.fields)


@pytest.mark.parametrize("name", FEEDS)
def test_a_schema_is_plain_table_schema_with_one_extension(name):
    keys = set(json.loads(FEEDS[name].read_text(encoding="utf-8")))
    assert keys == {"name", "title", "description", "fields", "missingValues", "primaryKey", "x-vru"}


@pytest.mark.parametrize("name", sorted(set(FEEDS) - {"coverage"}))
def test_a_pseudonym_is_32_hexadecimal_digits(name):
    person = next(column for column in schema(name).fields if column.name == "person_id")
    assert person.constraints.required
    assert person.constraints.pattern == "^[0-9a-f]{32}$"


@pytest.mark.parametrize("name", [*sorted(AGENCY_FEEDS), "offers"])
def test_an_event_feed_says_when_it_happened_and_when_it_was_recorded(name):
    vru = schema(name).x_vru
    assert vru.kind == "events"
    assert vru.known_date == "recorded_date"
    assert 0 <= vru.typical_lag.median <= vru.typical_lag.p95


@pytest.mark.parametrize(
    ("name", "use"),
    [("equality_audit", "audit"), ("offers", "context"), ("social_care", "context"), ("people", "context")],
)
def test_what_is_not_a_source_of_features_says_so(name, use):
    assert schema(name).x_vru.default_use == use


def test_attendance_knows_the_school_year_and_nobody_past_sixteen():
    assert schema("education_attendance").x_vru.calendar == "term_time"
    assert schema("education_attendance").x_vru.ages == (5, 16)


def test_every_code_list_is_used_and_every_one_used_is_there():
    used = {listed for name in FEEDS for listed in schema(name).x_vru.codelists.values()}
    assert used == set(CODELISTS)


@pytest.mark.parametrize("name", CODELISTS)
def test_a_code_list_has_labels_sources_and_dates_in_order(name):
    with CODELISTS[name].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(codes(name).codes) == len(rows)
    assert all(row["label"] and row["source"] for row in rows)
    assert all(row["valid_from"] <= row["valid_to"] for row in rows if row["valid_from"] and row["valid_to"])


def test_ethnicity_is_the_eighteen_codes_and_two_for_unknown():
    assert codes("ethnicity").codes == {
        "WBRI", "WIRI", "WIRT", "WROM", "WOTH", "MWBC", "MWBA", "MWAS", "MOTH", "AIND", "APKN", "ABAN", "AOTH", "BCRB",
        "BAFR", "BOTH", "CHNE", "OOTH", "REFU", "NOBT",
    }  # fmt: skip


def test_the_readme_lists_every_feed():
    text = (shipped_schemas() / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in FEEDS)
