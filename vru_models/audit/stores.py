"""Event stores that are kept from month to month: where they lie, and which of their contents the ledger says is last.

The ledger knows a store by nothing but the digests of what it held, each under the one ``before`` it: neither name nor
path, so a store may be moved. A purge is said twice, ``purging`` before the store is changed and ``purge`` after.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vru_models.audit.entries import Entry

Standing = Literal["last", "older", "purged", "announced", "unfinished"]
_STORE = ("store.json", "events/bucket-*.parquet")


def folders_with(place: Path, own: str, *files: str) -> list[Path]:
    """Every folder in a place, up to two folders deep, that holds one of the files (patterns); links are handed out.

    The one of the kind's own name is among them whatever it holds, unless others lie in it.
    """
    depths = ("[!.]*", "[!.]*/[!.]*")
    found = {_holder(hit, name) for name in files for depth in depths for hit in place.glob(f"{depth}/{name}")}
    named = place / own
    if os.path.lexists(named) and not any(folder.is_relative_to(named) for folder in found):
        found.add(named)
    return sorted(found)


def _holder(hit: Path, name: str) -> Path:
    return hit.parents[name.count("/")]


def is_store(place: Path) -> bool:
    """Whether a folder is an event store, or was one before its ``store.json`` was lost."""
    return any(next(place.glob(name), None) is not None for name in _STORE)


def event_stores(place: Path) -> list[Path]:
    """The event stores in a folder, up to two folders deep, and ``events``."""
    return folders_with(place, "events", *_STORE)


@dataclass
class _Content:
    """What a kept store held at one time."""

    before: str | None = None
    older: bool = False
    purged: bool = False
    begun: list[Entry] = field(default_factory=list)


class KeptStores:
    """What a ledger says of the stores that are kept, by the digest of what each held.

    Parameters
    ----------
    entries
        The whole ledger, in order.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._known: dict[str, _Content] = {}
        for entry in entries:
            if entry.kind == "events" and "before" in entry.body:
                self._recorded(entry.body["before"], entry.body["events"])
            elif entry.kind == "purging":
                self._begun(entry)
            elif entry.kind == "purge":
                self._done(entry)

    def standing(self, digest: str) -> Standing | None:
        """How the ledger speaks of a store that holds this; None where it speaks of no such store.

        ``last`` is as it should be; ``older``: something else was recorded in its place; ``purged``: that was a purge,
        or it was made from what a purge left behind; ``unfinished``: a purge was begun and not finished, and the people
        are still in it; ``announced``: they are out, and the purge has not said so.
        """
        content = self._known.get(digest)
        if content is None:
            return None
        if content.purged or content.older:
            return "purged" if content.purged else "older"
        if content.begun:
            return "announced" if all(entry.body["events"] == digest for entry in content.begun) else "unfinished"
        return "last"

    def begun(self, digest: str) -> Entry:
        """The first purge of such a store that was begun and never finished."""
        return self._known[digest].begun[0]

    @property
    def last(self) -> tuple[str, ...]:
        """The last digest of every store, in order."""
        return tuple(digest for digest in self._known if self.standing(digest) in ("last", "unfinished"))

    def _at(self, digest: str) -> _Content:
        return self._known.setdefault(digest, _Content())

    def _recorded(self, before: str | None, digest: str) -> None:
        if before is None:
            self._known[digest] = _Content()
        elif before != digest:
            earlier = self._at(before)
            earlier.older = True
            for entry in [entry for entry in earlier.begun if entry.body["events"] == before]:
                self._leave(entry.body["before"], before)
            begun = [entry for entry in earlier.begun if entry.body["events"] != before]
            self._known[digest] = _Content(before, purged=earlier.purged, begun=begun)

    def _begun(self, entry: Entry) -> None:
        before, digest = entry.body["before"], entry.body["events"]
        held = self._at(before)
        held.begun.append(entry)
        if digest != before and (digest not in self._known or self._known[digest].begun):
            self._known[digest] = _Content(before, purged=held.purged, begun=list(held.begun))

    def _done(self, entry: Entry) -> None:
        """A purge finishes every one of the same people that was begun on the same store."""
        before, digest = entry.body["before"], entry.body["events"]
        held = self._at(before)
        now = self._known.setdefault(digest, _Content(before, purged=held.purged))
        for earlier in [entry, *(other for other in held.begun if _whom(other) == _whom(entry))]:
            self._leave(earlier.body["before"], earlier.body["events"])
        now.begun = [other for other in now.begun if _whom(other) != _whom(entry)]

    def _leave(self, before: str, digest: str) -> None:
        """What a store held before a purge, and all that it held before that, counts no more."""
        at: str | None = before if before != digest else None
        while at in self._known and not self._known[at].purged:
            self._known[at].purged, at = True, self._known[at].before


def _whom(entry: Entry) -> object:
    return entry.body.get("whom")


def written_days(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Every digest of events with the ``events`` entry from which it is kept; purges and new keys renew nothing."""
    recorded: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind == "events" and entry.body.get("rekeyed") is None:
            recorded[entry.body["events"]] = entry
            yield entry, entry.body["events"]
        elif entry.kind in ("events", "purging", "purge") and entry.body["before"] in recorded:
            recorded[entry.body["events"]] = recorded[entry.body["before"]]
            yield recorded[entry.body["events"]], entry.body["events"]
