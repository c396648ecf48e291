"""A working folder: the steps as they read and write it, for the command line, the demonstration and batch jobs.

``events/``, ``dataset/``, ``audit_file.parquet`` (protected characteristics, apart, mode 0600), ``run/``,
``evidence/``, ``release/``, ``ledger.jsonl``.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from vru_models.audit.ledger import Ledger
from vru_models.dataset import Dataset, build_dataset
from vru_models.dataset.rows import data_end
from vru_models.dataset.splits import splits_of
from vru_models.errors import StorageError
from vru_models.evidence.choice import ENOUGH_SPLITS
from vru_models.feeds import Events, Feeds, read_feeds, record_events
from vru_models.findings import Finding, Findings, Status
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import read_file, write_new

AUDIT_FILE = "audit_file.parquet"


@dataclass(frozen=True)
class Built:
    """What :func:`build` made and stored."""

    feeds: Feeds
    events: Events
    data: Dataset


def check(spec: Spec, extracts: str | Path) -> Findings:
    """What a spec and a folder of extracts allow, before anything is built: gate, known dates, splits, agreements.

    Examples
    --------
    >>> check(Spec.example("early_help"), "nowhere")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    events = record_events(read_feeds(extracts, spec), spec)
    return events.findings + Findings([_splits_finding(spec, events)])


def _splits_finding(spec: Spec, events: Events) -> Finding:
    splits = splits_of(spec, data_end(spec, events))
    made = ", ".join(f"{s.name} ({len(s.train)} training dates)" for s in splits) or "none"
    dropped = "".join(f"; not {date}: {reason}" for date, reason in splits.dropped)
    status: Status = "pass" if len(splits) >= ENOUGH_SPLITS else "cannot tell" if len(splits) else "fail"
    return Finding("VRU203", status, "splits", f"{len(splits)} possible: {made}{dropped}")


def build(spec: Spec, extracts: str | Path, *, out: str | Path, ledger: Ledger) -> Built:
    """Feeds, events and dataset from a folder of extracts, stored in ``out`` and recorded with their counts."""
    place = Path(out)
    refuse_taken(place, "events", "dataset", AUDIT_FILE)
    feeds = read_feeds(extracts, spec)
    ledger.append("feeds", spec=spec.digest, feeds=feeds.frame().to_dict("records"))
    events = record_events(feeds, spec)
    data = build_dataset(spec, events)
    ledger.append("events", events=events.digest, rows=len(events.frame))
    ledger.append("dataset", dataset=data.digest, spec=spec.digest, rows=len(data.X), labelled=int(data.labelled.sum()))
    events.save(place / "events")
    data.save(place / "dataset")
    if feeds.sensitive is not None:
        buffer = BytesIO()
        feeds.sensitive.to_parquet(buffer, index=False)
        ledger.append("audit_file", sha256=digest_bytes(buffer.getvalue()), rows=len(feeds.sensitive))
        write_new(place / AUDIT_FILE, buffer.getvalue(), role="audit file", mode=0o600)
    return Built(feeds, events, data)


def open_audit_file(work: str | Path) -> pd.DataFrame | None:
    """The protected characteristics that :func:`build` set apart, or None where there were none."""
    file = Path(work) / AUDIT_FILE
    return pd.read_parquet(BytesIO(read_file(file, 2**32, role="audit file"))) if file.is_file() else None


def refuse_taken(place: Path, *names: str) -> None:
    """Refuse before any work is done, and before the ledger is written to, where a result could not be stored."""
    taken = [name for name in names if (place / name).exists()]
    if taken:
        what = f"{', '.join(taken)} already there"
        raise StorageError.at(
            place, what, expected="a new folder", then="Nothing is overwritten, and nothing was done; use a new folder"
        )
