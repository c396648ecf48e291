"""What an empty cell means: the status of every row, feed and window, from coverage and spells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vru_models.features.coded import OPEN, Coded, Coverage
from vru_models.features.people import Segments
from vru_models.spec.calendar import SchoolDays, Span, add_months, completed_years
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

_AUGUST: Final = 7

EVERYWHERE: Final = "*"
"""The area of a coverage row that holds for all of them."""

NONE_RECORDED, OBSERVED, NOT_SHARED, NOT_IN_VIEW, NOT_APPLICABLE, PARTLY_OBSERVED, NOT_YET_DUE, WITHHELD = range(8)


@dataclass(frozen=True)
class Shared:
    """When one feed was shared, as known on a day, for the segments it was asked for.

    First days and days after the last, a stretch per row and a segment per column; those of one segment do not overlap.
    """

    starts: np.ndarray
    ends: np.ndarray

    def days(self, segments: Segments, start: int, day: int) -> np.ndarray:
        """Days of each segment inside ``[start, day)`` on which the feed was shared for it."""
        first, last = np.maximum(segments.start, start), np.minimum(segments.end, day)
        total = np.zeros(len(segments.person), dtype=np.int64)
        for begins, ends in zip(self.starts, self.ends, strict=True):
            total += np.maximum(np.minimum(ends, last) - np.maximum(begins, first), 0)
        return total


def shared_on(coded: Coded, segments: Segments, feed: str, *, day: int, births: np.ndarray) -> Shared:
    """The coverage of a feed that was known on a day, by the segments it applies to.

    A coverage row applies to its area (``*``: all) and, where it has age limits (inclusive), to the days on which the
    person was of these ages; one with limits does not apply to somebody whose birth month (``births``, per person) is
    unknown.
    """
    rows = coded.coverage.known_of(feed, day)
    which = _rows_by_area(rows.area, coded.areas)
    limited = np.flatnonzero((rows.age_from > 0) | (rows.age_to < OPEN))
    if not len(limited):
        return Shared(*(part[:, segments.area] for part in _disjoint(*_stretches(rows, which))))
    which = which[:, segments.area]
    starts, ends = _stretches(rows, which)
    born = births[segments.person]
    for row in limited:
        mine = which == row
        starts = np.where(mine, np.maximum(starts, _birthdays(born, int(rows.age_from[row]))), starts)
        ends = np.where(mine, np.minimum(ends, _birthdays(born, int(rows.age_to[row]) + 1)), ends)
    return Shared(*_disjoint(starts, ends))


def _rows_by_area(area: np.ndarray, areas: Sequence[str]) -> np.ndarray:
    """Positions of the coverage rows of each area, one column per area, -1 where it has fewer than others."""
    everywhere = np.flatnonzero(area == EVERYWHERE)
    column = {name: number for number, name in enumerate(areas)}
    named = [(row, column[name]) for row, name in enumerate(area.tolist()) if name in column]
    held = Counter(number for _, number in named)
    which = np.full((len(everywhere) + max(held.values(), default=0), len(areas)), -1)
    which[: len(everywhere)] = everywhere[:, None]
    taken = Counter[int]()
    for row, number in named:
        which[len(everywhere) + taken[number], number] = row
        taken[number] += 1
    return which


def _stretches(rows: Coverage, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First days and ends of the coverage rows at these positions; a stretch that never comes where there is none."""
    starts, ends = (np.append(dates, OPEN)[which] for dates in (rows.start, rows.end))
    return starts, ends


def _birthdays(births: np.ndarray, age: int) -> np.ndarray:
    """Day numbers on which people turn an age; OPEN where the birth month is unknown or the age has no limit."""
    if age > OPEN:
        return np.full(len(births), OPEN)
    return np.where(np.isnat(births), OPEN, add_months(births, 12 * age).astype(np.int64))


def _disjoint(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same stretches per column, in order, each begun only where those before it have ended."""
    if len(starts) < 2:
        return starts, ends
    order = np.argsort(starts, axis=0, kind="stable")
    starts, ends = np.take_along_axis(starts, order, axis=0), np.take_along_axis(ends, order, axis=0)
    starts[1:] = np.maximum(starts[1:], np.maximum.accumulate(ends, axis=0)[:-1])
    return starts, ends


@dataclass(frozen=True)
class Seen:
    """Some people on an as-of date: their segments (numbered by their place here), birth months and ages."""

    as_of: np.datetime64
    segments: Segments
    births: np.ndarray
    ages: np.ndarray

    @property
    def day(self) -> int:
        """The as-of date as a day number."""
        return int(self.as_of.astype(np.int64))

    def per_person(self, days: np.ndarray) -> np.ndarray:
        """Days of each segment, added up by person."""
        return np.bincount(self.segments.person, weights=days, minlength=len(self.births))


@dataclass(frozen=True)
class Window:
    """A window ``[start, as_of)``: its first day, the days people were in view in it, and their ages when it began."""

    start: int
    viewed: np.ndarray
    ages: np.ndarray

    @classmethod
    def of(cls, seen: Seen, start: int) -> Window:
        """The window of the people seen, from its first day on."""
        viewed = seen.per_person(seen.segments.overlap(start, seen.day))
        return cls(start, viewed, completed_years(seen.births, np.datetime64(start, "D")))


def cell_status(
    seen: Seen, window: Window, shared: Shared, table: TableSchema, *, school: SchoolDays | None
) -> np.ndarray:
    """Status per person of one feed and window, before events are looked at: none_recorded or a reason for NaN.

    The order of precedence is the design's: not_applicable, not_in_view, not_shared, not_yet_due, partly_observed.
    A feed of term time is not_applicable over a window without a school day of the calendar; see
    :func:`could_be_open`.
    """
    covered = seen.per_person(shared.days(seen.segments, window.start, seen.day))
    lowest, highest = table.x_vru.ages
    outside = (seen.ages >= 0) & ((seen.ages < lowest) | (window.ages > highest))
    status = np.where(covered < seen.day - window.start, PARTLY_OBSERVED, NONE_RECORDED).astype(np.uint8)
    if seen.day - table.x_vru.due_after <= window.start:
        status[:] = NOT_YET_DUE
    status[covered == 0] = NOT_SHARED
    status[window.viewed == 0] = NOT_IN_VIEW
    never = table.x_vru.calendar == "term_time" and not could_be_open(school, window.start, seen.day)
    status[outside | never] = NOT_APPLICABLE
    return status


def could_be_open(school: SchoolDays | None, start: int, day: int) -> bool:
    """Whether ``[start, day)`` holds a day on which there could be school.

    That is a school day of the declared calendar. Of a day beyond what the calendar declares, or where none is, nothing
    is known but that school is out in August.
    """
    days = np.arange(start, day).astype("datetime64[D]")
    undeclared = (days < school.first[0]) | (days >= school.end) if school else np.ones(len(days), dtype=bool)
    months = days[undeclared].astype("datetime64[M]").astype(np.int64) % 12
    return bool((months != _AUGUST).any() or (school is not None and school.count(start, day)))


def status_column(feed: str, window: Span) -> str:
    """Name of a column of ``Dataset.status``: ``education_suspension_12m``."""
    return f"{feed}_{window.short}"
