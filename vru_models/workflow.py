"""A working folder: the steps as they read and write it, for the command line, the demonstration and batch jobs.

``events/``, ``audit_file.parquet`` (protected characteristics, apart, mode 0600), ``quarantine/`` (rows held back and
why), ``dataset/``, ``run/``, ``evidence/``, ``release/``, ``ledger.jsonl``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from vru_models.audit.approve import overdue_reviews
from vru_models.audit.bundle import refuse_inside_release
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import refuse_future
from vru_models.audit.report import report
from vru_models.dataset import Dataset, build_dataset
from vru_models.dataset.coded import encode
from vru_models.dataset.people import left_out
from vru_models.dataset.rows import data_end, known_at_last
from vru_models.dataset.splits import splits_of
from vru_models.errors import LockedError, RefusedError, StorageError
from vru_models.events import Events, Recorded, record_events, record_extracts
from vru_models.events.tombstones import Key, Tombstones, linked_to, pseudonyms_in
from vru_models.evidence import Evidence, Run
from vru_models.evidence.choice import ENOUGH_SPLITS
from vru_models.feeds import Feeds, read_feeds
from vru_models.feeds.quarantine import FOLDER, quarantine_digests, quarantine_files
from vru_models.feeds.read import extracts_in
from vru_models.feeds.sql import queries_read
from vru_models.findings import Finding, Findings, Status
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes, digest_file, digest_json
from vru_models.spec.question import Cohort
from vru_models.spec.storage import named_place, read_file, write_folder, write_new

T = TypeVar("T")
AUDIT_FILE = "audit_file.parquet"
LEAST_CONFIDENCE: float = Cohort.model_fields["same_person_from"].default


@dataclass(frozen=True)
class Built:
    """What :func:`build` made and stored."""

    feeds: Feeds
    events: Events
    data: Dataset


def check(spec: Spec, extracts: str | Path) -> Findings:
    """What a spec and a folder of extracts allow, before anything is built: gate, known dates, splits, agreements.

    VRU608 fails where an impact assessment is not in date, since ``approve`` will refuse.

    Examples
    --------
    >>> check(Spec.example("early_help"), "nowhere")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    events = record_events(read_extracts(extracts, spec), spec)
    return events.findings + Findings([_splits_finding(spec, events), _reviews_finding(spec)])


def _reviews_finding(spec: Spec) -> Finding:
    overdue = overdue_reviews(spec)
    message = "; ".join(overdue) or "the impact assessments are in date"
    return Finding("VRU608", "fail" if overdue else "pass", "assessments", message)


def _splits_finding(spec: Spec, events: Events) -> Finding:
    splits = splits_of(spec, data_end(spec, events))
    made = ", ".join(f"{s.name} ({len(s.train)} training dates)" for s in splits) or "none"
    dropped = "".join(f"; not {date}: {reason}" for date, reason in splits.dropped)
    status: Status = "pass" if len(splits) >= ENOUGH_SPLITS else "cannot tell" if len(splits) else "fail"
    return Finding("VRU203", status, "splits", f"{len(splits)} possible: {made}{dropped}")


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


def take_in(spec: Spec, extracts: str | Path, *, ledger: Ledger, kept: Kept | None = None) -> tuple[Feeds, Events]:
    """The feeds of a folder of extracts and the events they make, recorded with counts and digests.

    With a store that is kept, the extracts are added to it (a store that is not there begins), and the events are all
    that it then holds. Extracts that were added before add nothing.
    """
    feeds = read_extracts(extracts, spec)
    if kept is None:
        events = record_events(feeds, spec)
        _account(ledger, spec, extracts, Recorded.of(feeds, events))
        return feeds, events
    made: list[Events] = []

    def add(earlier: Events | None) -> Events:
        events = record_events(feeds, spec, earlier=earlier, key=kept.key)
        before = earlier.digest if earlier else None
        _account(ledger, spec, extracts, Recorded.of(feeds, events), before=before)
        made.append(events)
        return events

    if Path(kept.store).exists():
        Events.update(kept.store, add)
    else:
        add(None).save(kept.store)
    return feeds, made[0]


def record(spec: Spec, extracts: str | Path, *, kept: Kept, ledger: Ledger) -> Recorded:
    """Extracts added to a store that is kept, recorded with counts and digests; a store that is not there begins.

    The first extracts of a store may be larger than memory; see :func:`~vru_models.events.record_extracts`.
    """
    if Path(kept.store).exists():
        return Recorded.of(*take_in(spec, extracts, ledger=ledger, kept=kept))
    refuse_future(extracts_in(extracts, spec)[1])
    return record_extracts(extracts, spec, kept.store, account=partial(_account, ledger, spec, extracts, before=None))


def events_of(source: str | Path, spec: Spec, *, ledger: Ledger) -> Events:
    """The events of a folder of extracts (which is recorded in the ledger), or those of a store that is kept."""
    if (Path(source) / "store.json").exists():
        return Events.open(source)
    return take_in(spec, source, ledger=ledger)[1]


def _account(ledger: Ledger, spec: Spec, extracts: str | Path, done: Recorded, **kept: str | None) -> None:
    """What was read and what it made; of a store that is kept, also the digest ``before`` (None: the store begins)."""
    read = [f for f in Path(extracts).iterdir() if f.stem in {*spec.feeds, "extracts"} and f.is_file()]
    files = {file.name: digest_file(file) for file in sorted(read)}
    counts = done.counts.to_dict("records")
    queries = queries_read(spec, {str(row["feed"]): int(row["rows_in"]) for row in counts})
    held = {name: digest_bytes(content) for name, content in quarantine_files(done.quarantine).items()}
    ledger.append("feeds", spec=spec.digest, feeds=counts, files=files, queries=queries, quarantine=held)
    ledger.append("events", events=done.digest, rows=done.rows, **kept)


