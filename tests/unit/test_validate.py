from __future__ import annotations

import tomllib

import pandas as pd
import pyarrow as pa
import pytest
import small

from vru_models.errors import SpecError
from vru_models.feeds.validate import header_faults, validate
from vru_models.frames import arrow_table

EXCLUSIONS = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
GOOD = "x1,a,S,2022-01-10,2022-01-12,3,recorded"


def reasons(*lines, feed="exclusions", header=EXCLUSIONS, declared=None):
    table = arrow_table(small.rows(header, *lines))
    verdict = validate(table, declared or small.spec(), feed=feed, extract_date=small.EXTRACT_DATE)
    assert verdict.rows_in == len(lines) == len(verdict.accepted) + len(verdict.quarantine)
    return dict(zip(verdict.quarantine["row"], verdict.quarantine["reasons"], strict=True))


def test_a_good_row_is_accepted_in_the_house_types():
    verdict = validate(
        arrow_table(small.rows(EXCLUSIONS, GOOD)), small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE
    )
    assert verdict.accepted.dtypes.astype(str).to_dict() == {
        "exclusion_id": "str",
        "person_id": "str",
        "kind": "str",
        "start_date": "datetime64[s]",
        "known_date": "datetime64[s]",
        "sessions": "Int64",
        "status": "str",
    }
    assert verdict.accepted.iloc[0].tolist() == [
        "x1", "a", "S", pd.Timestamp("2022-01-10"), pd.Timestamp("2022-01-12"), 3, "recorded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x1,a,S,10/01/2022,2022-01-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,2022-02-30,2022-03-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,2023-02-29,2023-03-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,2022-1-10,2022-01-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,2022-01-10,2022-01-12,three,recorded", "sessions:not_a_number"),
        ("x1,a,S,2022-01-10,2022-01-12,1.5,recorded", "sessions:not_a_number"),
        ("x1,a,S,2022-01-10,2022-01-12,9999999999999999999,recorded", "sessions:not_a_number"),
        ("x1,a,S,2022-01-10,2022-01-12,999999999999999999,recorded", "sessions:above_maximum"),
        ("x1,a,S,2022-01-10,2022-01-12,1e400,recorded", "sessions:not_a_number"),
        ("x1,a,S,2022-01-10,2022-01-12,NaN,recorded", "sessions:not_a_number"),
        ("x1,a,S,2022-01-10,2022-01-12,\uff11\uff12,recorded", "sessions:not_a_number"),
        ("x1,a,S,0000-00-00,2022-01-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,0000-01-01,2022-01-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,2022-W02-1,2022-01-12,3,recorded", "start_date:not_a_date"),
        ("x1,a,S,\uff12022-01-10,2022-01-12,3,recorded", "start_date:not_a_date"),
        (",a,S,2022-01-10,2022-01-12,3,recorded", "exclusion_id:required"),
        ("x1,,S,2022-01-10,2022-01-12,3,recorded", "person_id:required"),
        ("x1,a,S,2022-01-10,2022-01-12,3,", "status:required"),
        ("x1,A!,S,2022-01-10,2022-01-12,3,recorded", "person_id:pattern"),
        ("x1,a,S,2022-01-10,2022-01-12,0,recorded", "sessions:below_minimum"),
        ("x1,a,S,2022-01-10,2022-01-12,91,recorded", "sessions:above_maximum"),
        ("x1,a,Z,2022-01-10,2022-01-12,3,recorded", "kind:not_in_codelist"),
        ("x1,a,S,2022-01-10,2022-01-12,3,guessed", "status:not_declared"),
        ("x1,a,S,2022-01-13,2022-01-12,3,recorded", "start_date:date_order"),
        ("x1,a,S,2022-01-10,2024-09-02,3,recorded", "known_date:date_order"),
        ("x1,a,S,2019-12-31,2022-01-12,3,recorded", "outside_agreement"),
    ],
)
def test_each_broken_rule_has_its_reason(line, reason):
    assert reasons(line) == {1: reason}


