from __future__ import annotations

import pytest

from vru_models.findings import Finding, Findings

FAIL = Finding("VRU302", "fail", "sex", "gap", {"n": 3})
CANNOT = Finding("VRU302", "cannot tell", "age", "41 people")
NOT = Finding("VRU302", "not applicable", "area", "one group")
PASS = Finding("VRU101", "pass", "feed", "all counted")


def test_a_finding_has_a_known_status_and_a_message():
    with pytest.raises(ValueError, match="status 'ok' is not one of pass, fail, cannot tell, not applicable"):
        Finding("VRU101", "ok", "feed", "fine")
    with pytest.raises(ValueError, match="finding VRU101 on feed has no message"):
        Finding("VRU101", "pass", "feed", "")


@pytest.mark.parametrize(
    ("items", "worst"),
    [
        ([PASS, NOT, CANNOT, FAIL], "fail"),
        ([PASS, NOT, CANNOT], "cannot tell"),
        ([PASS, NOT], "not applicable"),
        ([PASS], "pass"),
        ([], "not applicable"),
    ],
)
def test_the_worst_is_the_gravest_and_nothing_is_never_a_pass(items, worst):
    assert Findings(items).worst == worst


def test_findings_add_in_order_and_filter():
    both = Findings([PASS]) + Findings([FAIL, CANNOT])
    assert [f.code for f in both] == ["VRU101", "VRU302", "VRU302"]
    assert len(both.with_status("fail", "cannot tell")) == 2
    assert len(both.where(lambda f: f.where == "sex")) == 1


def test_findings_are_rows_and_records_and_come_back():
    found = Findings([FAIL, PASS])
    assert found.frame().values.tolist() == [
        ["VRU302", "fail", "sex", "gap"],
        ["VRU101", "pass", "feed", "all counted"],
    ]
    assert list(Findings().frame().columns) == ["code", "status", "where", "message"]
    assert found.records()[0] == {
        "code": "VRU302",
        "status": "fail",
        "where": "sex",
        "message": "gap",
        "figures": {"n": 3},
    }
    assert Findings.from_records(found.records()) == found


def test_the_representation_has_the_gravest_first():
    assert repr(Findings([PASS, FAIL])).splitlines() == [
        "Findings: 1 fail, 1 pass",
        "  VRU302 fail           sex: gap",
        "  VRU101 pass           feed: all counted",
    ]
    assert repr(Findings()) == "Findings: none"


def test_many_passes_of_one_code_share_a_line_and_nothing_else_does():
    passes = [Finding("VRU101", "pass", feed, "all counted") for feed in "abcd"]
    fails = [Finding("VRU101", "fail", feed, "lost") for feed in "efgh"]
    assert repr(Findings([*passes, *fails])).splitlines() == [
        "Findings: 4 fail, 4 pass",
        "  VRU101 fail           e: lost",
        "  VRU101 fail           f: lost",
        "  VRU101 fail           g: lost",
        "  VRU101 fail           h: lost",
        "  VRU101 pass           all 4: a, b, c, d",
    ]


def test_counts_name_every_status_the_gravest_first():
    assert Findings([PASS, FAIL]).counts == {"fail": 1, "cannot_tell": 0, "not_applicable": 0, "pass": 1}


def test_why_many_do_not_apply_is_said_once():
    found = Findings(Finding("VRU121", "not applicable", feed, "it delivers additions") for feed in "abcd")
    assert repr(found).splitlines() == [
        "Findings: 4 not applicable",
        "  VRU121 not applicable a, b, c, d: it delivers additions",
    ]
    assert len(repr(Findings(list(found)[:3])).splitlines()) == 4
    other = found + Findings([Finding("VRU121", "not applicable", "e", "something else")])
    assert len(repr(other).splitlines()) == 3
