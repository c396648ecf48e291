"""Which feed was shared when, and how many records there are of each month."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.disclosure.profiles import profile_named
from vru_models.disclosure.protect import Protected, cell_beside, protect
from vru_models.events.events import Events
from vru_models.feeds.feeds import Feeds
from vru_models.quality.feeds import person_column
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day, as_days

SHARED, PARTLY, NOT_SHARED = "shared", "partly", "not shared"
MOST_MONTHS: Final = 240
"""Months before the last extract that a calendar goes back at most; a date of birth in a date column fills no page."""

MONTH, DAY = np.timedelta64(1, "M"), np.timedelta64(1, "D")
_OLDEST: Final = 200


def calendar(feeds: Feeds, events: Events, spec: Spec) -> Protected:
    """One row per feed of events and month, from the first day covered or recorded to the last extract.

    Columns ``feed, month`` (``2024-01``), ``state, records``. A feed was ``shared`` in a month when the coverage in
    force says so of every day up to the extract, of every area in which somebody has a spell, and of every age that is
    both the cohort's and the feed's; ``partly`` when of some; else ``not shared``. Records are distinct records, dated
    by the schema's event date, corrections aside; a month in which they are about few people is redacted, and another
    withheld beside it where these have many records all the same.
    """
    names = [name for name in spec.feeds if spec.table_of(name).x_vru.kind == "events" and name in feeds.accepted]
    dated = {name: _dated(feeds, spec, name) for name in names}
    cover = events.coverage[events.coverage["known_until"].isna() & events.coverage["feed"].isin(names)]
    months = _months(cover, dated, max((feeds.extract_dates[name] for name in names), default=None))
    areas = sorted(set(events.spells["area"].dropna().astype("str"))) or sorted({*cover["area"].astype("str")}) or ["*"]
    parts = []
    for name in names:
        state = states(cover[cover["feed"] == name], months, areas, _ages(spec, name), feeds.extract_dates[name])
        records, people = _per_month(dated[name], months)
        labels: dict[str, Any] = {"feed": name, "month": np.datetime_as_string(months), "state": state}
        few = people <= profile_named(spec.disclosure.profile).redact_up_to
        beside = cell_beside(records, few, profile=spec.disclosure.profile)
        parts.append(pd.DataFrame(labels | {"records": np.where(few, 0, records), "beside": beside}))
    empty = pd.DataFrame(columns=["feed", "month", "state", "records", "beside"])
    table = (pd.concat(parts, ignore_index=True) if parts else empty).astype({"records": "int64", "beside": "bool"})
    safe = protect(table.drop(columns="beside"), counts=["records"], profile=spec.disclosure.profile)
    return safe.withheld({"records": table["beside"].to_numpy()})


def _dated(feeds: Feeds, spec: Spec, name: str) -> pd.DataFrame:
    """Each record of a feed once: its month, and whom (or, of areas, what) it is about."""
    frame, table = feeds.accepted[name], spec.table_of(name)
    once = frame.drop_duplicates(list(table.primary_key))
    column = person_column(spec, name)
    whom = once[column] if column else pd.Series(range(len(once)), index=once.index)
    month = once[str(table.x_vru.event_date)].to_numpy().astype("datetime64[M]")
    return pd.DataFrame({"month": month.astype(np.int64), "whom": pd.factorize(whom)[0]})


def _months(cover: pd.DataFrame, dated: dict[str, pd.DataFrame], last: Any) -> np.ndarray:
    if last is None:
        return np.array([], dtype="datetime64[M]")
    end = as_day(last).astype("datetime64[M]").astype(np.int64)
    starts = cover["start_date"].dropna().to_numpy().astype("datetime64[M]").astype(np.int64)
    found = [int(d["month"].min()) for d in dated.values() if len(d)] + ([int(starts.min())] if len(starts) else [])
    first = max(min([*found, end]), end - MOST_MONTHS + 1)
    return np.arange(first, end + 1).astype("datetime64[M]")


def _ages(spec: Spec, feed: str) -> tuple[int, int]:
    """The ages that are both the cohort's and the feed's; the feed's where the two do not meet."""
    lowest, highest = spec.table_of(feed).x_vru.ages
    asked = (spec.cohort.age_from, spec.cohort.age_to)
    low = lowest if asked[0] is None else max(lowest, asked[0])
    high = highest if asked[1] is None else min(highest, asked[1])
    return (low, high) if low <= high else (lowest, highest)


def states(
    cover: pd.DataFrame, months: np.ndarray, areas: list[str], ages: tuple[int, int], extract_date: Any
) -> np.ndarray:
    """For each month, whether coverage rows (of one feed) say that all of it was shared, some of it, or nothing."""
    if not len(months):
        return np.array([], dtype=object)
    first = months[0].astype("datetime64[D]").astype(np.int64)
    after = (months[-1] + MONTH).astype("datetime64[D]"), as_day(extract_date) + DAY
    end = min(after).astype(np.int64)
    starts = months.astype("datetime64[D]").astype(np.int64) - first
    every, some = np.ones(len(months), dtype=bool), np.zeros(len(months), dtype=bool)
    for area in areas:
        here = cover[cover["area"].isin([area, "*"])]
        covered = np.zeros((end - first, ages[1] - ages[0] + 1), dtype=bool)
        for row in here.to_dict("records"):
            begin, stop = _within((row["start_date"], row["end_date"]), first, end)
            low, high = (
                limit if pd.isna(n) else int(n) for n, limit in ((row["age_from"], 0), (row["age_to"], _OLDEST))
            )
            covered[begin:stop, max(low - ages[0], 0) : max(high + 1 - ages[0], 0)] = True
        within = starts < len(covered)
        whole, part = covered.all(axis=1), covered.any(axis=1)
        every[within] &= np.logical_and.reduceat(whole, starts[within])
        some[within] |= np.logical_or.reduceat(part, starts[within])
        every[~within] = False
    return np.where(every, SHARED, np.where(some, PARTLY, NOT_SHARED)).astype(object)


def _within(dates: tuple[Any, Any], first: int, end: int) -> tuple[int, int]:
    """First day and day after the last, counted from ``first`` on; an open end is ``end``."""
    begin, stop = (end if pd.isna(date) else int(as_days(date).astype(np.int64)) for date in dates)
    return max(begin - first, 0), max(min(stop, end) - first, 0)


def _per_month(dated: pd.DataFrame, months: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Records and distinct people of each month."""
    at = dated["month"].to_numpy() - months.astype(np.int64)[0]
    inside = (at >= 0) & (at < len(months))
    pairs = dated[inside].drop_duplicates()
    records = np.bincount(at[inside], minlength=len(months))
    people = np.bincount(pairs["month"].to_numpy() - months.astype(np.int64)[0], minlength=len(months))
    return records, people
