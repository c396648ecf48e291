"""Pseudonyms from raw identifiers, for those who hold both the identifiers and the key: HMAC-SHA-256 (RFC 2104)."""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from vru_models.errors import DataError, RefusedError, SpecError
from vru_models.spec.digest import keyed_digest, keyed_digests
from vru_models.spec.storage import read_secret, storage_errors, write_new

METHOD = "HMAC-SHA-256, first 128 bits"
_SCHEME = "vru-models pseudonym 1"
_ID_SCHEME = "vru-models pseudonym key 1"
_HEADING, _UNBOUND = "vru-models pseudonym key 2", _ID_SCHEME
_ROLE = "pseudonym key"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEY = re.compile(r"[0-9a-f]{64}")
_KEY_BYTES, _LEAST_DIFFERENT_BYTES = 32, 16
_LONGEST_FILE = 4_096
_DIGITS = 32
_PSEUDONYM = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")
_ROWS_NAMED = 5


@dataclass(frozen=True)
class PseudonymKey:
    """A 256-bit secret for one purpose. Whoever has it can find out whose record a pseudonym is.

    A key file names its purpose and holds the HMAC of the purpose under the secret, so that one whose purpose was
    edited is refused: one key cannot serve two purposes by mistake. It does not stop whoever has the secret, who could
    compute that line. Files of format 1 lack it and are refused. ``id`` is a name to look the key up by, from which the
    secret cannot be computed.
    """

    purpose: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.purpose):
            expected = "a lower-case name such as early_help"
            raise SpecError.at(f"{_ROLE}: purpose", "is not a plain name", expected=expected)
        if len(self.secret) != _KEY_BYTES or len(set(self.secret)) < _LEAST_DIFFERENT_BYTES:
            raise RefusedError.at(_ROLE, "is too weak", expected=f"{_KEY_BYTES} random bytes", then=_MAKE)

    @property
    def id(self) -> str:
        """Sixteen hexadecimal digits."""
        return keyed_digest(self.secret, _ID_SCHEME, self.purpose)[:16]

    @property
    def _bound(self) -> str:
        return keyed_digest(self.secret, _HEADING, "purpose", self.purpose)

    @classmethod
    def make(cls, path: str | Path, *, purpose: str) -> Self:
        """A new key, written to a file for its owner alone (mode 0600) that must not exist yet."""
        made = cls(purpose, secrets.token_bytes(_KEY_BYTES))
        write_new(path, f"{_HEADING}\n{purpose}\n{made.secret.hex()}\n{made._bound}\n".encode(), role=_ROLE)
        return made

    @classmethod
    def load(cls, source: str | Path | int) -> Self:
        """The key in a file that its owner alone can read, or in an open descriptor, such as a secret store's pipe.

        Raises
        ------
        StorageError
            When it cannot be read.
        RefusedError
            When others can read it, or it is not what :meth:`make` wrote: a passphrase is no key, and a file whose
            purpose was changed serves none.
        """
        raw = _read_descriptor(source) if isinstance(source, int) else read_secret(source, _LONGEST_FILE, role=_ROLE)
        lines = raw.decode("ascii", "replace").splitlines()
        if lines[:1] == [_UNBOUND]:
            what = "is of format 1, whose purpose anybody could change unnoticed"
            raise RefusedError.at(_ROLE, what, expected="format 2", then=f"{_MAKE}, and pseudonymise again under it")
        if len(lines) != 4 or lines[0] != _HEADING or not _KEY.fullmatch(lines[2]):
            expected = "one heading, purpose, 64 digits, 64 digits"
            raise RefusedError.at(_ROLE, "is not a key file", expected=expected, then=_MAKE)
        key = cls(lines[1], bytes.fromhex(lines[2]))
        if key._bound != lines[3]:
            then = "Restore the file as it was made, and make one key for each purpose"
            raise RefusedError.at(_ROLE, "its purpose is not the one that it was made for", then=then)
        return key


_MAKE = "Make one with vru-models secret"


def _read_descriptor(fd: int) -> bytes:
    with storage_errors(_ROLE, "read"):
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            raise RefusedError.at(_ROLE, "its group or everyone can read or change it", then="Run chmod 600 on it")
        raw = b""
        while len(raw) <= _LONGEST_FILE and (block := os.read(fd, _LONGEST_FILE)):
            raw += block
    if len(raw) > _LONGEST_FILE:
        raise RefusedError.at(_ROLE, "is too long", expected=f"at most {_LONGEST_FILE:,} bytes")
    return raw


