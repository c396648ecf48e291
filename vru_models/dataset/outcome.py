"""The label of a row, or the first reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from vru_models.dataset.cohort import Cohort
from vru_models.features.coded import Coded
from vru_models.features.people import end_of_stay, linked, same_person, segments_known
from vru_models.spec import Spec
from vru_models.spec.calendar import completed_years

WHY_MISSING: Final = ("", "beyond_frame", "treated", "in_embargo", "exited")
"""Reasons why a label is missing, by number, in the order in which the first that holds is given; 0 is labelled."""


def label_dates(spec: Spec, as_of: np.datetime64) -> tuple[np.datetime64, np.datetime64, np.datetime64]:
    """``start = as_of + embargo``, ``end = start + horizon`` and ``complete = end + reporting_lag``."""
    start = spec.outcome.embargo.after(as_of)
    end = spec.outcome.horizon.after(start)
    return start, end, spec.outcome.reporting_lag.after(end)


def labels_on(
    spec: Spec, coded: Coded, cohort: Cohort, *, as_of: np.datetime64, data_end: np.datetime64
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (1, 0 or NaN) and the number of the reason in :data:`WHY_MISSING`, per person.

    Outcomes, offers, exits and links count as known when the label is complete. An outcome on the day of an exit or
    before it is 1; an exit without one leaves the label missing. A label that needs days after ``data_end`` (the
    earliest extract date among the outcome's feeds) is missing whatever happened, and so is that of who will pass the
    age bound.
    """
    day = int(as_of.astype(np.int64))
    start, end, complete = (int(d.astype(np.int64)) for d in label_dates(spec, as_of))
    outcome, person = spec.outcome, same_person(coded, complete)
    coded = linked(coded, complete)
    leaves = _leaving_day(spec, coded, day=day, complete=complete)
    happened = _counts(coded, outcome.indicators, (start, end), complete, last=leaves) >= outcome.at_least
    treated = _counts(coded, outcome.treated_by, (day, end), complete) > 0
    before = _counts(coded, outcome.indicators, (day, start), complete) >= outcome.at_least
    exited = (leaves < end) & ~happened
    beyond = _beyond_frame(spec, cohort, end, complete, data_end)
    happened, *others = (answer[person] for answer in (happened, treated, before, exited))
    reasons = (beyond, *others)
    why = np.zeros(len(coded.people), dtype=np.uint8)
    for number in range(len(reasons), 0, -1):
        why[reasons[number - 1]] = number
    return np.where(why == 0, happened.astype(float), np.nan), why


def _counts(
    coded: Coded,
    indicators: Sequence[str],
    window: tuple[int, int],
    complete: int,
    *,
    last: np.ndarray | None = None,
) -> np.ndarray:
    events = coded.events
    numbers = [coded.indicators.index(name) for name in indicators]
    mine = np.isin(coded.indicator, numbers) & events.known_at(complete)
    mine &= (events.start >= window[0]) & (events.start < window[1])
    if last is not None:
        mine &= events.start <= last[events.person]
    return np.bincount(events.person[mine], minlength=len(coded.people))


def _leaving_day(spec: Spec, coded: Coded, *, day: int, complete: int) -> np.ndarray:
    """The first day on which each person had left, by the end of their stay or an exit event; OPEN if they had not."""
    leaves = end_of_stay(segments_known(coded, complete), day, len(coded.people))
    events = coded.events
    numbers = [coded.indicators.index(name) for name in spec.outcome.exits]
    exits = np.flatnonzero(np.isin(coded.indicator, numbers) & events.known_at(complete) & (events.start >= day))
    np.minimum.at(leaves, events.person[exits], events.start[exits])
    return leaves


def _beyond_frame(spec: Spec, cohort: Cohort, end: int, complete: int, data_end: np.datetime64) -> np.ndarray:
    if complete > int(data_end.astype(np.int64)):
        return np.ones(len(cohort.ages), dtype=bool)
    if spec.cohort.age_to is None:
        return np.zeros(len(cohort.ages), dtype=bool)
    last_day = np.datetime64(end - 1, "D")
    return np.asarray(completed_years(cohort.births, last_day) > spec.cohort.age_to)
