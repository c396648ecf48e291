"""A working folder: the steps as they read and write it, for the command line, the demonstration and batch jobs.

``events/``, ``audit_file.parquet`` (protected characteristics, apart, mode 0600), ``quarantine/`` (rows held back and
why), ``dataset/``, ``run/``, ``evidence/``, ``release/``, ``ledger.jsonl``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from vru_models.audit.answers import ADVICE, names_somebody, unanswered
from vru_models.audit.approve import reviews_finding
from vru_models.audit.bundle import refuse_inside_release
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import refuse_future
from vru_models.audit.report import report
from vru_models.audit.stores import KeptStores
from vru_models.dataset import Dataset, prove_no_leakage
from vru_models.dataset.build import crowding
from vru_models.dataset.rows import data_end, kept_out
from vru_models.errors import LockedError, RefusedError, StorageError
from vru_models.events import Events, Recorded, record_events, record_extracts
from vru_models.events.store import copy as copy_store
from vru_models.events.store import digest_in, opened
from vru_models.events.tombstones import LEAST_CONFIDENCE, Key, Purged, Tombstones, pseudonyms_in
from vru_models.evidence import Evidence, Run
from vru_models.evidence.choice import ENOUGH_SPLITS
from vru_models.executors import Executor, Progress, Written, runner, write_dataset
from vru_models.feeds import Feeds, read_feeds
from vru_models.feeds.quarantine import FOLDER, quarantine_digests, quarantine_files
from vru_models.feeds.read import Reading, extracts_in
from vru_models.feeds.sql import queries_read
from vru_models.findings import Findings
from vru_models.identifiers.files import mapping_in
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes, digest_file, digest_json
from vru_models.spec.storage import (
    draft_folder,
    named_place,
    publish,
    read_file,
    require_free,
    write_folder,
    write_new,
)
from vru_models.splits.allowed import allowed

T = TypeVar("T")
AUDIT_FILE = "audit_file.parquet"
_STOP = ("VRU102", "VRU108", "VRU121", "VRU124")
_PSEUDONYM = re.compile(r"\b[0-9a-fA-F]{16,}\b")


@dataclass(frozen=True)
class Built:
    """What :func:`build` made: the feeds, and the dataset in numbers; events and rows are read when asked for."""

    place: Path
    feeds: Feeds
    written: Written

    @cached_property
    def events(self) -> Events:
        """The events that were stored."""
        return Events.open(self.place / "events")

    @cached_property
    def data(self) -> Dataset:
        """The dataset that was stored."""
        return Dataset.open(self.place / "dataset")


def check(spec: Spec, extracts: str | Path, *, kept: Kept | None = None, leakage: bool = False) -> Findings:
    """What a spec and a folder of extracts allow, before anything is built: gate, known dates, splits, agreements.

    With a store that is kept, as if the extracts had been added to it; nothing in it changes. VRU203 says which splits
    are possible and what would give more, VRU206 whether events crowd just before the dates of rows with the outcome.
    VRU608 fails where an impact assessment is not in date, since ``approve`` will refuse. With ``leakage``, also
    VRU201: that no row of the dataset would change if everything that was known later had been otherwise
    (:func:`prove_no_leakage`).

    Examples
    --------
    >>> check(Spec.example("early_help"), "nowhere")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    _, events = look_at(spec, extracts, kept=kept)
    proof = prove_no_leakage(spec, events) if leakage else Findings()
    splits = allowed(spec, data_end(spec, events), enough=ENOUGH_SPLITS)
    return events.findings + Findings([splits, reviews_finding(spec)]) + crowding(spec, events) + proof


def read_extracts(extracts: str | Path, spec: Spec) -> Feeds:
    """:func:`~vru_models.feeds.read_feeds`, refusing extracts that are dated after today."""
    feeds = read_feeds(extracts, spec)
    refuse_future(feeds.extract_dates)
    return feeds


@dataclass(frozen=True)
class Kept:
    """An event store that is kept from one extract to the next, and the key of its tombstones where it has any."""

    store: str | Path
    key: bytes | None = None

    def opened(self) -> Events | None:
        """What it holds; None where it is not there yet."""
        return Events.open(self.store) if Path(self.store).exists() else None


