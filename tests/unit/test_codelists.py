from __future__ import annotations

import csv
from itertools import pairwise

import numpy as np
import pytest

from vru_models.spec import CodeList
from vru_models.spec.spec import shipped_schemas

LISTS = {path.stem: path for path in sorted((shipped_schemas() / "codelists").glob("*.csv"))}
CROSSWALKS = {path.stem: path for path in sorted((shipped_schemas() / "crosswalks").glob("*.csv"))}
BOTH = LISTS | CROSSWALKS
TARGETS = {
    "attendance_code_to_class": ("attendance_code", "attendance_class"),
    "cin_disability_to_disability": ("cin_disability", "disability"),
    "cin_sex_to_sex": ("cin_sex", "sex"),
    "ethnicity_nhs_to_dfe": ("ethnicity_nhs", "ethnicity"),
    "ethnicity_to_group": ("ethnicity", "ethnic_group"),
    "ethnicity_to_major_group": ("ethnicity", "ethnic_major_group"),
    "youth_outcome_to_tier": ("youth_outcome", "youth_outcome_tier"),
}


def rows(name):
    with BOTH[name].open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def codes(name):
    return CodeList.parse(BOTH[name].read_text(encoding="utf-8"), name)


def valid(name, code, date):
    [answer] = codes(name).valid(np.array([code], dtype=object), np.array([date], "datetime64[D]"))
    return bool(answer)


def of(name, to):
    return {row["code"] for row in rows(name) if row["label"] == to}


@pytest.mark.parametrize("name", BOTH)
def test_a_list_has_labels_sources_and_dates_in_order(name):
    assert all(row["code"] and row["label"] and row["source"] for row in rows(name))
    assert all(row["valid_from"] <= row["valid_to"] for row in rows(name) if row["valid_from"] and row["valid_to"])
    assert all(row[key] == row[key].strip() for row in rows(name) for key in row)


@pytest.mark.parametrize("name", BOTH)
def test_a_code_has_one_meaning_on_any_date(name):
    spans = sorted((r["code"], r["valid_from"] or "0000", r["valid_to"] or "9999") for r in rows(name))
    assert [(a, b) for a, b in pairwise(spans) if a[0] == b[0] and b[1] <= a[2]] == []


@pytest.mark.parametrize("name", CROSSWALKS)
def test_a_crosswalk_takes_every_code_on_its_dates_to_one_of_the_other_list(name):
    source, target = TARGETS[name]
    assert [(r["code"], r["valid_from"], r["valid_to"]) for r in rows(name)] == [
        (r["code"], r["valid_from"], r["valid_to"]) for r in rows(source)
    ]
    assert {row["label"] for row in rows(name)} <= codes(target).codes


@pytest.mark.parametrize(
    ("name", "code", "last", "day_after"),
    [
        *[("attendance_code", code, "2024-08-18", "2024-08-19") for code in "HYJ"],
        ("cin_factor", "18A", "2020-03-31", "2020-04-01"),
        ("cin_factor", "19A", "2020-03-31", "2020-04-01"),
        *[("cin_sex", code, "2024-03-31", "2024-04-01") for code in "1209"],
        ("suspension_category", "FIXD", "2021-07-31", "2021-08-01"),
        ("suspension_reason", "OT", "2020-08-31", "2020-09-01"),
    ],
)
def test_a_code_that_ended_is_valid_on_its_last_day_and_not_on_the_next(name, code, last, day_after):
    assert valid(name, code, last)
    assert not valid(name, code, day_after)


