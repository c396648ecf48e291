"""How much each feed had to say about the people of an as-of date: what tells a feed outage at the monthly run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset.coded import Coded
from vru_models.spec import Spec

DAYS: Final = 365
"""Events of the year before the as-of date are counted, so that terms and seasons weigh the same on every date."""

_COLUMNS: Final = ["as_of", "feed", "people", "events", "days_since_known"]


def volumes_on(spec: Spec, coded: Coded, as_of: np.datetime64, cohort: np.ndarray) -> pd.DataFrame:
    """One row per feed behind a list: those of the features, of the cohort's rules, and the spells.

    ``people``: who is in the cohort (a mask), routed or not. ``events``: events of theirs that were known on the date
    and happened in the 365 days before it; of the spells, whatever became known in them, about anybody.
    ``days_since_known``: days since the feed last told anything of anybody (missing where it never did).
    """
    day, events = int(as_of.astype(np.int64)), coded.events
    known = np.flatnonzero(events.known_at(day) & (events.start < day))
    recent = known[(events.start[known] >= day - DAYS) & cohort[events.person[known]]]
    feed_of = np.array([spec.indicators[name].feed for name in coded.indicators], dtype=object)
    people, rows = int(cohort.sum()), []
    for feed in _feeds_behind(spec):
        told = events.known[known[feed_of[coded.indicator[known]] == feed]]
        n_events = int((feed_of[coded.indicator[recent]] == feed).sum())
        rows.append((str(as_of), feed, people, n_events, _silence(told, day)))
    if spells := spec.feed_of_kind("spells"):
        told = coded.spells.known[coded.spells.known < day]
        rows.append((str(as_of), spells, people, int((told >= day - DAYS).sum()), _silence(told, day)))
    return volume_frame(rows)


def _feeds_behind(spec: Spec) -> list[str]:
    names = [*(feature.indicator for feature in spec.columns)]
    names += [rule.indicator for rule in (*spec.cohort.entry, *spec.cohort.routed)]
    return list(dict.fromkeys(spec.indicators[name].feed for name in names))


def _silence(told: np.ndarray, day: int) -> int | None:
    return day - int(told.max()) if len(told) else None


def volume_frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The frame again from its rows: whole numbers, a missing one stays missing."""
    types = {"as_of": "str", "feed": "str", "people": "int64", "events": "int64", "days_since_known": "Int64"}
    return pd.DataFrame(list(rows), columns=_COLUMNS).astype(types)


def volume_rows(volumes: pd.DataFrame) -> list[list[Any]]:
    """The frame's rows as plain JSON types."""
    return volumes.astype(object).where(volumes.notna(), None).to_numpy().tolist()
