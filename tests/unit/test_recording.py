from __future__ import annotations

import pandas as pd
import small

EXCLUSIONS = "exclusion_id,person_id,kind,start_date,known_date,sessions,status"
MISSING = "episode_id,person_id,start_date,known_date"


def seen(events, *columns):
    dates = {c: events.frame[c].dt.strftime("%Y-%m-%d").fillna("") for c in ("event_date", "known_date", "known_until")}
    return events.frame.assign(**dates)[list(columns)].astype(object).values.tolist()


def exclusions(*lines, **changes):
    return small.events({"exclusions": small.rows(EXCLUSIONS, *lines)}, small.spec(without=(), **changes))


def test_the_literal_extracts_give_the_literal_events():
    events = small.events()
    assert seen(events, "person_id", "indicator", "event_date", "known_date", "known_until") == [
        ["a", "suspension", "2022-01-10", "2022-01-12", ""],
        ["a", "suspension", "2022-05-03", "2022-05-20", "2022-07-01"],
        ["b", "suspension", "2022-03-01", "2022-03-02", ""],
        ["b", "permanent_exclusion", "2022-11-15", "2022-11-30", ""],
        ["c", "missing_episode", "2022-06-01", "2022-06-02", ""],
    ]
    assert events.frame["value"].fillna(-1).tolist() == [3.0, 1.0, 1.0, -1.0, -1.0]
    assert events.frame["feed"].tolist() == ["exclusions"] * 4 + ["missing"]


def test_a_correction_supersedes_the_earlier_version_from_the_day_it_was_known():
    events = exclusions("x1,a,S,2022-01-10,2022-01-12,3,recorded", "x1,a,S,2022-01-11,2022-02-01,5,recorded")
    rows = [r for r in seen(events, "person_id", "event_date", "known_date", "known_until", "value") if r[0] == "a"]
    assert rows == [
        ["a", "2022-01-10", "2022-01-12", "2022-02-01", 3.0],
        ["a", "2022-01-11", "2022-02-01", "", 5.0],
    ]
    assert events.frame.query("person_id == 'a'")["event_id"].nunique() == 1


def test_the_order_of_rows_in_a_file_does_not_matter():
    lines = (
        "x1,a,S,2022-01-10,2022-01-12,3,recorded",
        "x1,a,S,2022-01-11,2022-02-01,5,recorded",
        "x2,b,P,2022-01-10,2022-01-12,,recorded",
    )
    assert exclusions(*lines).digest == exclusions(*lines[::-1]).digest


def test_a_version_that_no_longer_matches_closes_the_event():
    events = exclusions(
        "x1,a,S,2022-01-10,2022-01-12,3,recorded",
        "x1,a,P,2022-01-10,2022-02-01,3,recorded",
        "x1,a,S,2022-01-10,2022-03-01,3,recorded",
    )
    rows = [r for r in seen(events, "indicator", "known_date", "known_until") if r[0] != "missing_episode"]
    assert sorted(rows) == [
        ["permanent_exclusion", "2022-02-01", "2022-03-01"],
        ["suspension", "2022-01-12", "2022-02-01"],
        ["suspension", "2022-03-01", ""],
    ]
    assert events.closers["status"].tolist() == ["withdrawn", "withdrawn"]


def test_two_versions_that_do_not_match_close_once():
    events = exclusions(
        "x1,a,S,2022-01-10,2022-01-12,3,recorded",
        "x1,a,P,2022-01-10,2022-02-01,3,recorded",
        "x1,a,P,2022-01-10,2022-03-01,3,recorded",
    )
    closers = events.closers.query("indicator == 'suspension'")
    assert closers["known_date"].dt.strftime("%Y-%m-%d").tolist() == ["2022-02-01"]


def test_a_disproved_row_closes_and_never_counts():
    events = exclusions("x1,a,S,2022-01-10,2022-01-12,3,disproved")
    assert "a" not in events.frame["person_id"].tolist()
    assert events.closers["status"].tolist() == ["disproved"]


def test_assumed_known_dates_are_the_median_later_but_never_after_the_extract():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 9}})
    frame = small.rows(MISSING, "m1,c,2022-06-01,", "m2,c,2024-08-30,")
    events = small.events({"missing": frame}, declared)
    rows = [r for r in seen(events, "indicator", "event_date", "known_date") if r[0] == "missing_episode"]
    assert [r[1:] for r in rows] == [["2022-06-01", "2022-06-06"], ["2024-08-30", "2024-09-01"]]


def with_roles(**changes):
    fields = [
        small.column(n, "date" if n.endswith("date") else "string")
        for n in (*MISSING.split(","), "role", "ended", "hours")
    ]
    fields = [
        f | ({"type": "number"} if f["name"] == "hours" else {"type": "boolean"} if f["name"] == "ended" else {})
        for f in fields
    ]
    schema = small.schema(
        "missing", fields, "episode_id", event_date="start_date", known_date="known_date", role="role"
    )
    return small.spec(schemas={"missing": schema}, **changes)