def look_at(spec: Spec, extracts: str | Path, *, kept: Kept | None = None) -> tuple[Feeds, Events]:
    """The feeds of a folder of extracts and the events they make, added to those of a store; nothing is recorded.

    Of the audit file, who objects to equality monitoring or was purged, as the store has it, is held back.
    """
    feeds = read_extracts(extracts, spec)
    earlier, key = (kept.opened(), kept.key) if kept else (None, None)
    events = record_events(feeds, spec, earlier=earlier, key=key)
    people = pd.Series(dtype="str") if feeds.sensitive is None else feeds.sensitive["person_id"]
    for reason, who in kept_out(people, spec, events, key).items():
        feeds = feeds.hold_back(who, reason)
    return feeds, events


def record(
    spec: Spec, extracts: str | Path, *, kept: Kept, ledger: Ledger, answers: Answers | None = None,
    quarantine: str | Path | None = None,
) -> Recorded:  # fmt: skip
    """Extracts added to a store that is kept, recorded with counts and digests; a store that is not there begins.

    Refused, and nothing recorded, while VRU102, VRU108, VRU121 or VRU124 fails and nobody answers for it: what is
    added now stays, and what is missing from it is missed by every later list. The first extracts of a store may be
    larger than memory; see :func:`~vru_models.events.record_extracts`.

    Parameters
    ----------
    answers
        Left out, those with which these very files were recorded before.
    quarantine
        A new folder for the rows held back and why, where there are any; it is written even when this refuses.
    """
    if quarantine is not None:
        require_free(quarantine, FOLDER)

    def account(done: Recorded, before: str | None = None) -> None:
        if quarantine is not None and len(done.quarantine):
            write_folder(quarantine, quarantine_files(done.quarantine), role=FOLDER)
        _refuse_unanswered(done, given)
        _account(ledger, spec, reading, done, given, before=before)

    refuse_future(extracts_in(extracts, spec)[1])
    reading = Reading.of(extracts, spec)
    given = answers or _answered(ledger, reading)
    if not Path(kept.store).exists():
        return record_extracts(extracts, spec, kept.store, account=account)
    made: list[Recorded] = []

    def add(earlier: Events) -> Events:
        _refuse_before_purge(earlier, ledger)
        feeds = read_feeds(extracts, spec)
        events = record_events(feeds, spec, earlier=earlier, key=kept.key)
        made.append(Recorded.of(feeds, events))
        account(made[0], earlier.digest)
        return events

    Events.update(kept.store, add)
    return made[0]


def _refuse_before_purge(held: Events, ledger: Ledger) -> None:
    """Refuse a store that holds people who were purged: a copy that was put back, or a purge that was stopped."""
    standing = KeptStores(ledger).standing(held.digest)
    if standing == "purged":
        what, then = "is from before a purge", "Restore the last one, or purge the same people again"
        raise RefusedError.at("event store", what, expected="the store as it was last recorded or purged", then=then)
    if standing == "unfinished":
        then = "Purge the same people again, then record"
        raise RefusedError.at("event store", "a purge of it was begun and never finished", then=then)


@dataclass(frozen=True)
class Answers:
    """Reasons why extracts are recorded although a check of them fails, by code, and who gives them."""

    reasons: Mapping[str, str] = field(default_factory=dict)
    by: str = ""


def _answered(ledger: Ledger, reading: Reading) -> Answers:
    """The answers with which these files were recorded before."""
    told = [e.body for e in ledger.find("feeds", files=dict(reading.files)) if "overrides" in e.body]
    return Answers(told[-1]["overrides"], str(told[-1]["by"])) if told else Answers()


def _refuse_unanswered(done: Recorded, answers: Answers) -> None:
    """Refuse what fails and nobody answers for, and answers that hold what may be a pseudonym."""
    stops = done.findings.with_status("fail").where(lambda f: f.code in _STOP)
    found = unanswered(stops, answers.reasons)
    if answers.reasons and not names_somebody(answers.by):
        found.append("by: names nobody; give name and role in one line")
    if any(_PSEUDONYM.search(text) for text in (answers.by, *answers.reasons.values())):
        found.append("overrides: hold what may be a pseudonym; write reasons without naming anybody")
    if found:
        then = f"Nothing was recorded. Mend the extracts at their source. {ADVICE}"
        raise RefusedError("\n".join(["record: refused.", *(f"  {line}" for line in found), then]))


def events_of(source: str | Path, spec: Spec, *, ledger: Ledger) -> Events:
    """The events of a folder of extracts (which is recorded in the ledger), or those of a store that is kept."""
    if (Path(source) / "store.json").exists():
        return Events.open(source)
    reading = Reading.of(source, spec)
    feeds = read_extracts(source, spec)
    events = record_events(feeds, spec)
    _account(ledger, spec, reading, Recorded.of(feeds, events))
    return events