@dataclass(frozen=True)
class Purged:
    """What :func:`purge` did, in pseudonyms.

    Parameters
    ----------
    found
        How many of those given the store held, in whatever row.
    before
        How many others of them had been purged before.
    unknown
        How many of them the store never held, as far as it can tell; they are kept out of later extracts all the same.
    linked
        How many others were taken out because they are linked to somebody given.
    left
        How many others stay, though they are linked to somebody given.
    """

    found: int
    before: int
    unknown: int
    linked: int
    left: int


def purge(
    store: str | Path,
    people: Iterable[str],
    *,
    key: Key,
    ledger: Ledger,
    linked: bool | None = None,
    same_person_from: float = LEAST_CONFIDENCE,
) -> Purged:
    """Take people out of a store for good, and say how many of them it held; see :meth:`Events.purge`.

    The ledger says how many and what the store's digest became, never who: ``purging`` before the store is changed,
    ``purge`` when it is done. A purge that was stopped is finished by another of the same people.

    Parameters
    ----------
    linked
        Whether to take out the other pseudonyms of the same people, too, by the links as they stand at the end. With
        somebody the link goes, too, and cannot be asked again: where there are others, this has to be said.
    same_person_from
        The least confidence of a link that makes two pseudonyms one person, as in the spec's ``cohort``.

    Raises
    ------
    RefusedError
        When others are linked, and ``linked`` says nothing of them; or the key is not the one of the tombstones.
    """
    whom = pseudonyms_in(people)
    told, done = dict[str, Any](), list[Purged]()

    def without(held: Events) -> Events:
        here, others = held.people, linked_to(held.rows["links"], whom, least=same_person_from)
        if others and linked is None:
            what, then = f"{len(others):,} other pseudonyms are linked to those given", "Nothing was purged"
            expected = "linked=True, which takes them out, too, or False (--linked, or --not-linked)"
            raise RefusedError.at("people", what, expected=expected, then=then)
        taken = others if linked else frozenset[str]()
        left = held.purge_all({*whom, *taken}, key=key)
        gone = pd.Series([person for person in whom if person not in here], dtype="str")
        buried = int(held.tombstones.hide(gone, key=key).sum())
        stay = len((others - taken) & left.people)
        done.append(Purged(len(whom) - len(gone), buried, len(gone) - buried, len(taken), stay))
        mark = digest_json(Tombstones().with_people(whom, key=key).people)
        told.update(people=len(whom) + len(taken), whom=mark, before=held.digest, events=left.digest)
        ledger.append("purging", **told)
        return left

    Events.update(store, without)
    ledger.append("purge", **told)
    return done[0]


def build(spec: Spec, extracts: str | Path, *, out: str | Path, ledger: Ledger, kept: Kept | None = None) -> Built:
    """Feeds, events and dataset from a folder of extracts, stored in ``out`` and recorded with counts and digests.

    The dataset comes last: a build that was stopped can be run again into the same folder, from the same extracts.

    Parameters
    ----------
    kept
        An event store that is kept from month to month; see :func:`take_in`.
    """
    place = named_place(out, "working folder")
    refuse_inside_release(place / "dataset")
    refuse_taken(place, "dataset")
    if kept is None:
        feeds = read_extracts(extracts, spec)
        events = record_events(feeds, spec)
    else:
        feeds, events = take_in(spec, extracts, ledger=ledger, kept=kept)
    data = build_dataset(spec, events)
    sensitive = _without_objectors(feeds.sensitive, spec, events)
    audit = b"" if sensitive is None else _parquet(sensitive)
    events_kept = _kept(place / "events", events.digest, lambda folder: Events.open(folder).digest)
    audit_kept = not audit or _kept(place / AUDIT_FILE, digest_bytes(audit), digest_file)
    held = quarantine_files(feeds.quarantine)
    held_digests = {name: digest_bytes(content) for name, content in held.items()}
    held_kept = _kept(place / FOLDER, held_digests, quarantine_digests)
    if kept is None:
        _account(ledger, spec, extracts, Recorded.of(feeds, events))
    rows, labelled = len(data.X), int(data.labelled.sum())
    ledger.append("dataset", dataset=data.digest, spec=spec.digest, events=events.digest, rows=rows, labelled=labelled)
    if sensitive is not None:
        ledger.append("audit_file", sha256=digest_bytes(audit), rows=len(sensitive))
    if not events_kept:
        events.save(place / "events")
    if not audit_kept:
        write_new(place / AUDIT_FILE, audit, role="audit file")
    if not held_kept:
        write_folder(place / FOLDER, held, role=FOLDER)
    data.save(place / "dataset")
    return Built(feeds, events, data)


def _without_objectors(sensitive: pd.DataFrame | None, spec: Spec, events: Events) -> pd.DataFrame | None:
    """The audit file without who objects to equality monitoring, by any linked pseudonym, as known at the last."""
    if sensitive is None or events.rows["objections"].empty:
        return sensitive
    coded = encode(spec, events)
    objecting = coded.people[left_out(coded, "audit", known_at_last(spec, events))]
    return sensitive[~sensitive["person_id"].isin(objecting)].reset_index(drop=True)


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


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