@pytest.mark.parametrize(
    "line",
    [
        "x1,a,L,2022-08-31,2022-09-12,3,recorded",
        "x1,a,S,2022-01-10,2022-01-10,3,recorded",
        "x1,a,S,2024-09-01,2024-09-01,3,recorded",
        "x1,a,S,2020-01-01,2022-01-12,3,recorded",
        "x1,a,S,2024-02-29,2024-03-12,1,recorded",
        "x1,a,S,2022-01-10,2022-01-12,90,recorded",
        "x1,a,S,2022-01-10,2022-01-12,3.0,recorded",
        "x1,a,,2022-01-10,2022-01-12,,recorded",
    ],
)
def test_a_row_on_the_boundary_is_accepted(line):
    assert reasons(line) == {}


def test_a_code_is_judged_on_the_date_of_its_own_row():
    lines = ["x1,a,L,2022-08-31,2022-09-12,3,recorded", "x2,a,L,2022-09-01,2022-09-12,3,recorded"]
    assert reasons(*lines, "x3,a,Z,2022-09-01,2022-09-12,3,recorded") == {
        2: "kind:not_valid_then",
        3: "kind:not_in_codelist",
    }


def test_a_row_shows_every_rule_that_it_breaks():
    assert reasons("x1,A!,Z,2022-01-10,2024-09-02,0,recorded") == {
        1: "person_id:pattern; sessions:below_minimum; kind:not_in_codelist; known_date:date_order"
    }


def test_the_same_key_and_known_date_again_is_a_duplicate_and_a_later_known_date_a_correction():
    again, corrected = GOOD.replace("3", "4"), GOOD.replace("2022-01-12", "2022-02-01")
    assert reasons(GOOD, again, corrected) == {2: "duplicate"}


def test_a_bad_row_does_not_make_a_duplicate_of_the_good_one_after_it():
    assert reasons(GOOD.replace(",3,", ",0,"), GOOD) == {1: "sessions:below_minimum"}


def test_a_value_that_is_to_be_unique_stands_at_its_first_row():
    schema = small.schema(
        "audit", [small.column("person_id"), small.column("code", "integer", unique=True)], "person_id", kind="audit"
    )
    declared = small.spec(schemas={"audit": schema})
    found = reasons("a,1", "b,01", "c,", "d,", header="person_id,code", feed="audit", declared=declared)
    assert found == {2: "code:not_unique"}


def test_numbers_written_in_two_ways_are_the_same_key():
    schema = small.schema(
        "audit", [small.column("person_id", "integer"), small.column("sex")], "person_id", kind="audit"
    )
    declared = small.spec(
        schemas={
            "audit": schema | {"fields": [small.column("person_id"), small.column("n", "integer")], "primaryKey": ["n"]}
        }
    )
    assert reasons("a,1", "b,+1", header="person_id,n", feed="audit", declared=declared) == {2: "duplicate"}


def test_an_unreadable_number_in_a_key_is_quarantined_not_matched():
    schema = small.schema("audit", [small.column("person_id"), small.column("n", "integer")], "n", kind="audit")
    declared = small.spec(schemas={"audit": schema})
    found = reasons("a,x", "b,y", header="person_id,n", feed="audit", declared=declared)
    assert found == {1: "n:not_a_number", 2: "n:not_a_number"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("s1,a,E01,2010-01,2021-09-01,2021-09-01,2021-09-01", {}),
        ("s1,a,E01,,2021-09-01,,2021-08-01", {}),
        ("s1,a,E01,2010-01,2015-09-01,,2021-09-01", {}),
        ("s1,a,E01,2010-01,2021-09-01,2021-08-31,2021-09-01", {1: "end_date:date_order"}),
        ("s1,a,E01,2010-01,2015-09-01,2019-12-31,2021-09-01", {1: "outside_agreement"}),
        ("s1,a,E01,2010-13,2021-09-01,,2021-09-01", {1: "birth_month:not_a_month"}),
        ("s1,a,E01,2010-01-15,2021-09-01,,2021-09-01", {1: "birth_month:not_a_month"}),
        ("s1,a,,2010-01,2021-09-01,,", {1: "area:required; known_date:required"}),
    ],
)
def test_spells_may_be_known_beforehand_and_overlap_the_agreement(line, found):
    assert (
        reasons(line, feed="people", header="spell_id,person_id,area,birth_month,start_date,end_date,known_date")
        == found
    )


