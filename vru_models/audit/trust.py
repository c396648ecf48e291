"""Whose signatures count: the trust file, kept outside what it vouches for, and the signatures checked against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import tomli_w
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vru_models.audit import signing
from vru_models.errors import RefusedError, SpecError
from vru_models.spec.problems import toml_of
from vru_models.spec.storage import read_file, write_file

TRUST_FORMAT = "vru-trust/1"
APPROVER_ROLE = "approver"
"""The role in a trust file whose keys may sign a release; keys with any other role may witness it."""

_MAX_BYTES = 1 << 20
_MAX_SIGNATURES = 16
_SIGNATURE_FIELDS = {"key_id", "algorithm", "public_key", "signature"}


@dataclass(frozen=True)
class TrustedKey:
    """A public key, whose it is and in what role it signs.

    Parameters
    ----------
    public_key
        The raw key in base64.
    revoked
        The day the key stopped counting. A revoked key vouches for nothing, whatever its date: a stolen key can
        backdate.
    """

    name: str
    role: str
    public_key: str
    revoked: date | None = None

    def __post_init__(self) -> None:
        for field, value in (("name", self.name), ("role", self.role)):
            if not isinstance(value, str) or not value.strip() or not value.isprintable():
                raise ValueError(f"{field} is not one line of text")
        if not isinstance(self.public_key, str):
            raise ValueError("public_key is not text")
        if self.revoked is not None and (not isinstance(self.revoked, date) or isinstance(self.revoked, datetime)):
            raise ValueError("revoked is not a date")
        signing.public_from_text(self.public_key)

    @classmethod
    def of(cls, public: Ed25519PublicKey, *, name: str, role: str) -> Self:
        """A trusted key from the key itself."""
        return cls(name, role, signing.public_text(public))

    @property
    def public(self) -> Ed25519PublicKey:
        """The key itself."""
        return signing.public_from_text(self.public_key)

    @property
    def key_id(self) -> str:
        """The short name of the key."""
        return signing.key_id(self.public)


@dataclass(frozen=True)
class Signer:
    """Whose signature was found; ``name`` and ``role`` are None when no trust file was there to say."""

    fingerprint: str
    name: str | None = None
    role: str | None = None

    def approves_as(self, by: str) -> bool:
        """Whether the trust file knows this signer as an approver, by the name that ``by`` is or begins with.

        Examples
        --------
        >>> signer = Signer("ab" * 32, name="A. Name", role="approver")
        >>> [signer.approves_as(by) for by in ("A. Name", "A. Name, Senior Responsible Owner", "A. Namesake")]
        [True, True, False]
        """
        return self.role == APPROVER_ROLE and self.name is not None and f"{by},".startswith(f"{self.name},")


@dataclass(frozen=True)
class Trust:
    """The keys whose signatures count.

    Examples
    --------
    >>> Trust.of(TrustedKey("A. Name", "approver", "A" * 43 + "=")).signer("66687aadf862bd77").name
    'A. Name'
    """

    keys: tuple[TrustedKey, ...] = ()

    def __post_init__(self) -> None:
        if len({key.public_key for key in self.keys}) != len(self.keys):
            raise ValueError("a public key is listed twice")

    @classmethod
    def of(cls, *keys: TrustedKey) -> Self:
        """Trust in these keys."""
        return cls(keys)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The keys in a trust file (TOML); unknown settings and malformed keys are refused, naming the setting.

        Raises
        ------
        StorageError
            When the file is missing or unreadable.
        SpecError
            When it is not a trust file.
        """
        table = toml_of(read_file(path, _MAX_BYTES, role="trust file"), "trust file", expected="what Trust.dump wrote")
        _known("trust file", table, {"format", "keys"})
        if table.get("format") != TRUST_FORMAT:
            raise SpecError.at("trust file: format", "is missing or not known", expected=TRUST_FORMAT)
        rows = table.get("keys", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SpecError.at("trust file: keys", "is not a list of tables", expected="one [[keys]] table a key")
        try:
            return cls(tuple(_key(i, row) for i, row in enumerate(rows)))
        except ValueError as error:
            raise SpecError.at("trust file: keys", str(error)) from None

    def dump(self, path: str | Path) -> None:
        """Write the trust file; reading it back gives an equal value."""
        rows = [{k: v for k, v in vars(key).items() if v is not None} for key in self.keys]
        write_file(path, tomli_w.dumps({"format": TRUST_FORMAT, "keys": rows}).encode(), role="trust file")

    def signer(self, key_id: str) -> TrustedKey:
        """The trusted key with this id; ``RefusedError`` when it is not listed or was revoked."""
        found = next((key for key in self.keys if key.key_id == key_id), None)
        if found is None:
            raise RefusedError.at(
                f"key {key_id}",
                f"is not among the {len(self.keys)} keys of the trust file",
                then="Compare the fingerprint with its owner before adding it to the trust file",
            )
        if found.revoked is not None:
            raise RefusedError.at(
                f"key {key_id}", f"was revoked on {found.revoked}", then="Have it signed with a current key"
            )
        return found


def new_key(path: str | Path, *, name: str, trust: str | Path, role: str = APPROVER_ROLE) -> TrustedKey:
    """A new signing key in the file ``path`` (mode 0600), its public half added to the trust file (made if missing).

    Raises
    ------
    SpecError
        ``name`` or ``role`` is not one line of text, or the trust file is none. No key is then made.
    StorageError
        ``path`` is there already.
    """
    for field, value in (("name", name), ("role", role)):
        if not value.strip() or not value.isprintable():
            raise SpecError.at(f"key: {field}", "is not one line of text", expected="such as 'A. Name'")
    known = Trust.load(trust).keys if Path(trust).exists() else ()
    key = TrustedKey.of(signing.create_key(path), name=name.strip(), role=role.strip())
    Trust.of(*known, key).dump(trust)
    return key


def _known(where: str, table: Mapping[str, Any], known: set[str]) -> None:
    for name in table:
        if name not in known:
            raise SpecError.unknown(where, name, known)


def _key(position: int, row: Mapping[str, Any]) -> TrustedKey:
    where = f"trust file: keys[{position}]"
    _known(where, row, {"name", "role", "public_key", "revoked"})
    missing = sorted({"name", "role", "public_key"} - set(row))
    if missing:
        raise SpecError.at(where, f"{', '.join(missing)} is missing")
    try:
        return TrustedKey(**row)
    except ValueError as error:
        raise SpecError.at(where, str(error)) from None


def signature_records(content: bytes, keys: Sequence[Ed25519PrivateKey]) -> list[dict[str, str]]:
    """One signature per key over the content, each beside its public key, as plain JSON types."""
    publics = [key.public_key() for key in keys]
    if not keys or len({signing.key_id(public) for public in publics}) != len(keys):
        raise ValueError("sign with at least one key, and with none of them twice")
    return [
        {
            "key_id": signing.key_id(public),
            "algorithm": signing.ALGORITHM,
            "public_key": signing.public_text(public),
            "signature": signing.to_text(signing.sign(key, content)),
        }
        for key, public in zip(keys, publics, strict=True)
    ]


def check_signatures(content: bytes, records: object, trusted: Trust | None, *, where: str) -> tuple[Signer, ...]:
    """Whose signatures these are, every one of them valid over exactly these bytes.

    With a trust file each signing key must be listed there, byte for byte, and not revoked. Without one the signatures
    only show that nothing changed since *somebody* signed; the signers then have a fingerprint and no name.

    Raises
    ------
    RefusedError
        When there is no signature, one is malformed, does not fit, repeats a key, or its key is not trusted.
    """
    if not isinstance(records, list) or not 0 < len(records) <= _MAX_SIGNATURES:
        raise RefusedError.at(where, "is not signed", expected=f"1 to {_MAX_SIGNATURES} signatures")
    signers = tuple(_check_signature(content, record, trusted, where) for record in records)
    if len({signer.fingerprint for signer in signers}) != len(signers):
        raise RefusedError.at(where, "is signed twice by the same key", expected="one signature a key")
    return signers


def _check_signature(content: bytes, record: object, trusted: Trust | None, where: str) -> Signer:
    public, signature = _parse_signature(record, where)
    if not signing.verify(public, content, signature):
        raise RefusedError.at(
            where,
            "a signature does not fit the content",
            then="Fetch it again from whoever signed it; do not use this copy",
        )
    if trusted is None:
        return Signer(signing.fingerprint(public))
    listed = trusted.signer(signing.key_id(public))
    if listed.public_key != signing.public_text(public):
        raise RefusedError.at(where, "the signing key only resembles a trusted one")
    return Signer(signing.fingerprint(public), listed.name, listed.role)


def _parse_signature(record: object, where: str) -> tuple[Ed25519PublicKey, bytes]:
    malformed = RefusedError.at(
        where, "a signature is malformed", expected=f"the text fields {sorted(_SIGNATURE_FIELDS)}"
    )
    if not isinstance(record, dict) or set(record) != _SIGNATURE_FIELDS:
        raise malformed
    if not all(isinstance(value, str) for value in record.values()) or record["algorithm"] != signing.ALGORITHM:
        raise malformed
    try:
        public, signature = signing.public_from_text(record["public_key"]), signing.from_text(record["signature"])
    except ValueError:
        raise malformed from None
    if record["key_id"] != signing.key_id(public):
        raise malformed
    return public, signature
