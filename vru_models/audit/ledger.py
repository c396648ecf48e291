"""The append-only account of what happened: JSON lines chained by SHA-256, one writer at a time, forced to disk.

What the chain shows by itself: any entry changed, removed from the middle or reordered. What it cannot show: entries
cut off its end, or a whole history written anew. Only a checkpoint kept elsewhere shows those, and only up to its own
size: whoever holds the signing key and every copy of the checkpoints can rewrite history.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit.canonical import parse_record, record_bytes
from vru_models.audit.entries import GENESIS, MAX_LINE, Entry, checked_body
from vru_models.audit.trust import Signer, Trust, check_signatures, signature_records
from vru_models.errors import LedgerError, RefusedError
from vru_models.findings import Finding, Findings
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import read_all, storage_errors, sync_folder, write_all, write_new

CHECKPOINT_FORMAT = "vru-checkpoint/1"
_MAX_BYTES = 256 << 20
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Ledger:
    """The ledger at a path; a missing file is an empty ledger, and nothing is made until the first entry.

    Entries hold counts, codes and digests, never a person. Reading checks the chain as it goes, so an entry that is
    handed out is one that was written. An entry is appended once :meth:`append` returns; a write cut short (a kill, a
    full disk) is kept aside in ``<name>.torn-<n>`` by the next append, which writes a ``torn_tail`` entry about it.

    Examples
    --------
    >>> import tempfile
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger.jsonl")
    >>> ledger.append("fitted", rows=1200).seq
    1
    >>> ledger.append("evaluated", precision="0.31").prev == ledger.find("fitted")[0].hash
    True
    >>> ledger.verify().worst
    'cannot tell'
    >>> ledger.append("evaluated", precision=0.31)
    Traceback (most recent call last):
        ...
    TypeError: precision: a float has no single written form. Write it as text, such as '0.31'.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def __bool__(self) -> bool:
        """Always true: an empty ledger is still one to write to."""
        return True

    def __iter__(self) -> Iterator[Entry]:
        """Entries from the first on; ``LedgerError`` at the first that is not as it was written."""
        complete, _ = _split(self._content())
        return _chain(complete)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def head(self) -> str:
        """Hash of the last entry; 64 zeros when there is none."""
        last = GENESIS
        for entry in self:
            last = entry.hash
        return last

    def find(self, kind: str, **match: Any) -> tuple[Entry, ...]:
        """Entries of a kind whose body has all the given values, in order."""
        missing = object()
        return tuple(
            entry
            for entry in self
            if entry.kind == kind and all(entry.body.get(name, missing) == value for name, value in match.items())
        )

    def append(self, kind: str, **body: Any) -> Entry:
        """The new entry, on disk when this returns; processes and threads that append at once wait for each other.

        Only the last entry is checked first; :meth:`verify` checks them all.

        Parameters
        ----------
        kind
            What happened, a short lower-case name.
        body
            Text, whole numbers, true, false, None, lists and mappings of them. Floats are refused: write them as text.

        Raises
        ------
        LedgerError
            When the last entry is not as it was written.
        StorageError
            When the operating system refuses. The entry may be there or not: :meth:`find` tells.
        """
        plain = checked_body(kind, body)
        with _opened_to_write(self.path) as fd:
            last, torn = _tail(fd)
            if torn:
                last = self._keep_aside(fd, torn, last)
            return self._add(fd, last, kind, plain)

    def _add(self, fd: int, last: Entry | None, kind: str, body: dict[str, Any]) -> Entry:
        entry = Entry.after(last, kind, _now(), body)
        write_all(fd, entry.line())
        os.fsync(fd)
        if last is None:
            sync_folder(self.path.parent)
        return entry

    def _keep_aside(self, fd: int, torn: bytes, last: Entry | None) -> Entry:
        """Move an unfinished line into a file of its own, and say so in the ledger."""
        n = next(n for n in itertools.count(1) if not self._aside(n).exists())
        write_new(self._aside(n), torn, role="ledger, unfinished entry")
        os.ftruncate(fd, os.fstat(fd).st_size - len(torn))
        return self._add(
            fd, last, "torn_tail", {"bytes": len(torn), "sha256": digest_bytes(torn), "kept_as": f"torn-{n}"}
        )

    def _aside(self, n: int) -> Path:
        return self.path.with_name(f"{self.path.name}.torn-{n}")

    def torn(self) -> tuple[Path, ...]:
        """Files in which unfinished entries were kept aside."""
        parent, name = self.path.parent, self.path.name
        return tuple(sorted(path for path in parent.glob("*.torn-*") if path.name.startswith(f"{name}.torn-")))

    def checkpoint(self, key: Ed25519PrivateKey) -> bytes:
        """The size and head of the ledger, signed: JSON to keep where whoever can write the ledger cannot."""
        entries = list(self)
        head = entries[-1].hash if entries else GENESIS
        record = {"format": CHECKPOINT_FORMAT, "size": len(entries), "head": head, "at": _now()}
        return record_bytes(record | {"signatures": signature_records(record_bytes(record), [key])})

    def verify(self, *, checkpoint: bytes | None = None, trusted: Trust | None = None) -> Findings:
        """Findings: VRU601 the chain, VRU602 an unfinished end, VRU603 the checkpoint.

        Parameters
        ----------
        checkpoint
            What :meth:`checkpoint` returned earlier. Without it a cut at the end or a full rewrite does not show.
        trusted
            Whose checkpoint counts. Without it the finding gives the signer's fingerprint and says it is not pinned.
        """
        complete, torn = _split(self._content())
        entries, fault = _intact(complete)
        tail = _tail_finding(torn, len(self.torn()))
        return Findings([_chain_finding(entries, fault), tail, _checkpoint_finding(entries, checkpoint, trusted)])

    def _content(self) -> bytes:
        with storage_errors("ledger", "read"):
            try:
                fd = os.open(self.path, os.O_RDONLY | _OPEN)
            except FileNotFoundError:
                return b""
            try:
                fcntl.flock(fd, fcntl.LOCK_SH)
                return read_all(fd, _MAX_BYTES, role="ledger")
            finally:
                os.close(fd)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def _opened_to_write(path: Path) -> Iterator[int]:
    with storage_errors("ledger", "appended to", then="The entry may be there or not: look before writing it again"):
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _OPEN, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield fd
        finally:
            os.close(fd)


