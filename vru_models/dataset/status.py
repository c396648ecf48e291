"""What an empty cell means: the status of every row, feed and window, from coverage and spells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from vru_models.dataset.coded import OPEN, Coded
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


def shared_days(coded: Coded, segments: Segments, feed: str, window: tuple[int, int], ages: np.ndarray) -> np.ndarray:
    """Days in the window on which each person was in view and the feed was shared for their area and age.

    ``ages`` (per person, on the as-of date; -1 unknown) are held against a coverage row's age limits, inclusive: a row
    with limits does not cover somebody of unknown age.
    """
    start, day = window
    rows = coded.coverage
    known = rows[(rows["feed"] == feed) & (rows["known_date"] < day) & (day <= rows["known_until"])]
    days = np.zeros(len(segments.person), dtype=np.int64)
    for area, age, where in _classes(coded, segments, known, ages):
        mine = known[known["area"].isin(["*", area])]
        if age is not None:
            mine = mine[(mine["age_from"] <= age) & (age <= mine["age_to"])]
        for first, last in _merged(mine):
            days[where] += segments.overlap(max(start, first), min(day, last))[where]
    return np.bincount(segments.person, weights=days, minlength=len(coded.people)).astype(np.int64)


def _classes(
    coded: Coded, segments: Segments, known: pd.DataFrame, ages: np.ndarray
) -> Iterator[tuple[str, int | None, np.ndarray]]:
    """Segments that the same coverage rows apply to: by area, and by age where any row has an age limit."""
    limited = bool((known["age_from"] > 0).any() or (known["age_to"] < OPEN).any())
    age = ages[segments.person]
    for number in np.unique(segments.area):
        here = segments.area == number
        for value in np.unique(age[here]) if limited else [None]:
            where = here if value is None else here & (age == value)
            yield coded.areas[number], None if value is None else int(value), where


def _merged(stretch: pd.DataFrame) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(zip(stretch["start_date"], stretch["end_date"], strict=True)):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def cell_status(
    coded: Coded,
    segments: Segments,
    feed: str,
    table: TableSchema,
    *,
    window: Span,
    as_of: np.datetime64,
    births: np.ndarray,
) -> np.ndarray:
    """Status per person of one feed and window, before events are looked at: none_recorded or a reason for NaN.

    ``births`` are birth months per person. The order of precedence is the design's: not_applicable, not_in_view,
    not_shared, not_yet_due, partly_observed.
    """
    start, day = window_start(window, as_of), int(as_of.astype(np.int64))
    ages = completed_years(births, as_of)
    viewed = np.bincount(segments.person, weights=segments.overlap(start, day), minlength=len(coded.people))
    shared = shared_days(coded, segments, feed, (start, day), ages)
    lowest, highest = table.x_vru.ages
    was = completed_years(births, window.before(as_of))
    outside = (ages >= 0) & ((ages < lowest) | (was > highest))
    status = np.where(shared < day - start, PARTLY_OBSERVED, NONE_RECORDED).astype(np.uint8)
    if day - table.x_vru.due_after <= start:
        status[:] = NOT_YET_DUE
    status[shared == 0] = NOT_SHARED
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
