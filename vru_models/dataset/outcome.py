"""The label of a row, or the first reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vru_models.dataset.cohort import Cohort
from vru_models.features.coded import OPEN, Coded
from vru_models.features.people import end_of_stay, linked, same_person, segments_known
from vru_models.spec import Spec
from vru_models.spec.calendar import completed_years
from vru_models.spec.question import Outcome

WHY_MISSING: Final = ("", "beyond_frame", "treated", "in_embargo", "exited", "not_reviewed")
"""Reasons why a label is missing, by number, in the order in which the first that holds is given; 0 is labelled."""

EXITED: Final = WHY_MISSING.index("exited")
_TREATED: Final = WHY_MISSING.index("treated")


@dataclass(frozen=True)
class Labels:
    """Labels on one as-of date, one array per column, one row per person.

    Parameters
    ----------
    y
        1, 0 or NaN.
    why
        The number of the reason in :data:`WHY_MISSING` where ``y`` is NaN, else 0.
    with_treated
        The label had no offer been accepted in between, as far as it is known: that of the treated as it turned out.
    followed
        Days from the start of the outcome window to the event that made the label 1, to the exit that left it missing
        (below 0 where that was in the embargo), or to the end of the window. NaN where it is missing for another
        reason.
    """

    y: np.ndarray
    why: np.ndarray
    with_treated: np.ndarray
    followed: np.ndarray


def label_dates(
    spec: Spec, outcome: Outcome, as_of: np.datetime64
) -> tuple[np.datetime64, np.datetime64, np.datetime64]:
    """``start = as_of + embargo``, ``end = start + horizon`` and ``complete = end + reporting_lag``."""
    start = spec.after(outcome.embargo, as_of)
    end = spec.after(outcome.horizon, start)
    return start, end, spec.after(outcome.reporting_lag, end)


def labels_on(
    spec: Spec, outcome: Outcome, coded: Coded, cohort: Cohort, *, as_of: np.datetime64, data_end: np.datetime64
) -> Labels:
    """The labels that an outcome gives on an as-of date, per person.

    Outcomes, offers, exits, reviews and links count as known when the label is complete. An outcome on the day of an
    exit or before it is 1; an exit without one leaves the label missing. A label that needs days after ``data_end``
    (the earliest extract date among the outcome's feeds) is missing whatever happened, and so is that of who will pass
    the age bound. Where an outcome is seen only for those reviewed, who had neither a review nor an outcome in the
    window has no label.
    """
    day = int(as_of.astype(np.int64))
    start, end, complete = (int(d.astype(np.int64)) for d in label_dates(spec, outcome, as_of))
    person = same_person(coded, complete)
    coded = linked(coded, complete)
    leaves = _leaving_day(outcome, coded, day=day, complete=complete)
    decided = _deciding_day(outcome, coded, (start, end), complete, last=leaves)
    happened = decided < OPEN
    exited = (leaves < end) & ~happened
    reviewed = happened | (outcome.ascertainment == "all")
    reviewed |= _counts(coded, outcome.reviewed_by, (start, end), complete) > 0
    reasons = {
        "beyond_frame": _beyond_frame(spec, cohort, end, complete, data_end),
        "treated": (_counts(coded, outcome.treated_by, (day, end), complete) > 0)[person],
        "in_embargo": (_counts(coded, outcome.indicators, (day, start), complete) >= outcome.at_least)[person],
        "exited": exited[person],
        "not_reviewed": ~reviewed[person],
    }
    why, untreated = _first(reasons), _first(reasons | {"treated": np.zeros(len(person), dtype=bool)})
    y = happened[person].astype(float)
    followed = np.where(exited, leaves, np.minimum(decided, end))[person] - start
    return Labels(
        y=np.where(why == 0, y, np.nan),
        why=why,
        with_treated=np.where(untreated == 0, y, np.nan),
        followed=np.where((why == 0) | (why == EXITED), followed, np.nan),
    )


def _first(reasons: dict[str, np.ndarray]) -> np.ndarray:
    """The number of the first reason that holds for each person, or 0."""
    numbers = range(1, len(WHY_MISSING))
    return np.select([reasons[WHY_MISSING[n]] for n in numbers], [np.uint8(n) for n in numbers], np.uint8(0))


def _when(
    coded: Coded,
    indicators: Sequence[str],
    window: tuple[int, int],
    complete: int,
) -> np.ndarray:
    """Positions of the events of some indicators in a window, as known when the label is complete."""
    events = coded.events
    numbers = [coded.indicators.index(name) for name in indicators]
    mine = np.isin(coded.indicator, numbers) & events.known_at(complete)
    return np.flatnonzero(mine & (events.start >= window[0]) & (events.start < window[1]))


def _counts(coded: Coded, indicators: Sequence[str], window: tuple[int, int], complete: int) -> np.ndarray:
    mine = _when(coded, indicators, window, complete)
    return np.asarray(np.bincount(coded.events.person[mine], minlength=len(coded.people)))


def _deciding_day(
    outcome: Outcome, coded: Coded, window: tuple[int, int], complete: int, *, last: np.ndarray
) -> np.ndarray:
    """The day of the outcome event with which each person has as many as make a 1, up to a last day; OPEN if never."""
    events, n_people = coded.events, len(coded.people)
    mine = _when(coded, outcome.indicators, window, complete)
    mine = mine[events.start[mine] <= last[events.person[mine]]]
    mine = mine[np.argsort(events.person[mine], kind="stable")]
    counts = np.bincount(events.person[mine], minlength=n_people)
    enough = counts >= outcome.at_least
    decided = np.full(n_people, OPEN)
    decided[enough] = events.start[mine][(np.cumsum(counts) - counts)[enough] + outcome.at_least - 1]
    return decided


def _leaving_day(outcome: Outcome, coded: Coded, *, day: int, complete: int) -> np.ndarray:
    """The first day on which each person had left, by the end of their stay or an exit event; OPEN if they had not."""
    leaves = end_of_stay(segments_known(coded, complete), day, len(coded.people))
    exits = _when(coded, outcome.exits, (day, int(OPEN)), complete)
    np.minimum.at(leaves, coded.events.person[exits], coded.events.start[exits])
    return leaves


def _beyond_frame(spec: Spec, cohort: Cohort, end: int, complete: int, data_end: np.datetime64) -> np.ndarray:
    if complete > int(data_end.astype(np.int64)):
        return np.ones(len(cohort.ages), dtype=bool)
    if spec.cohort.age_to is None:
        return np.zeros(len(cohort.ages), dtype=bool)
    last_day = np.datetime64(end - 1, "D")
    return np.asarray(completed_years(cohort.births, last_day) > spec.cohort.age_to)
