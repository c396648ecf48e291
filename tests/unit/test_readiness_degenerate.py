import pytest
import ready
import small


def without_rows(given, *names):
    return {name: frame.iloc[:0] if name in names else frame for name, frame in given.items()}


@pytest.mark.parametrize(
    ("given", "declared"),
    [
        (without_rows(ready.frames(), "exclusions", "missing", "people", "audit", "cover"), None),
        (without_rows(ready.frames(), "missing"), None),
        (without_rows(ready.frames(), "cover"), None),
        (ready.frames(), small.spec(without=("people",))),
        (ready.frames(), small.spec(without=("people", "cover", "audit"))),
    ],
    ids=["nothing", "a feed without rows", "no coverage rows", "no spells", "events alone"],
)
def test_whatever_lacks_there_is_a_page(given, declared):
    files = ready.made(given, declared).files()
    assert {"readiness.html", "findings.json", "calendar.csv", "lags.csv"} <= set(files)


def test_of_no_events_nothing_passes():
    made = ready.made(without_rows(ready.frames(), "exclusions", "missing"))
    assert len(made.tables["lags"].table) == 0
    for code in ("VRU111", "VRU112", "VRU113", "VRU114", "VRU116", "VRU117"):
        found = ready.of(made.findings, code)
        assert found
        assert set(found.values()) <= {"cannot tell"} | ({"pass"} if code == "VRU116" else set()), code


def test_of_one_person_nothing_is_shown_and_nothing_passes():
    made = ready.made(ready.frames(range(1), suspended=range(1), gone=range(1)))
    shown = [table.table[list(table.counts)] for table in made.tables.values()]
    assert all(table.isna().all(axis=None) for table in shown)
    assert {f.status for f in made.findings if f.code > "VRU110"} <= {"cannot tell", "not applicable"}


def test_without_a_coverage_feed_the_agreements_stand_in_and_the_page_says_so():
    made = ready.made(ready.frames(), small.spec(without=("cover",)))
    assert not made.told
    assert ready.table(made, "calendar", feed="missing", month="2022-06")["state"] == "shared"
    assert ready.of(made.findings, "VRU105") == {"coverage": "cannot tell"}
    assert "No coverage feed is declared" in made.files()["readiness.html"].decode()


def test_without_an_audit_feed_nobody_can_tell_whom_the_feeds_miss():
    made = ready.made(ready.frames(), small.spec(without=("audit",)))
    assert "groups" not in made.tables
    assert ready.of(made.findings, "VRU116") == {"sex": "cannot tell"}
    assert "There is no audit file" in made.files()["readiness.html"].decode()


def test_a_calendar_goes_back_twenty_years_at_most():
    given = ready.frames()
    given["cover"] = given["cover"].assign(start_date=["1990-01-01", "2021-01-01"])
    declared = small.spec(**{"feeds.cover.agreement.from": "1980-01-01"})
    assert ready.one("calendar", given, declared).table["month"].nunique() == 240
