"""What a monthly run leaves: the list, the reason sheets, a summary; whole or not at all, once."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from vru_models.audit.bundle import refuse_inside_release
from vru_models.audit.ledger import Ledger
from vru_models.disclosure.spreadsheet import spreadsheet_safe
from vru_models.errors import LockedError, StorageError
from vru_models.findings import Finding
from vru_models.scoring.score import Scores, refuse_unapproved
from vru_models.spec.digest import canonical_json, digest_bytes
from vru_models.spec.storage import named_place, storage_errors, write_folder


def save_scores(scores: Scores, out: str | Path, ledger: Ledger) -> None:
    """Record the list in the ledger, then publish it as a new folder with ``_SUCCESS`` in it.

    ``list.parquet``, ``list.csv`` (text cells made safe for spreadsheets), ``sheets.html`` (a reason sheet per person,
    for the panel), ``scores.json`` (counts and digests). The ledger holds the files' digests. A run that was killed
    before it published can be run again and gives the same bytes; one that has published raises :class:`LockedError`,
    and so does a second run at the same time.
    """
    place = named_place(out, "scores")
    refuse_inside_release(place)
    scores.refuse_if_changed()
    refuse_unapproved(scores.release, ledger, scores.as_of)
    with _alone(place):
        _refuse_taken(place)
        files = _files(scores)
        digests = {name: digest_bytes(content) for name, content in sorted(files.items())}
        of = {"as_of": str(scores.as_of), "release": scores.release.digest, "version": scores.release.version}
        given = {"overrides": dict(sorted(scores.overrides.items())), "overridden_by": scores.overridden_by}
        ledger.append("scores", **of, **given, counts=dict(scores.counts), events=scores.events_digest, files=digests)
        write_folder(place, files | {"_SUCCESS": b""}, role="scores")


def _refuse_taken(place: Path) -> None:
    if (place / "_SUCCESS").exists():
        raise LockedError.at(place, "holds a finished run", expected="a new folder", then="Nothing was written")
    if os.path.lexists(place):
        raise StorageError.at(place, "is already there", expected="a new folder", then="Nothing was written")


def _files(scores: Scores) -> dict[str, bytes]:
    buffer = BytesIO()
    scores.list.to_parquet(buffer, index=False)
    summary = {
        "purpose": scores.release.purpose,
        "version": scores.release.version,
        "release": scores.release.digest,
        "as_of": str(scores.as_of),
        "counts": dict(scores.counts),
        "extracts": {feed: str(date) for feed, date in sorted(scores.extract_dates.items())},
        "findings": scores.findings.records(),
        "overrides": dict(scores.overrides),
        "overridden_by": scores.overridden_by,
        "events": scores.events_digest,
    }
    return {
        "list.parquet": buffer.getvalue(),
        "list.csv": spreadsheet_safe(_readable(scores.list)).to_csv(index=False, lineterminator="\n").encode(),
        "sheets.html": sheets(scores).encode(),
        "scores.json": canonical_json(summary),
    }


def _readable(listed: pd.DataFrame) -> pd.DataFrame:
    """The list with four significant digits of the chance of a place; the Parquet file keeps all."""
    return listed.assign(inclusion_probability=[float(f"{p:.4g}") for p in listed["inclusion_probability"]])


def sheets(scores: Scores) -> str:
    """One reason sheet per listed person, for the panel, as one self-contained page.

    Sheets stand in the order of the pseudonyms, and place, band and points come after the first judgement.
    """
    template = resources.files("vru_models.scoring").joinpath("sheets.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    key = scores.release.spec.key
    people = scores.list.sort_values(key, kind="stable").rename(columns={key: "key"}).to_dict("records")
    return environment.from_string(template).render(scores=scores, people=people, extracts=_extracts(scores))


def _extracts(scores: Scores) -> list[str]:
    """The feeds by the day of their extract, in words: ``2026-11-01 (1 day before the list): Moves; Absence``."""
    feeds: dict[str, list[str]] = {}
    for found in scores.findings.where(lambda f: f.code == "VRU501"):
        title = scores.release.spec.table_of(found.where).title or found.where
        feeds.setdefault(_extracted(found, scores.extract_dates.get(found.where)), []).append(title)
    return [f"{when}: {'; '.join(titles)}" for when, titles in feeds.items()]


def _extracted(found: Finding, date: Any) -> str:
    if date is None:
        return "a day that nobody knows"
    days = int(found.figures["days"])
    side = "before" if days > 0 else "after"
    age = f"{abs(days):,} day{'' if abs(days) == 1 else 's'} {side} the list" if days else "the day of the list"
    return f"{date} ({age}{', stale' if found.status == 'fail' else ''})"


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """A block that no other run on the same output shares; the lock is taken away after it."""
    lock = out.with_name(f".{out.name}.lock")
    with storage_errors("scores", "written"):
        lock.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not _locked(fd, lock):
            raise LockedError.at(out, "another run is writing it", then="Wait for it, or name another folder")
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(fd)


def _locked(fd: int, lock: Path) -> bool:
    """Whether this run alone holds the lock that has the name, not one that was taken away meanwhile."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), os.stat(lock))
    except (BlockingIOError, FileNotFoundError):
        return False
