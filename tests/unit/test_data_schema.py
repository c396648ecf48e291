import datetime as dt
import json
from importlib import resources

import pytest
import small

from vru_models.errors import SpecError
from vru_models.feeds.validate import validate
from vru_models.frames import arrow_table
from vru_models.identifiers.scan import scan_identifiers
from vru_models.spec import CodeList, Spec, TableSchema
from vru_models.spec.sources import Feed
from vru_models.spec.spec import shipped_schemas

FEEDS = {path.stem: path for path in sorted((shipped_schemas() / "feeds").glob("*.json"))}
CODELISTS = {path.stem: path for path in sorted((shipped_schemas() / "codelists").glob("*.csv"))}
EXAMPLE_FEEDS = {
    "education_attendance", "education_suspension", "health_mh", "police_da_missing", "housing", "social_care",
}  # fmt: skip
AGENCY_FEEDS = EXAMPLE_FEEDS | {
    "education_register", "education_attendance_scotland", "education_suspension_reasons", "education_census",
    "social_care_cin", "social_care_factors", "social_care_scotland", "early_help", "looked_after",
    "looked_after_missing", "looked_after_health", "health_mh_referrals", "health_mh_contacts", "police_records",
    "youth_justice", "housing_homelessness", "housing_arrears", "assault_attendances",
}  # fmt: skip
PARTNERSHIP_FEEDS = {
    "people", "coverage", "equality_audit", "equality_audit_basis", "offers", "decisions", "objections", "links",
    "area_context",
}  # fmt: skip
ABOUT_AREAS = {"coverage", "area_context", "assault_attendances"}
UNUSED_LISTS = {"attendance_code_scotland", "upn_unknown"}
A, B = "ab" * 16, "cd" * 16


def schema(name):
    return TableSchema.parse(FEEDS[name].read_text(encoding="utf-8"), name)


def codes(name):
    return CodeList.parse(CODELISTS[name].read_text(encoding="utf-8"), name)


def test_the_feeds_that_ship_are_these():
    assert set(FEEDS) == AGENCY_FEEDS | PARTNERSHIP_FEEDS


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


@pytest.mark.parametrize("name", sorted(set(FEEDS) - ABOUT_AREAS))
def test_a_pseudonym_is_32_hexadecimal_digits(name):
    person = next(column for column in schema(name).fields if column.name == "person_id")
    assert person.constraints.required
    assert person.constraints.pattern == "^[0-9a-f]{32}$"


@pytest.mark.parametrize("name", sorted(ABOUT_AREAS))
def test_a_feed_about_areas_has_no_column_about_a_person(name):
    assert not {"person_id", "household_id", "age", "sex", "birth_month"} & set(schema(name).columns)


@pytest.mark.parametrize("name", [*sorted(AGENCY_FEEDS), "offers", "decisions"])
def test_an_event_feed_says_when_it_happened_and_when_it_was_recorded(name):
    vru = schema(name).x_vru
    assert vru.kind == "events"
    assert vru.known_date == "recorded_date"
    assert 0 <= vru.typical_lag.median <= vru.typical_lag.p95


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("equality_audit", "audit"),
        ("equality_audit_basis", "audit"),
        ("offers", "context"),
        ("decisions", "context"),
        ("social_care", "context"),
        ("people", "context"),
        ("early_help", "context"),
        ("housing_arrears", "context"),
        ("youth_justice", "context"),
        ("area_context", "context"),
    ],
)
def test_what_is_not_a_source_of_features_says_so(name, use):
    assert schema(name).x_vru.default_use == use


@pytest.mark.parametrize("name", ["health_mh_referrals", "health_mh_contacts", "health_mh"])
def test_health_feeds_hold_no_diagnosis_and_no_free_text(name):
    texts = [f for f in schema(name).fields if f.type == "string" and f.name not in schema(name).x_vru.codelists]
    assert [f.name for f in texts] == ["person_id"]


@pytest.mark.parametrize("name", FEEDS)
def test_every_text_column_is_bounded_by_a_list_a_pattern_or_a_length(name):
    table = schema(name)
    free = [f.name for f in table.fields if f.type == "string" and f.name not in table.x_vru.codelists]
    bounds = {f.name: f.constraints for f in table.fields}
    assert all(bounds[c].pattern or bounds[c].enum or bounds[c].max_length for c in free)


def test_attendance_knows_the_school_year_and_nobody_past_sixteen():
    assert schema("education_attendance").x_vru.calendar == "term_time"
    assert schema("education_attendance").x_vru.ages == (5, 16)


def test_every_code_list_is_used_and_every_one_used_is_there():
    used = {listed for name in FEEDS for listed in schema(name).x_vru.codelists.values()}
    crossed = {"attendance_class", "youth_outcome_tier", "ethnicity_nhs", "cin_sex", "cin_disability"}
    assert used.isdisjoint(crossed | UNUSED_LISTS)
    assert used | crossed | UNUSED_LISTS == set(CODELISTS)


