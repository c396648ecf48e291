"""How much each feed had to say about the people of an as-of date: what tells a broken delivery at the monthly run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset.cohort import Cohort
from vru_models.features.coded import Coded
from vru_models.features.layout import Layout
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


def volumes_on(layout: Layout, coded: Coded, *, as_of: np.datetime64, cohort: Cohort, codes: np.ndarray) -> list[Row]:
    """What stands behind a list on one date, counted: the rows of a :func:`volume_frame`.

    One row per indicator, per feed and area, and of the spells. ``people``: in the cohort, routed or not. ``events``:
    events of theirs that were known on the date and happened in the 365 days before it. ``recent``: those of them that
    became known in the 91 days before it. ``not_known``: eligible people about whom the feed was not known in some
    window. The rows named ``spells`` and ``in view`` count what became known of spells, and everybody in view. Rows of
    an area (``area`` is not ``*``) count a whole feed.
    Of the people of several parts of a store the counts add up (:func:`added_up`).

    Parameters
    ----------
    codes
        The statuses of the eligible people, feeds and windows x people.
    """
    member = cohort.eligible | cohort.routed
    day, events = int(as_of.astype(np.int64)), coded.events
    lo, hi = np.searchsorted(events.start, (day - YEAR, day))
    use = lo + np.flatnonzero(events.known_at(day, slice(lo, hi)) & member[events.person[lo:hi]])
    held = _Held(coded.indicator[use], coded.area[cohort.spell[events.person[use]]], events.known[use] >= day - QUARTER)
    head, n = (str(as_of),), int(member.sum())
    rows = [head + row for row in _indicator_rows(layout, held, n, codes)]
    rows += [head + row for row in _spell_rows(layout.spec, coded, cohort, n, day=day)]
    in_area = np.bincount(coded.area[cohort.spell[member]], minlength=len(coded.areas))
    rows += [head + row for row in _area_rows(layout, held, coded, in_area)]
    return rows


@dataclass(frozen=True)
class _Held:
    """Of each event of the cohort: its indicator, its person's area, and whether it became known lately."""

    indicator: np.ndarray
    area: np.ndarray
    recent: np.ndarray

    def per(self, number: np.ndarray, size: int) -> tuple[list[int], list[int]]:
        """Events, and recent ones, by a number of each; those numbered -1 are left out."""
        some = number >= 0
        both = (number[some], number[some & self.recent])
        every, recent = (np.bincount(numbers, minlength=size).tolist() for numbers in both)
        return every, recent


def _indicator_rows(layout: Layout, held: _Held, people: int, codes: np.ndarray) -> Iterator[Row]:
    spec = layout.spec
    names = [feature.indicator for feature in layout.features]
    names += [rule.indicator for rule in (*spec.cohort.entry, *spec.cohort.routed)]
    every, recent = held.per(held.indicator, len(spec.indicators))
    unknown = _not_known(layout, codes)
    for name in dict.fromkeys(names):
        feed, i = spec.indicators[name].feed, list(spec.indicators).index(name)
        yield (feed, name, EVERYWHERE, people, every[i], recent[i], unknown.get(feed, 0))


def _not_known(layout: Layout, codes: np.ndarray) -> dict[str, int]:
    """Per feed with features, how many of the eligible it is not known about in some window."""
    of_feed = np.array([feed for feed, _ in layout.statuses], dtype=object)
    return {feed: int((codes[of_feed == feed] > OBSERVED).any(axis=0).sum()) for feed in layout.slots_of}


def _spell_rows(spec: Spec, coded: Coded, cohort: Cohort, people: int, *, day: int) -> Iterator[Row]:
    if feed := spec.feed_of_kind("spells"):
        known = coded.spells.known[(coded.spells.known < day) & (coded.spells.known >= day - YEAR)]
        yield (feed, "spells", EVERYWHERE, people, len(known), int((known >= day - QUARTER).sum()), 0)
        yield (feed, "in view", EVERYWHERE, people, int((cohort.spell >= 0).sum()), 0, 0)


def _area_rows(layout: Layout, held: _Held, coded: Coded, people: np.ndarray) -> Iterator[Row]:
    if not 2 <= len(coded.areas) <= MOST_AREAS:
        return
    feeds = list(layout.slots_of)
    number = np.full(len(coded.indicators), -1)
    for (feed, _), feature in zip(layout.places, layout.features, strict=True):
        number[coded.indicators.index(feature.indicator)] = feeds.index(feed)
    of_feed = number[held.indicator]
    every, recent = held.per(np.where(of_feed < 0, -1, of_feed * len(people) + held.area), len(feeds) * len(people))
    for i in np.flatnonzero(people):
        for j, feed in enumerate(feeds):
            at = j * len(people) + int(i)
            yield (feed, EVERYWHERE, coded.areas[i], int(people[i]), every[at], recent[at], 0)


def added_up(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The volumes of all parts together, in order of date, feed, name and area."""
    by = ["as_of", "feed", "name", "area"]
    whole = pd.concat(parts, ignore_index=True).groupby(by, observed=True).sum().reset_index()
    return whole.astype(dict(_COLUMNS))


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
