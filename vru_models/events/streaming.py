"""The first extracts of a store, recorded a batch at a time: what is in memory does not grow with the events."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from vru_models.events import checks
from vru_models.events.events import Events
from vru_models.events.extending import history_in, refuse_history
from vru_models.events.folding import ROW_KINDS, as_kept, fold, folded_rows
from vru_models.events.recording import agreed_coverage, found_of, versions_of
from vru_models.events.spill import Spill
from vru_models.events.store import MOST_BUCKETS, SCHEMA, Beside, bucket_count, bucket_of, combined_digest, save_buckets
from vru_models.events.tombstones import Tombstones
from vru_models.events.versions import FRAME_COLUMNS, in_order, no_versions, tidy, typed
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.gate import counts_of, gate_findings, quarantine_of, through_gate
from vru_models.feeds.passing import Passage
from vru_models.feeds.read import extracts_in
from vru_models.feeds.repeats import key_digests
from vru_models.findings import Finding, Findings
from vru_models.frames import to_frame, to_table
from vru_models.spec import Spec
from vru_models.spec.digest import digest_frame
from vru_models.spec.sources import VOID_STATUSES
from vru_models.spec.storage import named_place, require_free, storage_errors
from vru_models.spec.tables import Kind

_ROLE = "event store"
_AT_A_TIME = 250_000


@dataclass(frozen=True, eq=False)
class Recorded:
    """What :func:`record_extracts` put into a store, in numbers; the rows are in the store.

    Parameters
    ----------
    rows, withdrawn, people
        Versions of events in force at some time, those that withdraw or disprove one, and people with either.
    digest
        :attr:`Events.digest` of what the store holds.
    findings
        Those of :func:`record_events`.
    counts
        ``feed, rows_in, accepted, quarantined``: one row per feed.
    quarantine
        ``feed, row, reasons`` of every row held back, feeds and reasons as categories. No values.
    """

    rows: int
    withdrawn: int
    people: int
    digest: str
    findings: Findings = field(repr=False)
    counts: pd.DataFrame = field(repr=False)
    quarantine: pd.DataFrame = field(repr=False)
    extract_dates: Mapping[str, dt.date] = field(repr=False)

    @property
    def brought(self) -> pd.DataFrame:
        """``feed, new, late, gone``: versions a later extract brought, those late among them, records withdrawn."""
        codes = {"VRU122": ("new", "late"), "VRU121": ("gone",)}
        rows: dict[str, dict[str, int]] = {}
        for finding in self.findings:
            for name in codes.get(finding.code, ()):
                rows.setdefault(finding.where, dict.fromkeys(("new", "late", "gone"), 0))[name] = finding.figures[name]
        return pd.DataFrame(
            [{"feed": f, **figures} for f, figures in rows.items()], columns=["feed", "new", "late", "gone"]
        )

    @classmethod
    def of(cls, feeds: Feeds, events: Events) -> Recorded:
        """The same of feeds and events that are in memory."""
        return cls(
            rows=len(events.frame),
            withdrawn=len(events.closers),
            people=events.frame["person_id"].nunique(),
            digest=events.digest,
            findings=events.findings,
            counts=feeds.frame(),
            quarantine=feeds.quarantine.astype({"feed": "category", "reasons": "category"}),
            extract_dates=events.extract_dates,
        )

    def __repr__(self) -> str:
        total = self.counts[["rows_in", "accepted", "quarantined"]].sum()
        return (
            f"Recorded({len(self.counts)} feeds: {total['rows_in']:,} rows in, {total['accepted']:,} accepted, "
            f"{total['quarantined']:,} quarantined; the store: {self.rows:,} rows of {self.people:,} people, "
            f"{self.withdrawn:,} withdrawn; findings: {self.findings.worst})"
        )


def record_extracts(
    extracts: str | Path, spec: Spec, store: str | Path, *, account: Callable[[Recorded], None] | None = None
) -> Recorded:
    """A new event store from a folder of extracts, of which no more than a batch of events is ever in memory.

    It is the store, byte for byte, that ``record_events(read_feeds(extracts, spec), spec).save(store)`` writes, for
    extracts that are larger than memory: rows go through the gate as they are read and are set aside on the disk of
    the store, without a name and for their owner alone, until they are put into its buckets. Spells, links,
    objections, coverage and the audit file are held whole. Later extracts are added by :func:`record_events`.

    Parameters
    ----------
    extracts
        As for :func:`read_feeds`.
    store
        A new folder. Its disk has to hold the rows twice besides, while this runs.
    account
        Is told what will be in the store before it is there; when this raises, there is no store.

    Raises
    ------
    StorageError
        When the place is taken (before anything is read), or a folder or file cannot be read or written.
    DataError
        As :func:`read_feeds` and :func:`record_events`. Nothing is then left, under the store's name or another.

    Examples
    --------
    >>> record_extracts("nowhere/2026-11", Spec.example("early_help"), "store")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    place = named_place(store, _ROLE)
    require_free(place, _ROLE)
    sources, dates = extracts_in(extracts, spec)
    with storage_errors(_ROLE, "written"):
        place.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        aside = {
            feed: _ByRecord(place.parent, spec.table_of(feed).primary_key, stack) for feed in checks.event_feeds(spec)
        }
        passages = through_gate(
            sources, spec, extract_dates=dates, take={feed: records.add for feed, records in aside.items()}
        )
        versions = stack.enter_context(Spill(place.parent, SCHEMA, n_buckets=MOST_BUCKETS))
        counts = _Counts()
        for feed, records in aside.items():
            for group in records.groups():
                folded = counts.made(to_frame(group), spec, feed=feed, extract_date=dates[feed])
                versions.add(to_table(folded).select(SCHEMA.names), bucket_of(folded["person_id"]))
            refuse_history(counts.old[feed], counts.versions[feed], spec, feed)
        rows = _rows(passages, spec)
        n_buckets = bucket_count(int(versions.rows.sum()))
        until = checks.assumed_until(spec, dates, Findings())
        tally = partial(checks.tally, spec=spec, until=until)
        passing = _Passing(versions, n_buckets, checks.with_spell(rows["spells"], rows["links"]), tally)
        made: list[Recorded] = []

        def beside() -> Beside:
            of_all = found_of(rows["coverage"], passing.tallied, spec, until=until)
            found = Findings([*gate_findings(passages, spec), *counts.findings(passages, spec), *of_all])
            done = Recorded(
                rows=int(passing.tallied["rows"].sum()),
                withdrawn=counts.withdrawn,
                people=passing.people,
                digest=combined_digest(passing.digests, rows, dates),
                findings=found,
                counts=counts_of(passages),
                quarantine=quarantine_of(passages),
                extract_dates=dates,
            )
            made.append(done)
            if account is not None:
                account(done)
            return Beside(
                rows=rows,
                extract_dates=dates,
                findings=found,
                recorded_under=spec.recording,
                tombstones=Tombstones(),
                digest=done.digest,
            )

        save_buckets(place, passing.buckets(), beside, n_buckets=n_buckets)
    return made[0]


