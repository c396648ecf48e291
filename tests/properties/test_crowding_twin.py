"""The weeks in which rows have events, against their definition in plain Python."""

from __future__ import annotations

import datetime as dt

import numpy as np
import test_kernel_twin as twin
import worlds
from hypothesis import given, settings

from vru_models.dataset.alarms import indicators_of
from vru_models.dataset.rows import Question, assemble, weeks_before
from vru_models.features.coded import encode
from vru_models.spec.calendar import as_days

FEEDS = (None, "exclusions", "missing")


def weeks_in(world):
    """Indicators x labels x (earlier, last), one row and week after the other."""
    known, names = twin.as_read(world), indicators_of(twin.SPEC)
    rule = next(iter(twin.OUTCOMES.values()))
    complete = world.as_of + rule["start"] + rule["horizon"] + rule["lag"]
    later, called = twin.linked(world, complete), twin.one_person(world, complete)
    last = worlds.LAST_DAY + twin.ONE_DAY
    at_last, called_last = twin.linked(world, last), twin.one_person(world, last)
    counts = np.zeros((len(names), 2, 2), dtype=int)
    for person in twin.everybody(world):
        place, spell = twin.place_in_cohort(known, person)
        refuses = any(twin.objects(at_last, called_last[person], "train", last, feed) for feed in FEEDS)
        if place != "eligible" or refuses:
            continue
        y, *_ = twin.label(later, called[person], spell["birth_month"], rule)
        for i, name in enumerate(() if y is None or np.isnan(y) else names):
            ago = [
                (world.as_of - e["event_date"]).days
                for e in twin.events_in_force(known, person, world.as_of)
                if e["indicator"] == name
            ]
            for week in {(days - 1) // 7 for days in ago if 1 <= days <= 91}:
                counts[i, int(y), int(week == 0)] += 1
    return counts


@settings(deadline=None, max_examples=300)
@given(worlds.worlds())
def test_weeks_with_events_equal_their_definition(world):
    coded = encode(twin.SPEC, world.store())
    last = int(as_days(worlds.LAST_DAY + dt.timedelta(1)).astype(np.int64))
    ends = (as_days(worlds.LAST_DAY),) * len(twin.SPEC.outcomes)
    question = Question(twin.LAYOUT, (as_days(world.as_of),), ends, last)
    expected = weeks_in(world).tolist()
    assert weeks_before(question, coded).tolist() == expected
    assert assemble(question, coded, part=lambda people: np.zeros(len(people))).weeks.tolist() == expected