def test_rows_of_an_area_that_the_agreement_does_not_name_are_outside_it():
    declared = small.spec(**{"feeds.people.agreement.areas": ["E01"]})
    header = "spell_id,person_id,area,birth_month,start_date,end_date,known_date"
    lines = [f"s{a},a,{a},2010-01,2021-09-01,,2021-09-01" for a in ("E01", "E02")]
    assert reasons(*lines, feed="people", header=header, declared=declared) == {2: "outside_agreement"}


def test_coverage_of_a_feed_that_is_not_declared_is_quarantined():
    header = "coverage_id,feed,area,age_from,age_to,start_date,end_date,known_date"
    assert reasons("c,ghosts,*,,,2021-01-01,,2021-01-01", feed="cover", header=header) == {1: "feed:not_declared"}


def two_dates(**indicator):
    fields = [
        small.column(n, "date" if n.endswith("date") else "string")
        for n in ("episode_id", "person_id", "start_date", "known_date", "kind", "hearing_date")
    ]
    schema = small.schema("missing", fields, "episode_id", event_date="start_date", known_date="known_date")
    return small.spec(
        schemas={"missing": schema},
        **{"indicators.missing_episode.where": {"kind": ["H"]}},
        **{f"indicators.missing_episode.{k}": v for k, v in ({"event_date": "hearing_date"} | indicator).items()},
    )


@pytest.mark.parametrize(
    ("kind", "hearing", "found"),
    [
        ("H", "2022-06-02", {}),
        ("X", "", {}),
        ("H", "", {1: "hearing_date:required"}),
        ("H", "2022-07-01", {1: "hearing_date:date_order"}),
        ("X", "2022-07-01", {}),
    ],
)
def test_an_indicators_own_dates_are_judged_on_the_rows_it_matches(kind, hearing, found):
    header = "episode_id,person_id,start_date,known_date,kind,hearing_date"
    line = f"m1,c,2022-06-01,2022-06-05,{kind},{hearing}"
    assert reasons(line, feed="missing", header=header, declared=two_dates()) == found


def test_an_indicators_own_known_date_is_needed_and_not_after_the_extract():
    header = "episode_id,person_id,start_date,known_date,kind,hearing_date"
    declared = two_dates(event_date="start_date", known_date="hearing_date")
    lines = [f"m{i},c,2022-06-01,2022-06-05,H,{d}" for i, d in enumerate(("", "2024-09-02", "2024-09-01"))]
    assert reasons(*lines, feed="missing", header=header, declared=declared) == {
        1: "hearing_date:required",
        2: "hearing_date:date_order",
    }


def test_where_known_dates_are_assumed_the_event_must_not_be_after_the_extract():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 9}})
    header = "episode_id,person_id,start_date,known_date"
    lines = ["m1,c,2024-09-01,", "m2,c,2024-09-02,", "m1,c,2024-08-01,2024-09-05"]
    assert reasons(*lines, feed="missing", header=header, declared=declared) == {
        2: "start_date:date_order",
        3: "duplicate",
    }


def test_missing_values_are_those_of_the_schema():
    schema = small.SCHEMAS["missing"] | {"missingValues": ["", "NULL"]}
    declared = small.spec(schemas={"missing": schema})
    header = "episode_id,person_id,start_date,known_date"
    assert reasons("m1,NULL,2022-06-01,2022-06-02", feed="missing", header=header, declared=declared) == {
        1: "person_id:required"
    }


