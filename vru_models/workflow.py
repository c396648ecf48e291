"""A working folder: the steps as they read and write it, for the command line, the demonstration and batch jobs.

``events/``, ``audit_file.parquet`` (protected characteristics, apart, mode 0600), ``quarantine/`` (rows held back and
why), ``dataset/``, ``run/``, ``evidence/``, ``release/``, ``ledger.jsonl``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import pandas as pd

from vru_models.audit.approve import overdue_reviews
from vru_models.audit.bundle import refuse_inside_release
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import refuse_future
from vru_models.audit.report import report
from vru_models.dataset import Dataset, build_dataset
from vru_models.dataset.rows import data_end
from vru_models.dataset.splits import splits_of
from vru_models.errors import LockedError, RefusedError, StorageError
from vru_models.events import Events, record_events
from vru_models.evidence import Evidence, Run
from vru_models.evidence.choice import ENOUGH_SPLITS
from vru_models.feeds import Feeds, read_feeds
from vru_models.feeds.quarantine import FOLDER, quarantine_digests, quarantine_files
from vru_models.findings import Finding, Findings, Status
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes, digest_file
from vru_models.spec.storage import named_place, read_file, write_folder, write_new

T = TypeVar("T")
AUDIT_FILE = "audit_file.parquet"


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


def build(spec: Spec, extracts: str | Path, *, out: str | Path, ledger: Ledger) -> Built:
    """Feeds, events and dataset from a folder of extracts, stored in ``out`` and recorded with counts and digests.

    The dataset comes last: a build that was stopped can be run again into the same folder, from the same extracts.
    """
    place = named_place(out, "working folder")
    refuse_inside_release(place / "dataset")
    refuse_taken(place, "dataset")
    feeds = read_extracts(extracts, spec)
    events = record_events(feeds, spec)
    data = build_dataset(spec, events)
    audit = b"" if feeds.sensitive is None else _parquet(feeds.sensitive)
    kept = _kept(place / "events", events.digest, lambda folder: Events.open(folder).digest)
    audit_kept = not audit or _kept(place / AUDIT_FILE, digest_bytes(audit), digest_file)
    held = quarantine_files(feeds.quarantine)
    held_digests = {name: digest_bytes(content) for name, content in held.items()}
    held_kept = _kept(place / FOLDER, held_digests, quarantine_digests)
    read = [f for f in Path(extracts).iterdir() if f.stem in {*spec.feeds, "extracts"} and f.is_file()]
    files = {file.name: digest_file(file) for file in sorted(read)}
    counts = feeds.frame().to_dict("records")
    ledger.append("feeds", spec=spec.digest, feeds=counts, files=files, quarantine=held_digests)
    ledger.append("events", events=events.digest, rows=len(events.frame))
    ledger.append("dataset", dataset=data.digest, spec=spec.digest, rows=len(data.X), labelled=int(data.labelled.sum()))
    if feeds.sensitive is not None:
        ledger.append("audit_file", sha256=digest_bytes(audit), rows=len(feeds.sensitive))
    if not kept:
        events.save(place / "events")
    if not audit_kept:
        write_new(place / AUDIT_FILE, audit, role="audit file")
    if not held_kept:
        write_folder(place / FOLDER, held, role=FOLDER)
    data.save(place / "dataset")
    return Built(feeds, events, data)


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
