"""Events: what happened, when, and from when until when this partnership knew it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import DataError, RefusedError
from vru_models.events import store
from vru_models.events.checks import until_found
from vru_models.events.description import Description, composition, lags
from vru_models.events.folding import ROW_KINDS, as_known, fold, folded_rows
from vru_models.events.tombstones import (
    LEAST_CONFIDENCE,
    Key,
    Purged,
    Tombstones,
    linked_to,
    pseudonyms_in,
    require_one_to_one,
)
from vru_models.events.versions import (
    FRAME_COLUMNS,
    PLAIN,
    VERSION_COLUMNS,
    in_order,
    no_versions,
    tidy,
    typed,
    withdrawals,
)
from vru_models.findings import Findings
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import digest_frame
from vru_models.spec.sources import VOID_STATUSES
from vru_models.spec.tables import Kind


@dataclass(frozen=True, eq=False)
class Events:
    """Coded, pseudonymised events with spells, coverage, links and objections, each with when it was known.

    Made by :func:`record_events`, :meth:`open` or :meth:`from_frame`. An event counts for an as-of date when
    ``known_date < as_of <= known_until``; an open ``known_until`` is NaT.

    Parameters
    ----------
    frame
        One row per version in force at some time, sorted by ``person_id, event_date, known_date, event_id``:
        ``event_id, person_id`` (str), ``indicator`` (category), ``event_date, known_date, known_until``
        (``datetime64[s]``), ``value`` (float64, NaN = none), ``role, status, feed`` (category).
    rows
        Spells, coverage, links and objections, by these names: the same two dates of knowledge beside the feed's own
        columns. ``end_date`` is the first day *not* in view (not covered, no longer objected); NaT is open.
    extract_dates
        The day on which each feed was extracted.
    closers
        Versions with status disproved or withdrawn, as stored: they have set ``known_until`` and never count.
    recorded_under
        Digest of the feeds and indicators by which rows became these events (:attr:`Spec.recording`); empty: not said.
    tombstones
        What is left of people who were purged, and may not come in again.

    Examples
    --------
    >>> said = pd.DataFrame({
    ...     "event_id": ["e1", "e1"], "person_id": ["a", "a"], "indicator": "suspension", "event_date": "2024-01-10",
    ...     "known_date": ["2024-01-12", "2024-03-05"], "status": ["recorded", "withdrawn"]})
    >>> events = Events.from_frame(said)
    >>> events.frame["known_until"].dt.date.tolist()
    [datetime.date(2024, 3, 5)]
    >>> [len(events.as_known(d).frame) for d in ("2024-01-12", "2024-01-13", "2024-03-05", "2024-03-06")]
    [0, 1, 1, 0]
    """

    frame: pd.DataFrame = field(repr=False)
    rows: Mapping[Kind, pd.DataFrame] = field(repr=False)
    extract_dates: Mapping[str, dt.date]
    findings: Findings = field(default=Findings(), repr=False)
    closers: pd.DataFrame = field(default_factory=no_versions, repr=False)
    recorded_under: str = ""
    tombstones: Tombstones = field(default=Tombstones(), repr=False)

    def __post_init__(self) -> None:
        if tuple(self.frame.columns) != FRAME_COLUMNS:
            raise ValueError(f"columns of events are not {', '.join(FRAME_COLUMNS)}. Use Events.from_frame.")
        if tuple(self.rows) != ROW_KINDS:
            raise ValueError(f"rows are not {', '.join(ROW_KINDS)}, in this order. Use Events.from_frame.")
        for name in ("rows", "extract_dates"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        extract_dates: Mapping[str, dt.date] | None = None,
        findings: Findings | None = None,
        **rows: pd.DataFrame | None,
    ) -> Events:
        """Events from a frame of versions in any order.

        Needed: ``person_id, indicator, event_date, known_date``. Without ``event_id`` every row is an event of its own;
        ``value`` is NaN, ``role`` subject, ``status`` recorded and ``feed`` unnamed unless given. A ``known_until``
        that no later version explains is kept, as a withdrawal on that date.

        Parameters
        ----------
        **rows
            Versions of ``spells=``, ``coverage=``, ``links=`` and ``objections=``; none for a name left out.

        Raises
        ------
        ValueError
            When a needed column is missing.
        """
        if unknown := sorted(set(rows) - set(ROW_KINDS)):
            raise TypeError(f"{', '.join(unknown)} not known. Expected: {', '.join(ROW_KINDS)}.")
        versions = typed(frame)
        if "known_until" in frame:
            versions = pd.concat([versions, withdrawals(versions, frame["known_until"])], ignore_index=True)
        folded = in_order(fold(versions, "event_id"))
        void = folded["status"].isin(VOID_STATUSES).to_numpy()
        return cls(
            frame=tidy(folded[~void])[list(FRAME_COLUMNS)],
            rows={kind: folded_rows(rows.get(kind), kind) for kind in ROW_KINDS},
            extract_dates=extract_dates or {},
            findings=findings or Findings(),
            closers=tidy(folded[void])[list(VERSION_COLUMNS)],
        )

    @property
    def spells(self) -> pd.DataFrame:
        """When each person was in view."""
        return self.rows["spells"]

    @property
    def coverage(self) -> pd.DataFrame:
        """When each feed was shared."""
        return self.rows["coverage"]

    @property
    def versions(self) -> pd.DataFrame:
        """Every stored version, closers included, before folding."""
        return self._folded()[list(VERSION_COLUMNS)]

    def _folded(self) -> pd.DataFrame:
        """Every version in order, with the date until which it was known; closers were never in force."""
        return in_order(pd.concat([self.frame.astype(PLAIN), self.closers.astype(PLAIN)]))[list(FRAME_COLUMNS)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over events (as the store has them in buckets), other rows, extract dates and tombstones.

        Not over findings, nor over closers that close nothing.
        """
        n_buckets = store.bucket_count(len(self.frame) + len(self.closers))
        bucket = store.bucket_of(self.frame["person_id"], n_buckets) if n_buckets > 1 else np.zeros(len(self.frame))
        parts = (self.frame.iloc[np.flatnonzero(bucket == i)] for i in range(n_buckets))
        buckets = [digest_frame(part, index=False) for part in parts]
        return store.combined_digest(buckets, self.rows, self.extract_dates, self.tombstones)

    def as_known(self, date: Any) -> Events:
        """What was known on a date (``known_date < date <= known_until``), as if extracted then."""
        day = as_day(date)
        dates = {name: min(taken, day.item()) for name, taken in self.extract_dates.items()}
        rows = {kind: as_known(frame, day) for kind, frame in self.rows.items()}
        known = tidy(as_known(self.frame, day))
        return replace(self, frame=known, rows=rows, extract_dates=dates, closers=no_versions())

    @property
    def people(self) -> frozenset[str]:
        """Every pseudonym that any row names: of events, those withdrawn included, spells, links and objections."""
        frames = (self.frame, self.closers, *self.rows.values())
        columns = (rows[name] for rows in frames for name in _persons(rows))
        return frozenset(str(person) for column in columns for person in column.unique())

    def purge(self, person_id: str, *, key: Key) -> Events:
        """The events without a person, in whatever row they are named, and with a tombstone in their place.

        The tombstone is an HMAC-SHA-256 of the pseudonym under ``key``, of at least 32 bytes: without the key it says
        nothing of who it was; with it, :func:`record_events` keeps the person out of every later extract. What was made
        of the events before (datasets, lists) is not reached: build it again. A record that was corrected to be about
        this person stays closed for whom it was about before. Other pseudonyms of the same person stay, without the
        link; :meth:`purge_counted` counts them, and takes them along where it is asked to.

        Parameters
        ----------
        key
            Bytes, or a :class:`~vru_models.identifiers.pseudonyms.PseudonymKey` made for the purpose erasure.

        Raises
        ------
        TypeError, ValueError
            When ``person_id`` is no text, or empty. For several people at once: :meth:`purge_all`.
        RefusedError
            When the key is too short, is for another purpose, or is not the one of the tombstones that are there.

        Examples
        --------
        >>> events = Events.from_frame(pd.DataFrame({
        ...     "person_id": ["a", "b"], "indicator": "suspension", "event_date": "2024-01-10",
        ...     "known_date": "2024-01-12"}))
        >>> left = events.purge("a", key=bytes(32))
        >>> left.frame["person_id"].tolist(), len(left.tombstones)
        (['b'], 1)
        """
        if not isinstance(person_id, str):
            raise TypeError("person_id is no text. Expected: one pseudonym; for several, Events.purge_all.")
        return self.purge_all([person_id], key=key)

    def purge_all(self, people: Iterable[str], *, key: Key) -> Events:
        """:meth:`purge` of several people, in one pass."""
        whom = pseudonyms_in(people)
        tombstones = self.tombstones.with_people(whom, key=key)
        frame, closers = _without(self.frame, whom), _without(self.closers, whom)
        versions = pd.concat([frame[list(VERSION_COLUMNS)], closers], ignore_index=True).astype(PLAIN)
        left_open = withdrawals(versions, frame["known_until"].reindex(versions.index))
        return replace(
            self,
            frame=tidy(frame),
            rows={kind: _without(rows, whom) for kind, rows in self.rows.items()},
            closers=tidy(in_order(pd.concat([closers.astype(PLAIN), left_open], ignore_index=True))),
            tombstones=tombstones,
        )

    def purge_counted(
        self,
        people: Iterable[str],
        *,
        key: Key,
        linked: bool | None = None,
        same_person_from: float = LEAST_CONFIDENCE,
    ) -> tuple[Events, Purged]:
        """:meth:`purge_all`, with other pseudonyms of the same people or without, and how many there were of whom.

        Parameters
        ----------
        linked
            Whether to take out the pseudonyms that are linked to those given, too, by the links as they stand at the
            end. With somebody the link goes, and cannot be asked again: where there are any, this has to be said.
        same_person_from
            The least confidence of a link that makes two pseudonyms one person, as in the spec's ``cohort``.

        Raises
        ------
        RefusedError
            When others are linked, and ``linked`` says nothing of them; or as :meth:`purge`.
        """
        whom, here = pseudonyms_in(people), self.people
        others = linked_to(self.rows["links"], whom, least=same_person_from)
        if others and linked is None:
            what, then = f"{len(others):,} other pseudonyms are linked to those given", "Nothing was purged"
            expected = "linked=True, which takes them out, too, or False (--linked, or --not-linked)"
            raise RefusedError.at("people", what, expected=expected, then=then)
        taken = others if linked else frozenset[str]()
        left = self.purge_all({*whom, *taken}, key=key)
        gone = pd.Series([person for person in whom if person not in here], dtype="str")
        buried = int(self.tombstones.hide(gone, key=key).sum())
        stay = len((others - taken) & left.people)
        return left, Purged(len(whom) - len(gone), buried, len(gone) - buried, len(taken), stay)

    def rekeyed(self, mapping: pd.Series[str], *, key: Key | None = None) -> Events:
        """The same events under new pseudonyms, as after a change of the key that made them.

        People who were purged stay out by the new pseudonyms, too, where the mapping has them.

        Parameters
        ----------
        mapping
            New pseudonyms by old ones (the index), as :func:`~vru_models.identifiers.rotate` gives them.
        key
            The key of the tombstones, where there are any.

        Raises
        ------
        DataError
            When somebody here is not in the mapping, or two people would become one.

        Examples
        --------
        >>> events = Events.from_frame(pd.DataFrame({
        ...     "person_id": ["a", "b"], "indicator": "suspension", "event_date": "2024-01-10",
        ...     "known_date": "2024-01-12"}))
        >>> events.rekeyed(pd.Series({"a": "z", "b": "y"})).frame["person_id"].tolist()
        ['y', 'z']
        """
        require_one_to_one(mapping, self.people)
        rows = {kind: _renamed(frame, mapping) for kind, frame in self.rows.items()}
        return replace(
            self,
            frame=tidy(in_order(_renamed(self.frame, mapping))),
            rows={kind: folded_rows(frame, kind) for kind, frame in rows.items()},
            closers=tidy(in_order(_renamed(self.closers, mapping))),
            tombstones=self.tombstones.rekeyed(mapping, key=key),
        )

    def recorded(self, findings: Findings, *, under: str) -> Events:
        """The same events with what was found, and by which indicators, when they were recorded."""
        return replace(self, findings=findings, recorded_under=under)

    def require_recorded_by(self, recording: str) -> None:
        """Refuse events that were made by other indicators than a spec's (:attr:`Spec.recording`); unsaid is taken."""
        store.require_recorded_by(self.recorded_under, recording)

    def with_coverage(self, coverage: pd.DataFrame) -> Events:
        """The same events with another coverage."""
        return replace(self, rows={**self.rows, "coverage": folded_rows(coverage, "coverage")})

    def save(self, folder: str | Path) -> None:
        """Write a Parquet store, bucketed by person; the same events give the same bytes. A taken place is refused."""
        store.save(folder, self._held())

    @classmethod
    def update(cls, folder: str | Path, change: Callable[[Events], Events]) -> None:
        """Put what ``change`` makes of the events of a store in their place; two updates never cross.

        A reader meets the old events or the new, never a mixture. Files of buckets that did not change stay; those that
        nothing names any more are removed, which wipes neither the disk nor its backups.

        Examples
        --------
        >>> Events.update("nowhere", lambda held: held.purge("a", key=bytes(32)))
        Traceback (most recent call last):
            ...
        vru_models.errors.StorageError: event store: the folder is missing. Expected: a folder that Events.save wrote.
        Check the path.
        """
        store.update(folder, lambda held: change(cls._from_held(held))._held())

    def _held(self) -> store.Held:
        return store.Held(
            versions=self._folded(),
            rows=self.rows,
            extract_dates=self.extract_dates,
            findings=self.findings,
            recorded_under=self.recorded_under,
            tombstones=self.tombstones,
            digest=self.digest,
        )

    @classmethod
    def open(cls, folder: str | Path) -> Events:
        """Events from what :meth:`save` wrote, folded again.

        Raises
        ------
        StorageError
            When the folder is missing or unreadable.
        DataError
            When it is not an event store, or not what was written.
        """
        return cls._from_held(store.load(folder))

    @classmethod
    def _from_held(cls, held: store.Held) -> Events:
        try:
            rows: dict[str, Any] = {kind: held.rows[kind] for kind in ROW_KINDS}
            versions = held.versions[list(VERSION_COLUMNS)]
            found = cls.from_frame(versions, extract_dates=held.extract_dates, findings=held.findings, **rows)
        except ValueError:
            raise DataError.at("event store", "its columns are not those of a store", then="Record again") from None
        return replace(found, recorded_under=held.recorded_under, tombstones=held.tombstones)

    def describe(self, profile: str = "opensafely") -> Description:
        """How late events became known, and in what role, with what status and of what year they are, protected.

        Lags are of each event's first version; ``late`` is known more than 31 days on; ``assumed`` has a known date
        that the declared lag stands in for. Small counts are redacted by the profile, the others rounded.
        """
        return Description(
            lags(self.frame, until=until_found(self.findings), profile=profile),
            composition(self.frame, profile=profile),
        )

    def __repr__(self) -> str:
        people = self.frame["person_id"].nunique()
        return (
            f"Events({len(self.frame):,} rows of {people:,} people, {self.frame['indicator'].nunique()} indicators, "
            f"{len(self.closers):,} withdrawn; findings: {self.findings.worst})"
        )


def _renamed(rows: pd.DataFrame, mapping: pd.Series[str]) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].map(mapping).astype("str") for name in _persons(rows)})


def _persons(rows: pd.DataFrame) -> list[str]:
    """The columns that name a person: the row's own, and the other of a link."""
    return [c for c in ("person_id", "other_id") if c in rows]


def _without(rows: pd.DataFrame, people: Collection[str]) -> pd.DataFrame:
    """The rows that do not name any of these people."""
    return rows[~rows[_persons(rows)].isin(people).any(axis=1)].reset_index(drop=True)
