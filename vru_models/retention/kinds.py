"""Every kind of artefact that lives for a time, declared once: where it lies, what the ledger says of it, what it is.

A room that writes a new kind adds a line to :data:`KINDS` and a window of the same name to
:class:`~vru_models.spec.bars.Retention`. The ledger, trust files and keys are no kind: they are never removed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vru_models.audit.bundle import open_bundle
from vru_models.audit.entries import Entry
from vru_models.audit.stores import event_stores, written_days
from vru_models.audit.verify import extract_folders, list_folders, quarantine_folders, release_folders
from vru_models.dataset import Dataset
from vru_models.errors import DataError, RefusedError
from vru_models.events import Events
from vru_models.events.store import names_in
from vru_models.evidence import Evidence, Run
from vru_models.feeds.quarantine import CSV, FOLDER, PARQUET, quarantine_digests
from vru_models.spec.digest import digest_file, digest_json
from vru_models.spec.storage import storage_errors
from vru_models.workflow import AUDIT_FILE

Content = str | Mapping[str, str]
"""What tells an artefact from any other: one digest, or the digests of its files by name."""

PAGE: Final = "report.html"


@dataclass(frozen=True)
class Kind:
    """One kind of artefact.

    Parameters
    ----------
    name
        The window of the spec's ``retention`` that it falls under.
    entry
        The kind of ledger entry that is written with it; its day is the day that the window is counted from. A purge
        renews nothing: what it leaves of a store is as old as what was last recorded into it.
    said
        The content that such an entry names, from its body; None where the entry is about something else.
    own
        The name that the library itself gives to one: what lies there is meant to be one.
    places
        Where artefacts of the kind lie in a folder.
    now
        The content of what lies in such a place, every file of it taken into account; a
        :class:`~vru_models.errors.VruError` where it is not as the library writes it, or holds a file more.
    """

    name: str
    entry: str
    said: Callable[[Mapping[str, Any]], Content | None]
    own: str
    places: Callable[[Path], Iterable[Path]]
    now: Callable[[Path], Content]

    def told(self, entries: Iterable[Entry]) -> list[tuple[Entry, Content]]:
        """Every content of this kind that a ledger names, in order, with the entry whose day counts."""
        if self.name == "events":
            return list(written_days(entries))
        told = [(entry, self.said(entry.body)) for entry in entries if entry.kind == self.entry]
        return [(entry, content) for entry, content in told if content is not None]

    def is_meant(self, place: Path, now: Content, told: Iterable[tuple[Entry, Content]]) -> bool:
        """Whether something that the ledger does not name as it is may be one that it names, and was changed.

        What lies under the library's own name may be, every event store where the ledger names one, and whatever has a
        file in common with what is named.
        """
        if isinstance(now, str):
            return place.name == self.own or (self.name == "events" and any(told))
        return any(not isinstance(content, str) and now.items() & content.items() for _, content in told)


def digest_of(content: Content) -> str:
    """One digest of an artefact's content: its own, or that of the digests of its files by name.

    Examples
    --------
    >>> digest_of("c0ffee")
    'c0ffee'
    >>> digest_of({"b": "2", "a": "1"}) == digest_of({"a": "1", "b": "2"})
    True
    """
    return content if isinstance(content, str) else digest_json(dict(content))


def files_in(place: Path) -> dict[str, int]:
    """The size in bytes of every file of an artefact, by its name inside it; of a single file, by its own name.

    Links are not followed: one anywhere, or a device or a pipe, is a :class:`~vru_models.errors.RefusedError`.
    """
    with storage_errors(place.name, "read"):
        if stat.S_ISDIR(place.lstat().st_mode):
            return {path.relative_to(place).as_posix(): _size(path) for path in walked(place)}
        return {place.name: _size(place)}


def walked(folder: Path) -> Iterator[Path]:
    """Everything in a folder that is no folder itself; links are handed out, not entered."""
    with os.scandir(folder) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from walked(Path(entry.path))
        else:
            yield Path(entry.path)


def _size(path: Path) -> int:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError.at("artefact", "is or holds a link, a device or a pipe")
    return status.st_size


def _exactly(place: Path, names: Collection[str]) -> None:
    extra = len(set(files_in(place)) - set(names))
    if extra:
        raise DataError.at(place.name, f"holds files that nobody recorded: {extra:,}")


def _named(name: str) -> Callable[[Path], list[Path]]:
    """The place of a kind that has one name."""
    return lambda folder: [folder / name] if os.path.lexists(folder / name) else []


def _pages(folder: Path) -> list[Path]:
    return sorted(folder.glob("[!.]*.html"))


def _digests(place: Path) -> dict[str, str]:
    return {name: digest_file(place / name) for name in files_in(place)}


def _events(place: Path) -> str:
    digest = Events.open(place).digest
    _exactly(place, names_in(place))
    return digest


def _dataset(place: Path) -> str:
    digest = Dataset.open(place).digest
    _exactly(place, {"dataset.json", *json.loads((place / "dataset.json").read_bytes())["files"]})
    return digest


def _evidence(place: Path) -> str:
    _exactly(place, {"evidence.json"})
    return Evidence.open(place).digest


def _quarantine(place: Path) -> dict[str, str]:
    _exactly(place, {CSV, PARQUET})
    return quarantine_digests(place)


def _release(place: Path) -> str:
    return open_bundle(place, None).digest


def _file(place: Path) -> str:
    _exactly(place, {place.name})
    return digest_file(place)


def _list(place: Path) -> dict[str, str]:
    digests = _digests(place)
    if digests.pop("_SUCCESS", None) is None:
        raise DataError.at(place.name, "has no _SUCCESS")
    return digests


KINDS: Final = (
    Kind("report", "report", lambda body: body.get("sha256"), PAGE, _pages, _file),
    Kind("scores", "scores", lambda body: body.get("files"), "scores", list_folders, _list),
    Kind("extracts", "feeds", lambda body: body.get("files"), "extracts", extract_folders, _digests),
    Kind("quarantine", "feeds", lambda body: body.get("quarantine"), FOLDER, quarantine_folders, _quarantine),
    Kind("events", "events", lambda body: body.get("events"), "events", event_stores, _events),
    Kind("audit_file", "audit_file", lambda body: body.get("sha256"), AUDIT_FILE, _named(AUDIT_FILE), _file),
    Kind("dataset", "dataset", lambda body: body.get("dataset"), "dataset", _named("dataset"), _dataset),
    Kind("run", "fit", lambda body: body.get("run"), "run", _named("run"), lambda place: Run.open(place).digest),
    Kind("evidence", "evidence", lambda body: body.get("evidence"), "evidence", _named("evidence"), _evidence),
    Kind("old_release", "approval", lambda body: body.get("release"), "release", release_folders, _release),
)
"""In the order of removal: what refers to something goes before it, pages and lists before releases."""
