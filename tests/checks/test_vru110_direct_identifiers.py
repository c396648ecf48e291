from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from vru_models.identifiers import scan_identifiers
from vru_models.identifiers.headings import heading, names_identifier
from vru_models.identifiers.scan import Scan, beyond_chance

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def rules(values, name="ref", **kwargs):
    found = scan_identifiers(pd.DataFrame({name: values}), **kwargs).with_status("fail")
    return [f.figures.get("rule", "name") for f in found]


def nhs(nine):
    check = 11 - sum(int(d) * w for d, w in zip(nine, range(10, 1, -1), strict=True)) % 11
    return None if check == 10 else nine + str(check % 11)


def uln(nine):
    rest = sum(int(d) * w for d, w in zip(nine, range(10, 1, -1), strict=True)) % 11
    return None if rest == 0 else nine + str(10 - rest)


def drawn(n, low, high, seed=3):
    return np.unique(np.random.default_rng(seed).integers(low, high, 2 * n))[::2][:n]


def upn(twelve):
    values = (LETTERS.index(c) if c.isalpha() else int(c) for c in twelve)
    return LETTERS[sum(v * w for v, w in zip(values, range(2, 14), strict=True)) % 23] + twelve


def pnc(year, serial):
    return f"{year}/{serial}" + "ZABCDEFGHJKLMNPQRTUVWXY"[int(year[-2:] + serial.zfill(7)) % 23]


def cro(serial, year):
    return f"{serial}/{year}" + "ZABCDEFGHJKLMNPQRTUVWXY"[int(year + serial.zfill(6)) % 23]


GIVEN = [
    "oliver", "jack", "harry", "joshua", "alfie", "amelia", "olivia", "emily", "jessica", "sophie", "lucy", "chloe",
]  # fmt: skip


def many(make, digits, n=12):
    rng = np.random.default_rng(5)
    made = (make("9" + "".join(rng.choice(list("0123456789"), digits - 1))) for _ in range(10 * n))
    return [m for m in made if m][:n]


