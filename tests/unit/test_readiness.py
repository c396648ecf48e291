import pandas as pd
import pytest
import ready
import small
import tables as literal

from vru_models.events import Events, record_events
from vru_models.events.description import BANDS, composition, lags
from vru_models.findings import Finding
from vru_models.quality.calendar import calendar, states
from vru_models.quality.feeds import Membership, used_columns
from vru_models.quality.findings import as_may_leave, no_silence


@pytest.fixture(scope="module")
def made():
    return ready.made()


def months(first, last):
    return pd.period_range(first, last, freq="M").to_timestamp().to_numpy().astype("datetime64[M]")


def cover(*rows):
    header = "area | age_from | age_to | start_date | end_date"
    return literal.table("\n".join([header, *rows]))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["* | | | 2024-01-01 |"], ["shared", "shared", "shared"]),
        (["* | | | 2024-01-02 |"], ["partly", "shared", "shared"]),
        (["* | | | 2024-01-01 | 2024-02-01"], ["shared", "not shared", "not shared"]),
        (["* | | | 2024-01-01 | 2024-01-31"], ["partly", "not shared", "not shared"]),
        (["E01 | | | 2024-01-01 |"], ["partly", "partly", "partly"]),
        (["E01 | | | 2024-01-01 |", "E02 | | | 2024-02-01 |"], ["partly", "shared", "shared"]),
        (["* | 10 | 16 | 2024-01-01 |"], ["partly", "partly", "partly"]),
        (["* | 10 | 16 | 2024-01-01 |", "* | 17 | 30 | 2024-01-01 |"], ["shared", "shared", "shared"]),
        (["* | 18 | 25 | 2024-01-01 |"], ["not shared", "not shared", "not shared"]),
        (["* | | | 2020-01-01 | 2023-12-31"], ["not shared", "not shared", "not shared"]),
        (["E09 | | | 2024-01-01 |"], ["not shared", "not shared", "not shared"]),
    ],
)
def test_a_month_is_shared_when_every_day_area_and_age_is(rows, expected):
    found = states(cover(*rows), months("2024-01", "2024-03"), ["E01", "E02"], (10, 17), "2024-03-15")
    assert found.tolist() == expected


def test_the_month_of_the_extract_is_judged_up_to_it():
    rows = cover("* | | | 2024-01-01 | 2024-03-16")
    assert states(rows, months("2024-03", "2024-03"), ["E01"], (10, 17), "2024-03-15").tolist() == ["shared"]
    assert states(rows, months("2024-03", "2024-03"), ["E01"], (10, 17), "2024-03-16").tolist() == ["partly"]


def test_no_rows_of_coverage_are_not_shared():
    assert states(cover(), months("2024-01", "2024-01"), ["E01"], (0, 17), "2024-03-15").tolist() == ["not shared"]


def test_the_calendar_counts_records_by_month(made):
    assert ready.table(made, "calendar", feed="exclusions", month="2022-01")["records"] == 60
    assert pd.isna(ready.table(made, "calendar", feed="exclusions", month="2022-02")["records"])
    assert ready.table(made, "calendar", feed="missing", month="2022-06")["state"] == "not shared"


def test_a_correction_is_not_another_record_of_the_month():
    given = ready.frames()
    again = given["exclusions"].assign(known_date="2022-02-12")
    given["exclusions"] = pd.concat([given["exclusions"], again], ignore_index=True)
    assert ready.table(ready.one("calendar", given), feed="exclusions", month="2022-01")["records"] == 60
    assert ready.table(ready.one("repeats", given), feed="exclusions")["corrections"] == 60


def test_a_month_of_many_records_about_few_people_is_redacted():
    given = ready.frames()
    given["missing"] = given["missing"].assign(person_id="p041")
    assert pd.isna(ready.table(ready.one("calendar", given), feed="missing", month="2022-06")["records"])


def test_reach_is_of_the_people_in_view(made):
    row = ready.table(made, "reach", feed="exclusions")
    assert [row[c] for c in ("people", "in_view", "known", "reach")] == [60, 100, 60, 0.6]


