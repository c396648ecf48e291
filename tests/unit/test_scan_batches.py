from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.identifiers import detectors, scan, scan_identifiers
from vru_models.identifiers.scan import Scan

AT = dt.date(2024, 9, 1)
POOL = 100


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    monkeypatch.setattr(scan, "MOST_CHECKED", POOL)


def nhs(n, start=0):
    """So many NHS numbers, all different."""
    made = []
    for nine in range(943476587 + start * 11, 943476587 + (start + 2 * n + 2) * 11):
        check = 11 - sum(int(d) * w for d, w in zip(str(nine), range(10, 1, -1), strict=True)) % 11
        made += [] if check == 10 else [f"{nine}{check % 11}"]
    return made[:n]


def harmless(n, start=0):
    return [f"r{i:07d}q" for i in range(start, start + n)]


def scanned(*batches, name="ref", **kwargs):
    found = Scan([name], at=AT, **kwargs)
    for batch in batches:
        found.add(pa.table({name: pa.array(batch, pa.string())}))
    return [(f.figures["rule"], f.figures["passed"], f.status) for f in found.findings() if f.status != "pass"]


def test_a_column_clean_in_the_first_half_and_full_of_nhs_numbers_in_the_second_is_found():
    assert scanned(harmless(3 * POOL), harmless(POOL, 1_000)) == []
    assert scanned(harmless(3 * POOL), nhs(POOL)) == [("NHS number", POOL, "fail")]
    assert scanned(nhs(POOL), harmless(3 * POOL), harmless(2)) == [("NHS number", POOL, "fail")]


def test_a_few_rows_at_the_end_are_judged_with_the_pool_before_them():
    numbers = nhs(POOL + 5)
    assert scanned(numbers[:POOL], numbers[POOL:]) == [("NHS number", POOL + 5, "fail")]


def test_at_least_thirty_values_at_the_end_are_judged_by_themselves():
    postcodes = [f"B{i} {j}AA" for i in range(10, 13) for j in range(10)]
    assert scanned(harmless(20 * POOL), postcodes) == [("postcode", 30, "fail")]
    assert scanned(harmless(20 * POOL), postcodes[:29]) == []


def test_a_sparse_column_is_found_though_no_batch_holds_enough_of_it():
    numbers = nhs(20)
    assert scanned(numbers[:4]) == []
    assert scanned(*(numbers[i : i + 4] + [None] * 50 for i in range(0, 20, 4))) == [("NHS number", 20, "fail")]


def test_a_sparse_column_is_found_beside_a_full_one():
    found = Scan(["ref", "seldom"], at=AT)
    numbers = nhs(20)
    for i in range(5):
        seldom = numbers[4 * i : 4 * i + 4]
        found.add(pa.table({"ref": harmless(2 * POOL, 1_000 * i), "seldom": seldom + [None] * (2 * POOL - 4)}))
    assert [(f.where, f.figures["rule"]) for f in found.findings()] == [("seldom", "NHS number")]


def test_rows_are_counted_over_the_batches():
    names = [
        "oliver", "jack", "harry", "joshua", "alfie", "amelia", "olivia", "emily", "jessica", "sophie", "lucy", "chloe",
    ]  # fmt: skip
    rare = [f"Zq{a}{b}" for a in "abcdefghi" for b in "abcdefghi"]
    assert scanned(names + rare) == scanned(names, rare) == [("name of a person", 12, "fail")]
    assert scanned(names + rare * 3, rare[:1]) == scanned(names + rare, rare, rare) == []
    assert scanned(names + rare, rare, rare, names * 2) == [("name of a person", 12, "fail")]


def test_counts_of_several_pools_are_added():
    assert scanned(nhs(POOL), nhs(POOL, 1_000), nhs(POOL, 2_000)) == [("NHS number", 3 * POOL, "fail")]


def test_values_that_come_again_in_every_batch_are_no_more_evidence_than_once():
    chance = [f"{9000000000 + 7 * i}" for i in range(33)]
    assert scanned(chance) == scanned(*[chance] * 40) == []


def test_findings_may_be_asked_for_at_any_time():
    found = Scan(["ref"], at=AT)
    assert found.findings().worst == "pass"
    found.add(pa.table({"ref": nhs(20)}))
    first = found.findings()
    assert first.records() == found.findings().records()
    assert first.worst == "fail"


def test_places_are_found_in_a_later_part():
    found = Scan(["a", "b"], at=AT)
    found.add(pa.table({"a": harmless(POOL), "b": harmless(POOL)}))
    north = [f"{51 + i / 777:.5f}" for i in range(POOL)]
    west = [f"{-i / 77.7:.5f}" for i in range(1, POOL + 1)]
    found.add(pa.table({"a": north, "b": west}))
    found.add(pa.table({"a": harmless(POOL), "b": harmless(POOL)}))
    assert [(f.where, f.figures["rule"]) for f in found.findings()] == [("a", "latitude"), ("b", "longitude")]


def test_dates_of_birth_are_found_as_dates_and_as_text():
    days = [AT - dt.timedelta(days=365 * 10 + 7 * i) for i in range(60)]
    for column in (pa.array(days), pa.array([day.isoformat() for day in days])):
        found = Scan(["day"], at=AT)
        for start in range(0, 60, 20):
            found.add(pa.table({"day": column.slice(start, 20)}))
        assert [f.figures["rule"] for f in found.findings()] == ["full date of birth"]
        assert found.findings().items[0].figures["tried"] == 60


