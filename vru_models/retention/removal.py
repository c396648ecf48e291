"""Removal with proof: said in the ledger before, counted after, and finished by the next run where one was stopped.

The way of one artefact: an ``expiring`` entry; the artefact renamed into a hidden draft folder beside it, so that no
reader meets half of it; the draft renamed ``.expiring-<hash of the entry>``; its files unlinked; an ``expired`` entry
with what was removed; the empty folder gone. A stop leaves a draft or such a folder, and the entry says what it is.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from vru_models.audit.entries import Entry
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import today
from vru_models.errors import LockedError, RefusedError, StorageError
from vru_models.events.store import locked
from vru_models.retention.keeping import Artefact, existing_folder, keeping
from vru_models.retention.kinds import KINDS, digest_of, files_in
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day
from vru_models.spec.storage import storage_errors, sync_folder

_PREFIX, _DRAFT = ".expiring-", ".draft"
_KIND: Final = {kind.name: kind for kind in KINDS}
_SHOWN: Final = frozenset(kind.own for kind in KINDS)
_DATE: Final = re.compile(r"\d{4}-\d{2}(-\d{2})?", re.ASCII)


def expire(folder: str | Path, spec: Spec, ledger: Ledger, *, as_of: dt.date | str | None = None) -> tuple[Entry, ...]:
    """Remove what :func:`~vru_models.retention.keeping` says goes; the ``expired`` entries, one proof for each.

    Each proof names the kind, the place, the digest, the day it was written, the rule, and how many files and bytes
    were removed. Removals that an earlier run began and did not finish come first. Where anything is refused, nothing
    else is removed: what changed may only be explained by what else is due. Nothing outside the folder is touched; the
    ledger, trust files, keys and whatever is no artefact stay.

    The proof is that the files are gone from this folder. Removing a file does not wipe the disk it lay on, nor any
    backup, copy or hard link of it: those need a rule of their own.

    Parameters
    ----------
    as_of
        The day to go by, today or before; default: today (UTC). Today is what this machine's clock says.

    Raises
    ------
    RefusedError
        Something that may be due is not what the ledger says, holds a file more, or is a link; or ``as_of`` is after
        today.
    LockedError
        Another run is expiring the same folder, or changing an event store that is due.
    StorageError
        The folder or the ledger is missing, or the operating system refuses; run it again.
    """
    place, day = existing_folder(folder), today() if as_of is None else as_day(as_of).item()
    if day > today():
        then = "Nothing was removed; keeping shows what a later day would bring"
        raise RefusedError.at("as_of", f"{day} is after today ({today()})", then=then)
    with _alone(place):
        found = keeping(place, spec, ledger, as_of=day)
        proofs = [_finish(aside, ledger) for aside in unfinished(place)]
        _refuse(found)
        proofs += [_remove(place, artefact, spec, ledger) for artefact in found if artefact.happens == "goes"]
    return tuple(proof for proof in proofs if proof is not None)


def unfinished(folder: Path) -> list[Path]:
    """What removals that were stopped left aside, in a folder or one folder deeper."""
    found = [path for depth in ("", "[!.]*/") for path in folder.glob(f"{depth}{_PREFIX}*")]
    return sorted(path for path in found if path.parent.resolve() == path.parent)


def _refuse(found: Sequence[Artefact]) -> None:
    refused = [artefact for artefact in found if artefact.happens == "refused"]
    if refused:
        lines = [f"  {a.place}: {a.why.removeprefix(f'{a.place}: ')}" for a in refused]
        then = (
            "Nothing that is due was removed, since nobody can account for this. Restore it from a copy, or move it "
            "(or the file that does not belong there) out of the folder, and run again."
        )
        raise RefusedError("\n".join(["expire: refused.", *lines, then]))


def _remove(folder: Path, artefact: Artefact, spec: Spec, ledger: Ledger) -> Entry | None:
    place = folder / artefact.place
    with locked(place) if artefact.kind == "events" else nullcontext():
        return _finish(_set_aside(place, artefact, spec, ledger), ledger)


def _set_aside(place: Path, artefact: Artefact, spec: Spec, ledger: Ledger) -> Path:
    if digest_of(_KIND[artefact.kind].now(place)) != artefact.digest:
        raise RefusedError.at(
            artefact.place, "was changed in the meantime", then="It was not removed; run expire again"
        )
    sizes = files_in(place)
    said = {
        "artefact": artefact.kind,
        "place": _shown(artefact.place),
        "digest": artefact.digest,
        "written": str(artefact.written),
        "rule": str(artefact.rule),
        "spec": spec.digest,
    }
    begun = ledger.append("expiring", **said, files=len(sizes), bytes=sum(sizes.values()))
    draft = place.with_name(f"{_PREFIX}{begun.hash}{_DRAFT}")
    with storage_errors(artefact.kind, "removed", then="Run expire again"):
        draft.mkdir(mode=0o700)
        os.rename(place, draft / "part")
        sync_folder(draft)
        sync_folder(draft.parent)
    return draft


def _shown(place: str) -> str:
    """The place as the ledger may hold it: names that the library gives and dates; any other may be a person's."""
    parts = place.split("/")
    return "/".join(part if part in _SHOWN or _DATE.fullmatch(part) else "*" for part in parts)


def _finish(aside: Path, ledger: Ledger) -> Entry | None:
    """Take a removal to its end from wherever it stopped; None where nothing had been moved, or it was all but done."""
    begun = _begun(aside, ledger)
    with storage_errors("expire", "finished", then="Run expire again"):
        if aside.name.endswith(_DRAFT):
            aside = _out_of_draft(aside)
        if not aside.exists():
            return None
        _empty(aside)
    left = len(files_in(aside))
    if left:
        raise StorageError.at("expire", f"{left:,} files came to what is being removed", then="Run expire again")
    proof = None
    if not ledger.find("expired", expiring=begun.hash):
        proof = ledger.append("expired", **dict(begun.body), expiring=begun.hash, left=left)
    with storage_errors("expire", "finished", then="Run expire again"):
        aside.rmdir()
        sync_folder(aside.parent)
    return proof


def _begun(aside: Path, ledger: Ledger) -> Entry:
    said = aside.name.removeprefix(_PREFIX).removesuffix(_DRAFT)
    begun = next((entry for entry in ledger.find("expiring") if entry.hash == said), None)
    if begun is None or aside.is_symlink() or not aside.is_dir():
        what = "a removal was begun that this ledger says nothing of"
        raise RefusedError.at("expire", what, then="Give the ledger it was begun under (--ledger)")
    return begun


def _out_of_draft(draft: Path) -> Path:
    """The draft under its later name once the artefact is in it; a draft without one is taken away."""
    aside = draft.with_name(draft.name.removesuffix(_DRAFT))
    if any(draft.iterdir()):
        os.rename(draft, aside)
    else:
        draft.rmdir()
    sync_folder(draft.parent)
    return aside


def _empty(folder: Path) -> None:
    """Unlink everything in a folder; links in it go and are not followed."""
    with os.scandir(folder) as scan:
        entries = list(scan)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    sync_folder(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A block that no other run on the same folder shares."""
    with storage_errors("expire", "begun"):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError.at("expire", "another run is removing from this folder", then="Wait for it") from None
        yield
    finally:
        os.close(fd)
