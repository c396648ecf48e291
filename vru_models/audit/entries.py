"""One line of the ledger: what it may hold, how it is written, and how it is read back without trusting it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from vru_models.audit.canonical import parse_record, record_bytes
from vru_models.errors import LedgerError
from vru_models.spec.digest import digest_bytes, digest_json

GENESIS = "0" * 64
MAX_LINE = 1 << 20
_KIND = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_FIELDS = {"seq": int, "kind": str, "at": str, "body": dict, "prev": str, "hash": str}
_PERSON_KEYS = frozenset(
    {"personid", "personids", "person", "persons", "pseudoid", "pseudoids", "pseudonym", "pseudonyms", "childid",
     "pupilid", "householdid", "nhsnumber", "upn", "uln", "dateofbirth", "dob", "birthmonth", "postcode"}
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One entry of the ledger: ``hash`` is the SHA-256 of everything else in it, ``prev`` the entry before.

    ``at`` is the clock of the machine that wrote it, in UTC, for the reader; order is ``seq``, from 1.
    """

    seq: int
    kind: str
    at: str
    body: Mapping[str, Any]
    prev: str
    hash: str

    @classmethod
    def after(cls, last: Entry | None, kind: str, at: str, body: Mapping[str, Any]) -> Self:
        """The entry that follows another (None: the first), from a checked body."""
        seq, prev = (1, GENESIS) if last is None else (last.seq + 1, last.hash)
        content = {"seq": seq, "kind": kind, "at": at, "body": body, "prev": prev}
        return cls(seq, kind, at, body, prev, digest_bytes(record_bytes(content)))

    @classmethod
    def parse(cls, line: bytes, seq: int | None = None) -> Self:
        """The entry in one line without its line end; ``seq`` only names it in a message.

        Raises
        ------
        LedgerError
            When the bytes are not an entry exactly as this library writes it, or do not fit their own hash.
        """
        where = "ledger: last entry" if seq is None else f"ledger: entry {seq}"
        try:
            record = parse_record(line)
        except ValueError as error:
            raise _broken(where, str(error)) from None
        if set(record) != set(_FIELDS) or any(type(record[name]) is not kind for name, kind in _FIELDS.items()):
            raise _broken(where, "its fields are not those of an entry")
        stated = record.pop("hash")
        if digest_json(record) != stated:
            raise _broken(where, "its content does not fit its hash")
        return cls(**record, hash=stated)

    def line(self) -> bytes:
        """The entry as the ledger keeps it, line end included."""
        return record_bytes(vars(self)) + b"\n"

    def follows(self, last: Entry | None) -> None:
        """Refuse an entry that is not the next one after ``last``."""
        seq, prev = (1, GENESIS) if last is None else (last.seq + 1, last.hash)
        if (self.seq, self.prev) != (seq, prev):
            raise _broken(f"ledger: entry {seq}", "it does not follow the one before it")


def checked_body(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body as it will be read back; what a ledger must not hold is refused.

    Examples
    --------
    >>> checked_body("evaluated", {"n": 200, "precision": "0.31"})
    {'n': 200, 'precision': '0.31'}
    >>> checked_body("listed", {"person_id": "..."})
    Traceback (most recent call last):
        ...
    ValueError: ledger: person_id: a ledger never holds a person. Write counts and digests.
    """
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise ValueError("ledger: kind is not a short name. Expected: a-z, 0-9, _ and . after a letter, 64 at most.")
    _refuse_persons(body)
    content = record_bytes(body)
    if len(content) > MAX_LINE // 2:
        raise ValueError(
            f"ledger: the body has {len(content):,} bytes, at most {MAX_LINE // 2:,} fit. Write a digest of it."
        )
    return parse_record(content)


def _refuse_persons(value: Any) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if re.sub(r"[^a-z]", "", str(key).lower()) in _PERSON_KEYS:
                raise ValueError(f"ledger: {key}: a ledger never holds a person. Write counts and digests.")
            _refuse_persons(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_persons(item)


def _broken(where: str, what: str) -> LedgerError:
    return LedgerError.at(
        where,
        what,
        expected="the ledger exactly as it was written",
        then="Keep this copy as it is, and compare it with a backup and with the last checkpoint",
    )