@pytest.mark.parametrize(
    ("name", "code", "day_before", "first"),
    [
        *[
            ("attendance_code", code, "2024-08-18", "2024-08-19")
            for code in ("K", "C1", "C2", "J1", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7")
        ],
        *[("cin_factor", code, "2020-03-31", "2020-04-01") for code in ("18B", "18C", "19B", "19C")],
        ("cin_factor", "24A", "2021-03-31", "2021-04-01"),
        ("cin_referral_source", "5D", "2022-03-31", "2022-04-01"),
        ("cin_closure", "RC9", "2022-03-31", "2022-04-01"),
        *[("cin_sex", code, "2024-03-31", "2024-04-01") for code in "MFU"],
        *[("cin_event", code, "2025-03-31", "2025-04-01") for code in ("pre_proceedings_start", "family_group_offer")],
        ("cla_placement_change", "CUSTOD", "2017-03-31", "2017-04-01"),
        ("suspension_category", "SUSP", "2021-07-31", "2021-08-01"),
    ],
)
def test_a_code_that_began_is_valid_from_its_first_day_and_not_before(name, code, day_before, first):
    assert not valid(name, code, day_before)
    assert valid(name, code, first)


@pytest.mark.parametrize("code", ["/", "\\", "L", "C", "M", "S", "I", "G", "N", "O", "U", "X", "Z", "#", "D"])
def test_a_register_code_that_did_not_change_is_valid_on_both_sides_of_19_august_2024(code):
    assert valid("attendance_code", code, "2024-08-18")
    assert valid("attendance_code", code, "2024-08-19")


def test_the_register_codes_of_19_august_2024_are_these():
    now = {c for c in codes("attendance_code").codes if valid("attendance_code", c, "2024-08-19")}
    assert now == {
        "/", "\\", "L", "K", "V", "P", "W", "B", "D", "C1", "C2", "C", "M", "J1", "S", "T", "R", "I", "E", "G", "N",
        "O", "U", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "X", "Z", "#",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("group", "members"),
    [
        ("attending", "/ \\ L"),
        ("attending_elsewhere", "K V P W B"),
        ("authorised", "C1 C2 C M J J1 S T R I E H"),
        ("unauthorised", "G N O U"),
        ("not_absence", "Q"),
        ("not_possible", "D Y Y1 Y2 Y3 Y4 Y5 Y6 Y7 X"),
        ("administrative", "Z #"),
    ],
)
def test_register_codes_are_classed_as_the_statistics_class_them(group, members):
    assert of("attendance_code_to_class", group) == set(members.split())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ethnicity",
            "WBRI WIRI WIRT WROM WOTH MWBC MWBA MWAS MOTH AIND APKN ABAN AOTH BCRB BAFR BOTH CHNE OOTH REFU NOBT",
        ),
        ("ethnicity_nhs", "A B C D E F G H J K L M N P R S Z 99"),
        ("cin_primary_need", "N0 N1 N2 N3 N4 N5 N6 N7 N8 N9"),
        ("cla_category_of_need", "N1 N2 N3 N4 N5 N6 N7 N8"),
        (
            "cin_factor",
            "1A 1B 1C 2A 2B 2C 3A 3B 3C 4A 4B 4C 5A 5B 5C 6A 6B 6C 7A 8B 8C 8D 8E 8F 9A 10A 11A 12A 13A 14A 15A 16A "
            "17A 18A 18B 18C 19A 19B 19C 20 21 22A 23A 24A",
        ),
        ("cin_referral_source", "1A 1B 1C 1D 2A 2B 3A 3B 3C 3D 3E 3F 4 5A 5B 5C 5D 6 7 8 9 10"),
        ("cin_closure", "RC1 RC2 RC3 RC4 RC5 RC6 RC7 RC8 RC9"),
        ("cp_category", "NEG PHY SAB EMO MUL"),
        ("cin_disability", "NONE MOB HAND PC INC COMM LD HEAR VIS BEH CON AUT DDA"),
        ("upn_unknown", "UN1 UN2 UN3 UN4 UN5 UN6 UN7"),
        ("cla_new_episode", "S L P T B U"),
        ("cla_legal_status", "C1 C2 D1 E1 V2 V3 V4 L1 L2 L3 J1 J2 J3"),
        (
            "cla_placement",
            "A3 A4 A5 A6 H5 K1 K2 P1 P2 P3 R1 R2 R3 R5 S1 T0 T1 T2 T3 T4 U1 U2 U3 U4 U5 U6 Z1",
        ),
        ("cla_missing", "M A"),
        ("sdq_reason", "SDQ1 SDQ2 SDQ3 SDQ4 SDQ5"),
        ("mh_attendance", "5 6 7 2 3 4 0"),
        ("sen_provision", "E K N"),
        ("sen_type", "SPLD MLD SLD PMLD SEMH SLCN HI VI MSI PD ASD OTH NSA DS"),
        ("enrolment_status", "C M S G"),
        ("suspension_reason", "PP PA VP VA OW BU RA LG DS SM DA DM TH MT PH DB OT"),
        ("wellbeing_indicator", "safe healthy achieving nurtured active respected responsible included"),
        ("contact_outcome", "NEW_REFERRAL EXISTING_REFERRAL CP_ENQUIRY NFA ADVICE MISSING"),
        ("attendance_code_scotland", "02 10 11 12"),
    ],
)
def test_a_list_holds_the_codes_of_its_standard_and_no_others(name, expected):
    assert codes(name).codes == set(expected.split())


def test_chinese_is_asian_in_six_groups_and_apart_in_seven():
    assert of("ethnicity_to_group", "asian") == {"AIND", "APKN", "ABAN", "AOTH", "CHNE"}
    assert of("ethnicity_to_major_group", "asian") == {"AIND", "APKN", "ABAN", "AOTH"}
    assert of("ethnicity_to_major_group", "chinese") == {"CHNE"}
    assert of("ethnicity_to_group", "unknown") == of("ethnicity_to_major_group", "unknown") == {"REFU", "NOBT"}


def test_the_nhs_letters_have_no_code_for_gypsy_roma_and_traveller_children():
    reached = {row["label"] for row in rows("ethnicity_nhs_to_dfe")}
    assert codes("ethnicity").codes - reached == {"WIRT", "WROM", "REFU"}
    assert of("ethnicity_nhs_to_dfe", "WOTH") == {"C"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("attendance_code", c) for c in ("Q", "X", "Y1", "Y2", "Y5", "Y6", "Y7", "G", "O", "Z", "#")]
    + [("mh_attendance", "5"), ("sen_provision", "E"), ("enrolment_status", "G"), ("youth_outcome", "dto")],
)
def test_a_fact_that_was_not_read_in_a_source_says_so(name, code):
    assert [r["source"].endswith("to be verified") for r in rows(name) if r["code"] == code] == [True]


@pytest.mark.parametrize(
    ("name", "code"),
    [("attendance_code", c) for c in ("/", "L", "K", "T", "R", "I", "E", "N", "U", "H", "J1", "Y3", "Y4")]
    + [("cin_factor", "24A"), ("cin_closure", "RC9"), ("cin_referral_source", "5D"), ("cla_missing", "M")],
)
def test_a_fact_that_was_read_names_its_source_alone(name, code):
    assert ["to be verified" in r["source"] for r in rows(name) if r["code"] == code] == [False]
