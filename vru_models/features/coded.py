"""Events, spells, coverage, links and objections as integer arrays: what the kernel reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from vru_models.events import Events
from vru_models.spec import Spec
from vru_models.spec.tables import Kind

OPEN = np.int64(2**31 - 1)
"""The day number of a date that has not come: an open end."""


@dataclass(frozen=True)
class Timeline:
    """Dated rows, one array per column; days are counted from 1970-01-01, an open end is :data:`OPEN`."""

    person: np.ndarray
    start: np.ndarray
    end: np.ndarray
    known: np.ndarray
    until: np.ndarray

    def known_at(self, day: int, within: slice = slice(None)) -> np.ndarray:
        """Which rows (of a range) were known: ``known < day <= until``."""
        return np.asarray((self.known[within] < day) & (day <= self.until[within]))


@dataclass(frozen=True)
class Coverage:
    """When a feed was shared, for which area (``*``: all) and ages (inclusive): one array per column."""

    feed: np.ndarray
    area: np.ndarray
    age_from: np.ndarray
    age_to: np.ndarray
    start: np.ndarray
    end: np.ndarray
    known: np.ndarray
    until: np.ndarray

    def rows(self, keep: np.ndarray) -> Coverage:
        """Some of the rows, by a mask."""
        return Coverage(*(getattr(self, f.name)[keep] for f in fields(self)))

    def known_of(self, feed: str, day: int) -> Coverage:
        """The rows about a feed that were known on a day: ``known < day <= until``."""
        return self.rows((self.feed == feed) & (self.known < day) & (day <= self.until))

    def of_area(self, area: str) -> Coverage:
        """The rows that apply to an area."""
        return self.rows((self.area == area) | (self.area == "*"))


@dataclass(frozen=True)
class Links:
    """Decisions that two pseudonyms are one person (``merge``) or are not: one array per column."""

    person: np.ndarray
    other: np.ndarray
    merge: np.ndarray
    known: np.ndarray
    until: np.ndarray


@dataclass(frozen=True)
class Objections:
    """Objections to a purpose (``train, score, audit, all``), of one feed or (empty) of every feed."""

    when: Timeline
    purpose: np.ndarray
    feed: np.ndarray


@dataclass(frozen=True)
class Coded:
    """One event store in integers. ``people`` is sorted; a person's number is the position in it.

    Events are sorted by event day, so that a later event overwrites an earlier one in an assignment by index.
    ``indicator`` numbers the names in ``indicators``; ``area`` those in ``areas``; ``row`` is the row that each event
    had in what it was made from.
    """

    people: np.ndarray
    indicators: tuple[str, ...]
    areas: tuple[str, ...]
    events: Timeline
    indicator: np.ndarray
    value: np.ndarray
    row: np.ndarray
    spells: Timeline
    area: np.ndarray
    birth_month: np.ndarray
    household: np.ndarray
    coverage: Coverage
    links: Links
    objections: Objections


@dataclass(frozen=True)
class Happened:
    """Events in force at some time, one array per column; ``person`` is a position in ``who``.

    ``indicator`` numbers the spec's indicators in declared order; -1 is none of them.
    """

    who: np.ndarray
    person: np.ndarray
    indicator: np.ndarray
    day: np.ndarray
    known: np.ndarray
    until: np.ndarray
    value: np.ndarray


def encode(spec: Spec, events: Events) -> Coded:
    """The events in integers, of the people with a spell, or linked with somebody.

    Who has events and no spell, by that pseudonym or a linked one, is in no cohort: the population frame is the spells.
    """
    frame = events.frame
    person, who = pd.factorize(frame["person_id"])
    happened = Happened(
        who=_texts(who.to_series()),
        person=person,
        indicator=pd.Categorical(frame["indicator"].astype(str), categories=list(spec.indicators)).codes,
        day=days(frame["event_date"]),
        known=days(frame["known_date"]),
        until=days(frame["known_until"]),
        value=frame["value"].to_numpy(dtype=np.float64),
    )
    return coded(spec, happened, events.rows, areas=areas_of(events.spells))


def encode_beside(spec: Spec, rows: Mapping[Kind, pd.DataFrame]) -> Coded:
    """The rows beside events in integers, as if nothing had ever happened."""
    none = np.empty(0, dtype=np.int64)
    nothing = Happened(none.astype(str), none, none, none, none, none, none.astype(np.float64))
    return coded(spec, nothing, rows, areas=areas_of(rows["spells"]))


def areas_of(spells: pd.DataFrame) -> tuple[str, ...]:
    """The names of the areas in which anybody has a spell, sorted."""
    return tuple(sorted(_texts(spells["area"].drop_duplicates()).tolist()))


def coded(spec: Spec, happened: Happened, rows: Mapping[Kind, pd.DataFrame], *, areas: tuple[str, ...]) -> Coded:
    """Events and the rows beside them, in integers; of some of the people only, where the rows are about these."""
    spells, links = rows["spells"], rows["links"]
    viewed = _texts(spells["person_id"])
    people = np.unique(np.concatenate([viewed, *(_texts(links[name]) for name in ("person_id", "other_id"))]))
    person = _positions(people, happened.who)[happened.person]
    keep = np.flatnonzero((person >= 0) & (happened.indicator >= 0))
    keep = keep[_by_day(happened.day[keep])]
    day = happened.day[keep].astype(np.int32)
    return Coded(
        people=people,
        indicators=tuple(spec.indicators),
        areas=areas,
        events=Timeline(
            person[keep],
            day,
            day,
            happened.known[keep].astype(np.int32),
            happened.until[keep].astype(np.int32),
        ),
        indicator=happened.indicator[keep].astype(np.intp),
        value=happened.value[keep],
        row=keep,
        spells=Timeline(
            _positions(people, viewed),
            *(days(spells[name]) for name in ("start_date", "end_date", "known_date", "known_until")),
        ),
        area=np.searchsorted(np.array(areas, dtype=str), _texts(spells["area"])),
        birth_month=spells["birth_month"].to_numpy().astype("datetime64[M]"),
        household=_households(spells),
        coverage=_coverage(rows["coverage"]),
        links=_links(people, links, least=spec.cohort.same_person_from),
        objections=_objections(people, rows["objections"]),
    )


def _by_day(day: np.ndarray) -> np.ndarray:
    """The stable order by day; two centuries fit 16 bits, which sort by counting."""
    since = day - day.min(initial=OPEN)
    return np.argsort(since.astype(np.uint16) if since.max(initial=0) < 1 << 16 else since, kind="stable")


def days(dates: pd.Series) -> np.ndarray:
    """Day numbers from 1970-01-01; a missing date is :data:`OPEN`."""
    values = dates.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(values), OPEN, values.astype(np.int64))


def _positions(people: np.ndarray, ids: np.ndarray) -> np.ndarray:
    if not len(people):
        return np.full(len(ids), -1)
    at = np.minimum(np.searchsorted(people, ids), len(people) - 1)
    return np.where(people[at] == ids, at, -1)


def _texts(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=object).astype(str)


def _links(people: np.ndarray, links: pd.DataFrame, *, least: float) -> Links:
    """A merge that is less sure than is asked for is no merge; a split counts however sure it is."""
    return Links(
        _positions(people, _texts(links["person_id"])),
        _positions(people, _texts(links["other_id"])),
        ((links["kind"] == "merge") & (links["confidence"] >= least)).to_numpy(dtype=bool),
        days(links["known_date"]),
        days(links["known_until"]),
    )


def _objections(people: np.ndarray, objections: pd.DataFrame) -> Objections:
    person = _positions(people, _texts(objections["person_id"]))
    mine = person >= 0
    start, end, known, until = (
        days(objections[name])[mine] for name in ("start_date", "end_date", "known_date", "known_until")
    )
    feed = objections["feed"].fillna("") if "feed" in objections else pd.Series("", index=objections.index)
    return Objections(
        Timeline(person[mine], start, end, known, until), _texts(objections["purpose"])[mine], _texts(feed)[mine]
    )


def _households(spells: pd.DataFrame) -> np.ndarray:
    own = spells["person_id"]
    if "household_id" not in spells:
        return own.to_numpy(dtype=object)
    given = spells["household_id"]
    return given.where(given.notna(), own).to_numpy(dtype=object)


def _coverage(coverage: pd.DataFrame) -> Coverage:
    return Coverage(
        coverage["feed"].to_numpy(dtype=object).astype(str),
        coverage["area"].to_numpy(dtype=object).astype(str),
        coverage["age_from"].fillna(0).to_numpy(dtype=np.int64),
        coverage["age_to"].fillna(OPEN).to_numpy(dtype=np.int64),
        *(days(coverage[name]) for name in ("start_date", "end_date", "known_date", "known_until")),
    )
