"""What the recorded events are: how late they became known, and in what role, with what status, of what year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.disclosure.profiles import profile_named
from vru_models.disclosure.protect import Protected, cell_beside, protect
from vru_models.disclosure.shares import said, shares, with_days

LATE_DAYS: Final = 31
"""An event first known more days after it happened than this is late: it missed the next monthly list."""

BANDS: Final = {"known_0_to_7": 7, "known_8_to_31": 31, "known_32_to_92": 92, "known_93_on": None}
"""Days from an event to its being known, a count each: within a week, a month, a quarter, and later."""

BY: Final = ("role", "status", "year")
_MEDIAN, _P95 = 0.5, 0.95


@dataclass(frozen=True, eq=False)
class Description:
    """What the events are, protected: their ``lags``, and their ``composition`` by role, status and year.

    Printed, a share that may not be shown is at most or at least so much, as on the readiness page.
    """

    lags: Protected
    composition: Protected

    def frame(self) -> pd.DataFrame:
        """The lags, a row per indicator, with a note where a figure is not shown; see :func:`lags`."""
        return self.lags.frame()

    def __repr__(self) -> str:
        shown = said(self.lags)
        columns = ["indicator", "events", "people", "late_share", "assumed_share", "median_days", "p95_days"]
        return f"{shown[columns].to_string(index=False)}\n(.lags, .composition: by role, status and year)"


def first_known(frame: pd.DataFrame, until: Mapping[str, dt.date] | None = None) -> pd.DataFrame:
    """Each event once, at its first version: ``person_id, indicator, feed, lag`` in days, if that is ``assumed``.

    Parameters
    ----------
    until
        By feed, the date of the last extract whose known dates were assumed.
    """
    first = frame.sort_values("known_date", kind="stable").drop_duplicates("event_id")
    lag = (first["known_date"] - first["event_date"]).dt.days
    texts = {name: first[name].astype("str") for name in ("person_id", "indicator", "feed")}
    last = pd.to_datetime(texts["feed"].map({feed: pd.Timestamp(day) for feed, day in (until or {}).items()}))
    return pd.DataFrame(texts | {"lag": lag.astype("int64"), "assumed": first["known_date"] <= last})


def lags(frame: pd.DataFrame, *, until: Mapping[str, dt.date] | None = None, profile: str) -> Protected:
    """One row per indicator: how long it took until an event was known, of each event's first version.

    Columns ``indicator, feed, events, people, late`` (first known more than 31 days on), ``assumed`` (with a known date
    that is assumed), one count for each of :data:`BANDS`, the share of each of these with its bounds, and
    ``median_days, p95_days``. A quantile is shown only where more people lie at it or above, and at it or below, than a
    redacted count may hold; otherwise it is one person's.

    Parameters
    ----------
    frame
        ``Events.frame``.
    until
        By feed, the date of the last extract whose known dates were assumed.

    Examples
    --------
    >>> from vru_models.events import Events
    >>> said = pd.DataFrame({"person_id": [f"p{i}" for i in range(40)], "indicator": "suspension",
    ...     "event_date": "2024-01-01", "known_date": ["2024-01-03"] * 20 + ["2024-03-01"] * 20})
    >>> lags(Events.from_frame(said).frame, profile="opensafely").table[["events", "late", "late_share"]]
       events  late  late_share
    0    40.0  20.0         0.5
    """
    first = first_known(frame, until)
    keys = ["indicator", "feed"]
    marks: dict[str, Any] = {"events": True, "late": first["lag"] > LATE_DAYS, "assumed": first["assumed"]}
    over = -1
    for name, most in BANDS.items():
        marks[name] = (first["lag"] > over) & (first["lag"] <= (np.inf if most is None else most))
        over = over if most is None else most
    marked = first.assign(**marks)
    grouped = marked.groupby(keys, sort=True)
    table = grouped[list(marks)].sum().astype("int64")
    table.insert(1, "people", grouped["person_id"].nunique().astype("int64"))
    people = {
        name: marked[marked[name]]
        .groupby(keys)["person_id"]
        .nunique()
        .reindex(table.index, fill_value=0)
        .to_numpy(copy=True)
        for name in marks
    }
    days = pd.DataFrame(
        [_quantiles(rows, profile_named(profile).redact_up_to) for _, rows in grouped],
        columns=["median_days", "p95_days"],
        dtype="float64",
    )
    rates = {f"{name}_share": (name, "events") for name in ("late", "assumed", *BANDS)}
    counts = list(table.columns)
    safe = shares(table.reset_index(), counts=counts, rates=rates, people=people, profile=profile)
    return with_days(safe.withheld(_bands_beside(table, people, profile)), days)


def _bands_beside(table: pd.DataFrame, people: Mapping[str, np.ndarray], profile: str) -> dict[str, np.ndarray]:
    """The bands to be withheld beside those about few people: of all events, of the late and of the others."""
    names, most = list(BANDS), profile_named(profile).redact_up_to
    few = np.column_stack([people[name] <= most for name in names])
    rows, beside = table[names].to_numpy(), np.zeros((len(table), len(names)), dtype=bool)
    for i in range(len(table)):
        for block in (slice(None, 2), slice(2, None), slice(None)):
            if not beside[i, block].any():
                beside[i, block] = cell_beside(rows[i, block], few[i, block], profile=profile)
    return {name: beside[:, j] for j, name in enumerate(names)} | {
        f"{name}_share{end}": beside[:, j] for j, name in enumerate(names) for end in ("", "_low", "_high")
    }


def _quantiles(rows: pd.DataFrame, redacted: int) -> list[float]:
    """Median and 95th percentile, in whole days upward; NaN where they would be of too few people."""
    figures = []
    for share in (_MEDIAN, _P95):
        at = float(np.quantile(rows["lag"], share, method="higher"))
        sides = (rows["person_id"][rows["lag"] >= at], rows["person_id"][rows["lag"] <= at])
        figures.append(at if min(side.nunique() for side in sides) > redacted else float("nan"))
    return figures


def composition(frame: pd.DataFrame, *, profile: str) -> Protected:
    """One row per feed and role, status or year: ``feed, by, value, events, people``.

    Each event counts once, at its last version; the year is its own. Every feed has a row for every value that some
    feed has, so that none cannot be told from few.
    """
    last = frame.sort_values("known_date", kind="stable").drop_duplicates("event_id", keep="last")
    last = last.assign(year=last["event_date"].dt.year.astype("str"), feed=last["feed"].astype("str"))
    parts = []
    for by in BY:
        values = last[by].astype("str")
        counted = last.groupby(["feed", values.rename("value")])["person_id"].agg(["size", "nunique"])
        every = pd.MultiIndex.from_product([sorted(set(last["feed"])), sorted(set(values))], names=["feed", "value"])
        filled = counted.reindex(every, fill_value=0).set_axis(["events", "people"], axis=1).reset_index()
        filled.insert(1, "by", by)
        parts.append(filled)
    table = pd.concat(parts, ignore_index=True).astype({"events": "int64", "people": "int64"})
    few = (table["people"] <= profile_named(profile).redact_up_to).to_numpy()
    beside = np.zeros(len(table), dtype=bool)
    for at in table.groupby(["feed", "by"], sort=False).indices.values():
        beside[at] = cell_beside(table["events"].to_numpy()[at], few[at], profile=profile)
    safe = protect(table.assign(events=table["events"].mask(few, 0)), counts=["events", "people"], profile=profile)
    return safe.withheld({"events": beside})
