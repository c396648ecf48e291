"""The proof finds every leak that is planted, on any store, and nothing where there is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import worlds
from hypothesis import given, settings

from vru_models.dataset import cohort, leakage, prove_no_leakage, rows
from vru_models.dataset.outcome import label_dates
from vru_models.errors import LeakageError
from vru_models.features import counting, kernel, people
from vru_models.features.coded import OPEN, Coverage, Timeline
from vru_models.features.people import segments_known

SPEC = worlds.spec()
ALL = slice(None)
WORLD = worlds.world(7, worlds.AS_OF[0], (80, 6, 0, 4, 2, 0, 0))
"""An ordinary store; nothing in it is made for the leaks below."""


def known_on_the_day_itself(plant):
    plant(Timeline, "known_at", lambda self, day, at=ALL: (self.known[at] <= day) & (day <= self.until[at]))


def known_dates_ignored(plant):
    plant(Timeline, "known_at", lambda self, day, at=ALL: day <= self.until[at])


def superseded_on_the_day_itself(plant):
    plant(Timeline, "known_at", lambda self, day, at=ALL: (self.known[at] < day) & (day < self.until[at]))


def only_what_was_never_superseded(plant):
    plant(Timeline, "known_at", lambda self, day, at=ALL: (self.known[at] < day) & (self.until[at] == OPEN))


def coverage_known_on_the_day_itself(plant):
    plant(Coverage, "known_of", lambda self, feed, day: self.rows((self.feed == feed) & (self.known <= day)))


def coverage_known_whenever(plant):
    plant(Coverage, "known_of", lambda self, feed, day: self.rows((self.feed == feed) & (day <= self.until)))


def coverage_as_it_stands_now(plant):
    plant(Coverage, "known_of", lambda self, feed, day: self.rows((self.feed == feed) & (self.until == OPEN)))


def spells_known_whenever(plant):
    plant(rows, "segments_known", lambda coded, day: segments_known(coded, int(OPEN)))


def spells_known_the_day_after(plant):
    plant(rows, "segments_known", lambda coded, day: segments_known(coded, day + 1))


def label_events_as_features(plant):
    def usable(spec, coded, as_of, since):
        _, end, complete = (int(d.astype(np.int64)) for d in label_dates(spec, spec.outcome, as_of))
        return np.flatnonzero(
            coded.events.known_at(complete) & (coded.events.start >= since) & (coded.events.start < end)
        )

    plant(counting, "usable_events", usable)


def outcome_of_the_horizon_as_a_feature(plant):
    def usable(spec, coded, as_of, since):
        start, end, _ = (int(d.astype(np.int64)) for d in label_dates(spec, spec.outcome, as_of))
        return np.flatnonzero((coded.events.start >= start) & (coded.events.start < end))

    plant(counting, "usable_events", usable)


def expiry_counted_from_the_last_event(plant):
    def usable(spec, coded, as_of, since):
        day, happened = int(as_of.astype(np.int64)), coded.events.start
        fresh = (happened >= since) & (happened >= happened.max() - 300)
        return np.flatnonzero(coded.events.known_at(day) & (happened < day) & fresh)

    plant(counting, "usable_events", usable)


def values_scaled_by_the_whole_store(plant):
    honest = kernel.features_on

    def scaled(layout, coded, *args, **kwargs):
        X, statuses = honest(layout, coded, *args, **kwargs)
        return X / np.float32(len(coded.events.person)), statuses

    plant(rows, "features_on", scaled)


def missing_cells_filled_with_the_mean_of_all_rows(plant):
    honest = kernel.features_on

    def filled(layout, coded, *args, **kwargs):
        X, statuses = honest(layout, coded, *args, **kwargs)
        return np.where(np.isnan(X), np.float32(np.nanmean(coded.value)), X), statuses

    plant(rows, "features_on", filled)


def rules_met_whenever_known(plant):
    def met(spec, coded, rule, as_of):
        mine = coded.indicator == coded.indicators.index(rule.indicator)
        return np.bincount(coded.events.person[mine], minlength=len(coded.people)) >= rule.at_least

    plant(cohort, "_rule_met", met)


def birth_month_of_the_latest_spell(plant):
    honest = rows.cohort_on

    def latest(spec, coded, segments, as_of):
        by_person = dict(zip(coded.spells.person.tolist(), coded.birth_month, strict=True))
        births = np.array([by_person[p] for p in coded.spells.person.tolist()], dtype="datetime64[M]")
        return honest(spec, dataclasses.replace(coded, birth_month=births), segments, as_of)

    plant(rows, "cohort_on", latest)


def household_of_the_latest_spell(plant):
    honest = rows.day_of

    def latest(layout, coded, as_of):
        by_person = dict(zip(coded.spells.person.tolist(), coded.household, strict=True))
        households = np.array([by_person[p] for p in coded.spells.person.tolist()], dtype=object)
        return honest(layout, dataclasses.replace(coded, household=households), as_of)

    plant(leakage, "day_of", latest)


def only_the_final_version_of_an_event_is_read(plant):
    honest = leakage.encode

    def final(spec, events):
        last = events.frame.drop_duplicates("event_id", keep="last")
        return honest(spec, dataclasses.replace(events, frame=last[last["known_until"].isna()]))

    plant(leakage, "encode", final)


def links_known_whenever(plant):
    honest = people.same_person
    plant(people, "same_person", lambda coded, day: honest(coded, int(OPEN) - 1))


def links_known_on_the_day_itself(plant):
    honest = people.same_person
    plant(people, "same_person", lambda coded, day: honest(coded, day + 1))


def objections_known_whenever(plant):
    def objecting(coded, purpose, day, *, feed=""):
        when = coded.objections.when
        return np.bincount(when.person[(when.start <= day) & (day < when.end)], minlength=len(coded.people)) > 0

    plant(cohort, "objected", objecting)


LEAKS = [
    links_known_whenever,
    links_known_on_the_day_itself,
    objections_known_whenever,
    known_on_the_day_itself,
    known_dates_ignored,
    superseded_on_the_day_itself,
    only_what_was_never_superseded,
    coverage_known_on_the_day_itself,
    coverage_known_whenever,
    coverage_as_it_stands_now,
    spells_known_whenever,
    spells_known_the_day_after,
    label_events_as_features,
    outcome_of_the_horizon_as_a_feature,
    expiry_counted_from_the_last_event,
    values_scaled_by_the_whole_store,
    missing_cells_filled_with_the_mean_of_all_rows,
    rules_met_whenever_known,
    birth_month_of_the_latest_spell,
    household_of_the_latest_spell,
    only_the_final_version_of_an_event_is_read,
]


@pytest.fixture(scope="module")
def held():
    events = WORLD.store()
    (found,) = prove_no_leakage(SPEC, events, as_of=[WORLD.as_of])
    assert found.status == "pass"
    return events


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found(leak, held, monkeypatch):
    leak(monkeypatch.setattr)
    with pytest.raises(LeakageError, match="rows change when the future is changed"):
        prove_no_leakage(SPEC, held, as_of=[WORLD.as_of])


def test_the_error_names_the_date_and_the_remedy_and_no_person(held, monkeypatch):
    known_dates_ignored(monkeypatch.setattr)
    message = r"^as-of date 2024-02-29: rows change .*\. Expected: identical rows\. Report this as a defect\.$"
    with pytest.raises(LeakageError, match=message):
        prove_no_leakage(SPEC, held, as_of=["2024-02-29"])


@settings(deadline=None, max_examples=15)
@given(worlds.worlds())
def test_where_nothing_leaks_the_proof_passes(world):
    (found,) = prove_no_leakage(SPEC, world.store(), as_of=[world.as_of])
    viewed = len({spell["person_id"] for spell in world.spells})
    assert (found.code, found.status, found.figures) == ("VRU201", "pass", {"people": viewed, "dates": 1})


def test_the_sample_is_drawn_by_lottery_and_its_size_is_stated(held):
    (found,) = prove_no_leakage(SPEC, held, as_of=["2024-02-29", "2023-06-15"], n_people=2)
    assert found.message.startswith("2 people on 2 as-of dates: identical when")
    drawn = set(leakage._sample(held, 2).spells["person_id"])
    assert len(drawn) == 2
    assert drawn == set(leakage._sample(held, 2).spells["person_id"])


def test_without_dates_those_of_the_specs_splits_are_proved(held):
    (found,) = prove_no_leakage(SPEC, held)
    assert found.figures["dates"] == 2
