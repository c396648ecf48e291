"""What is kept until when: every artefact in a folder under the windows of a spec and the days of the ledger."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vru_models.audit.entries import Entry
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import today
from vru_models.audit.stores import is_store
from vru_models.errors import RefusedError, StorageError, VruError
from vru_models.retention.kinds import KINDS, PAGE, Content, Kind, digest_of, walked
from vru_models.spec import Spec
from vru_models.spec.calendar import Span, as_day
from vru_models.spec.digest import digest_file

Happens = Literal["goes", "stays", "refused"]
_STOPPED = re.compile(r"\..+\.tmp")
_UNHEARD = "the ledger says nothing of it, so nobody can tell since when it is here: remove it by hand in time"


@dataclass(frozen=True)
class Artefact:
    """One artefact in a folder, and what happens to it.

    Parameters
    ----------
    kind
        The window of ``retention`` that it falls under.
    place
        Where it lies, relative to the folder.
    digest
        What the ledger calls it; empty where the ledger does not know it as it is.
    written
        The day of its last ledger entry (UTC); None where that cannot be told.
    rule, until
        Its window, and the last day on which it is kept (inclusive); None: until somebody removes it.
    happens, why
        ``goes``, ``stays`` or ``refused`` (it may be due, and nobody can account for it), and the reason.
    """

    kind: str
    place: str
    digest: str
    written: dt.date | None
    rule: Span | None
    until: dt.date | None
    happens: Happens
    why: str


@dataclass(frozen=True)
class _Account:
    """What every decision goes by."""

    folder: Path
    spec: Spec
    entries: tuple[Entry, ...]
    day: dt.date

    def of_kind(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]

    def told(self, kind: Kind) -> list[tuple[Entry, Content]]:
        return kind.told(self.entries)


def keeping(
    folder: str | Path, spec: Spec, ledger: Ledger, *, as_of: dt.date | str | None = None
) -> tuple[Artefact, ...]:
    """Every artefact in a folder with what happens to it on a day, in the order in which ``expire`` goes; only reads.

    An artefact is due from the day after its window on: kept for 12 months from 1 November 2026, it is there on 1
    November 2027 and goes on the 2nd. It goes when it is due, is exactly what the ledger says was written (the last
    entry counts, where several name the same content), and nothing that stays needs it: the release in use and the
    run and evidence it was approved on stay while it may be used, and a release stays as long as a list made from it.
    What has changed, holds a file more or is a link is refused where it may be due. What the ledger never named, such
    as extracts that were only scored, stays: nobody can tell since when it is here. An event store that is kept goes as
    a whole, its window counted from what was last recorded into it; a purge does not renew it.

    Parameters
    ----------
    folder
        A working folder, or one with extracts, releases and lists in it.
    as_of
        The day to look at, past or future; default: today (UTC).

    Raises
    ------
    LedgerError
        The ledger is not what was written.
    RefusedError
        The ledger knows something in the folder to be of another purpose than the spec's.
    StorageError
        The folder or the ledger is missing.

    Examples
    --------
    >>> keeping("nowhere", Spec.example("early_help"), Ledger("nowhere/ledger.jsonl"))
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: nowhere: is not a folder. Expected: a working folder. Check the path.
    """
    place = existing_folder(folder)
    if is_store(place):
        what, expected = "is an event store itself, which goes as a whole", "the folder that holds it"
        raise RefusedError.at("folder", what, expected=expected, then="Give that folder, and its ledger (--ledger)")
    if not ledger.path.is_file():
        then = "Give the ledger that this folder was written under (--ledger)"
        raise StorageError.at("ledger", "is missing, and without it nothing can be accounted for", then=then)
    day = today() if as_of is None else as_day(as_of).item()
    account = _Account(place, spec, tuple(ledger), day)
    found = [_artefact(kind, path, account) for kind in KINDS for path in kind.places(place)]
    copies = _copies(found, account)
    dated = [_dated(_as_copy(artefact, copies, place), day) for artefact in found]
    return tuple(_with_their_release(_needed(dated, account), copies, account))


def beside(folder: str | Path, found: Iterable[Artefact]) -> tuple[int, int]:
    """How many files of a folder are no artefact, and how many of them a write left that was stopped.

    The second are hidden, end in ``.tmp``, may hold rows of people, and are in no ledger: somebody has to look.
    """
    place = existing_folder(folder)
    taken = [place / artefact.place for artefact in found]
    others = [path for path in walked(place) if not any(path.is_relative_to(artefact) for artefact in taken)]
    left = [path for path in others if any(_STOPPED.fullmatch(part) for part in path.relative_to(place).parts)]
    return len(others), len(left)


def existing_folder(folder: str | Path) -> Path:
    """The folder by its real path, or :class:`StorageError`."""
    place = Path(folder).resolve()
    if not place.is_dir():
        raise StorageError.at(folder, "is not a folder", expected="a working folder", then="Check the path")
    return place


def _artefact(kind: Kind, path: Path, account: _Account) -> Artefact:
    """What lies in a place, held against the ledger."""
    rule, told = getattr(account.spec.retention, kind.name), account.told(kind)
    bare = Artefact(kind.name, path.relative_to(account.folder).as_posix(), "", None, rule, None, "stays", _UNHEARD)
    try:
        if path.resolve() != path:
            raise RefusedError.at(bare.place, "is a link, or lies behind one, and links are not followed")
        now = kind.now(path)
    except VruError as error:
        return _unaccounted(bare, account, told, str(error).partition(". ")[0].rstrip("."))
    entry = next((entry for entry, content in reversed(told) if content == now), None)
    if entry is not None:
        _refuse_other_purpose(bare.place, entry, account)
        return replace(bare, digest=digest_of(now), written=_day_of(entry))
    if kind.is_meant(path, now, told):
        return _unaccounted(bare, account, told, "is not what the ledger says was written")
    return bare


def _unaccounted(bare: Artefact, account: _Account, told: list[tuple[Entry, Content]], what: str) -> Artefact:
    """Refused where it may be something that is due: anything of its kind that was written and has not expired."""
    expired = {entry.body["digest"] for entry in account.of_kind("expired")}
    days = [_day_of(entry) for entry, content in told if digest_of(content) not in expired]
    due = bare.rule is not None and any(account.day > _until(bare.rule, day) for day in days)
    return replace(bare, happens="refused" if due else "stays", why=what)


def _refuse_other_purpose(place: str, entry: Entry, account: _Account) -> None:
    approvals = account.of_kind("approval")
    ours = account.spec.purpose.name
    other = {a.body["purpose"] for a in approvals if a.body.get("spec") == entry.body.get("spec")} - {ours}
    if "spec" in entry.body and other:
        what = f"{place} is of another purpose ({', '.join(sorted(other))}) by the ledger"
        raise RefusedError.at("spec", what, expected=f"artefacts of {ours}", then="Give the spec of that purpose")


def _day_of(entry: Entry) -> dt.date:
    return dt.date.fromisoformat(entry.at[:10])


def _until(rule: Span, written: dt.date) -> dt.date:
    return dt.date.fromisoformat(str(rule.after(written)))


def _copies(found: list[Artefact], account: _Account) -> Mapping[str, Artefact]:
    """The releases here by the digests of their own pages."""
    releases = [a for a in found if a.kind == "old_release" and a.digest]
    return {digest_file(account.folder / a.place / PAGE): a for a in releases}


def _as_copy(artefact: Artefact, copies: Mapping[str, Artefact], folder: Path) -> Artefact:
    """A page that the ledger does not name, but that is a copy of a release's own: as old as that release."""
    page = folder / artefact.place
    if artefact.kind != "report" or artefact.digest or page.is_symlink():
        return artefact
    of = copies.get(digest_file(page))
    return replace(artefact, digest=digest_file(page), written=of.written, happens="stays") if of else artefact