def _account(
    ledger: Ledger, spec: Spec, reading: Reading, done: Recorded, answers: Answers | None = None, **kept: str | None
) -> None:
    """What was read and what it made; of a store that is kept, also the digest ``before`` (None: the store begins)."""
    reading.refuse_changed()
    answered = {"overrides": dict(answers.reasons), "by": answers.by.strip()} if answers and answers.reasons else {}
    files = dict(sorted(reading.files.items()))
    counts = done.counts.to_dict("records")
    queries = queries_read(spec, {str(row["feed"]): int(row["rows_in"]) for row in counts})
    held = {name: digest_bytes(content) for name, content in quarantine_files(done.quarantine).items()}
    ledger.append("feeds", spec=spec.digest, feeds=counts, files=files, queries=queries, quarantine=held, **answered)
    ledger.append("events", events=done.digest, rows=done.rows, **kept)


def purge(
    store: str | Path, people: Iterable[str], *, key: Key, ledger: Ledger, linked: bool | None = None,
    same_person_from: float = LEAST_CONFIDENCE,
) -> Purged:  # fmt: skip
    """Take people out of a store for good, and say how many of them it held; see :meth:`Events.purge_counted`.

    The ledger says how many and what the store's digest became, never who: ``purging`` before the store is changed,
    ``purge`` when it is done. A purge that was stopped is finished by another of the same people.
    """
    whom = pseudonyms_in(people)
    told, done = dict[str, Any](), list[Purged]()

    def without(held: Events) -> Events:
        left, counts = held.purge_counted(whom, key=key, linked=linked, same_person_from=same_person_from)
        done.append(counts)
        mark = digest_json(Tombstones().with_people(whom, key=key).people)
        told.update(people=len(whom) + counts.linked, whom=mark, before=held.digest, events=left.digest)
        ledger.append("purging", **told)
        return left

    Events.update(store, without)
    ledger.append("purge", **told)
    return done[0]


def rekey(store: str | Path, mapping: str | Path, *, ledger: Ledger, key: Key | None = None) -> int:
    """Put new pseudonyms in the place of a store's old ones, by a mapping of ``rotate``; how many people it has.

    The ledger holds the digests before and after, and how many there were. The window of retention goes on.
    """
    old_to_new = mapping_in(mapping)

    def change(held: Events) -> Events:
        _refuse_before_purge(held, ledger)
        made = held.rekeyed(old_to_new, key=key)
        ledger.append("events", events=made.digest, rows=len(made.frame), before=held.digest, rekeyed=len(held.people))
        return made

    Events.update(store, change)
    return len(old_to_new)


def build(
    spec: Spec, extracts: str | Path, *, out: str | Path, ledger: Ledger, kept: Kept | None = None,
    executor: Executor = "memory", n_jobs: int | None = None, progress: Progress | None = None,
) -> Built:  # fmt: skip
    """Feeds, events and dataset from a folder of extracts, stored in ``out`` and recorded with counts and digests.

    The dataset is made a part of the store at a time and comes last: a build that was stopped can be run again into
    the same folder, from the same extracts. Whatever the executor, it is the dataset of :func:`build_dataset`.

    Parameters
    ----------
    kept
        An event store that is kept from month to month, to which the extracts are added by :func:`record` first; the
        events are all that it then holds.
    executor, n_jobs, progress
        As for :func:`~vru_models.executors.write_dataset`.
    """
    place = named_place(out, "working folder")
    runner(executor, n_jobs)
    refuse_inside_release(place / "dataset")
    refuse_taken(place, "dataset")
    reading = Reading.of(extracts, spec)
    if kept is not None:
        record(spec, extracts, kept=kept, ledger=ledger)
    feeds = read_extracts(extracts, spec)
    with draft_folder(place, role="working folder") as draft:
        store = draft / "events"
        recorded = None if kept else _recorded_into(store, feeds, spec)
        if kept is not None:
            copy_store(kept.store, store)
        parts = _Parts.of(store, feeds, spec, place, key=kept.key if kept else None)

        def account(written: Written) -> None:
            if recorded is None:
                reading.refuse_changed()
            else:
                _account(ledger, spec, reading, recorded)
            about = {"dataset": written.digest, "spec": spec.digest, "events": parts.events}
            ledger.append("dataset", **about, rows=written.rows, labelled=written.labelled)
            parts.store(ledger, store)

        written = write_dataset(
            spec, store, place / "dataset", executor=executor, n_jobs=n_jobs, progress=progress, account=account
        )
    return Built(place, feeds, written)