def test_short_pseudonyms_are_counted_over_the_batches():
    short = [f"k{i}" for i in range(POOL)]
    assert scanned(short, name="person_id", pseudonyms=["person_id"]) == [("unkeyed pseudonym", POOL, "cannot tell")]
    again = [f"k{i}" for i in range(POOL, 2 * POOL)]
    assert scanned(short, again, name="person_id", pseudonyms=["person_id"]) == [
        ("unkeyed pseudonym", 2 * POOL, "cannot tell")
    ]


def test_the_name_of_a_column_is_enough_even_without_rows():
    assert [f.message for f in Scan(["nhs_number"], at=AT).findings()] == ["the column is named as a direct identifier"]


def test_a_batch_of_other_columns_is_refused():
    found = Scan(["ref"], at=AT)
    with pytest.raises(ValueError, match="the batch does not have the columns of the scan"):
        found.add(pa.table({"other": ["a"]}))


def test_no_value_is_shown():
    numbers = nhs(2 * POOL)
    found = Scan(["ref"], at=AT)
    found.add(pa.table({"ref": numbers[:POOL]}))
    found.add(pa.table({"ref": numbers[POOL:]}))
    said = str(found.findings().records())
    assert not any(number in said for number in numbers)


MANY = 1_500
GIVEN = ["Oliver", "Jack", "Harry", "Joshua", "Alfie", "Amelia", "Olivia", "Emily", "Jessica", "Sophie"]
SHARES = {
    "postcode": [f"B{i % 90 + 10} {i % 10}{'ABDEFGHJLN'[i // 10 % 10]}A" for i in range(180)] + harmless(MANY - 180),
    "e-mail address": [f"child{i}@example.org" for i in range(90)] + harmless(MANY - 90),
    "probation CRN": [f"X{100_000 + 37 * i}" for i in range(MANY - 60)] + harmless(60),
    "name of a person": [name for name in GIVEN for _ in range(20)]
    + [f"Zq{'abcdefghij'[i % 10] * (i // 10)}" for i in range(MANY)],
    "full date of birth": [f"{AT - dt.timedelta(days=2_500 + 2 * i):%d.%m.%y}" for i in range(MANY)],
    "free text": [f"Seen at home, matter number {i}; all was well." for i in range(MANY)] + harmless(MANY // 2),
    "pair of coordinates": [f"{51 + i / 7_777:.5f} {i / 9_999:.5f}" for i in range(100)] + harmless(MANY - 100),
}


@pytest.mark.parametrize("rule", SHARES)
def test_a_draw_of_very_many_values_loses_nothing_that_all_of_them_show(monkeypatch, rule):
    values = pa.table({"ref": SHARES[rule]})
    whole = scan_identifiers(values, at=AT)
    monkeypatch.setattr(detectors, "MOST_DRAWN", 400)
    drawn = scan_identifiers(values, at=AT)
    assert [f.figures["rule"] for f in whole] == [f.figures["rule"] for f in drawn] == [rule]


def test_places_are_found_by_a_draw(monkeypatch):
    monkeypatch.setattr(detectors, "MOST_DRAWN", 50)
    north, west = ([f"{first + i / 7_777:.5f}" for i in range(600)] for first in (51, 0))
    found = scan_identifiers(pa.table({"a": north, "b": west}), at=AT)
    assert [f.figures["rule"] for f in found] == ["latitude", "longitude"]


def test_a_few_numbers_with_a_check_digit_are_found_whatever_the_draw(monkeypatch):
    monkeypatch.setattr(detectors, "MOST_DRAWN", 50)
    assert rules_of(harmless(5_000) + nhs(12)) == [("NHS number", 12)]
    assert rules_of(harmless(5_000) + [f" {n[:3]}-{n[3:]} " for n in nhs(12)]) == [("NHS number", 12)]


def test_what_the_draw_does_not_show_is_not_tried_on_all(monkeypatch):
    tried = []
    monkeypatch.setattr(detectors, "_named", lambda texts: tried.append(len(texts)) or np.zeros(len(texts), dtype=bool))
    assert rules_of(harmless(5_000)) == []
    assert tried == [4_000]
    assert rules_of(harmless(4_000)) == []
    assert tried == [4_000, 4_000]


def rules_of(values):
    found = scan_identifiers(pa.table({"ref": values}), at=AT)
    return [(f.figures["rule"], f.figures["passed"]) for f in found if f.status != "pass"]


CELLS = st.sampled_from([None, *nhs(12), *harmless(5), "B33 8TH", "2014-03-05", "OLIVER", "530000"])


@given(st.lists(st.tuples(CELLS, CELLS), max_size=60), st.lists(st.integers(0, 60), max_size=5))
@settings(max_examples=60, deadline=None)
def test_a_file_of_few_distinct_values_is_judged_alike_however_it_is_cut(rows, cuts):
    frame = pd.DataFrame(rows, columns=["a", "b"], dtype="str")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    found = Scan(["a", "b"], at=AT)
    edges = np.unique([0, *cuts, len(rows)])
    for start, end in itertools.pairwise(edges):
        found.add(table.slice(start, end - start))
    assert found.findings().records() == scan_identifiers(frame, at=AT).records()