def test_the_published_vectors_agree_with_the_reference_makers():
    assert nhs("943476587") == "9434765870"
    assert uln("927630868") == "9276308686"
    assert upn("801200005001") == "B801200005001"
    assert upn("80120000501A") == "A80120000501A"
    assert upn("207000016049") == "P207000016049"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (many(nhs, 9), "NHS number"),
        ([f"{v[:3]} {v[3:6]} {v[6:]}" for v in many(nhs, 9)], "NHS number"),
        (many(uln, 9), "unique learner number"),
        (many(upn, 12), "unique pupil number"),
        ([upn(f"80120000{i:03d}T") for i in range(12)], "unique pupil number"),
        ([f"AB{i:06d}{'ABCD'[i % 4]}" for i in range(12)], "National Insurance number"),
        ([f"JK {i:02d} 34 56 A" for i in range(12)], "National Insurance number"),
        (
            [f"{a}B{i:06d}" for i, a in enumerate("ABCEHJKLMNOPRSTWXYZ" * 3) if a != "O"],
            "National Insurance number without its suffix",
        ),
        (["SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 0AX", "EC1A 1BB", "GIR 0AA"], "postcode"),
        ([f"child{i}@example.org" for i in range(10)], "e-mail address"),
        ([f"07700 900{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([f"+44 20 7946 0{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([f"+44 (0)20 7946 0{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([f"(020) 7946 0{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([pnc(f"{1999 + i}", f"{37 * i + 5}") for i in range(12)], "PNC ID"),
        ([pnc(f"{80 + i}", f"{37 * i + 5:07d}").replace("/", "") for i in range(12)], "PNC ID without its slash"),
        ([cro(f"{i + 1:06d}", f"{60 + 2 * i}") for i in range(12)], "CRO number"),
        ([f"X{320000 + 17 * i}" for i in range(30)], "probation CRN"),
        ([f"A{1234 + 9 * i}BC" for i in range(12)], "NOMS number"),
        ([f"R{n}" for n in drawn(30, 100_000, 1_000_000)], "probation CRN"),
        ([f"AB{n}" for n in drawn(60, 100_000, 1_000_000)], "National Insurance number without its suffix"),
        ([f"{v[:3]}.{v[3:6]}.{v[6:]}" for v in many(nhs, 9)], "NHS number"),
        ([f"{v[:3]}/{v[3:6]}/{v[6:]}" for v in many(nhs, 9)], "NHS number"),
        ([f"{int(v):,}" for v in many(nhs, 9)], "NHS number"),
        ([f"\u2019{v}" for v in many(nhs, 9)], "NHS number"),
        ([v.translate({48 + i: 0xFF10 + i for i in range(10)}) for v in many(nhs, 9)], "NHS number"),
        ([f"{v}-{i}" for i, v in enumerate(many(nhs, 9))], "NHS number"),
        ([f"{v}_{i}" for i, v in enumerate(many(nhs, 9))], "NHS number"),
        ([f"nhs:{v}" for v in many(nhs, 9)], "NHS number"),
        ([f"{v}/1" for v in many(uln, 9)], "unique learner number"),
        ([f"{v}_2024-01-{i + 1:02d}" for i, v in enumerate(many(upn, 12))], "unique pupil number"),
        ([f"{v[:4]}/{v[4:]}".lower() for v in many(upn, 12)], "unique pupil number"),
        ([f"07700.900{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([f"tel:07700900{7 * i:03d}" for i in range(24)], "UK phone number"),
        ([f"07700900{7 * i:03d}/02079460{i:03d}" for i in range(24)], "UK phone number"),
        (drawn(40, 7_400_000_000, 7_400_900_000), "UK mobile number without its first 0"),
        ([f"MORGA7531{i + 10}SM9IJ 35" for i in range(12)], "driving licence number"),
        ([f"B{i} {i % 10}AA {i}" for i in range(10, 40)], "postcode"),
        ([f"{i} High Street, B{i} {i % 10}AA." for i in range(10, 40)], "postcode"),
        ([f"B{i}_{i % 10}AA" for i in range(10, 40)], "postcode"),
        ([f"{51.5 + i / 77:.2f} {-0.1 - i / 99:.2f}" for i in range(12)], "pair of coordinates"),
        ([f"{51.5 + i / 7777:.5f};{-0.1 - i / 9999:.5f}" for i in range(12)], "pair of coordinates"),
        ([f"{-0.1 - i / 9999:.5f},{51.5 + i / 7777:.5f}" for i in range(12)], "pair of coordinates"),
        ([f"POINT({0.1 + i / 9999:.5f} {51.5 + i / 7777:.5f})" for i in range(12)], "pair of coordinates"),
        ([f"TQ {n // 1_000} {n % 1_000:03d}" for n in drawn(30, 100_000, 1_000_000)], "grid reference"),
        ([f"TQ{n}" for n in drawn(30, 10**9, 10**10)], "grid reference"),
        ([f"{name.title()}_Zyx{i}" for i, name in enumerate(GIVEN)], "name of a person"),
        ([f"Spoke to the family about matter {i}." if i % 4 else f"c{i}" for i in range(60)], "free text"),
        ([f"MORGA7531{i + 10}SM9IJ" for i in range(12)], "driving licence number"),
        ([f"B{i // 10 + 1} {i % 10}" for i in range(90)], "postcode sector"),
        ([f"{51.5 + i / 7777:.6f}, {-0.1 - i / 9999:.6f}" for i in range(12)], "pair of coordinates"),
        ([f"5{30000 + 77 * i},1{80000 + 91 * i}" for i in range(12)], "pair of coordinates"),
        ([f"{name.title()} Zyx{'abcdefghijklmno'[i]}" for i, name in enumerate(GIVEN)], "name of a person"),
        ([f"O'Brien, {name}" for name in GIVEN], "name of a person"),
        ([f"Spoke to the family about matter {i}; all quiet." for i in range(30)], "free text"),
    ],
)
def test_a_column_of_identifiers_is_found_by_its_values(values, rule):
    assert rules(values) == [rule]


def test_a_chi_number_is_an_nhs_number_that_begins_with_a_birthday():
    made = [n for i in range(400) if (n := nhs(f"{i % 28 + 1:02d}{i % 12 + 1:02d}08{i:03d}"))][:12]
    assert rules(made) == ["NHS number", "CHI number"]


@pytest.mark.parametrize(
    "form",
    ["%d-%m-%Y", "%d.%m.%Y", "%Y%m%d", "%Y-%m-%d 00:00:00", "%d/%m/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%y", "%d%b%Y",
     "%B %d, %Y", "%a, %d %B %Y", "%b-%d-%Y", "%Y/%m/%d", "%d%m%Y", "%d/%m/%Y 09:30", "%d/%m/%y 9:30", "%Y%m%d 00:00",
     "%Y-%m-%dT00:00:00Z", "%d %b %Y 00:00:00.000"],
)  # fmt: skip
def test_dates_of_birth_in_other_forms_are_found_even_with_a_few_blanks_spelt_out(form):
    text = [*pd.Series(births(day=True)).dt.strftime(form), "unknown"]
    assert rules(text, at=dt.date(2024, 9, 1)) == ["full date of birth"]


def test_a_date_of_birth_with_its_first_nought_lost_and_one_with_an_ordinal_are_found():
    days = pd.Series(births(day=True))
    lost = days.dt.strftime("%d%m%Y").str.lstrip("0").astype(int)
    ordinal = [f"{d.day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(d.day, 'th') } {d:%B %Y}" for d in days]
    assert rules(lost, at=dt.date(2024, 9, 1)) == ["full date of birth"]
    assert rules(ordinal, at=dt.date(2024, 9, 1)) == ["full date of birth"]


def test_what_is_written_like_a_day_but_is_none_is_no_date_of_birth():
    never = [f"{31 - i % 2}/02/{2010 + i % 4} {i:02d}:00" for i in range(24)] + [f"12/{m}/15" for m in range(13, 99)]
    assert rules(never, at=dt.date(2024, 9, 1)) == []
    assert rules([f"2015{i:04d}" for i in range(9_999)], at=dt.date(2024, 9, 1)) == []


def test_a_part_that_every_key_shares_is_one_identifier_and_no_more():
    valid, postcode = many(nhs, 9)[0], "B33 8TH"
    assert rules([f"{valid}-{i}" for i in range(300)]) == []
    assert rules([f"{postcode}/{i}" for i in range(300)]) == []


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([f"ES-{i:06d}" for i in range(300)], "National Insurance number without its suffix"),
        ([f"AB{100_001 + i}" for i in range(300)], "National Insurance number without its suffix"),
        ([f"R{123 + i:06d}" for i in range(300)], "probation CRN"),
        ([f"x{n}" for n in range(100_000, 1_000_000, 2)], "probation CRN"),
        ([f"A{n}BC" for n in range(1_000, 1_300)], "NOMS number"),
        (list(range(7_500_000_000, 7_500_000_300)), "UK mobile number without its first 0"),
        ([f"TQ{n}" for n in range(100_000, 100_300)], "grid reference"),
        ([f"0{n}" for n in range(163_679_624, 163_679_924)], "UK phone number"),
    ],
)
def test_running_numbers_of_records_cannot_be_told(values, rule):
    found = scan_identifiers(pd.DataFrame({"ref": values}))
    assert [(f.status, f.figures["rule"]) for f in found] == [("cannot tell", rule)]
    assert f"column ref looks like a {rule}: " in repr(found)
    assert "their letters are one and their numbers use most of their range" in repr(found)


def test_numbers_run_on_when_half_of_their_range_is_used_and_their_letters_are_one():
    def status(numbers, letter="X"):
        return scan_identifiers(pd.DataFrame({"ref": [f"{letter}{n}" for n in numbers]})).worst

    every_other = np.arange(320_000, 320_200, 2)
    assert status(every_other) == "cannot tell"
    assert status([*every_other[:-1], 320_200]) == "fail"
    two = [f"{'XY'[i % 2]}{320_000 + i}" for i in range(200)]
    assert scan_identifiers(pd.DataFrame({"ref": two})).worst == "fail"


def test_one_part_of_a_file_that_is_sparse_fails_the_column():
    scan = Scan(["ref"], at=dt.date(2024, 9, 1))
    scan.add(pa.table({"ref": [f"X{n}" for n in range(100_000, 125_000)]}))
    assert scan.findings().worst == "cannot tell"
    scan.add(pa.table({"ref": [f"X{n}" for n in drawn(30, 200_000, 900_000)]}))
    assert scan.findings().worst == "fail"


def test_a_forename_is_found_by_its_rows_where_many_rare_names_hide_it():
    rare = [f"Zq{a}{b}" for a in "abcdefghijklmno" for b in "abcdefghijklmno"]
    assert rules(GIVEN * 20 + rare) == ["name of a person"]
    assert rules(GIVEN + rare) == []


def test_schools_of_saints_and_long_labels_are_not_people_or_free_text():
    assert rules([f"St {name.title()}'s Primary School" for name in GIVEN]) == []
    assert rules([f"A long label of a code list, number {i}" for i in range(30)] * 11) == []


def test_latitude_needs_its_longitude():
    frame = pd.DataFrame({"a": [f"{51 + i / 777:.5f}" for i in range(30)], "b": [-i / 77.7 for i in range(1, 31)]})
    found = scan_identifiers(frame).with_status("fail")
    assert [(f.where, f.figures["rule"]) for f in found] == [("a", "latitude"), ("b", "longitude")]
    assert scan_identifiers(frame[["a"]]).worst == "pass"
    assert scan_identifiers(frame[["b"]]).worst == "pass"


def test_what_may_be_innocent_cannot_be_told():
    grid = pd.DataFrame({"a": [530_000 + 97 * i for i in range(30)], "b": [180_000 + 89 * i for i in range(30)]})
    keys = pd.DataFrame({"a": [530_000 + i for i in range(30)], "b": [180_000 + i for i in range(30)]})
    districts = pd.DataFrame({"a": [f"{area}{i}" for area in ("B", "SW", "CR") for i in range(1, 15)] * 2})
    assert [f.figures["rule"] for f in scan_identifiers(grid)] == ["easting beside a northing"]
    assert [f.figures["rule"] for f in scan_identifiers(districts)] == ["postcode district"]
    assert scan_identifiers(grid).worst == scan_identifiers(districts).worst == "cannot tell"
    assert "column a looks like a postcode district" in repr(scan_identifiers(districts))
    assert scan_identifiers(keys).worst == "pass"
    assert scan_identifiers(districts.drop_duplicates()).worst == "pass"


def test_pseudonyms_are_scanned_too_and_short_ones_cannot_be_told_from_an_agency_s_numbers():
    keyed = [hashlib.sha256(str(i).encode()).hexdigest()[:16] for i in range(30)]

    def status(values):
        return scan_identifiers(pd.DataFrame({"person_id": values}), pseudonyms=["person_id"]).worst

    assert status(keyed) == "pass"
    assert status([k[:15] for k in keyed]) == "cannot tell"
    assert status([f"{i:016d}" for i in range(30)]) == "cannot tell"
    assert status(many(nhs, 9)) == "fail"
    assert scan_identifiers(pd.DataFrame({"person_id": [k[:15] for k in keyed]})).worst == "pass"


def test_a_column_of_which_three_in_ten_are_valid_nhs_numbers_is_found_with_its_rate():
    valid = many(nhs, 9, 90)
    wrong = [v[:-1] + str((int(v[-1]) + 1) % 10) for v in many(nhs, 9, 300)[90:]]
    found = next(iter(scan_identifiers(pd.DataFrame({"ref": valid + wrong}))))
    assert found.figures == {"rule": "NHS number", "passed": 90, "tried": 300, "pass_rate": 0.3}
    assert found.message.startswith("looks like a NHS number: 90 of 300 distinct values of its form (30%) pass")


def test_a_thousand_random_columns_of_numeric_keys_raise_no_alarm():
    rng = np.random.default_rng(110)
    columns = {}
    for i in range(1_000):
        width = int(rng.integers(4, 15)) if i % 2 else 10
        drawn = rng.integers(10 ** (width - 1), 10**width, 250)
        columns[f"key_{i}"] = drawn if i % 3 else [str(v).zfill(width + i % 2) for v in drawn]
    assert scan_identifiers(pd.DataFrame(columns), at=dt.date(2024, 9, 1)).records() == [
        {
            "code": "VRU110",
            "status": "pass",
            "where": "columns",
            "message": "1000 columns: none looks like a direct identifier",
            "figures": {"columns": 1_000},
        }
    ]


def test_random_keys_running_numbers_dates_of_events_and_timestamps_raise_no_alarm():
    rng = np.random.default_rng(19)
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    hours = np.timedelta64(1, "h")
    columns = {}
    for i in range(100):
        width, first = int(rng.integers(4, 33)), int(10 ** rng.uniform(0, 12))
        moments = np.datetime64("2022-01-01T00:00:00.123456") + rng.integers(0, 20_000, 250) * hours
        keys = ["".join(rng.choice(letters, width)) for _ in range(250)]
        columns |= {
            f"alphanumeric_{i}": [k.lower() for k in keys] if i % 2 else keys,
            f"parted_{i}": [f"{k[: width // 2]}{'-_/.'[i % 4]}{k[width // 2 :]}" for k in keys],
            f"running_{i}": [str(n).zfill(8 + i % 4) for n in range(first, first + 250)],
            f"counted_{i}": [f"{first % 10**6:06d}-{n}" for n in range(250)],
            f"event_{i}": pd.Series(moments.astype("M8[D]")).dt.strftime(EVENT_FORMS[i % len(EVENT_FORMS)]),
            f"seen_{i}": [str(m)[: (19, 23, 26)[i % 3]].replace("T", " T"[i % 2]) for m in moments],
            f"rate_{i}": rng.random(250) if i % 2 else [f"{v:.10f}" for v in rng.random(250) / 20 + 0.7],
        }
    found = scan_identifiers(pd.DataFrame(columns), at=dt.date(2024, 9, 1))
    assert found.with_status("fail").records() == []
    assert {f.where.split("_")[0] for f in found.with_status("cannot tell")} <= {"running"}
    assert len(found.with_status("cannot tell")) < 5


EVENT_FORMS = ["%d/%m/%Y", "%d/%m/%y", "%d %b %Y", "%d%m%Y", "%Y%m%d", "%Y/%m/%d", "%d-%b-%y", "%B %d, %Y"]


def test_of_very_many_values_a_fixed_draw_is_tried():
    keys = np.random.default_rng(1).integers(4 * 10**9, 5 * 10**9, 240_000)
    valid = keys[[sum(int(d) * w for d, w in zip(str(k), range(10, 0, -1), strict=True)) % 11 == 0 for k in keys]]
    found = next(iter(scan_identifiers(pd.DataFrame({"ref": valid}))))
    assert (found.figures["passed"], found.figures["tried"]) == (20_000, 20_000)


@pytest.mark.parametrize("typed", [np.int64, np.float64])
def test_an_nhs_number_that_was_read_as_a_number_is_found(typed):
    assert rules(np.array(many(nhs, 9), dtype=np.int64).astype(typed)) == ["NHS number"]


@pytest.mark.parametrize("form", ["{}.0", "'{}", '"{}"', "split", "{}\u200b"])
def test_an_nhs_number_is_found_however_a_spreadsheet_left_it(form):
    spaced = [f"{v[:3]}\u00a0{v[3:6]}\u2011{v[6:]}" if form == "split" else form.format(v) for v in many(nhs, 9)]
    assert rules(spaced) == ["NHS number"]


@pytest.mark.parametrize("scale", [0, 2])
def test_an_nhs_number_that_is_held_as_a_decimal_is_found(scale):
    column = pa.array([decimal.Decimal(v) for v in many(nhs, 9)], pa.decimal128(20, scale))
    found = scan_identifiers(pa.table({"ref": column})).with_status("fail")
    assert [f.figures["rule"] for f in found] == ["NHS number"]


def test_invalid_vectors_are_not_called_identifiers():
    wrong = [v[:-1] + str((int(v[-1]) + 1) % 10) for v in many(nhs, 9, 60)]
    assert "NHS number" not in rules(wrong)
    assert rules([f"QQ{i:06d}C" for i in range(50)]) == []
    assert rules([f"BG{i:06d}A" for i in range(50)]) == []


def test_identifiers_in_a_minority_of_rows_are_found_among_the_values_of_their_form():
    pseudonyms = [hashlib.sha256(str(i).encode()).hexdigest()[:32] for i in range(2000)]
    assert rules(pseudonyms + many(nhs, 9)) == ["NHS number"]


@pytest.mark.parametrize("seed", range(5))
def test_what_only_looks_like_digits_raises_no_alarm(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "hex_16": [rng.bytes(8).hex() for _ in range(3000)],
            "hex_32": [rng.bytes(16).hex() for _ in range(3000)],
            "random_10": [str(v) for v in rng.integers(10**9, 10**10, 3000)],
            "running_10": [str(10**9 + i) for i in range(3000)],
            "zero_padded": [f"{i:010d}" for i in range(3000)],
            "n_calls": rng.integers(0, 500, 3000),
            "amount": rng.random(3000) * 1e10,
            "icd": rng.choice(["F32", "F321", "A01", "T740"], 3000),
            "lsoa": [f"E0100{i:04d}" for i in range(3000)],
            "yes": rng.random(3000) < 0.5,
            "event_date": np.datetime64("2019-01-01") + rng.integers(0, 2000, 3000),
        }
    )
    assert scan_identifiers(frame, at=dt.date(2024, 9, 1)).worst == "pass"


def test_eight_passes_in_eight_are_within_chance_and_nine_in_nine_are_not():
    assert rules(many(nhs, 9, 8)) == []
    assert rules(many(nhs, 9, 9)) == ["NHS number"]


def test_the_margin_of_five_points_is_inclusive():
    assert beyond_chance(1_500, 10_000, 0.10)
    assert not beyond_chance(1_499, 10_000, 0.10)
    assert not beyond_chance(0, 0, 0.1)


def births(day, n=300):
    rng = np.random.default_rng(1)
    months = np.datetime64("2007-01") + rng.integers(0, 96, n).astype("timedelta64[M]")
    return months.astype("datetime64[D]") + (rng.integers(0, 28, n) if day else np.zeros(n)).astype("timedelta64[D]")


@pytest.mark.parametrize("form", ["typed", "%Y-%m-%d", "%d/%m/%Y"])
def test_full_dates_of_birth_are_found_however_they_are_written(form):
    dates = pd.Series(births(day=True))
    column = dates if form == "typed" else dates.dt.strftime(form)
    assert rules(column, at=dt.date(2024, 9, 1)) == ["full date of birth"]


def test_without_a_date_the_latest_date_in_the_frame_is_the_measure():
    frame = pd.DataFrame({"d": births(day=True), "seen": np.datetime64("2024-06-01")})
    assert [f.where for f in scan_identifiers(frame).with_status("fail")] == ["d"]


def test_months_of_birth_are_allowed():
    assert rules(births(day=False), at=dt.date(2024, 9, 1)) == []
    assert rules(pd.Series(births(day=False)).dt.strftime("%Y-%m"), name="birth_month", at=dt.date(2024, 9, 1)) == []


def test_old_events_are_not_births_when_one_in_ten_is_recent():
    old = np.datetime64("2010-01-01") + np.arange(0, 900)
    recent = np.datetime64("2022-01-01") + np.arange(0, 101)
    assert rules(np.concatenate([old, recent]), at=dt.date(2024, 9, 1)) == []


@pytest.mark.parametrize(
    "name",
    ["nhs_number", "NHS_No", "upn", "PupilUPN", "dob", "date_of_birth", "home_postcode", "surname", "forename", "uprn",
     "address_line_1", "email", "mobile", "phone_no", "nat_ins", "nino", "chi", "scn", "pnc_id", "cro", "crn", "noms",
     "urn", "First Name", "uln", "pupil_name", "name", "latitude", "easting", "case_notes", "driving_licence_no"],
)  # fmt: skip
def test_a_column_is_found_by_its_name_however_short_it_is(name):
    assert names_identifier(name)
    assert rules([None], name=name) == ["name"]


@pytest.mark.parametrize(
    "name",
    [
        "released_on_licence",
        "lateness",
        "person_id",
        "birth_month",
        "child_id",
        "school_name",
        "n_address_changes",
        "nhs_region",
        "return_date",
        "status",
    ],
)
def test_an_innocent_name_is_not_found(name):
    assert not names_identifier(name)


@pytest.mark.parametrize(
    "name",
    ["birth_date", "BirthDate", "DoB", "D_O_B", "child_DoB", "post_code", "PostCode", "postcode_full", "Forenames",
     "known_as", "NINumber", "unique_pupil_number", "unique_learner_number", "eastings", "northings", "mother_name",
     "name_of_child", "pupil_names", "house_number", "tel", "e_mail", "EmailAddr", "LAchildID", "la_child_id",
     "hospital_number", "upn_current", "hashed_nhs", "upn_hash", "address_from", "reason_notes", "change_comments",
     "grid_ref", "d.o.b.", "PNCID", "mobile_2", "mobile_no", "child_name_1", "GP_name"],
)  # fmt: skip
def test_identifying_words_are_found_anywhere_in_a_name(name):
    assert names_identifier(name)


@pytest.mark.parametrize(
    "name",
    ["birth_year", "birthMonth", "month_of_birth", "n_address_changes", "address_changes", "phone_calls",
     "number_of_addresses", "home_address_changed", "email_count", "notes_count", "name_changes", "ni_region",
     "urn_type", "mobile_unit", "chi_square", "cro_flag", "contact_code", "nhs_trust", "child_school_name",
     "name_of_school", "feed_name", "latency", "tension", "telling", "adobe",
     "no_fixed_address", "country_of_birth", "birth_weight", "mobile_home",
     "sex_at_birth", "email_consent", "_"],
)  # fmt: skip
def test_a_word_that_only_counts_or_classes_makes_a_name_harmless(name):
    assert not names_identifier(name)


def test_no_column_of_the_schemas_that_ship_is_accused():
    files = sorted((Path(__file__).parents[2] / "data_schema").rglob("*.json"))
    names = {field["name"] for file in files for field in json.loads(file.read_text()).get("fields", [])}
    assert len(names) > 100
    assert [name for name in sorted(names) if names_identifier(name)] == []


@pytest.mark.parametrize(
    "name",
    ["Alice O'CANARY; born 12/03/2010; home address", "Alice CANARY address", "canary_alice_address",
     "CANARY 07700900123", "9434765870", "nhs_number CANARY " + "x" * 30, "address\nCANARY", "CANARY=address"],
)  # fmt: skip
def test_a_name_that_is_not_plain_is_not_shown(name):
    found = scan_identifiers(pd.DataFrame({"x": ["a"], name: [f"child{i}@example.org" for i in range(1)]}))
    everywhere = scan_identifiers(pd.DataFrame({"x": range(30), name: [f"child{i}@example.org" for i in range(30)]}))
    running = scan_identifiers(pd.DataFrame({"x": range(30), name: [f"X{100_000 + i}" for i in range(30)]}))
    said = "".join(repr(f) + str(f.records()) for f in (found, everywhere, running))
    assert "CANARY" not in said
    assert "943476" not in said
    assert {f.where for f in (*everywhere, *running)} == {"number 2 (its name is not plain)"}
    assert "column number 2 (its name is not plain) looks like a probation CRN" in repr(running)


def test_a_plain_name_has_at_most_40_characters_and_four_digits():
    names = ["a" * 40, "a" * 41, "address 2024", "address 20241", "Nhs.No_2", "1st", "été"]
    shown = [heading(names, i) == name for i, name in enumerate(names)]
    assert shown == [True, False, True, False, True, False, False]


def test_no_value_is_ever_shown():
    values = many(nhs, 9)
    found = scan_identifiers(pd.DataFrame({"ref": values}))
    assert not any(v in repr(found) + str(found.records()) for v in values)


@pytest.mark.parametrize("values", [[], [None, None], [1, "a", None], pd.Categorical(["a", "b"])])
def test_columns_that_are_empty_or_mixed_or_categories_are_scanned(values):
    assert scan_identifiers(pd.DataFrame({"x": values})).worst == "pass"


@pytest.mark.parametrize("letter", ["s", "m", "B", "x"])
def test_record_numbers_with_a_letter_before_them_are_no_postcode_sectors(letter):
    found = scan_identifiers(pd.DataFrame({"record_id": [f"{letter}{i}" for i in range(400)]}))
    assert [f.status for f in found] == ["pass"]
