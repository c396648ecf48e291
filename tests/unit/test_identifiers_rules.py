from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.identifiers import rules
from vru_models.identifiers.rules import RULES

BY_NAME = {rule.name: rule for rule in RULES}


def meets(name, value):
    """Form, pattern and check of one value, as the scan applies them to a column."""
    rule, text = BY_NAME[name], re.sub(r"[\s\-()]", "", value).upper()
    fits = rule.lengths[0] <= len(text) <= rule.lengths[1]
    forms = [p for p in (rule.among, rule.pattern) if p]
    return fits and all(re.fullmatch(p, text) for p in forms) and (rule.check is None or rule.check(text))


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("NHS number", ["9434765870", "943 476 5870", "9990000018", "9990000026"], ["9434765871", "943476587"]),
        ("unique learner number", ["9276308686"], ["9276308687", "0276308686", "9434765870"]),
        ("unique pupil number", ["B801200005001", "A80120000501A", "P207000016049"], ["B207000016049"]),
        ("PNC ID", ["1979/0163001B", "2002/0073319Z", "81/34U", "67/9893091D"], ["2001/0171310S", "81/34I"]),
        ("PNC ID without its slash", ["19790163001B", "8134U", "679893091D", "20020073319Z"], ["20010171310S"]),
        ("CRO number", ["000001/99W", "1/99W", "SF05/482703J"], ["000001/99A", "SF05/482703K"]),
        ("National Insurance number", ["AB123456C", "ab 12 34 56 c"], ["QQ123456C", "BG123456C", "AO123456A"]),
        ("National Insurance number without its suffix", ["AB123456"], ["DA123456", "ZZ123456"]),
        ("postcode", ["SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "GIR 0AA"], ["SW1A 1", "B33 8TC"]),
        ("postcode sector", ["SW1A 1", "B33 8", "M1 1"], ["F32", "T740", "SW1A 1AA"]),
        ("postcode district", ["SW1A", "B33", "M1"], ["F1", "SW1A 1AA"]),
        ("probation CRN", ["X320741"], ["X32074", "E01000001"]),
        ("NOMS number", ["A1234BC"], ["A123BC", "AA234BC"]),
        ("driving licence number", ["MORGA753116SM9IJ", "FOX99512316SM9IJ"], ["MORGA713316SM9IJ", "MORGA753006SM9IJ"]),
        ("e-mail address", ["child@example.org"], ["child@example", "@example.org"]),
        ("UK phone number", ["07700 900123", "020 7946 0999", "+44 (0)20 7946 0000"], ["08001111"]),
    ],
)  # fmt: skip
def test_the_reference_vectors(name, valid, invalid):
    assert [meets(name, v) for v in valid] == [True] * len(valid)
    assert not any(meets(name, v) for v in invalid)


def test_a_chi_number_needs_a_day_and_a_check_digit():
    assert meets("CHI number", "0101080041") == rules.is_nhs("0101080041")
    days = [f"{d:06d}" for d in (310108, 310208, 290208, 290209, 120808)]
    valid = [day + tail for day in days for tail in map("{:04d}".format, range(99)) if rules.is_nhs(day + tail)]
    assert {v[:6] for v in valid if meets("CHI number", v)} == {"310108", "290208", "120808"}


@given(st.integers(0, 10**9 - 1))
@settings(max_examples=100, deadline=None)
def test_check_digits_are_those_of_the_definition(nine):
    digits = f"{nine:09d}"
    rest = sum(int(d) * w for d, w in zip(digits, range(10, 1, -1), strict=True)) % 11
    right = {10: None, 11: "0"}.get(11 - rest, str(11 - rest))
    assert [d for d in "0123456789" if rules.is_nhs(digits + d)] == ([right] if right else [])
    assert [d for d in "0123456789" if rules.is_uln(digits + d)] == ([str(10 - rest)] if rest else [])


@given(st.integers(0, 99), st.integers(1, 10**7 - 1))
@settings(max_examples=100, deadline=None)
def test_one_letter_of_twenty_three_is_right_for_a_pnc_id_and_its_century_does_not_matter(year, serial):
    right = [c for c in "ABCDEFGHJKLMNPQRTUVWXYZ" if rules.is_pnc(f"{year:02d}/{serial}{c}")]
    assert right == ["ZABCDEFGHJKLMNPQRTUVWXY"[(year * 10**7 + serial) % 23]]
    assert rules.is_pnc(f"19{year:02d}/{serial:07d}{right[0]}")