class _ByRecord:
    """Accepted rows of a feed, set aside so that every version of a record is in the same bucket."""

    def __init__(self, folder: Path, key: tuple[str, ...], stack: ExitStack) -> None:
        self._folder, self._key, self._stack = folder, list(key), stack
        self._spill: Spill | None = None

    def add(self, table: pa.Table) -> None:
        """Set the accepted rows of a batch aside."""
        if self._spill is None:
            self._spill = self._stack.enter_context(Spill(self._folder, table.schema, n_buckets=MOST_BUCKETS))
        keys = [column.combine_chunks() for column in table.select(self._key).itercolumns()]
        self._spill.add(table, (key_digests(keys)[0] % MOST_BUCKETS).astype(np.int64))

    def groups(self) -> Iterator[pa.Table]:
        """All versions of some records at a time."""
        return self._spill.groups(_AT_A_TIME) if self._spill else iter(())


class _Counts:
    """The versions that rows make, and how many there are of what."""

    def __init__(self) -> None:
        self.versions, self.old = Counter[str](), Counter[str]()
        self._made, self._never = Counter[str](), Counter[str]()
        self.withdrawn = 0

    def made(self, frame: pd.DataFrame, spec: Spec, *, feed: str, extract_date: dt.date) -> pd.DataFrame:
        """The versions, folded, of all rows of some records."""
        parts = [no_versions()]
        for name, indicator in spec.indicators.items():
            if indicator.feed == feed:
                rows, never = versions_of(name, frame, spec, extract_date=extract_date, standing=no_versions())
                self._made[name] += len(rows)
                self._never[name] += never
                parts.append(rows)
        versions = typed(pd.concat(parts, ignore_index=True))
        folded = fold(versions, "event_id")
        self.versions[feed] += len(versions)
        self.old[feed] += history_in(versions, extract_date)
        self.withdrawn += int(folded["status"].isin(VOID_STATUSES).sum())
        return folded

    def findings(self, passages: Mapping[str, Passage], spec: Spec) -> Iterator[Finding]:
        """What is to be said of the indicators."""
        for name, indicator in spec.indicators.items():
            if passages[indicator.feed].accepted and not self._made[name]:
                yield checks.never_fires(name, indicator)
            if self._never[name]:
                yield checks.refused_roles(name, self._never[name])


class _Passing:
    """The buckets of a store as they pass: their digests, and whom they are about."""

    def __init__(
        self, versions: Spill, n_buckets: int, have_spell: pd.Series[str], tally: Callable[..., pd.DataFrame]
    ) -> None:
        self._versions, self._n_buckets, self._tally = versions, n_buckets, tally
        self._have_spell, self._at = have_spell, bucket_of(have_spell, n_buckets)
        self.tallied = tally(no_versions(), have_spell=have_spell[:0])
        self.digests: list[str] = []
        self.people = 0

    def buckets(self) -> Iterator[pd.DataFrame]:
        """The versions of each bucket as they are stored."""
        for i in range(self._n_buckets):
            rows = in_order(to_frame(self._versions.take(range(i, MOST_BUCKETS, self._n_buckets))))
            void = rows["status"].isin(VOID_STATUSES)
            frame = tidy(rows[~void])[list(FRAME_COLUMNS)]
            self.digests.append(digest_frame(frame, index=False))
            self.tallied += self._tally(frame, have_spell=self._have_spell[self._at == i])
            self.people += frame["person_id"].nunique()
            yield rows.assign(known_until=rows["known_until"].mask(void))[list(FRAME_COLUMNS)]


def _rows(passages: Mapping[str, Passage], spec: Spec) -> dict[Kind, pd.DataFrame]:
    """Spells, coverage, links and objections, folded."""
    given = {kind: spec.feed_of_kind(kind) for kind in ROW_KINDS}
    frames = {kind: as_kept(to_frame(passages[feed].table), kind, key=spec.key) for kind, feed in given.items() if feed}
    frames.setdefault("coverage", agreed_coverage(spec))
    return {kind: folded_rows(frames.get(kind), kind) for kind in ROW_KINDS}
