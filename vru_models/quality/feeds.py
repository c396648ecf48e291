"""What the feeds are: how complete their columns, whom they know about, how they join, and what comes twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vru_models.disclosure.protect import Protected, protect
from vru_models.disclosure.shares import shares
from vru_models.events.events import Events
from vru_models.feeds.feeds import Feeds
from vru_models.spec import Spec

EVERY_ROW = "every row"
_OF_PEOPLE = ("events", "spells", "links", "objections")


def event_feeds(spec: Spec) -> list[str]:
    """The feeds of events about people, as declared."""
    tables = {name: spec.table_of(name).x_vru for name in spec.feeds}
    return [name for name, vru in tables.items() if vru.kind == "events" and vru.unit == spec.unit]


def person_column(spec: Spec, feed: str) -> str | None:
    """The column of a feed that says whom a row is about, or None."""
    vru = spec.table_of(feed).x_vru
    if vru.unit != spec.unit or vru.kind not in _OF_PEOPLE:
        return None
    return str(vru.person) if vru.kind == "events" else spec.key


@dataclass(frozen=True, eq=False)
class Membership:
    """Everybody in view or in a feed of people, numbered from 0.

    Parameters
    ----------
    ids
        The pseudonym of each number.
    seen
        Whether each is in view: has a spell that was not withdrawn.
    holds
        For every feed of people, as declared, whether it holds a row about each. The audit file is not among them.
    """

    ids: pd.Index[str]
    seen: np.ndarray
    holds: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, feeds: Feeds, events: Events, spec: Spec) -> Membership:
        """Whoever the feeds that the gate let in are about, and whoever has a spell."""
        spells = events.spells
        parts = {"": spells["person_id"][spells["known_until"].isna()]}
        for name, frame in feeds.accepted.items():
            column = person_column(spec, name)
            if column is not None:
                parts[name] = frame[column].dropna()
        once = {name: part.drop_duplicates().astype("str") for name, part in parts.items()}
        codes, ids = pd.factorize(pd.concat(list(once.values()), ignore_index=True))
        ends = np.cumsum([len(part) for part in once.values()])
        marks = []
        for mine in np.split(codes, ends[:-1]):
            mark = np.zeros(len(ids), dtype=bool)
            mark[mine] = True
            marks.append(mark)
        held = dict(zip(once, marks, strict=True))
        return cls(pd.Index(ids, dtype="str"), held.pop(""), held)


def reach(known: Membership, spec: Spec) -> Protected:
    """One row per feed of events about people: ``feed, people, in_view, known, reach``.

    ``known`` are the people in view, of whatever age and whenever, about whom the feed holds a row at all; ``reach`` is
    their share.
    """
    names = [name for name in event_feeds(spec) if name in known.holds]
    rows = [(n, known.holds[n].sum(), known.seen.sum(), (known.holds[n] & known.seen).sum()) for n in names]
    counts = ["people", "in_view", "known"]
    table = pd.DataFrame(rows, columns=["feed", *counts]).astype(dict.fromkeys(counts, "int64"))
    return shares(table, counts=counts, rates={"reach": ("known", "in_view")}, profile=spec.disclosure.profile)


def joins(known: Membership, spec: Spec) -> Protected:
    """One row per ordered pair of feeds of people, the spells among them: ``feed, other, people, shared, join``.

    ``join`` is the share of the feed's people whom the other feed holds too: near 0 where the two agencies made their
    pseudonyms with different keys, whatever else is right.
    """
    names = list(known.holds)
    holds = np.array(list(known.holds.values()), dtype=np.int32).reshape(len(names), len(known.ids))
    together = holds @ holds.T
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    rows = [(names[i], names[j], together[i, i], together[i, j]) for i, j in pairs]
    counts = ["people", "shared"]
    table = pd.DataFrame(rows, columns=["feed", "other", *counts]).astype(dict.fromkeys(counts, "int64"))
    return shares(table, counts=counts, rates={"join": ("shared", "people")}, profile=spec.disclosure.profile)


def used_columns(spec: Spec, feed: str) -> dict[str, list[str]]:
    """The columns of a feed that events are made from, each with the indicators that use it on every row."""
    vru, known = spec.table_of(feed).x_vru, spec.feeds[feed].known.kind == "column"
    used: dict[str, list[str]] = {}
    for name, indicator in spec.indicators.items():
        if indicator.feed != feed:
            continue
        dates = [vru.event_date, vru.known_date if known and indicator.known_date is None else None]
        for column in dict.fromkeys([vru.person, *dates, vru.role, vru.status, *indicator.where]):
            if column is not None:
                used.setdefault(column, []).append(name)
    return used


def completeness(feeds: Feeds, events: Events, spec: Spec) -> Protected:
    """One row per declared column: ``feed, column, of, used_by, rows, missing, missing_share``.

    Over the rows that the gate let in; one that lacks what it must have is in quarantine instead. ``used_by`` names the
    indicators that use the column. A column that is an indicator's ``value`` has a second line, ``of`` that indicator:
    over the rows that make an event of it, since elsewhere it may be empty by right.
    """
    lines = [line for feed in feeds.accepted for line in _columns(feeds, spec, feed)]
    names = events.frame["indicator"].astype("str")
    for name, indicator in spec.indicators.items():
        if indicator.value is not None:
            rows = events.frame[(names == name).to_numpy()]
            lines.append(
                (indicator.feed, indicator.value, name, name, rows["person_id"], rows["value"].isna().to_numpy())
            )
    table = pd.DataFrame(
        [(f, c, o, u, len(gone), int(gone.sum())) for f, c, o, u, _, gone in lines],
        columns=["feed", "column", "of", "used_by", "rows", "missing"],
    )
    behind = {
        "rows": [_distinct(whom, np.ones(len(gone), dtype=bool)) for *_, whom, gone in lines],
        "missing": [_distinct(whom, gone) for *_, whom, gone in lines],
    }
    rates, profile = {"missing_share": ("missing", "rows")}, spec.disclosure.profile
    table = table.astype({"rows": "int64", "missing": "int64"})
    return shares(table, counts=["rows", "missing"], rates=rates, people=behind, profile=profile)


_Line = tuple[str, str, str, str, "pd.Series[str] | None", np.ndarray]


def _columns(feeds: Feeds, spec: Spec, feed: str) -> Iterator[_Line]:
    frame, used, column = feeds.accepted[feed], used_columns(spec, feed), person_column(spec, feed)
    whom = frame[column] if column else None
    for name in spec.table_of(feed).columns:
        users = ", ".join(used.get(name, []))
        yield feed, name, EVERY_ROW, users, whom, frame[name].isna().to_numpy()


def _distinct(whom: pd.Series[str] | None, rows: np.ndarray) -> int:
    """The people behind some rows; of a feed that is not about people, the rows."""
    return int(rows.sum()) if whom is None else int(whom[rows].nunique(dropna=False))


def repeats(feeds: Feeds, spec: Spec) -> Protected:
    """One row per feed: what came again, and in what way.

    Columns ``feed, rows_in, quarantined, duplicates`` (quarantined as the same record with the same known date again),
    ``accepted, corrections`` (a record that comes again with a later known date), ``copies`` (a row that is the same as
    another in every column but the key), and the shares of each. A copy counts twice wherever events are counted.
    """
    counted = {row["feed"]: row for row in feeds.frame().to_dict("records")}
    held = feeds.quarantine[feeds.quarantine["reasons"].str.contains(r"(?:^|; )duplicate(?:;|$)", regex=True)]
    again = held["feed"].value_counts()
    rows, behind = [], []
    for name, frame in feeds.accepted.items():
        key, column = list(spec.table_of(name).primary_key), person_column(spec, name)
        corrected, copied = frame.duplicated(key).to_numpy(), _copied(frame, key)
        came = (counted[name]["rows_in"], counted[name]["quarantined"], int(again.get(name, 0)))
        figures = (*came, len(frame), int(corrected.sum()), int(copied.sum()))
        rows.append((name, *figures))
        whom = frame[column] if column else None
        behind.append((_distinct(whom, corrected), _distinct(whom, copied)))
    counts = ["rows_in", "quarantined", "duplicates", "accepted", "corrections", "copies"]
    table = pd.DataFrame(rows, columns=["feed", *counts]).astype(dict.fromkeys(counts, "int64"))
    people = dict(zip(("corrections", "copies"), np.array(behind, dtype=np.int64).reshape(-1, 2).T, strict=True))
    rates = {"quarantined_share": ("quarantined", "rows_in"), "duplicate_share": ("duplicates", "rows_in")}
    rates |= {"corrected_share": ("corrections", "accepted"), "copied_share": ("copies", "accepted")}
    return shares(table, counts=counts, rates=rates, people=people, profile=spec.disclosure.profile)


def held_back(feeds: Feeds, spec: Spec) -> Protected:
    """One row per feed and reason for which rows were held back: ``feed, reason, rows``; nothing where none were.

    A row with two reasons counts under both.
    """
    held = feeds.quarantine.assign(reason=feeds.quarantine["reasons"].str.split("; ")).explode("reason")
    counted = held.groupby(["feed", "reason"], sort=False).size()
    order = {name: i for i, name in enumerate(spec.feeds)}
    table = counted.rename("rows").reset_index().astype({"feed": "str", "reason": "str", "rows": "int64"})
    table = table.sort_values(["feed", "reason"], key=lambda c: c.map(order) if c.name == "feed" else c)
    return protect(table.reset_index(drop=True), counts=["rows"], profile=spec.disclosure.profile)


def _copied(frame: pd.DataFrame, key: Iterable[str]) -> np.ndarray:
    rest = frame.drop(columns=list(key))
    return rest.duplicated().to_numpy() if len(rest.columns) else np.zeros(len(frame), dtype=bool)
