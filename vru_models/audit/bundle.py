"""The container of a release: a folder of files, a manifest of their digests, and the manifest's signatures.

Everything is read once, into memory, through one open folder. The signatures are checked over the manifest's bytes,
then the manifest against the same bytes of every file, before anyone parses what a file says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit.canonical import parse_record, record_bytes
from vru_models.audit.trust import Signer, Trust, check_signatures, signature_records
from vru_models.errors import RefusedError, StorageError
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import read_folder

BUNDLE_FORMAT = "vru-bundle/1"
MANIFEST = "manifest.json"
SIGNATURES = "manifest.sig.json"
MAX_FILES = 1_000
MAX_BYTES = 256 << 20
MAX_MANIFEST = 16 << 20
_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)?")
_AGAIN = "Fetch the release again from whoever signed it; do not use this copy"


@dataclass(frozen=True)
class Bundle:
    """A bundle that is as it was signed.

    Parameters
    ----------
    header
        What the signers said about the whole: version, purpose, expiry, state.
    files
        Content by name, manifest and signatures left out; the very bytes whose digests were checked.
    signers
        Whose signatures it carries, at least one.
    pinned
        Whether the signers were checked against a trust file. If not, anybody may have signed.
    digest
        SHA-256 of the manifest: the identity of the bundle.
    """

    header: Mapping[str, Any]
    files: Mapping[str, bytes]
    signers: tuple[Signer, ...]
    pinned: bool
    digest: str


def seal(files: Mapping[str, bytes], header: Mapping[str, Any], keys: Sequence[Ed25519PrivateKey]) -> dict[str, bytes]:
    """The files with their manifest and signatures, to be published with ``write_folder``.

    The same files, header and keys give the same bytes. Floats in the header are refused: write them as text.

    Examples
    --------
    >>> key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    >>> sorted(seal({"card.json": b"{}"}, {"version": 1}, [key]))
    ['card.json', 'manifest.json', 'manifest.sig.json']
    """
    _check_files_to_seal(files)
    listed = {name: {"sha256": digest_bytes(content), "size": len(content)} for name, content in files.items()}
    manifest = record_bytes({"format": BUNDLE_FORMAT, "files": listed, "header": header})
    if len(manifest) > MAX_MANIFEST:
        raise ValueError(f"bundle: the header is too long. At most {MAX_MANIFEST:,} bytes fit into a manifest.")
    signatures = record_bytes({"signatures": signature_records(manifest, keys)})
    return dict(files) | {MANIFEST: manifest, SIGNATURES: signatures}


def _check_files_to_seal(files: Mapping[str, bytes]) -> None:
    bad = sum(_NAME.fullmatch(name) is None for name in files)
    if bad:
        raise ValueError(f"bundle: {bad} file names are not plain. Expected: a-z, 0-9, . _ - and one folder at most.")
    folders = {name.split("/")[0] for name in files if "/" in name}
    if folders & set(files) or {MANIFEST, SIGNATURES} & (set(files) | folders):
        raise ValueError(f"bundle: a name is taken twice. {MANIFEST} and {SIGNATURES} are the bundle's own.")
    if len(files) + 2 > MAX_FILES or sum(map(len, files.values())) > MAX_BYTES - 2 * MAX_MANIFEST:
        raise ValueError(
            f"bundle: too much for one bundle. At most {MAX_FILES:,} files and {MAX_BYTES:,} bytes in all."
        )


def open_bundle(path: str | Path, trusted: Trust | None) -> Bundle:
    """The bundle in a folder, once every byte of it is shown to be what was signed.

    Parameters
    ----------
    trusted
        Whose signatures count; every signer must be among them. With None the bundle is shown to be unchanged since
        somebody signed it, ``pinned`` is False and the signers have no names.

    Raises
    ------
    StorageError
        When the folder is missing or unreadable.
    RefusedError
        When a file is missing, extra, renamed, swapped or changed; for a link or a name that is not plain; for more
        than 1,000 files, 256 MB or a 16 MB manifest; for a signature that is wrong, not trusted or by a revoked key.
    """
    members = read_folder(path, max_files=MAX_FILES, max_bytes=MAX_BYTES, role="release")
    if MANIFEST not in members or SIGNATURES not in members:
        raise RefusedError.at(
            "bundle", f"has no {MANIFEST} or no {SIGNATURES}", then="Give the folder that approve wrote"
        )
    manifest, envelope = members.pop(MANIFEST), members.pop(SIGNATURES)
    if max(len(manifest), len(envelope)) > MAX_MANIFEST:
        raise RefusedError.at("bundle: manifest", "is too long", expected=f"at most {MAX_MANIFEST:,} bytes")
    signatures = _parsed(envelope, f"bundle: {SIGNATURES}", {"signatures"})["signatures"]
    signers = check_signatures(manifest, signatures, trusted, where="bundle")
    header = _checked_header(manifest, members)
    files = MappingProxyType(dict(sorted(members.items())))
    return Bundle(MappingProxyType(header), files, signers, trusted is not None, digest_bytes(manifest))


def refuse_inside_release(path: str | Path) -> None:
    """Refuse a place inside a release: one file more, and it is no longer what was signed."""
    if any((folder / MANIFEST).exists() for folder in Path(path).resolve().parents):
        then = "Name a place outside it; nothing was written"
        raise StorageError.at(path, "lies inside a release, which a new file would break", then=then)


def _parsed(content: bytes, where: str, fields: set[str]) -> dict[str, Any]:
    try:
        record = parse_record(content)
    except ValueError as error:
        raise RefusedError.at(where, f"is {error}", expected="the file as it was signed", then=_AGAIN) from None
    if set(record) != fields:
        raise RefusedError.at(where, "does not have its fields", expected=", ".join(sorted(fields)), then=_AGAIN)
    return record


def _checked_header(manifest: bytes, members: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest's header, once the files are exactly those that it lists."""
    record = _parsed(manifest, "bundle: manifest", {"format", "files", "header"})
    listed, header = record["files"], record["header"]
    if record["format"] != BUNDLE_FORMAT or not isinstance(listed, dict) or not isinstance(header, dict):
        raise RefusedError.at("bundle: manifest", "its format is not known", expected=BUNDLE_FORMAT)
    extra, missing = set(members) - set(listed), sorted(set(listed) - set(members))
    if extra or missing or any(_NAME.fullmatch(name) is None for name in listed):
        what = f"{len(extra)} files are not in the manifest and {len(missing)} of the manifest are not there"
        raise RefusedError.at("bundle", what, expected="exactly the files that were signed", then=_AGAIN)
    for name, content in members.items():
        if listed[name] != {"sha256": digest_bytes(content), "size": len(content)}:
            raise RefusedError.at(
                f"bundle: {name}", "is not as it was signed", expected="the signed digest", then=_AGAIN
            )
    return header
