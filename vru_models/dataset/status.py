"""What an empty cell means: the status of every row, feed and window, from coverage and spells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vru_models.dataset.coded import Coded
from vru_models.dataset.view import Segments
from vru_models.spec.calendar import Span, completed_years
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

NONE_RECORDED, OBSERVED, NOT_SHARED, NOT_IN_VIEW, NOT_APPLICABLE, PARTLY_OBSERVED, NOT_YET_DUE = range(7)


def window_start(window: Span, as_of: np.datetime64) -> int:
    """Day number of the first day of ``[as_of - window, as_of)``."""
    return int(window.before(as_of).astype(np.int64))


@dataclass(frozen=True)
class Shared:
    """When one feed was shared, as known on a day: for each set of segments, the stretches that cover them."""

    classes: tuple[tuple[np.ndarray, tuple[tuple[int, int], ...]], ...]

    def days(self, segments: Segments, start: int, day: int) -> np.ndarray:
        """Days of each segment inside ``[start, day)`` on which the feed was shared for it."""
        total = np.zeros(len(segments.person), dtype=np.int64)
        for where, stretches in self.classes:
            first, last = segments.start[where], segments.end[where]
            for begins, ends in stretches:
                inside = np.minimum(last, min(ends, day)) - np.maximum(first, max(begins, start))
                total[where] += np.maximum(inside, 0)
        return total


def shared_on(coded: Coded, segments: Segments, feed: str, *, day: int, ages: np.ndarray) -> Shared:
    """The coverage of a feed that was known on a day, by the segments it applies to.

    A coverage row applies to its area (``*``: all) and, where it has age limits (inclusive), to who was of these ages on
    the day (``ages``, per person); one with limits does not apply to somebody of unknown age.
    """
    rows = coded.coverage.known_of(feed, day)
    age = ages[segments.person]
    limits = np.unique(np.concatenate([rows.age_from, rows.age_to + 1]))
    band = np.searchsorted(limits, age, side="right")
    named = [coded.areas.index(name) for name in sorted(set(rows.area)) if name in coded.areas]
    area = np.where(np.isin(segments.area, named), segments.area, -1)
    classes = []
    for number in np.unique(area):
        name = coded.areas[number] if number >= 0 else "*"
        for value in np.unique(band[area == number]):
            where = np.flatnonzero((area == number) & (band == value))
            covering = rows.covering(name, int(age[where[0]]))
            classes.append((where, _merged(covering.start, covering.end)))
    return Shared(tuple(classes))


def _merged(starts: np.ndarray, ends: np.ndarray) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(zip(starts.tolist(), ends.tolist(), strict=True)):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


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
