import pandas as pd
import pytest
import tiny


def found(*feeds):
    cover = tiny.extracts()["cover"]
    events = tiny.events(cover=cover[cover["feed"].isin(feeds)])
    return {f.where: f.status for f in events.findings if f.code == "VRU107"}


@pytest.mark.parametrize("left_out", ["exclusions", "missing", ""])
def test_a_feed_without_a_row_of_coverage_fails(left_out):
    declared = {"exclusions", "missing"}
    expected = dict.fromkeys(declared, "pass") | ({left_out: "fail"} if left_out else {})
    assert found(*declared - {left_out}) == expected


def test_the_message_says_what_follows():
    cover = tiny.extracts()["cover"].iloc[:1]
    (finding,) = tiny.events(cover=cover).findings.where(lambda f: f.code == "VRU107").with_status("fail")
    assert finding.where == "missing"
    assert "nothing says that it was shared, so all of it is missing" in finding.message


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "pass"),
        ({"age_from": "20"}, "fail"),
        ({"age_from": "17"}, "pass"),
        ({"end_date": "2021-01-01"}, "fail"),
        ({"end_date": "2021-01-02"}, "pass"),
    ],
)
def test_coverage_of_no_day_or_no_age_covers_nobody(changes, status):
    cover = tiny.extracts()["cover"]
    row = cover[cover["feed"] == "missing"].iloc[:1].assign(age_to="17", start_date="2021-01-01", **changes)
    events = tiny.events(cover=pd.concat([cover[cover["feed"] != "missing"], row]))
    assert [f.status for f in events.findings if f.code == "VRU107" and f.where == "missing"] == [status]
