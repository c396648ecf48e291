"""Ed25519 keys and signatures (Bernstein and colleagues, 2011; RFC 8032), and the names that keys go by."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vru_models.errors import RefusedError
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import read_secret, write_new

ALGORITHM = "ed25519"
_KEY_BYTES = 32
_MAX_PEM = 16_384


def create_key(path: str | Path) -> Ed25519PublicKey:
    """The public half of a new key; the private half is written to ``path`` (PKCS #8 PEM, mode 0600).

    A file that is already there is never overwritten: whoever loses a key loses the releases only it can sign.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_new(path, pem, role="signing key")
    return key.public_key()


def load_private(path: str | Path) -> Ed25519PrivateKey:
    """The private key in a PEM file that only its owner can read.

    Raises
    ------
    StorageError
        When the file is missing or unreadable.
    RefusedError
        When others may read or change it, or it does not hold an unencrypted Ed25519 key.
    """
    pem = read_secret(path, _MAX_PEM, role="signing key")
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise RefusedError.at(
            "signing key",
            "the file does not hold an Ed25519 private key without a passphrase",
            expected="PKCS #8 PEM",
            then="Make one with create_key",
        )
    return key


def sign(key: Ed25519PrivateKey, content: bytes) -> bytes:
    """The 64-byte signature of the content."""
    return key.sign(content)


def verify(public: Ed25519PublicKey, content: bytes, signature: bytes) -> bool:
    """Whether the signature is this key's over exactly these bytes."""
    try:
        public.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def fingerprint(public: Ed25519PublicKey) -> str:
    """SHA-256 of the raw public key, 64 hexadecimal digits: what two people read to each other to compare keys."""
    return digest_bytes(public.public_bytes_raw())


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 digits of the fingerprint; a name to look a key up by, never proof that it is the key."""
    return fingerprint(public)[:16]


def public_text(public: Ed25519PublicKey) -> str:
    """The raw public key in base64, as it stands in a trust file.

    Examples
    --------
    >>> public_text(Ed25519PublicKey.from_public_bytes(bytes(32)))
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
    """
    return to_text(public.public_bytes_raw())


def public_from_text(text: str) -> Ed25519PublicKey:
    """The public key that :func:`public_text` wrote; ``ValueError`` for anything else."""
    raw = from_text(text)
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"a public key has {_KEY_BYTES} bytes, not {len(raw)}")
    return Ed25519PublicKey.from_public_bytes(raw)


def to_text(raw: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(raw).decode("ascii")


def from_text(text: str) -> bytes:
    """Bytes from base64 in its only exact form; other spellings of the same bytes are a ``ValueError``."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64") from None
    if to_text(raw) != text:
        raise ValueError("not base64 in its exact form")
    return raw