def _recorded_into(store: Path, feeds: Feeds, spec: Spec) -> Recorded:
    events = record_events(feeds, spec)
    events.save(store)
    return Recorded.of(feeds, events)


@dataclass(frozen=True)
class _Parts:
    """What a build stores beside the dataset, and which of it an earlier build that was stopped has left."""

    place: Path
    events: str
    people: int | None
    audit: bytes
    held: Mapping[str, bytes]
    left: frozenset[str]

    @classmethod
    def of(cls, store: Path, feeds: Feeds, spec: Spec, place: Path, *, key: bytes | None) -> _Parts:
        """The parts of a store and of feeds; anything else that is in their place is refused."""
        beside, sensitive = opened(store)[1], feeds.sensitive
        if sensitive is not None:
            gone = set().union(*kept_out(sensitive["person_id"], spec, beside, key).values())
            sensitive = sensitive[~sensitive["person_id"].isin(list(gone))].reset_index(drop=True)
        audit = b"" if sensitive is None else sensitive.to_parquet(index=False)
        held = quarantine_files(feeds.quarantine)
        digests = {name: digest_bytes(content) for name, content in held.items()}
        left = {
            "events": _kept(place / "events", beside.digest, digest_in),
            AUDIT_FILE: bool(audit) and _kept(place / AUDIT_FILE, digest_bytes(audit), digest_file),
            FOLDER: _kept(place / FOLDER, digests, quarantine_digests),
        }
        people = None if sensitive is None else len(sensitive)
        return cls(place, beside.digest, people, audit, held, frozenset(name for name, there in left.items() if there))

    def store(self, ledger: Ledger, events: Path) -> None:
        """Record the audit file, then put everything that is not there yet in its place."""
        if self.people is not None:
            ledger.append("audit_file", sha256=digest_bytes(self.audit), rows=self.people)
        if "events" not in self.left:
            publish(events, self.place / "events", role="event store")
        if self.people is not None and AUDIT_FILE not in self.left:
            write_new(self.place / AUDIT_FILE, self.audit, role="audit file")
        if FOLDER not in self.left:
            write_folder(self.place / FOLDER, self.held, role=FOLDER)


def _kept(part: Path, digest: T, digest_of: Callable[[Path], T]) -> bool:
    """Whether an earlier build that was stopped left this very part; anything else in its place is refused."""
    if not part.exists():
        return False
    if digest_of(part) != digest:
        what = "is already there, from other extracts or another spec"
        raise StorageError.at(part, what, expected="a new folder", then="Nothing is overwritten; use a new folder")
    return True


def write_report(work: str | Path, out: str | Path, *, ledger: Ledger) -> None:
    """The page of a working folder's run and evidence, with the approval where there is one; recorded in the ledger.

    Refused where the ledger does not hold this evidence of this run.
    """
    place, page = Path(work), named_place(out, "report")
    refuse_inside_release(page)
    if page.exists() and not (page.is_file() and ledger.find("report", sha256=digest_file(page))):
        then = "Name another: only a page that report wrote is overwritten"
        raise StorageError.at(page, "is already there, and is no page of this ledger's", then=then)
    run, evidence = Run.open(place / "run"), Evidence.open(place / "evidence")
    if not ledger.find("evidence", run=run.digest, evidence=evidence.digest):
        what = "is not the evidence of this run that the ledger holds"
        raise RefusedError.at(place / "evidence", what, then="Give the ledger that evaluate wrote to (--ledger)")
    approvals = ledger.find("approval", run=run.digest, evidence=evidence.digest)
    report(run, evidence, out=page, approval=approvals[-1].body if approvals else None)
    ledger.append("report", run=run.digest, evidence=evidence.digest, sha256=digest_file(page))


def open_audit_file(work: str | Path) -> pd.DataFrame | None:
    """The protected characteristics that :func:`build` set apart, or None where there were none."""
    file = Path(work) / AUDIT_FILE
    return pd.read_parquet(BytesIO(read_file(file, 2**32, role="audit file"))) if file.is_file() else None


def refuse_taken(place: Path, *names: str) -> None:
    """Refuse before any work is done, and before the ledger is written to, where a result could not be stored."""
    taken = [name for name in names if (place / name).exists()]
    if taken:
        what = f"{', '.join(taken)} already there"
        raise LockedError.at(place, what, then="Nothing was done, and nothing is overwritten: use what is there")
