"""The kernel against its definition, written day by day and row by row in plain Python."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import worlds
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from worlds import FEED_OF, World

from vru_models.dataset import explain_feature
from vru_models.dataset.outcome import WHY_MISSING, labels_on
from vru_models.dataset.rows import day_of
from vru_models.features import STATUS
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.features.people import left_out
from vru_models.spec.calendar import as_days

SPEC = worlds.spec()
LAYOUT = Layout.of(SPEC)
BACK = {"12m": relativedelta(months=12), "1m": relativedelta(months=1), "45d": relativedelta(days=45)}
BACK |= {"24m": relativedelta(months=24), "2m": relativedelta(months=2), "90d": relativedelta(days=90)}
TWICE = {"12m": "24m", "1m": "2m", "45d": "90d"}
LONGEST = {"12m": 366, "1m": 31, "45d": 45}
AGES = {"exclusions": (11, 16), "missing": (0, 25)}
DUE_AFTER = {"exclusions": 0, "missing": 31}
ONE_DAY = dt.timedelta(1)


def in_force(versions, key, day):
    """Per record the last version known before the day."""
    known = sorted((v for v in versions if v["known_date"] < day), key=lambda v: v["known_date"])
    return list({v[key]: v for v in known}.values())


def one_person(world, day):
    """What each pseudonym is called on a day: by pairs, their latest decision; then by whoever can be reached."""

    def merges(link):
        return link["kind"] == "merge" and link["confidence"] >= 0.9

    latest = {}
    for link in sorted(in_force(world.links, "link_id", day), key=lambda k: (k["known_date"], not merges(k))):
        latest[frozenset((link["person_id"], link["other_id"]))] = link
    merged = [pair for pair, link in latest.items() if merges(link)]
    viewed = {s["person_id"] for s in in_force(world.spells, "spell_id", day)}
    called = {}
    for person in everybody(world):
        reached = {person}
        for _ in merged:
            reached |= {name for pair in merged if pair & reached for name in pair}
        called[person] = min(reached, key=lambda name: (name not in viewed, name))
    return called


def everybody(world):
    named = [(s["person_id"],) for s in world.spells] + [(k["person_id"], k["other_id"]) for k in world.links]
    return sorted({name for names in named for name in names})


def linked(world, day):
    """The world with every pseudonym called as its person is called on a day."""
    called = one_person(world, day)

    def renamed(rows):
        return [row | {"person_id": called.get(row["person_id"], row["person_id"])} for row in rows]

    rows = {name: renamed(getattr(world, name)) for name in ("events", "spells", "objections")}
    return replace(world, **rows)


def objects(world, person, purpose, day, feed=None):
    return any(
        o["person_id"] == person
        and o["feed"] == feed
        and o["purpose"] in (purpose, "all")
        and o["start_date"] <= day < (o["end_date"] or dt.date.max)
        for o in in_force(world.objections, "objection_id", day)
    )


def as_read(world):
    """The world as it may be read on its as-of date: linked, and without what somebody withholds."""
    held = linked(world, world.as_of)
    usable = [e for e in held.events if not objects(held, e["person_id"], "score", held.as_of, FEED_OF[e["indicator"]])]
    return replace(held, events=usable)


def events_in_force(world, person, day):
    held = in_force(world.events, "event_id", day)
    return [e for e in held if e["person_id"] == person and e["status"] != "withdrawn"]


def spells_of(world, person, known):
    held = in_force(world.spells, "spell_id", known)
    held = [s | {"end_date": s["end_date"] or dt.date.max} for s in held if s["person_id"] == person]
    return sorted(
        (s for s in held if s["start_date"] < s["end_date"]),
        key=lambda s: (s["start_date"], s["known_date"], s["spell_id"]),
    )


def spell_on(spells, day):
    """The spell a person is in on a day: of those begun, the last to begin, if any of them still runs."""
    begun = [s for s in spells if s["start_date"] <= day]
    return begun[-1] if any(s["end_date"] > day for s in begun) else None


def age_on(born, day):
    return None if born is None else ((day.year - born.year) * 12 + day.month - born.month) // 12


def covers(c, area, born, day):
    limited = c["age_from"] is not None or c["age_to"] is not None
    if c["area"] not in ("*", area) or not c["start_date"] <= day < (c["end_date"] or dt.date.max):
        return False
    if not limited:
        return True
    return born is not None and (c["age_from"] or 0) <= age_on(born, day) <= (c["age_to"] or 99)


def status_of(world, person, feed, window, born):
    as_of, start = world.as_of, world.as_of - BACK[window]
    spells = spells_of(world, person, as_of)
    coverage = [c for c in in_force(world.coverage, "coverage_id", as_of) if c["feed"] == feed]
    days = [start + ONE_DAY * i for i in range((as_of - start).days)]
    viewed = [(d, s["area"]) for d in days if (s := spell_on(spells, d))]
    shared = [d for d, area in viewed if any(covers(c, area, born, d) for c in coverage)]
    youngest, oldest = AGES[feed]
    if objects(world, person, "score", as_of, feed):
        return "withheld"
    if born is not None and (age_on(born, as_of) < youngest or age_on(born, start) > oldest):
        return "not_applicable"
    if feed == "exclusions" and all(d.month == 8 for d in days):
        return "not_applicable"
    if not viewed:
        return "not_in_view"
    if not shared:
        return "not_shared"
    if DUE_AFTER[feed] >= len(days):
        return "not_yet_due"
    if len(shared) < len(days):
        return "partly_observed"
    return (
        "observed" if any(FEED_OF[e["indicator"]] == feed for e in usable(world, person, window)) else "none_recorded"
    )


def usable(world, person, window):
    """Events known on the as-of date, in the window and not expired."""
    as_of, start = world.as_of, world.as_of - BACK[window]
    two_months_ago = as_of - relativedelta(months=2)
    return [
        e
        for e in events_in_force(world, person, as_of)
        if start <= e["event_date"] < as_of
        and (e["indicator"] != "missing_episode" or e["event_date"] >= two_months_ago)
    ]


def cell(world, person, feature):
    window = feature.window.short
    mine = [e for e in usable(world, person, window) if e["indicator"] == feature.indicator]
    values = [e["value"] for e in mine if e["value"] is not None]
    both = [e for e in usable(world, person, TWICE[window]) if e["indicator"] == feature.indicator]
    since = min(((world.as_of - e["event_date"]).days for e in mine), default=LONGEST[window])
    return {
        "count": len(mine),
        "any": bool(mine),
        "sum": sum(values),
        "mean": sum(values) / len(values) if values else np.nan,
        "max": max(values, default=np.nan),
        "distinct": len(set(values)),
        "trend": 2 * len(mine) - len(both) if both else np.nan,
        "days_since_last": since,
    }[feature.measure]


def place_in_cohort(world, person):
    """``(eligible or routed or objecting or None, the spell)`` on the as-of date."""
    spell = spell_on(spells_of(world, person, world.as_of), world.as_of)
    age = spell and age_on(spell["birth_month"], world.as_of)
    if spell is None or spell["area"] == "E03" or age is None or not 10 <= age <= 17:
        return None, spell
    if objects(world, person, "score", world.as_of):
        return "objecting", spell
    plans = [e for e in usable(world, person, "12m") if e["indicator"] == "plan"]
    return ("routed" if len(plans) >= 2 else "eligible"), spell


OUTCOMES = {
    "exclusion_later": {
        "start": relativedelta(months=1),
        "horizon": relativedelta(months=3),
        "lag": relativedelta(months=1),
        "of": ("permanent_exclusion",),
        "at_least": 1,
        "reviewed": False,
    },
    "twice_seen": {
        "start": relativedelta(0),
        "horizon": relativedelta(days=45),
        "lag": relativedelta(months=2),
        "of": ("permanent_exclusion", "suspension"),
        "at_least": 2,
        "reviewed": True,
    },
}


def label(world, person, born, rule):
    """``(y, why missing, y were no offer a reason, days followed)``."""
    as_of = world.as_of
    start = as_of + rule["start"]
    end = start + rule["horizon"]
    complete = end + rule["lag"]
    events = events_in_force(world, person, complete)

    def happened(names, first, until):
        return sorted(e["event_date"] for e in events if e["indicator"] in names and first <= e["event_date"] < until)

    spells = spells_of(world, person, complete)
    gone = [day for i in range((end - as_of).days) if spell_on(spells, day := as_of + ONE_DAY * i) is None]
    leaves = min([*gone, *happened(("departure",), as_of, dt.date.max)], default=dt.date.max)
    outcome = [day for day in happened(rule["of"], start, end) if day <= leaves]
    y = len(outcome) >= rule["at_least"]
    why = [
        reason
        for reason, holds in (
            ("beyond_frame", complete > worlds.LAST_DAY or age_on(born, end - ONE_DAY) > 17),
            ("treated", happened(("offer",), as_of, end)),
            ("in_embargo", len(happened(rule["of"], as_of, start)) >= rule["at_least"]),
            ("exited", leaves < end and not y),
            ("not_reviewed", rule["reviewed"] and not y and not happened(("plan",), start, end)),
        )
        if holds
    ]
    decided = outcome[rule["at_least"] - 1] if y else min(leaves, end)
    return (
        np.nan if why else float(y),
        why[0] if why else "",
        np.nan if set(why) - {"treated"} else float(y),
        (decided - start).days if not why or why[0] == "exited" else np.nan,
    )


def check_cohort(world, coded, day):
    placed = {p: place_in_cohort(world, p) for p in coded.people.tolist()}
    for who in ("routed", "objecting"):
        found = coded.people[getattr(day.cohort, who)].tolist()
        assert found == [p for p, (place, _) in placed.items() if place == who]
    eligible = {p: spell for p, (place, spell) in placed.items() if place == "eligible"}
    assert day.X.index.get_level_values("person_id").tolist() == list(eligible)
    assert day.rows["area"].tolist() == [spell["area"] for spell in eligible.values()]
    assert day.rows["household_id"].tolist() == [spell["household_id"] or p for p, spell in eligible.items()]
    return eligible


def check_cells(world, day, eligible):
    for name in day.status:
        feed, window = name.rsplit("_", 1)
        expected = [status_of(world, p, feed, window, spell["birth_month"]) for p, spell in eligible.items()]
        assert [STATUS[code] for code in day.status[name]] == expected
    for feature in SPEC.columns:
        feed, window = FEED_OF[feature.indicator], feature.window.short
        looks_back = TWICE[window] if feature.measure == "trend" else window
        seen = [status_of(world, p, feed, looks_back, s["birth_month"]) in STATUS[:2] for p, s in eligible.items()]
        expected = [cell(world, p, feature) if known else np.nan for p, known in zip(eligible, seen, strict=True)]
        np.testing.assert_array_equal(day.X[feature.name].to_numpy(), np.array(expected, dtype=np.float32))


def check_labels(world, coded, day, eligible):
    for outcome, rule in zip(SPEC.outcomes, OUTCOMES.values(), strict=True):
        labels = labels_on(SPEC, outcome, coded, day.cohort, as_of=day.as_of, data_end=as_days(worlds.LAST_DAY))
        complete = world.as_of + rule["start"] + rule["horizon"] + rule["lag"]
        later, called = linked(world, complete), one_person(world, complete)
        expected = [label(later, called[p], spell["birth_month"], rule) for p, spell in eligible.items()]
        assert [WHY_MISSING[number] for number in labels.why[day.chosen]] == [answer[1] for answer in expected]
        for name, i in {"y": 0, "with_treated": 2, "followed": 3}.items():
            known = np.array([answer[i] for answer in expected], dtype=float)
            np.testing.assert_array_equal(getattr(labels, name)[day.chosen], known)


@pytest.mark.long
@settings(deadline=None, max_examples=10_000)
@given(worlds.worlds())
def test_ten_thousand_stores_equal_their_definition(world: World):
    check(world)


@settings(deadline=None, max_examples=300)
@given(worlds.worlds())
def test_cohort_features_statuses_and_labels_equal_their_definition(world: World):
    check(world)


def check(world: World):
    coded = encode(SPEC, world.store())
    day = day_of(LAYOUT, coded, as_days(world.as_of))
    assert coded.people.tolist() == everybody(world)
    known = as_read(world)
    eligible = check_cohort(known, coded, day)
    check_cells(known, day, eligible)
    check_labels(world, coded, day, eligible)


@settings(deadline=None, max_examples=200)
@given(worlds.worlds())
def test_no_row_is_made_of_who_objects_to_training_under_any_pseudonym(world: World):
    coded, day = encode(SPEC, world.store()), dt.date(2025, 7, 2)
    held, called = linked(world, day), one_person(world, day)
    refused = [any(objects(held, called[p], "train", day, f) for f in (None, "exclusions", "missing")) for p in called]
    assert left_out(coded, "train", int(as_days(day).astype(np.int64))).tolist() == refused


@settings(deadline=None, max_examples=200)
@given(worlds.worlds())
def test_a_merge_that_is_split_again_leaves_every_byte_as_it_was(world: World):
    before = replace(world, links=[])
    pairs = [{k: link[k] for k in ("link_id", "person_id", "other_id", "confidence")} for link in world.links]
    merged = [pair | {"kind": "merge", "known_date": world.as_of - ONE_DAY * 9} for pair in pairs]
    split = [pair | {"kind": "split", "known_date": world.as_of - ONE_DAY * 2} for pair in pairs]
    plain = day_of(LAYOUT, encode(SPEC, before.store()), as_days(world.as_of))
    undone = day_of(LAYOUT, encode(SPEC, replace(world, links=merged + split).store()), as_days(world.as_of))
    for part in ("X", "status", "rows"):
        pd.testing.assert_frame_equal(getattr(undone, part), getattr(plain, part), check_exact=True)


@settings(deadline=None, max_examples=100)
@given(worlds.worlds())
def test_a_count_is_explained_by_so_many_events(world: World):
    events = world.store()
    day = day_of(LAYOUT, encode(SPEC, events), as_days(world.as_of))
    known = as_read(world)
    for name in ("suspension_count_12m", "missing_episode_count_45d"):
        for (person, _), value in day.X[name].items():
            found = explain_feature(SPEC, events, person, world.as_of, name)
            assert found.value == value or (np.isnan(found.value) and np.isnan(value))
            mine = [e for e in usable(known, person, name[-3:]) if e["indicator"] == name[: -len("_count_12m")]]
            assert sorted(found.events["event_id"]) == sorted(e["event_id"] for e in mine)