def test_a_spell_that_was_withdrawn_shows_nobody():
    given = ready.frames(people=range(100))
    known = small.admitted(given)
    events = record_events(known, small.spec())
    events.spells.loc[:39, "known_until"] = pd.Timestamp("2022-01-01")
    assert Membership.of(known, events, small.spec()).seen.sum() == 60


def test_a_join_is_the_share_of_the_first_feeds_people(made):
    shared = ready.table(made, "joins", feed="exclusions", other="missing")
    assert [shared[c] for c in ("people", "shared")] == [60, 20]
    assert shared["join"] == pytest.approx(20 / 60)
    assert ready.table(made, "joins", feed="missing", other="exclusions")["join"] == pytest.approx(20 / 50)
    assert ready.table(made, "joins", feed="missing", other="people")["join_low"] == pytest.approx(0.85)


def test_feeds_with_different_keys_join_at_most_at_a_bound():
    given = ready.frames()
    given["missing"] = given["missing"].assign(person_id=lambda f: "z" + f["person_id"].str[1:])
    row = ready.table(ready.one("joins", given), feed="missing", other="people")
    assert (row["join_low"], row["join_high"]) == (0, 0.15)


def test_completeness_is_over_the_accepted_rows_and_of_a_value_over_the_indicators():
    given = ready.frames()
    given["exclusions"].loc[:19, "sessions"] = ""
    given["exclusions"].loc[40:, "kind"] = "P"
    made = ready.one("completeness", given)
    every = ready.table(made, column="sessions", of="every row")
    assert [every[c] for c in ("rows", "missing", "used_by")] == [60, 20, ""]
    own = ready.table(made, column="sessions", of="suspension")
    assert [own[c] for c in ("rows", "missing", "used_by")] == [40, 20, "suspension"]


def test_columns_that_make_events_are_those_of_the_rules_and_the_dates():
    used = used_columns(small.spec(), "exclusions")
    assert used["kind"] == ["suspension", "permanent_exclusion"]
    assert set(used) == {"person_id", "start_date", "known_date", "status", "kind"}


def test_copies_are_rows_alike_in_all_but_the_key():
    given = ready.frames()
    copies = given["exclusions"].iloc[:20].assign(exclusion_id=[f"y{i}" for i in range(20)])
    given["exclusions"] = pd.concat([given["exclusions"], copies], ignore_index=True)
    row = ready.table(ready.one("repeats", given), feed="exclusions")
    assert [row[c] for c in ("rows_in", "accepted", "copies", "copied_share")] == [80, 80, 20, 0.25]


def test_repeats_of_a_record_are_counted_from_the_quarantine():
    given = ready.frames()
    given["exclusions"] = pd.concat([given["exclusions"], given["exclusions"].iloc[:20]], ignore_index=True)
    row = ready.table(ready.one("repeats", given), feed="exclusions")
    assert [row[c] for c in ("rows_in", "quarantined", "duplicates", "accepted")] == [80, 20, 20, 60]


def test_lags_are_of_the_first_version_in_bands(made):
    row = ready.table(made, "lags", indicator="missing_episode")
    assert [row[c] for c in ("events", "people", "median_days", "p95_days")] == [50, 50, 61, 61]
    assert [row[f"{c}_share_low"] for c in ("late", "known_32_to_92", "known_0_to_7")] == [0.85, 0.85, 0]
    assert [row[f"{c}_share_high"] for c in ("assumed", "known_93_on", "known_8_to_31")] == [0.15, 0.15, 0.15]


@pytest.mark.parametrize(("days", "late"), [(31, False), (32, True)])
def test_an_event_is_late_after_31_days(days, late):
    known = pd.Timestamp("2024-01-01") + pd.Timedelta(days=days)
    rows = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(40)],
            "person_id": [f"p{i}" for i in range(40)],
            "indicator": "a",
            "feed": "f",
            "event_date": pd.Timestamp("2024-01-01"),
            "known_date": known,
        }
    )
    assert (lags(rows, profile=ready.PROFILE).table["late_share_low"] > 0).tolist() == [late]