@dataclass(frozen=True)
class IdType:
    """How an identifier is written in one form only: upper case, without separators, then as ``form`` says."""

    pattern: str
    means: str
    form: Callable[[re.Match[str]], str] = lambda match: match[0]
    separators: str = r"[\s\u200b\ufeff\-\u2010-\u2015]"
    placeholder: str = r"(.)\1*"

    def one_form(self, value: object) -> str | None:
        """The identifier in its one form; None of a blank, and empty of what is not of this type."""
        whole = isinstance(value, float) and value.is_integer()
        text = re.sub(self.separators, "", str(int(value) if whole else value)).upper()  # type: ignore[call-overload]
        match = re.fullmatch(self.pattern, text, re.ASCII)
        if match and not re.fullmatch(self.placeholder, text):
            return self.form(match)
        return "" if text else None


def _pnc(match: re.Match[str]) -> str:
    year, serial, letter = match.groups()
    century = "" if len(year) == 4 else "19" if year >= "50" else "20"
    return f"{century}{year}/{int(serial):07d}{letter}"


def _cro(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("SF") else f"{match[1].zfill(6)}/{match[2]}"


_L = "[A-HJ-NP-RT-Z]"
ID_TYPES: Mapping[str, IdType] = {
    "nhs": IdType(r"\d{10}", "ten digits"),
    "chi": IdType(r"\d{10}", "ten digits"),
    "upn": IdType(rf"{_L}\d{{11}}(?:\d|{_L})", "a letter, eleven digits, a digit or letter"),
    "uln": IdType(r"[1-9]\d{9}", "ten digits, the first not 0"),
    "scn": IdType(r"\d{9}", "nine digits"),
    "nino": IdType(r"([A-Z]{2}\d{6})[A-D]?", "two letters, six digits; the suffix is left off", lambda match: match[1]),
    "pnc": IdType(
        rf"(\d{{4}}|\d{{2}})/(\d{{1,7}})({_L})", "year/serial and letter; years of two digits from 50 on are 19..", _pnc
    ),
    "cro": IdType(rf"(\d{{1,6}})/(\d{{2}}{_L})|SF\d{{2}}/\d{{1,6}}{_L}", "serial/year and letter, or SF", _cro),
    "crn": IdType(r"[A-Z]\d{6}", "a letter and six digits"),
    "noms": IdType(r"[A-Z]\d{4}[A-Z]{2}", "A1234BC"),
    "agency": IdType(
        r"[A-Z0-9/._\-]{1,40}",
        "an agency's own number, at most 40 letters, digits, / . _ -",
        separators=r"^\s+|\s+$",
        placeholder="0+",
    ),
}
"""The identifiers that can be pseudonymised, each with its one form.

Spaces and hyphens are left out, but for an agency's own numbers, of which each character may count. Those are only
unique within whoever gives them out, who is named: ``agency:camden``.
"""


def pseudonymise(
    series: pd.Series[Any], *, key: PseudonymKey | str | Path, purpose: str, id_type: str
) -> pd.Series[Any]:
    """The pseudonym of every raw identifier, 32 lower-case hexadecimal digits (128 bits); missing where it is missing.

    The same identifier, however it is spaced, hyphenated or capitalised, has one pseudonym per key, purpose and id
    type; under another of these it has another, and the two cannot be linked without the key. Raw identifiers and keys
    stay with whoever holds them by law: run this there, and share its result alone. It is still personal data.

    Parameters
    ----------
    series
        Raw identifiers, read as text (``pd.read_csv(..., dtype=str)``): a number has lost its leading zeros, and is
        then not of its form or is another person's. Pseudonyms are refused.
    key
        A :class:`PseudonymKey`, or the path of its file. An unkeyed hash is not offered: whoever can count through all
        NHS numbers can undo one in hours.
    purpose
        The purpose that the key is for, as its file says it.
    id_type
        One of ``ID_TYPES``; of an agency's own numbers, with the agency: ``agency:camden``. Partners who are to link
        must use the same.

    Raises
    ------
    RefusedError
        When the key can be read by others, is weak, or is for another purpose.
    DataError
        When a value is not of the id type's form, or is one repeated character (a placeholder, which would make many
        people one), or when all are pseudonyms already. Rows are named by number, from 1. Nothing is left out in
        silence: correct or empty those cells.

    Examples
    --------
    >>> key = PseudonymKey("early_help", bytes(range(32)))
    >>> raw = pd.Series(["b801200005001", None, " B8012 0000 5001"])
    >>> pseudonyms = pseudonymise(raw, key=key, purpose="early_help", id_type="upn")
    >>> pseudonyms.isna().tolist(), pseudonyms[0] == pseudonyms[2], len(pseudonyms[0])
    ([False, True, False], True, 32)
    """
    held = key_for(key, purpose)
    codes, distinct = pd.factorize(normalised(series, id_type))
    made = keyed_digests(held.secret, (_SCHEME, purpose, id_type), distinct)
    return _spread(series, codes, [text[:_DIGITS] for text in made])


def key_for(key: PseudonymKey | str | Path, purpose: str) -> PseudonymKey:
    """The key, loaded where it is a path, if it is for the purpose."""
    held = key if isinstance(key, PseudonymKey) else PseudonymKey.load(key)
    if held.purpose != purpose:
        raise RefusedError.at(
            _ROLE, f"is for purpose {held.purpose}, not for this one", then="Make one key for each purpose"
        )
    return held


def normalised(series: pd.Series[Any], id_type: str) -> pd.Series[Any]:
    """Every identifier in the one form of its type, which is what is hashed; blank cells are missing.

    Examples
    --------
    >>> normalised(pd.Series(["81/34u", "1981/0000034U"]), "pnc").tolist()
    ['1981/0000034U', '1981/0000034U']
    """
    kind = _kind(id_type)
    codes, distinct = pd.factorize(series)
    forms = [kind.one_form(value) for value in distinct]
    _refuse_pseudonyms(series[np.array([form is not None for form in forms] + [False])[codes]])
    _refuse_malformed(np.array([form == "" for form in forms] + [False])[codes], id_type, kind)
    return _spread(series, codes, forms)


def _kind(id_type: str) -> IdType:
    name, _, agency = id_type.partition(":")
    if name not in ID_TYPES:
        known = [f"{each}:NAME" if each == "agency" else each for each in ID_TYPES]
        own = f"agency:{name}" if _NAME.fullmatch(name) else "agency:NAME"
        raise SpecError.unknown("id type", name, known, then=f"An agency's own numbers are of type {own}.")
    if (name == "agency") != bool(_NAME.fullmatch(agency)) or (name != "agency" and ":" in id_type):
        what = "an agency's own numbers need its name, and nothing else has one"
        raise SpecError.at("id type", what, expected="agency:NAME, a lower-case name such as agency:camden")
    return ID_TYPES[name]


def _refuse_pseudonyms(given: pd.Series[Any]) -> None:
    """Refuse identifiers all of which have the form that :func:`pseudonymise` gives."""
    if len(given) and all(_PSEUDONYM.fullmatch(str(value).strip()) for value in given.unique()):
        what = f"all {len(given):,} values have the form of pseudonyms ({_DIGITS} lower-case hexadecimal digits)"
        then = "Give the raw identifiers; where an agency's own numbers are written so, give them in upper case"
        raise DataError.at("identifiers", what, expected="raw identifiers", then=then)


def _refuse_malformed(wrong: np.ndarray, id_type: str, kind: IdType) -> None:
    if wrong.any():
        rows = ", ".join(f"{row:,}" for row in np.flatnonzero(wrong)[:_ROWS_NAMED] + 1)
        what = f"{wrong.sum():,} of {len(wrong):,} values are not of the form, in rows {rows}"
        more = " and others" if wrong.sum() > _ROWS_NAMED else ""
        raise DataError.at(
            f"identifiers of type {id_type}",
            what + more,
            expected=f"{kind.means}; no placeholder such as 0000000000",
            then="Correct or empty these cells, and run again",
        )


def _spread(series: pd.Series[Any], codes: np.ndarray, distinct: list[Any]) -> pd.Series[Any]:
    values = np.array([*distinct, None], dtype=object)[codes]
    return pd.Series(values, index=series.index, name=series.name, dtype="str")


def rotate(
    series: pd.Series[Any],
    *,
    old: PseudonymKey | str | Path,
    new: PseudonymKey | str | Path,
    purpose: str,
    id_type: str,
) -> pd.DataFrame:
    """Old pseudonym to new, one row per person (``old_pseudonym, new_pseudonym``), sorted by the old.

    It needs the raw identifiers (a pseudonym does not say whose it is) and both keys, so it is made where they are
    held; the mapping links two sets of pseudonyms, so it is kept as the keys are and destroyed once the store has been
    re-keyed. Missing is left out.

    Raises
    ------
    DataError
        As in :func:`pseudonymise`.
    RefusedError
        As in :func:`pseudonymise`, and when the two keys are one.
    """
    keys = key_for(old, purpose), key_for(new, purpose)
    if keys[0].id == keys[1].id:
        raise RefusedError.at(_ROLE, "the old key and the new one are the same", then=_MAKE)
    people = normalised(series, id_type).dropna().drop_duplicates()
    names = ("old_pseudonym", "new_pseudonym")
    columns = {
        name: pseudonymise(people, key=key, purpose=purpose, id_type=id_type)
        for name, key in zip(names, keys, strict=True)
    }
    return pd.DataFrame(columns).sort_values("old_pseudonym", ignore_index=True)
