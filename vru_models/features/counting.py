"""Counting on a composite code: every window of every indicator and person from one pass over a date's events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vru_models.features.coded import OPEN, Coded
from vru_models.features.layout import Group, Layout
from vru_models.spec import Spec
from vru_models.spec.calendar import Span
from vru_models.spec.question import NEEDS_VALUE


@dataclass(frozen=True)
class Counts:
    """What was recorded of some people by a date: arrays of indicators x windows x people, ``last`` without windows.

    ``valued`` counts the events that have a value; the arrays of values are empty where no feature asks for them.
    ``sessions`` are those that were possible in the windows of rates.
    """

    day: int
    starts: Mapping[Span, int]
    axis: Mapping[Span, int]
    events: np.ndarray
    last: np.ndarray
    valued: np.ndarray
    total: np.ndarray
    largest: np.ndarray
    distinct: np.ndarray
    sessions: Mapping[Span, int]

    def any_of(self, slots: np.ndarray, window: Span) -> np.ndarray:
        """Whether a person has any event of these indicators in a window."""
        return np.asarray(self.events[slots, self.axis[window]].any(axis=0))

    def cells(self, group: Group) -> np.ndarray:
        """Some features of one measure, features x people, as if everything about them had been observed."""
        at = group.slots, [self.axis[window] for window in group.windows]
        match group.measure:
            case "count":
                cells = self.events[at]
            case "any":
                cells = self.events[at] > 0
            case "sum":
                cells = self.total[at]
            case "mean":
                cells = np.where(self.valued[at] > 0, self.total[at] / np.maximum(self.valued[at], 1), np.nan)
            case "max":
                cells = np.where(self.valued[at] > 0, self.largest[at], np.nan)
            case "distinct":
                cells = self.distinct[at]
            case "rate":
                possible = np.array([[self.sessions[window]] for window in group.windows], dtype=np.float64)
                cells = self.total[at] / np.where(possible > 0, possible, np.nan)
            case "days_since_last":
                reach = np.array([[self.day - self.starts[window]] for window in group.windows], dtype=np.float32)
                since = (self.day - self.last).astype(np.float32)[group.slots]
                cells = np.where(since <= reach, since, group.longest[:, None].astype(np.float32))
            case "trend":
                both = self.events[group.slots, [self.axis[window] for window in group.looks_back]]
                cells = np.where(both > 0, 2 * self.events[at] - both, np.nan)
        return np.asarray(cells)


def usable_events(spec: Spec, coded: Coded, as_of: np.datetime64, *, since: int) -> np.ndarray:
    """Positions of the events from day ``since`` on and before the date, known on it and not yet expired."""
    day, events = int(as_of.astype(np.int64)), coded.events
    lo, hi = np.searchsorted(events.start, (since, day))
    within = slice(lo, hi)
    use = events.known_at(day, within)
    if any(spec.indicators[name].expires_after for name in coded.indicators):
        oldest = np.array([_oldest(spec, name, as_of) for name in coded.indicators], dtype=np.int64)
        use &= events.start[within] >= oldest[coded.indicator[within]]
    return np.asarray(lo + np.flatnonzero(use))


def _oldest(spec: Spec, indicator: str, as_of: np.datetime64) -> int:
    expires = spec.indicators[indicator].expires_after
    return int(spec.before(expires, as_of).astype(np.int64)) if expires else -int(OPEN)


def count_events(layout: Layout, coded: Coded, row: np.ndarray, *, as_of: np.datetime64, n: int) -> Counts:
    """The counts of ``n`` people on a date; ``row`` is each person's place among them, or -1.

    Windows are nested, so an event is counted in the shortest that holds it and a running sum gives the others.
    """
    starts = layout.starts(as_of)
    edges = sorted(set(starts.values()), reverse=True)
    at = usable_events(layout.spec, coded, as_of, since=edges[-1])
    place, slot = row[coded.events.person[at]], layout.slot[coded.indicator[at]]
    mine = (place >= 0) & (slot >= 0)
    at, place, slot = at[mine], place[mine], slot[mine]
    happened, value = coded.events.start[at], coded.value[at]
    shape = (int(layout.slot.max()) + 1, len(edges), n)
    whose, code = slot * n + place, (slot * len(edges) + _nested(happened, edges)) * n + place
    last = np.full(shape[0] * n, -OPEN, dtype=np.int64)
    last[whose] = happened
    given = np.flatnonzero(~np.isnan(value)) if layout.measures(*NEEDS_VALUE) else np.array([], int)
    code_given, value = code[given], value[given]

    def summed(codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        held = np.bincount(codes, weights, minlength=shape[0] * shape[1] * n).reshape(shape)
        for shorter, longer in zip(range(len(edges) - 1), range(1, len(edges)), strict=True):
            held[:, longer] += held[:, shorter]
        return held

    none = np.empty((0, 0, 0))
    return Counts(
        day=int(as_of.astype(np.int64)),
        starts=starts,
        axis={window: edges.index(start) for window, start in starts.items()},
        events=summed(code),
        last=last.reshape(shape[0], n),
        valued=summed(code_given) if layout.measures("mean", "max") else none,
        total=summed(code_given, value) if layout.measures("sum", "mean", "rate") else none,
        largest=_largest(code_given, value, shape) if layout.measures("max") else none,
        distinct=summed(_last_of_each(code_given, (slot * n + place)[given], value))
        if layout.measures("distinct")
        else none,
        sessions=layout.sessions(as_of),
    )


def _nested(happened: np.ndarray, edges: list[int]) -> np.ndarray:
    """Per event, ascending by day, the number of the shortest window that holds it.

    ``edges`` are the first days of the windows, descending; the first event is not before the last of them.
    """
    bounds = np.searchsorted(happened, edges)[::-1]
    return np.repeat(np.arange(len(edges))[::-1], np.diff(bounds, append=len(happened)))


def _largest(code: np.ndarray, value: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    held = np.full(shape[0] * shape[1] * shape[2], -np.inf)
    np.maximum.at(held, code, value)
    return np.asarray(np.maximum.accumulate(held.reshape(shape), axis=1))


def _last_of_each(code: np.ndarray, whose: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The codes of the last event of each different value: a value counts in a window that holds the last of it."""
    order = np.lexsort((np.arange(len(value)), value, whose))
    whose, value = whose[order], value[order]
    ends = np.append((whose[1:] != whose[:-1]) | (value[1:] != value[:-1]), True)[: len(order)]
    return np.asarray(code[order[ends]])