@pytest.mark.parametrize(("far", "shown"), [(7, False), (8, True)])
def test_a_quantile_needs_eight_people_on_both_sides(far, shown):
    rows = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(100)],
            "person_id": [f"p{i}" for i in range(100)],
            "indicator": "a",
            "feed": "f",
            "event_date": pd.Timestamp("2024-01-01"),
            "known_date": [pd.Timestamp("2024-01-02")] * (100 - far) + [pd.Timestamp("2024-03-01")] * far,
        }
    )
    table = lags(rows, profile=ready.PROFILE).table
    assert table["p95_days"].notna().tolist() == [shown]
    assert table["median_days"].tolist() == [1]


def test_assumed_known_dates_are_counted():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 20}})
    row = ready.table(ready.one("lags", declared=declared), indicator="missing_episode")
    assert (row["assumed_share_low"], row["assumed_share_high"]) == (0.85, 1)


def test_an_event_counts_once_in_the_composition_at_its_last_version():
    versions = literal.table(
        """
        event_id | person_id | event_date | known_date | role    | status    | feed
        """
        + "\n".join(f"e{i} | p{i} | 2024-01-01 | 2024-01-02 | subject | alleged | f" for i in range(20))
        + "\n"
        + "\n".join(f"e{i} | p{i} | 2024-01-01 | 2024-02-02 | subject | confirmed | f" for i in range(9))
    )
    table = composition(versions, profile=ready.PROFILE).table.set_index(["by", "value"])["events"]
    assert table["status"].to_dict() == {"alleged": 10, "confirmed": 10}
    assert table["year"].to_dict() == {"2024": 20}


def test_none_cannot_be_told_from_few_in_the_composition(made):
    table = made.tables["composition"].table
    assert len(table) == 2 * table[["by", "value"]].drop_duplicates().shape[0]


def test_findings_of_the_gate_leave_without_their_counts(made):
    assert ready.of(made.findings, "VRU102")
    taken_in = [f for f in made.findings if f.code < "VRU111"]
    assert {f.message for f in taken_in if f.status == "pass"} == {
        "found on taking in from true counts; vru-models check gives them"
    }
    assert not any(f.figures for f in taken_in)


@pytest.mark.parametrize(
    ("bad", "of", "says"),
    [
        (3, 50, "at most 15% of its rows were held back; at most 1% may be, objections aside"),
        (13, 61, "25.0% of its rows were held back; at most 1% may be, objections aside"),
        (58, 60, "at least 87% of its rows were held back; at most 1% may be, objections aside"),
        (1, 5, "true counts are too small for a share to be shown; vru-models check gives them"),
        (0, 0, "true counts are too small for a share to be shown; vru-models check gives them"),
    ],
)
def test_a_finding_of_the_gate_gives_its_share_protected(bad, of, says):
    lines = [f"m{i},p{i:03d},{'x' if i < bad else '2022-06-01'},2022-08-01" for i in range(of)]
    given = ready.frames() | {"missing": small.rows("episode_id,person_id,start_date,known_date", *lines)}
    (found,) = (f for f in ready.made(given).findings if (f.code, f.where) == ("VRU102", "missing"))
    assert (found.message, dict(found.figures)) == (says, {})


@pytest.mark.parametrize(
    ("with_spell", "says"),
    [
        (range(12), "16.7% of its people have a spell; at least 50% is needed"),
        (range(3), "at most 13% of its people have a spell; at least 50% is needed"),
    ],
)
def test_people_without_a_spell_are_told_by_their_share(with_spell, says):
    given = ready.frames(range(100, 200), suspended=range(60), gone=[])
    given["people"] = ready.frames([*with_spell, *range(100, 200)])["people"]
    (found,) = (f for f in ready.made(given).findings if (f.code, f.where) == ("VRU108", "exclusions"))
    assert (found.status, found.message, dict(found.figures)) == ("fail", says, {})