# one clean row each, in the schema's order of columns; then one change that breaks it, and the reason
ROWS = {
    "area_context": ("1,E01000001,idaci_2019,3,2019-09-26,,2019-09-26", {"decile": "11"}, "decile:above_maximum"),
    "assault_attendances": (
        "1,E02000001,2024-03-02,2024-03-03,RXX01,knife,school,2024-04-20",
        {"area_id": ""},
        "area_id:required",
    ),
    "coverage": ("1,coverage,*,10,17,2022-11-01,,2022-11-01", {"feed": "ghost"}, "feed:not_declared"),
    "decisions": (
        f"1,{A},2024-03-04,defer,false,data_wrong,2024-04-04,2024-03-04",
        {"override_reason": "felt"},
        "override_reason:not_in_codelist",
    ),
    "early_help": (f"1,{A},2024-03-04,contact,5D,ADVICE,2024-03-05", {"source": "9Z"}, "source:not_in_codelist"),
    "education_attendance": (
        f"1,{A},2024-02-09,10_to_20,10,2024-02-12",
        {"missed_at_least": "9"},
        "missed_at_least:below_minimum",
    ),
    "education_attendance_scotland": (
        f"1,{A},2024-03-08,authorised,4,10,2024-03-11",
        {"absence": "10"},
        "absence:not_in_codelist",
    ),
    "education_census": (
        f"1,{A},2024-01-18,8,C,2023-09-04,,true,K,SEMH,true,false,false,false,2024-03-01",
        {"enrolment_status": "X"},
        "enrolment_status:not_in_codelist",
    ),
    "education_register": (f"1,{A},2024-08-16,H,4,10,2024-08-19", {"code": "K"}, "code:not_valid_then"),
    "education_suspension": (
        f"1,{A},2024-03-04,SUSP,PP,4,recorded,2024-03-04",
        {"category": "FIXD"},
        "category:not_valid_then",
    ),
    "education_suspension_reasons": (
        f"1,{A},2024-03-04,SUSP,DB,OW,,4,recorded,2024-03-04",
        {"reason_3": "OT"},
        "reason_3:not_valid_then",
    ),
    "equality_audit": (f"{A},F,BCRB,black,no", {"sex": "1"}, "sex:not_in_codelist"),
    "equality_audit_basis": (
        f"{A},F,CHNE,self,asian,chinese,no,unknown,yes",
        {"ethnicity_basis": "guess"},
        "ethnicity_basis:not_in_codelist",
    ),
    "health_mh": (f"1,{A},2024-03-04,crisis_contact,2024-05-04", {"kind": "diagnosis"}, "kind:not_in_codelist"),
    "health_mh_contacts": (f"1,{A},2024-03-04,7,false,2024-05-04", {"crisis": "maybe"}, "crisis:not_a_boolean"),
    "health_mh_referrals": (
        f"1,{A},2024-03-04,true,,2024-05-04",
        {"referral_date": "2024-06-01"},
        "referral_date:date_order",
    ),
    "housing": (f"1,{A},2024-03-04,move,2024-05-04", {"kind": "arrears"}, "kind:not_in_codelist"),
    "housing_arrears": (f"1,{A},2024-03-31,rent,8_weeks_plus,2024-04-02", {"kind": "fines"}, "kind:not_in_codelist"),
    "housing_homelessness": (
        f"1,{A},2024-03-04,duty_owed,relief,domestic_abuse,,false,2024-04-04",
        {"duty": "none"},
        "duty:not_in_codelist",
    ),
    "links": (f"1,{A},{B},merge,0.97,2024-03-04", {"confidence": "1.2"}, "confidence:above_maximum"),
    "looked_after": (
        f"1,{A},2024-03-04,,S,C2,N1,U6,,recorded,2024-03-05",
        {"placement": "Q1"},
        "placement:not_in_codelist",
    ),
    "looked_after_health": (f"1,{A},2024-03-04,17,,false,2024-06-05", {"sdq_score": "41"}, "sdq_score:above_maximum"),
    "looked_after_missing": (
        f"1,{A},2024-03-04,2024-03-05,M,recorded,2024-03-05",
        {"kind": "Z"},
        "kind:not_in_codelist",
    ),
    "objections": (f"1,{A},score,,2024-03-04,,2024-03-04", {"end_date": "2024-03-01"}, "end_date:date_order"),
    "offers": (f"1,{A},2024-03-04,made,2024-03-04", {"recorded_date": "2024-09-02"}, "recorded_date:date_order"),
    "people": (f"1,{A},,E01,2010-03,2022-11-01,,2022-11-01", {"birth_month": "2010-13"}, "birth_month:not_a_month"),
    "police_da_missing": (
        f"1,{A},2024-03-04,missing_episode,subject,recorded,2024-03-04",
        {"role": "member"},
        "role:not_in_enum; role:not_declared",
    ),
    "police_records": (
        f"1,{A},2024-03-04,violence,victim,,true,false,recorded,2024-03-05",
        {"kind": "stop_and_search"},
        "kind:not_in_codelist",
    ),
    "social_care": (
        f"1,{A},2024-03-04,child_assessment,need_found,assessed,2024-03-05",
        {"result": "N1"},
        "result:not_in_codelist",
    ),
    "social_care_cin": (
        f"1,{A},2024-03-04,closure,,,,RC9,recorded,2024-03-05",
        {"event_date": "2022-03-31"},
        "closure_reason:not_valid_then",
    ),
    "social_care_factors": (f"1,{A},2024-03-04,24A,assessed,2024-03-05", {"factor": "18A"}, "factor:not_valid_then"),
    "social_care_scotland": (
        f"1,{A},2024-03-04,wellbeing_concern,safe,recorded,2024-03-05",
        {"wellbeing": "happy"},
        "wellbeing:not_in_codelist",
    ),
    "youth_justice": (
        f"1,{A},2023-07-20,2024-03-04,referral_order,true,recorded,2024-03-04",
        {"outcome": "nfa"},
        "outcome:not_in_codelist",
    ),
}