@pytest.mark.parametrize(
    ("kind", "constraints", "text", "found"),
    [
        ("number", {}, "1e3", None),
        ("number", {}, "-.5", None),
        ("number", {}, "1e999", "v:not_a_number"),
        ("number", {}, "NaN", "v:not_a_number"),
        ("boolean", {}, "true", None),
        ("boolean", {}, "True", "v:not_a_boolean"),
        ("string", {"enum": ["u", "v"]}, "w", "v:not_in_enum"),
        ("string", {"maxLength": 3}, "four", "v:too_long"),
        ("string", {"maxLength": 4}, "four", None),
        ("string", {"pattern": "a|b"}, "ab", "v:pattern"),
        ("string", {"required": True}, "", "v:required"),
    ],
)
def test_types_and_constraints(kind, constraints, text, found):
    field = {"name": "v", "type": kind, "constraints": constraints}
    schema = small.schema("audit", [small.column("person_id"), field], "person_id", kind="audit")
    declared = small.spec(schemas={"audit": schema})
    assert reasons(f"a,{text}", feed="audit", header="person_id,v", declared=declared).get(1) == found


def test_a_pattern_that_cannot_be_used_here_is_the_schemas_fault():
    field = small.column("v", pattern="(?=a)a")
    declared = small.spec(
        schemas={"audit": small.schema("audit", [small.column("person_id"), field], "person_id", kind="audit")}
    )
    table = arrow_table(small.rows("person_id,v", "a,b"))
    with pytest.raises(
        SpecError, match=r"column v: pattern: is not a regular expression that can be used. Expected: RE2"
    ):
        validate(table, declared, feed="audit", extract_date=small.EXTRACT_DATE)