def test_what_holds_no_count_leaves_as_it_is_and_other_counts_say_why_they_do_not():
    spec = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 14, "p95": 60}})
    said = [
        (
            Finding("VRU104", "cannot tell", "missing", "50 of 50 known dates are assumed", {"assumed": 50}),
            "its known dates are assumed: event date + 14 days",
        ),
        (
            Finding("VRU109", "cannot tell", "suspension", "no row of exclusions makes an event of it"),
            "no row of exclusions makes an event of it",
        ),
        (
            Finding("VRU121", "fail", "missing", "9 of 50 records in force are not in the snapshot", {"gone": 9}),
            "true counts may not stand here; vru-models check gives them",
        ),
    ]
    for finding, message in said:
        assert as_may_leave(finding, spec) == Finding(finding.code, finding.status, finding.where, message)


def test_a_table_that_is_not_there_is_named(made):
    with pytest.raises(ValueError, match=r"no table 'people'\. Expected: one of calendar, reach"):
        made.frame("people")


def test_the_repr_counts_findings(made):
    assert repr(made).startswith("Readiness(small: 2 feeds, 49 months, by group too; findings: ")


def test_the_picture_has_a_band_for_each_feed_and_says_what_its_axes_are(made):
    figure = made.plot()
    ax = figure.axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["exclusions", "missing"]
    assert ax.get_xlabel() == "month in which it happened"
    labels = {t.get_text() for t in figure.legends[0].get_texts()}
    assert {"shared", "partly", "not shared"} <= labels


def three_children():
    """Twenty notices in May about each of three children, as victims; one in June about each of a hundred witnesses."""
    few = [(f"v{i}", f"2024-05-{n + 1:02}", "victim", "2024-06-10") for i in range(3) for n in range(20)]
    many = [(f"w{i}", "2024-06-10", "witness", "2024-06-12") for i in range(100)]
    said = pd.DataFrame(few + many, columns=["person_id", "event_date", "role", "known_date"])
    return Events.from_frame(said.assign(indicator="notice", feed="police"))


def test_the_rows_of_few_people_are_not_what_a_whole_leaves_over_when_what_is_shown_is_taken_from_it():
    events = three_children()
    safe = composition(events.frame, profile=ready.PROFILE).text().set_index(["by", "value"])["events"]
    assert safe[("status", "recorded")] == "160"
    assert safe["role"].to_dict() == {"victim": "redacted", "witness": "withheld"}
    lag = lags(events.frame, profile=ready.PROFILE).text().iloc[0]
    assert lag["events"] == "160"
    assert lag[list(BANDS)].tolist() == ["withheld", "redacted", "redacted", "redacted"]
    assert lag["known_0_to_7_share"] == "withheld"


def silent(*months):
    """The calendar of episodes, so many (records, people) of each month from May on, and what VRU112 says of it."""
    rows = []
    for at, (records, people) in enumerate(months):
        rows += [f"m{at}-{n},p{n % people},2024-0{at + 3}-{n % 20 + 1:02},2024-08-01" for n in range(records)]
    feeds = small.admitted({"missing": small.rows("episode_id,person_id,start_date,known_date", *rows)})
    spec = small.spec()
    table = calendar(feeds, record_events(feeds, spec), spec)
    shown = table.frame()
    notes = shown[(shown["feed"] == "missing") & (shown["month"] >= "2024-03")]["records_note"].tolist()[: len(months)]
    finding = next(f for f in no_silence(table, spec, feeds.extract_dates) if f.where == "missing")
    return notes, finding.status


def test_a_month_of_many_records_about_few_people_has_another_withheld_that_is_not_taken_for_silent():
    fifty = (50, 50)
    assert silent(fifty, fifty, fifty, (60, 60))[0] == ["", "", "", ""]
    notes, status = silent((90, 90), fifty, (20, 1), (60, 60))
    assert notes == ["", "withheld", "redacted", ""]
    assert silent((90, 90), fifty, (5, 1), (60, 60))[0] == ["", "", "redacted", ""]
    assert status == silent((90, 90), (70, 70), (5, 1), (60, 60))[1]