def verdict(name, *rows):
    """What validation says of rows of one shipped feed; declared alone, since a feed about areas serves no person."""
    table = schema(name)
    lists = {listed: codes(listed) for listed in table.x_vru.codelists.values()}
    feed = Feed.model_validate({"schema": name, "agreement": small.agreement("train") | {"from": dt.date(2019, 1, 1)}})
    alone = {"feeds": {name: feed}, "tables": {name: table}, "codelists": lists, "indicators": {}}
    declared = small.spec().model_copy(update=alone)
    frame = arrow_table(small.rows(",".join(table.columns), *rows))
    return validate(frame, declared, feed=name, extract_date=small.EXTRACT_DATE)


def test_every_feed_that_ships_has_a_row_here():
    assert set(ROWS) == set(FEEDS)


@pytest.mark.parametrize("name", FEEDS)
def test_a_clean_row_is_accepted_and_a_broken_one_is_held_back(name):
    row, change, reason = ROWS[name]
    first, columns = row.split(","), schema(name).columns
    second = [change.get(column, value) for column, value in zip(columns, first, strict=True)]
    second[0] = B if columns[0] == "person_id" else "2"
    found = verdict(name, row, ",".join(second))
    assert len(found.accepted) == 1
    assert found.quarantine.to_dict("list") == {"row": [2], "reasons": [reason]}


@pytest.mark.parametrize("name", FEEDS)
def test_no_column_that_ships_is_named_as_a_direct_identifier(name):
    frame = small.rows(",".join(schema(name).columns), ROWS[name][0])
    assert scan_identifiers(frame).worst == "pass"


@pytest.mark.parametrize("kind", ["stop_and_search", "intelligence", "social_media", "music", "list_membership"])
def test_what_is_not_to_be_ingested_from_the_police_is_held_back(kind):
    row = ROWS["police_records"][0].replace("violence", kind)
    assert verdict("police_records", row).quarantine["reasons"].tolist() == ["kind:not_in_codelist"]


def test_the_example_still_reads_the_schemas_that_ship():
    assert {feed.table for feed in Spec.example("early_help").feeds.values()} == EXAMPLE_FEEDS | {
        "people", "coverage", "equality_audit", "offers",
    }  # fmt: skip


LINKED = """
[feeds.{0}]
schema = "{0}"
[feeds.{0}.agreement]
id = "DSA-1"
gateway = "The partnership's own record."
from = 2022-11-01
to = 2028-10-31
purposes = ["train"]
"""
COUNTED = """
[indicators.counted]
feed = "{0}"
use = "context"
activity_driver = "agency_decision"
rationale = "Written down before it was looked at."
"""


@pytest.mark.parametrize("kind", ["links", "objections"])
def test_a_declaration_may_name_links_and_objections_and_count_neither(kind, tmp_path):
    example = resources.files("vru_models.examples").joinpath("early_help.toml").read_text(encoding="utf-8")
    (tmp_path / "spec.toml").write_text(example + LINKED.format(kind), encoding="utf-8")
    assert kind in Spec.load(tmp_path / "spec.toml").feeds_behind
    (tmp_path / "spec.toml").write_text(example + LINKED.format(kind) + COUNTED.format(kind), encoding="utf-8")
    with pytest.raises(SpecError, match=rf"indicators.counted: feed {kind} holds {kind}. Expected: a feed of events"):
        Spec.load(tmp_path / "spec.toml")
    assert "are acted on when rows are built" in (shipped_schemas() / "README.md").read_text(encoding="utf-8")
