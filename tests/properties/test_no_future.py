"""Nothing known on or after an as-of date is in its rows: shown on the stored versions, before they are folded."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random

import pandas as pd
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import World

from vru_models.dataset.outcome import label_dates, labels_on
from vru_models.dataset.rows import day_of
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.spec.calendar import as_days

SPEC = worlds.spec()
LAYOUT = Layout.of(SPEC)
PARTS = ("events", "spells", "coverage", "links", "objections")


def rows_of(held, as_of):
    """All that a date's rows hold, with who is in view and who is routed."""
    return rows_and_labels(held, as_of)[0]


def rows_and_labels(held, as_of):
    coded = encode(SPEC, held)
    day = day_of(LAYOUT, coded, as_days(as_of))
    told = (day.cohort.spell >= 0, day.cohort.routed, day.cohort.objecting)
    who = pd.DataFrame([[coded.people[them].tolist() for them in told]])
    rows = {"X": day.X, "status": day.status, "rows": day.rows, "who": who}
    labels = labels_on(SPEC, SPEC.outcome, coded, day.cohort, as_of=day.as_of, data_end=as_days(worlds.LAST_DAY))
    y, why = labels.y, labels.why
    return rows, pd.DataFrame({"y": y[day.chosen], "why": why[day.chosen]}, index=day.X.index)


def assert_same(one, other):
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


def changed(world: World, change) -> World:
    """The world with every version that was known on or after the as-of date put through ``change``."""
    parts = {
        part: [new for row in getattr(world, part) if (new := row if row["known_date"] < world.as_of else change(row))]
        for part in PARTS
    }
    return dataclasses.replace(world, **parts)


@settings(deadline=None, max_examples=30)
@given(worlds.worlds())
def test_rows_are_the_same_from_only_what_was_known_before_the_date(world):
    held = world.store()
    whole = rows_of(held, world.as_of)
    assert_same(whole, rows_of(changed(world, lambda row: None).store(), world.as_of))
    assert_same(whole, rows_of(held.as_known(world.as_of), world.as_of))


@settings(deadline=None, max_examples=30)
@given(worlds.worlds(), st.integers(0, 2**32))
def test_altering_what_was_known_on_or_after_the_date_changes_nothing(world, seed):
    choice = random.Random(seed)

    def otherwise(row):
        columns = [name for name in row if not name.endswith("_id") and name not in ("known_date", "indicator", "feed")]
        others = {
            "event_date": world.as_of - dt.timedelta(choice.randint(1, 300)),
            "start_date": world.as_of - dt.timedelta(choice.randint(1, 300)),
            "end_date": choice.choice([None, world.as_of - dt.timedelta(1), world.as_of]),
            "birth_month": choice.choice([None, dt.date(world.as_of.year - 15, 1, 1)]),
            "area": choice.choice(worlds.AREAS),
            "status": choice.choice(["recorded", "withdrawn"]),
            "value": choice.choice([None, 99.0]),
            "age_from": choice.choice([None, 14]),
            "age_to": None,
            "kind": choice.choice(["merge", "split"]),
            "confidence": choice.choice([0.1, 1.0]),
            "purpose": choice.choice(["score", "all", "audit"]),
            "household_id": None,
        }
        return row | {name: others[name] for name in columns}

    assert_same(rows_of(world.store(), world.as_of), rows_of(changed(world, otherwise).store(), world.as_of))


@settings(deadline=None, max_examples=30)
@given(worlds.worlds(), st.integers(0, 2**32), st.integers(0, 20))
def test_adding_what_becomes_known_on_or_after_the_date_changes_nothing(world, seed, later):
    more = worlds.world(seed, world.as_of, (60, 10, 6, 0, 0, 4, 4))
    known = world.as_of + dt.timedelta(later)
    named = {part: f"{part.removesuffix('s')}_id" for part in PARTS}
    parts = {
        part: getattr(world, part) + [r | {key: f"later {r[key]}", "known_date": known} for r in getattr(more, part)]
        for part, key in named.items()
    }
    grown = dataclasses.replace(world, **parts)
    assert_same(rows_of(world.store(), world.as_of), rows_of(grown.store(), world.as_of))


@settings(deadline=None, max_examples=30)
@given(worlds.worlds())
def test_deleting_what_was_known_once_the_label_is_complete_changes_no_label(world):
    complete = label_dates(SPEC, SPEC.outcome, as_days(world.as_of))[2].item()
    kept = {part: [row for row in getattr(world, part) if row["known_date"] < complete] for part in PARTS}
    both = (world, dataclasses.replace(world, **kept))
    pd.testing.assert_frame_equal(*(rows_and_labels(w.store(), w.as_of)[1] for w in both))


@settings(deadline=None, max_examples=30)
@given(worlds.worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(world, order):
    shuffled = {part: order.sample(getattr(world, part), len(getattr(world, part))) for part in PARTS}
    both = (world, dataclasses.replace(world, **shuffled))
    (rows, labels), (other_rows, other_labels) = (rows_and_labels(w.store(), w.as_of) for w in both)
    assert_same(rows, other_rows)
    pd.testing.assert_frame_equal(labels, other_labels)


@settings(deadline=None, max_examples=30)
@given(worlds.worlds(), st.sampled_from(worlds.PEOPLE))
def test_a_persons_row_is_independent_of_who_else_is_in_the_store(world, person):
    world = dataclasses.replace(world, links=[])
    parts = ("events", "spells", "objections")
    own = {part: [row for row in getattr(world, part) if row["person_id"] == person] for part in parts}
    both = (world, dataclasses.replace(world, **own))
    (together, labels), (apart, own_labels) = (rows_and_labels(w.store(), w.as_of) for w in both)
    mine = labels.index.get_level_values("person_id") == person
    for name in ("X", "status", "rows"):
        pd.testing.assert_frame_equal(together[name][mine], apart[name], check_exact=True)
    pd.testing.assert_frame_equal(labels[mine], own_labels)
