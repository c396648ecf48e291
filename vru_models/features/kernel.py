"""The one feature kernel: events to measures by counting on a composite code, for one as-of date at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vru_models.features.coded import OPEN, Coded
from vru_models.features.people import Segments, withheld
from vru_models.features.status import (
    NONE_RECORDED,
    OBSERVED,
    WITHHELD,
    cell_status,
    shared_on,
    status_column,
    window_start,
)
from vru_models.spec import Spec
from vru_models.spec.question import Feature


@dataclass(frozen=True)
class Counted:
    """Per person and indicator (flattened), over one window.

    How many events, how many of them with a value, the values' sum and greatest, and the last day.
    """

    count: np.ndarray
    valued: np.ndarray
    total: np.ndarray
    largest: np.ndarray
    last_day: np.ndarray


def usable_events(coded: Coded, spec: Spec, as_of: np.datetime64) -> np.ndarray:
    """Positions of the events known on the as-of date, happened before it, and not yet too old by ``expires_after``."""
    day = int(as_of.astype(np.int64))
    oldest = np.array([_oldest(spec, name, as_of) for name in coded.indicators], dtype=np.int64)
    events = coded.events
    use = events.known_at(day) & (events.start < day) & (events.start >= oldest[coded.indicator])
    return np.flatnonzero(use)


def _oldest(spec: Spec, indicator: str, as_of: np.datetime64) -> int:
    expires = spec.indicators[indicator].expires_after
    return window_start(expires, as_of) if expires else np.iinfo(np.int64).min


def count_window(coded: Coded, positions: np.ndarray, start: int) -> Counted:
    """Measures of the given events (sorted by day) from day ``start`` on; a sum ignores missing values."""
    rows = positions[np.searchsorted(coded.events.start[positions], start) :]
    size = len(coded.people) * len(coded.indicators)
    code = coded.events.person[rows] * len(coded.indicators) + coded.indicator[rows]
    value, day = coded.value[rows], coded.events.start[rows]
    given = ~np.isnan(value)
    largest = np.full(size, -np.inf)
    np.maximum.at(largest, code[given], value[given])
    last_day = np.full(size, -OPEN)
    last_day[code] = day
    return Counted(
        np.bincount(code, minlength=size),
        np.bincount(code[given], minlength=size),
        np.bincount(code[given], weights=value[given], minlength=size),
        largest,
        last_day,
    )


def features_on(
    spec: Spec, coded: Coded, segments: Segments, *, as_of: np.datetime64, births: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """X (float32, people x features) and the uint8 status columns (per feed and window) of everybody on one date."""
    columns, positions = spec.columns, usable_events(coded, spec, as_of)
    feed_of = {feature.indicator: spec.indicators[feature.indicator].feed for feature in columns}
    X = np.full((len(coded.people), len(columns)), np.nan, dtype=np.float32)
    statuses: dict[str, np.ndarray] = {}
    day = int(as_of.astype(np.int64))
    shared = {f: shared_on(coded, segments, f, day=day, births=births) for f in dict.fromkeys(feed_of.values())}
    refused = withheld(coded, day, shared)
    for window in sorted(dict.fromkeys(feature.window for feature in columns)):
        counted = count_window(coded, positions, window_start(window, as_of))
        mine = [(column, feature) for column, feature in enumerate(columns) if feature.window == window]
        for feed in dict.fromkeys(feed_of[feature.indicator] for _, feature in mine):
            table = spec.table_of(feed)
            status = cell_status(segments, shared[feed], table, window=window, as_of=as_of, births=births)
            status[(status == NONE_RECORDED) & _any_event(spec, coded, counted, feed)] = OBSERVED
            if feed in refused:
                status[refused[feed]] = WITHHELD
            statuses[status_column(feed, window)] = status
        for column, feature in mine:
            cells = _measure(
                feature, counted, slice(coded.indicators.index(feature.indicator), None, len(coded.indicators)), as_of
            )
            given = statuses[status_column(feed_of[feature.indicator], window)] <= OBSERVED
            X[:, column] = np.where(given, cells, np.nan)
    return X, statuses


def _any_event(spec: Spec, coded: Coded, counted: Counted, feed: str) -> np.ndarray:
    mine = [i for i, name in enumerate(coded.indicators) if spec.indicators[name].feed == feed]
    counts = counted.count.reshape(len(coded.people), len(coded.indicators))
    return np.asarray(counts[:, mine].any(axis=1))


def _measure(feature: Feature, counted: Counted, mine: slice, as_of: np.datetime64) -> np.ndarray:
    count = counted.count[mine]
    match feature.measure:
        case "count":
            return count
        case "any":
            return count > 0
        case "sum":
            return counted.total[mine]
        case "days_since_last":
            since = int(as_of.astype(np.int64)) - counted.last_day[mine]
            return np.where(count > 0, since, feature.window.longest_days)
        case "max":
            return np.where(counted.valued[mine] > 0, counted.largest[mine], np.nan)
        case "mean":
            valued = counted.valued[mine]
            return np.where(valued > 0, counted.total[mine] / np.maximum(valued, 1), np.nan)
    raise ValueError(f"measure {feature.measure!r} is not known")
