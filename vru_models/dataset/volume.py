"""How much each feed had to say about the people of an as-of date: what tells a broken delivery at the monthly run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset.cohort import Cohort
from vru_models.features.coded import Coded
from vru_models.features.status import OBSERVED
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes

YEAR: Final = 365
"""Events of the year before the as-of date are counted, so that terms and seasons weigh the same on every date."""

QUARTER: Final = 91
"""Events that became known in so many days before the as-of date tell whether a feed still tells anything."""

EVERYWHERE: Final = "*"
MOST_AREAS: Final = 100
"""With more areas than this, none is counted apart."""

_COLUMNS: Final = {
    "as_of": "str", "feed": "str", "name": "str", "area": "str", "people": "int64", "events": "int64",
    "recent": "int64", "not_known": "int64",
}  # fmt: skip
Row = tuple[Any, ...]


def volumes_on(spec: Spec, coded: Coded, *, as_of: np.datetime64, cohort: Cohort, status: pd.DataFrame) -> pd.DataFrame:
    """What stands behind a list on one date, counted: one row per indicator, per feed and area, and of the spells.

    ``people``: in the cohort, routed or not. ``events``: events of theirs that were known on the date and happened in
    the 365 days before it. ``recent``: those of them that became known in the 91 days before it. ``not_known``:
    eligible people about whom the feed was not known in some window. The rows named ``spells`` and ``in view`` count
    what became known of spells, and everybody in view. Rows of an area (``area`` is not ``*``) count a whole feed.

    Parameters
    ----------
    status
        ``Dataset.status`` of the eligible people on the date.
    """
    member = cohort.eligible | cohort.routed
    day, events = int(as_of.astype(np.int64)), coded.events
    use = np.flatnonzero(events.known_at(day) & (events.start < day) & (events.start >= day - YEAR))
    use = use[member[events.person[use]]]
    held = pd.DataFrame(
        {
            "name": np.array(coded.indicators, dtype=object)[coded.indicator[use]],
            "area": np.where(member, coded.area[cohort.spell], -1)[events.person[use]],
            "recent": events.known[use] >= day - QUARTER,
        }
    )
    head, n = (str(as_of),), int(member.sum())
    rows = [head + row for row in _indicator_rows(spec, held, n, status)]
    rows += [head + row for row in _spell_rows(spec, coded, cohort, n, day=day)]
    in_area = np.bincount(coded.area[cohort.spell[member]], minlength=len(coded.areas))
    rows += [head + row for row in _area_rows(spec, held, coded, in_area)]
    return volume_frame(rows)


def _indicator_rows(spec: Spec, held: pd.DataFrame, people: int, status: pd.DataFrame) -> Iterator[Row]:
    names = [feature.indicator for feature in spec.columns]
    names += [rule.indicator for rule in (*spec.cohort.entry, *spec.cohort.routed)]
    unknown = _not_known(spec, status)
    for name in dict.fromkeys(names):
        feed, mine = spec.indicators[name].feed, held[held["name"] == name]
        yield (feed, name, EVERYWHERE, people, len(mine), int(mine["recent"].sum()), unknown.get(feed, 0))


def _not_known(spec: Spec, status: pd.DataFrame) -> dict[str, int]:
    """Per feed with features, how many of the eligible it is not known about in some window."""
    feeds = {spec.indicators[feature.indicator].feed for feature in spec.columns}
    windows = {feed: [c for c in status.columns if c.rpartition("_")[0] == feed] for feed in feeds}
    return {feed: int((status[columns] > OBSERVED).any(axis=1).sum()) for feed, columns in windows.items()}


def _spell_rows(spec: Spec, coded: Coded, cohort: Cohort, people: int, *, day: int) -> Iterator[Row]:
    if feed := spec.feed_of_kind("spells"):
        known = coded.spells.known[(coded.spells.known < day) & (coded.spells.known >= day - YEAR)]
        yield (feed, "spells", EVERYWHERE, people, len(known), int((known >= day - QUARTER).sum()), 0)
        yield (feed, "in view", EVERYWHERE, people, int((cohort.spell >= 0).sum()), 0, 0)


def _area_rows(spec: Spec, held: pd.DataFrame, coded: Coded, people: np.ndarray) -> Iterator[Row]:
    if not 2 <= len(coded.areas) <= MOST_AREAS:
        return
    feeds = {feature.indicator: spec.indicators[feature.indicator].feed for feature in spec.columns}
    of_feed = held.assign(feed=held["name"].map(feeds)).dropna(subset=["feed"])
    for feed in dict.fromkeys(feeds.values()):
        mine = of_feed[of_feed["feed"] == feed]
        n_events = np.bincount(mine["area"].astype(int), minlength=len(people))
        recent = np.bincount(mine["area"].astype(int), weights=mine["recent"], minlength=len(people))
        for i in np.flatnonzero(people):
            yield (feed, EVERYWHERE, coded.areas[i], int(people[i]), int(n_events[i]), int(recent[i]), 0)


def unnamed(volumes: pd.DataFrame) -> pd.DataFrame:
    """The volumes with digests for areas, which can be compared and not be read."""
    areas = {
        area: area if area == EVERYWHERE else digest_bytes(area.encode())[:16] for area in volumes["area"].unique()
    }
    return volumes.assign(area=volumes["area"].map(areas).astype("str"))


def volume_frame(rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """The frame again from its rows."""
    return pd.DataFrame(list(rows), columns=list(_COLUMNS)).astype(dict(_COLUMNS))


def volume_rows(volumes: pd.DataFrame) -> list[list[Any]]:
    """The frame's rows as plain JSON types."""
    return volumes.astype(object).to_numpy().tolist()