def test_the_rows_own_role_stands_and_suspects_and_associates_make_no_scored_event():
    header = f"{MISSING},role,ended,hours"
    lines = [
        f"m{i},c,2022-06-0{i},2022-06-09,{role},true,1.5"
        for i, role in enumerate(("victim", "suspect", "associate"), 1)
    ]
    events = small.events({"missing": small.rows(header, *lines)}, with_roles())
    rows = [r for r in seen(events, "indicator", "event_date", "role") if r[0] == "missing_episode"]
    assert rows == [["missing_episode", "2022-06-01", "victim"]]
    found = events.findings.where(lambda f: f.code == "VRU106")
    assert [(f.where, f.figures["rows"]) for f in found] == [("missing_episode", 2)]


def test_a_rule_on_a_column_that_is_not_text_is_written_as_in_the_file():
    header = f"{MISSING},role,ended,hours"
    lines = [
        "m1,c,2022-06-01,2022-06-09,subject,true,1.50",
        "m2,c,2022-06-02,2022-06-09,subject,false,1.5",
        "m3,c,2022-06-03,2022-06-09,subject,,2",
    ]
    frame = small.rows(header, *lines)
    for where, expected in (
        ({"ended": ["true"]}, ["2022-06-01"]),
        ({"hours": ["1.5"]}, ["2022-06-01", "2022-06-02"]),
        ({"hours": ["2"]}, ["2022-06-03"]),
    ):
        declared = with_roles(
            **{"indicators.missing_episode.where": where, "indicators.missing_episode.value": "hours"}
        )
        rows = [
            r
            for r in seen(small.events({"missing": frame}, declared), "indicator", "event_date")
            if r[0] == "missing_episode"
        ]
        assert [r[1] for r in rows] == expected


def test_without_a_coverage_feed_the_agreements_stand_in():
    events = small.events(declared=small.spec(without=("cover",), **{"feeds.missing.agreement.areas": ["E01", "E02"]}))
    table = events.coverage.assign(
        **{c: events.coverage[c].dt.strftime("%Y-%m-%d") for c in ("start_date", "end_date", "known_date")}
    )
    assert table[["coverage_id", "feed", "area", "start_date", "end_date", "known_date"]].values.tolist() == [
        ["exclusions:*", "exclusions", "*", "2020-01-01", "2027-01-01", "2020-01-01"],
        ["missing:E01", "missing", "E01", "2020-01-01", "2027-01-01", "2020-01-01"],
        ["missing:E02", "missing", "E02", "2020-01-01", "2027-01-01", "2020-01-01"],
        ["people:*", "people", "*", "2020-01-01", "2027-01-01", "2020-01-01"],
    ]
    assert events.coverage["age_from"].isna().all()
    assert [f.status for f in events.findings if f.code == "VRU105"] == ["cannot tell"]


def test_a_spell_is_corrected_as_an_event_is():
    header = "spell_id,person_id,area,birth_month,start_date,end_date,known_date"
    people = small.rows(
        header, "s1,a,E01,2010-01,2021-09-01,,2021-09-01", "s1,a,E01,2010-01,2021-09-01,2022-01-01,2022-02-01"
    )
    spells = small.events({"people": people}).spells
    assert spells["end_date"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["", "2022-01-01"]
    assert spells["known_until"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["2022-02-01", ""]


def test_event_identity_is_of_feed_key_and_indicator():
    twice = small.spec(**{"indicators.permanent_exclusion.where": {"kind": ["S"]}})
    events = small.events({"exclusions": small.rows(EXCLUSIONS, "x1,a,S,2022-01-10,2022-01-12,3,recorded")}, twice)
    ids = events.frame.query("person_id == 'a'")["event_id"]
    assert ids.nunique() == 2
    assert ids.str.fullmatch("[0-9a-f]{32}").all()


def test_no_row_of_an_indicator_is_no_event_and_the_types_stand():
    events = small.events({"missing": pd.DataFrame(columns=MISSING.split(","), dtype="str")})
    assert "missing_episode" not in events.frame["indicator"].tolist()
    assert events.frame["event_date"].dtype == "datetime64[s]"


def test_an_indicators_own_dates_are_its_events_dates():
    fields = [small.column(n, "date" if n.endswith("date") else "string") for n in MISSING.split(",")]
    fields += [small.column("hearing_date", "date"), small.column("told_date", "date"), small.column("kind")]
    schema = small.schema("missing", fields, "episode_id", event_date="start_date", known_date="known_date")
    declared = small.spec(
        schemas={"missing": schema},
        **{
            "indicators.missing_episode.event_date": "hearing_date",
            "indicators.missing_episode.known_date": "told_date",
            "indicators.missing_episode.where": {"kind": ["H"]},
        },
    )
    frame = small.rows(
        f"{MISSING},hearing_date,told_date,kind",
        "m1,c,2022-06-01,2022-06-02,2022-06-10,2022-06-20,H",
        "m1,c,2022-06-01,2022-07-02,,,X",
    )
    events = small.events({"missing": frame}, declared)
    rows = [
        r[1:] for r in seen(events, "indicator", "event_date", "known_date", "known_until") if r[0] == "missing_episode"
    ]
    assert rows == [["2022-06-10", "2022-06-20", "2022-07-02"]]