def _tail(fd: int) -> tuple[Entry | None, bytes]:
    """The last entry, and the bytes after its line end."""
    size = os.fstat(fd).st_size
    start = max(0, size - 2 * MAX_LINE)
    complete, end, torn = os.pread(fd, size - start, start).rpartition(b"\n")
    if not end and start:
        raise LedgerError.at("ledger", "its end is no entry", expected=f"lines of at most {MAX_LINE:,} bytes")
    return (Entry.parse(complete.rpartition(b"\n")[2]) if end else None), torn


def _split(content: bytes) -> tuple[list[bytes], bytes]:
    *complete, torn = content.split(b"\n")
    return complete, torn


def _chain(lines: list[bytes]) -> Iterator[Entry]:
    last: Entry | None = None
    for seq, line in enumerate(lines, start=1):
        entry = Entry.parse(line, seq)
        entry.follows(last)
        yield entry
        last = entry


def _intact(lines: list[bytes]) -> tuple[list[Entry], str]:
    """Entries up to the first fault, and the fault (empty: none)."""
    entries: list[Entry] = []
    try:
        entries.extend(_chain(lines))
    except LedgerError as error:
        return entries, str(error)
    return entries, ""


def _chain_finding(entries: list[Entry], fault: str) -> Finding:
    figures = {"entries": len(entries)}
    if fault:
        return Finding(
            "VRU601", "fail", "ledger chain", f"{fault} {len(entries)} entries before it are intact.", figures
        )
    if not entries:
        return Finding("VRU601", "not applicable", "ledger chain", "the ledger has no entries", figures)
    return Finding("VRU601", "pass", "ledger chain", f"{len(entries)} entries, each follows the one before", figures)


def _tail_finding(torn: bytes, aside: int) -> Finding:
    figures = {"unfinished_bytes": len(torn), "kept_aside": aside}
    if torn:
        message = f"the last {len(torn)} bytes are no finished entry: a write cut short, or an edit"
        return Finding("VRU602", "cannot tell", "ledger end", message, figures)
    return Finding(
        "VRU602", "pass", "ledger end", f"ends with a finished entry; {aside} unfinished kept aside", figures
    )


def _checkpoint_finding(entries: list[Entry], checkpoint: bytes | None, trusted: Trust | None) -> Finding:
    if checkpoint is None:
        message = "no checkpoint was given: entries cut off the end, or a full rewrite, would not show"
        return Finding("VRU603", "cannot tell", "ledger checkpoint", message)
    try:
        size, head, signer = _open_checkpoint(checkpoint, trusted)
    except RefusedError as error:
        return Finding("VRU603", "fail", "ledger checkpoint", str(error))
    figures = {"size": size, "entries": len(entries), "signer": signer.fingerprint}
    if len(entries) < size:
        message = (
            f"the checkpoint vouches for {size} entries, {len(entries)} are intact: entries were cut off or changed"
        )
        return Finding("VRU603", "fail", "ledger checkpoint", message, figures)
    if size and entries[size - 1].hash != head:
        message = f"entry {size} is not the one the checkpoint vouches for: history was rewritten"
        return Finding("VRU603", "fail", "ledger checkpoint", message, figures)
    if signer.name is None:
        message = f"the first {size} entries are as signed, by a signer not pinned, fingerprint {signer.fingerprint}"
        return Finding("VRU603", "cannot tell", "ledger checkpoint", message, figures)
    message = f"the first {size} entries are as signed ({signer.name})"
    return Finding("VRU603", "pass", "ledger checkpoint", message, figures)


def _open_checkpoint(content: bytes, trusted: Trust | None) -> tuple[int, str, Signer]:
    try:
        record = parse_record(content)
    except ValueError as error:
        raise RefusedError.at("checkpoint", f"is {error}", expected="what Ledger.checkpoint returned") from None
    signatures = record.pop("signatures", None)
    signer = check_signatures(record_bytes(record), signatures, trusted, where="checkpoint")[0]
    size, head = record.get("size"), record.get("head")
    if record.get("format") != CHECKPOINT_FORMAT or type(size) is not int or not isinstance(head, str) or size < 0:
        raise RefusedError.at("checkpoint", "its format is not known", expected=CHECKPOINT_FORMAT)
    return size, head, signer
