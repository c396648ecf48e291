"""What an empty cell means: the status of every row, feed and window, from coverage and spells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vru_models.features.coded import OPEN, Coded, Coverage
from vru_models.features.people import Segments
from vru_models.spec.calendar import Span, add_months, completed_years
from vru_models.spec.tables import TableSchema

STATUS: Final = (
    "none_recorded",
    "observed",
    "not_shared",
    "not_in_view",
    "not_applicable",
    "partly_observed",
    "not_yet_due",
    "withheld",
)
"""Meaning of the codes 0 to 7 in ``Dataset.status``; never renumbered. Only the first two have a value in X."""

NONE_RECORDED, OBSERVED, NOT_SHARED, NOT_IN_VIEW, NOT_APPLICABLE, PARTLY_OBSERVED, NOT_YET_DUE, WITHHELD = range(8)


def window_start(window: Span, as_of: np.datetime64) -> int:
    """Day number of the first day of ``[as_of - window, as_of)``."""
    return int(window.before(as_of).astype(np.int64))


@dataclass(frozen=True)
class Shared:
    """When one feed was shared, as known on a day: per area, its segments and the stretches that cover each of them.

    Stretches are two arrays (first days, days after the last), one row per stretch and one column per segment; those
    of one segment do not overlap.
    """

    areas: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]

    def days(self, segments: Segments, start: int, day: int) -> np.ndarray:
        """Days of each segment inside ``[start, day)`` on which the feed was shared for it."""
        total = np.zeros(len(segments.person), dtype=np.int64)
        for where, begins, ends in self.areas:
            first, last = np.maximum(segments.start[where], start), np.minimum(segments.end[where], day)
            total[where] = np.maximum(np.minimum(ends, last) - np.maximum(begins, first), 0).sum(axis=0)
        return total


def shared_on(coded: Coded, segments: Segments, feed: str, *, day: int, births: np.ndarray) -> Shared:
    """The coverage of a feed that was known on a day, by the segments it applies to.

    A coverage row applies to its area (``*``: all) and, where it has age limits (inclusive), to the days on which the
    person was of these ages; one with limits does not apply to somebody whose birth month (``births``, per person) is
    unknown.
    """
    rows = coded.coverage.known_of(feed, day)
    named = [coded.areas.index(name) for name in sorted(set(rows.area)) if name in coded.areas]
    area = np.where(np.isin(segments.area, named), segments.area, -1)
    areas = []
    for number in np.unique(area):
        where = np.flatnonzero(area == number)
        covering = rows.of_area(coded.areas[number] if number >= 0 else "*")
        areas.append((where, *_disjoint(*_stretches(covering, births[segments.person[where]]))))
    return Shared(tuple(areas))


def _stretches(rows: Coverage, births: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First days and ends of coverage rows, one column per person, within the days they were of the row's ages."""
    starts = np.repeat(rows.start[:, None], len(births), axis=1)
    ends = np.repeat(rows.end[:, None], len(births), axis=1)
    for i in np.flatnonzero((rows.age_from > 0) | (rows.age_to < OPEN)):
        starts[i] = np.maximum(starts[i], _birthdays(births, int(rows.age_from[i])))
        ends[i] = np.minimum(ends[i], _birthdays(births, int(rows.age_to[i]) + 1))
    return starts, ends


def _birthdays(births: np.ndarray, age: int) -> np.ndarray:
    """Day numbers on which people turn an age; OPEN where the birth month is unknown or the age has no limit."""
    if age > OPEN:
        return np.full(len(births), OPEN)
    return np.where(np.isnat(births), OPEN, add_months(births, 12 * age).astype(np.int64))


def _disjoint(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same stretches per column, in order, each begun only where those before it have ended."""
    order = np.argsort(starts, axis=0, kind="stable")
    starts, ends = np.take_along_axis(starts, order, axis=0), np.take_along_axis(ends, order, axis=0)
    starts[1:] = np.maximum(starts[1:], np.maximum.accumulate(ends, axis=0)[:-1])
    return starts, ends


def cell_status(
    segments: Segments, shared: Shared, table: TableSchema, *, window: Span, as_of: np.datetime64, births: np.ndarray
) -> np.ndarray:
    """Status per person of one feed and window, before events are looked at: none_recorded or a reason for NaN.

    ``births`` are birth months per person. The order of precedence is the design's: not_applicable, not_in_view,
    not_shared, not_yet_due, partly_observed.
    """
    start, day = window_start(window, as_of), int(as_of.astype(np.int64))
    n_people = len(births)
    viewed = np.bincount(segments.person, weights=segments.overlap(start, day), minlength=n_people)
    covered = np.bincount(segments.person, weights=shared.days(segments, start, day), minlength=n_people)
    lowest, highest = table.x_vru.ages
    ages, were = completed_years(births, as_of), completed_years(births, window.before(as_of))
    outside = (ages >= 0) & ((ages < lowest) | (were > highest))
    status = np.where(covered < day - start, PARTLY_OBSERVED, NONE_RECORDED).astype(np.uint8)
    if day - table.x_vru.due_after <= start:
        status[:] = NOT_YET_DUE
    status[covered == 0] = NOT_SHARED
    status[viewed == 0] = NOT_IN_VIEW
    status[outside | _never_possible(table, start, day)] = NOT_APPLICABLE
    return status


def _never_possible(table: TableSchema, start: int, day: int) -> bool:
    """Whether the window holds no day on which the thing could happen: school is out in August."""
    if table.x_vru.calendar == "every_day":
        return False
    months = np.arange(start, day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return bool((months == 7).all())


def status_column(feed: str, window: Span) -> str:
    """Name of a column of ``Dataset.status``: ``education_suspension_12m``."""
    return f"{feed}_{window.short}"