def _dated(artefact: Artefact, day: dt.date) -> Artefact:
    """What happens by its own window alone."""
    if artefact.written is None:
        return artefact
    if artefact.rule is None:
        return replace(artefact, why="the spec gives it no window: kept until somebody removes it")
    until = _until(artefact.rule, artefact.written)
    if day > until:
        return replace(artefact, until=until, happens="goes", why=f"older than {artefact.rule}")
    return replace(artefact, until=until, why=f"kept for {artefact.rule}")


def _needed(found: list[Artefact], account: _Account) -> list[Artefact]:
    """Due, but kept: the release in use, its run and evidence; then releases of the lists that stay."""
    approvals = _in_use(account)
    kept = [_by_use(artefact, approvals) for artefact in found]
    scored = {digest_of(entry.body["files"]): str(entry.body["release"]) for entry in account.of_kind("scores")}
    lists = {scored[a.digest] for a in kept if a.kind == "scores" and a.digest and a.happens == "stays"}
    return [_by_lists(artefact, lists) for artefact in kept]


def _in_use(account: _Account) -> list[Entry]:
    """The approvals by which a list may still be made: the latest version of each purpose, up to its last day."""
    latest: dict[str, Entry] = {}
    for entry in account.of_kind("approval"):
        before = latest.setdefault(str(entry.body["purpose"]), entry)
        if int(entry.body["version"]) > int(before.body["version"]):
            latest[str(entry.body["purpose"])] = entry
    return [e for e in latest.values() if dt.date.fromisoformat(e.body["expires_on"]) >= account.day]


def _by_use(artefact: Artefact, approvals: list[Entry]) -> Artefact:
    field = {"old_release": "release", "run": "run", "evidence": "evidence"}.get(artefact.kind)
    if field is None or artefact.happens != "goes":
        return artefact
    last = [str(entry.body["expires_on"]) for entry in approvals if entry.body.get(field) == artefact.digest]
    whose = "may be used" if field == "release" else "a release approved on it may be used"
    return replace(artefact, happens="stays", why=f"due, but {whose} up to {max(last)}") if last else artefact


def _by_lists(artefact: Artefact, lists: set[str]) -> Artefact:
    if artefact.kind == "old_release" and artefact.happens == "goes" and artefact.digest in lists:
        return replace(artefact, happens="stays", why="due, but a list made from it is still kept")
    return artefact


def _with_their_release(found: list[Artefact], copies: Mapping[str, Artefact], account: _Account) -> Iterator[Artefact]:
    """Copies of a page go with the release they are of, since nothing else accounts for them."""
    gone = {artefact.digest for artefact in found if artefact.kind == "old_release" and artefact.happens == "goes"}
    named = {entry.body["sha256"] for entry in account.of_kind("report")}
    for artefact in found:
        of = copies.get(artefact.digest) if artefact.kind == "report" and artefact.digest not in named else None
        goes = of is not None and of.digest in gone and artefact.happens == "stays"
        yield replace(artefact, happens="goes", why="goes with the release it is a copy of") if goes else artefact