def test_typed_columns_are_held_to_the_same_rules_as_text():
    typed = pd.DataFrame(
        {
            "exclusion_id": [1, 2, 3],
            "person_id": pd.Categorical(["a", "b", "c"]),
            "kind": ["S", None, "S"],
            "start_date": pd.to_datetime(["2022-01-10T00", "2022-01-10T00", "2022-01-10T08"]),
            "known_date": [small.EXTRACT_DATE] * 3,
            "sessions": [3.0, float("nan"), 91.0],
            "status": "recorded",
        }
    )
    verdict = validate(arrow_table(typed), small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    assert verdict.accepted["exclusion_id"].tolist() == ["1", "2"]
    assert verdict.accepted["sessions"].tolist() == [3, pd.NA]
    assert verdict.quarantine["reasons"].tolist() == ["start_date:not_a_date; sessions:above_maximum"]


def test_rows_that_could_not_be_split_keep_their_numbers_and_those_of_the_others():
    table = arrow_table(small.rows(EXCLUSIONS, GOOD, GOOD.replace(",3,", ",0,").replace("x1", "x2")))
    verdict = validate(table, small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE, malformed=[1, 3])
    assert verdict.quarantine.values.tolist() == [
        [1, "wrong_number_of_fields"],
        [3, "wrong_number_of_fields"],
        [4, "sessions:below_minimum"],
    ]
    assert verdict.rows_in == 4


def test_an_empty_feed_has_no_rows_and_the_same_columns():
    table = pa.table({c: pa.array([], pa.string()) for c in EXCLUSIONS.split(",")})
    verdict = validate(table, small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    assert (verdict.rows_in, len(verdict.accepted), len(verdict.quarantine)) == (0, 0, 0)
    assert list(verdict.accepted.columns) == EXCLUSIONS.split(",")


@pytest.mark.parametrize(
    ("header", "faults"),
    [
        ("episode_id,person_id,start_date", ["columns missing: known_date"]),
        ("episode_id,person_id,start_date,known_date,extra", ["columns not declared: extra"]),
        (
            "episode_id,person_id,person_id,start_date",
            ["columns missing: known_date", "columns there twice: person_id"],
        ),
        ("known_date,start_date,person_id,episode_id", []),
        ("m1,c,2022-06-01,2022-06-02", ["none of the declared columns is there: the first line is not the header"]),
        ("m1;c;2022-06-01;2022-06-02", ["none of the declared columns is there: the first line is not the header"]),
        ("m1", ["none of the declared columns is there: the first line is not the header"]),
    ],
)
def test_faults_of_the_header_are_collected_and_a_record_is_never_shown_as_one(header, faults):
    assert header_faults(header.split(","), small.spec().table_of("missing")) == faults


@pytest.mark.parametrize(("mark", "written"), [(",", ","), (";", ";"), ("\t", "\\t"), ("|", "|"), (":", ":")])
def test_a_header_in_one_piece_says_which_delimiter_it_has(mark, written):
    faults = header_faults([mark.join(["episode_id", '"person_id"', "other"])], small.spec().table_of("missing"))
    declare = f'the first line has another delimiter; declare source.delimiter = "{written}"'
    assert faults == [f"none of the declared columns is there: {declare}"]
    assert tomllib.loads(declare.partition("source.")[2])["delimiter"] == mark


def test_names_that_may_be_a_records_values_are_counted_and_not_shown():
    table = small.spec().table_of("missing")
    odd = ["\x1b[31mred", "z" * 61, "a name, with a comma"]
    assert header_faults([*table.columns, *odd, "extra"], table) == ["columns not declared: extra, 3 more"]
    assert header_faults([*table.columns, *odd], table) == ["columns not declared: 3 not plain names"]


def test_at_most_ten_columns_are_named():
    table = small.spec().table_of("missing")
    shown = ", ".join(f"c{i}" for i in range(10))
    assert header_faults([*table.columns, *(f"c{i}" for i in range(99))], table) == [
        f"columns not declared: {shown}, 89 more"
    ]


def test_a_column_in_which_nothing_was_ever_written_is_missing_throughout():
    frame = small.rows(EXCLUSIONS, GOOD).assign(sessions=None)
    verdict = validate(arrow_table(frame), small.spec(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    assert verdict.accepted["sessions"].isna().tolist() == [True]


def test_reasons_are_told_apart_however_many_rules_there_are():
    fields = [small.column("person_id"), *(small.column(f"c{i}", required=True) for i in range(90))]
    declared = small.spec(schemas={"audit": small.schema("audit", fields, "person_id", kind="audit")})
    empties = [{i} for i in range(90)] + [{0, 89}, {1, 88}, {0}]
    lines = ["a," + ",".join("" if i in empty else "v" for i in range(90)) for empty in empties]
    found = reasons(*lines, feed="audit", header=",".join(f["name"] for f in fields), declared=declared)
    assert found[1] == found[93] == "c0:required"
    assert found[90] == "c89:required"
    assert found[91] == "c0:required; c89:required"
    assert found[92] == "c1:required; c88:required"
    assert len(set(found.values())) == 92


def test_an_indicators_own_date_under_an_assumed_lag_is_held_against_the_extract_date_alone():
    declared = two_dates(event_date="hearing_date")
    declared = small.spec(
        schemas={"missing": declared.table_of("missing").model_dump(by_alias=True)},
        **{
            "indicators.missing_episode.event_date": "hearing_date",
            "feeds.missing.known": {"kind": "assumed_lag", "median": 1, "p95": 2},
        },
    )
    header = "episode_id,person_id,start_date,known_date,kind,hearing_date"
    lines = ["m1,c,2022-06-01,,H,2024-09-01", "m2,c,2022-06-01,,H,2024-09-02", "m3,c,2022-06-01,,H,"]
    assert reasons(*lines, feed="missing", header=header, declared=declared) == {
        2: "hearing_date:date_order",
        3: "hearing_date:required",
    }
