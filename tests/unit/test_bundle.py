from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit import bundle as module
from vru_models.audit.bundle import open_bundle, seal
from vru_models.audit.trust import Trust, TrustedKey
from vru_models.errors import RefusedError, StorageError
from vru_models.spec.digest import canonical_json, digest_bytes
from vru_models.spec.storage import write_folder

APPROVER, SECOND, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
TRUST = Trust.of(
    TrustedKey.of(APPROVER.public_key(), name="A. Name", role="Senior Responsible Owner"),
    TrustedKey.of(SECOND.public_key(), name="B. Name", role="equality lead"),
)
FILES = {"card.json": b'{"points":[1]}', "spec.toml": b"k = 20\n", "schemas/attendance.json": b'{"points":[2]}'}
HEADER = {"version": 3, "state": "shadow", "expires_on": "2027-06-30", "approved_by": "A. Name"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "release", seal(FILES, HEADER, [APPROVER]))
    return tmp_path / "release"


def resign(folder: Path, change) -> None:
    """A manifest changed by somebody who holds the approver's key."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    change(manifest)
    content = canonical_json(manifest)
    records = module.signature_records(content, [APPROVER])
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.sig.json").write_bytes(canonical_json({"signatures": records}))


def test_what_was_sealed_is_what_opens(folder):
    opened = open_bundle(folder, TRUST)
    assert dict(opened.files) == FILES
    assert dict(opened.header) == HEADER
    assert [signer.name for signer in opened.signers] == ["A. Name"]
    assert opened.pinned
    assert opened.digest == digest_bytes((folder / "manifest.json").read_bytes())


def test_without_a_trust_file_it_opens_intact_but_not_pinned(folder):
    opened = open_bundle(folder, None)
    assert not opened.pinned
    assert [signer.name for signer in opened.signers] == [None]


def test_the_manifest_is_the_documented_one():
    manifest = json.loads(seal({"a": b"abc"}, {"version": 1}, [APPROVER])["manifest.json"])
    assert manifest == {
        "format": "vru-bundle/1",
        "files": {"a": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "size": 3}},
        "header": {"version": 1},
    }


def test_sealing_twice_gives_the_same_bytes():
    assert seal(FILES, HEADER, [APPROVER]) == seal(dict(reversed(FILES.items())), HEADER, [APPROVER])


def test_two_people_sign_the_same_manifest(tmp_path):
    write_folder(tmp_path / "r", seal(FILES, HEADER, [APPROVER, SECOND]))
    assert [s.role for s in open_bundle(tmp_path / "r", TRUST).signers] == ["Senior Responsible Owner", "equality lead"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"Card.json": b""}, "names are not plain"),
        ({"../card.json": b""}, "names are not plain"),
        ({"a/b/c": b""}, "names are not plain"),
        ({".a": b""}, "names are not plain"),
        ({"a": b"", "a/b": b""}, "taken twice"),
        ({"manifest.json": b""}, "taken twice"),
        ({"manifest.sig.json": b""}, "taken twice"),
        ({"manifest.json/a": b""}, "taken twice"),
        ({f"f{i}": b"" for i in range(999)}, "too much for one bundle"),
    ],
)
def test_what_could_not_be_opened_is_not_sealed(files, reason):
    with pytest.raises(ValueError, match=reason):
        seal(files, HEADER, [APPROVER])


def test_a_float_in_the_header_is_refused():
    with pytest.raises(TypeError, match="header: a float has no single written form"):
        seal(FILES, {"bar": 0.3}, [APPROVER])


def test_the_most_files_that_can_be_sealed_open(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_FILES", 5)
    files = {"a": b"", "b": b"", "c/d": b""}
    write_folder(tmp_path / "r", seal(files, {}, [APPROVER]))
    assert dict(open_bundle(tmp_path / "r", TRUST).files) == files
    with pytest.raises(ValueError, match="At most 5 files"):
        seal(files | {"e": b""}, {}, [APPROVER])


def test_the_files_leave_room_for_manifest_and_signatures(monkeypatch):
    monkeypatch.setattr(module, "MAX_MANIFEST", 500)
    monkeypatch.setattr(module, "MAX_BYTES", 1100)
    assert len(seal({"a": b"x" * 100}, {}, [APPROVER])) == 3
    with pytest.raises(ValueError, match="and 1,100 bytes in all"):
        seal({"a": b"x" * 101}, {}, [APPROVER])


def test_a_header_that_would_not_open_is_not_sealed(monkeypatch):
    monkeypatch.setattr(module, "MAX_MANIFEST", 500)
    with pytest.raises(ValueError, match=r"the header is too long\. At most 500 bytes"):
        seal({}, {"note": "x" * 500}, [APPROVER])


def a_file_more(folder: Path) -> None:
    (folder / "CANARY.csv").write_bytes(b"")


def a_file_less(folder: Path) -> None:
    (folder / "spec.toml").unlink()


def a_renamed_file(folder: Path) -> None:
    (folder / "spec.toml").rename(folder / "spec2.toml")


def a_moved_file(folder: Path) -> None:
    (folder / "spec.toml").rename(folder / "schemas" / "spec.toml")


def swapped_files(folder: Path) -> None:
    a, b = folder / "card.json", folder / "schemas" / "attendance.json"
    one, two = a.read_bytes(), b.read_bytes()
    a.write_bytes(two)
    b.write_bytes(one)


def a_longer_file(folder: Path) -> None:
    with (folder / "card.json").open("ab") as stream:
        stream.write(b" ")


def a_shorter_file(folder: Path) -> None:
    (folder / "card.json").write_bytes(FILES["card.json"][:-1])


def an_emptied_file(folder: Path) -> None:
    (folder / "card.json").write_bytes(b"")


def a_link_to_the_same_content(folder: Path) -> None:
    (folder / "card.json").rename(folder.parent / "card.json")
    (folder / "card.json").symlink_to(folder.parent / "card.json")


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def no_signatures(folder: Path) -> None:
    (folder / "manifest.sig.json").unlink()


def an_empty_list_of_signatures(folder: Path) -> None:
    (folder / "manifest.sig.json").write_bytes(b'{"signatures":[]}')


def signatures_that_are_not_json(folder: Path) -> None:
    (folder / "manifest.sig.json").write_bytes(b"CANARY")


def signatures_with_more_in_them(folder: Path) -> None:
    content = json.loads((folder / "manifest.sig.json").read_bytes())
    (folder / "manifest.sig.json").write_bytes(canonical_json(content | {"note": "CANARY"}))


def a_manifest_with_spaces(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_bytes())))


def another_version(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"version":3', b'"version":4'))


REFUSED = [
    (a_file_more, "1 files are not in the manifest and 0 of the manifest"),
    (a_file_less, "0 files are not in the manifest and 1 of the manifest"),
    (a_renamed_file, "1 files are not in the manifest and 1 of the manifest"),
    (a_moved_file, "1 files are not in the manifest and 1 of the manifest"),
    (swapped_files, "card.json: is not as it was signed"),
    (a_longer_file, "card.json: is not as it was signed"),
    (a_shorter_file, "card.json: is not as it was signed"),
    (an_emptied_file, "card.json: is not as it was signed"),
    (a_link_to_the_same_content, "symbolic link"),
    (no_manifest, "has no manifest.json"),
    (no_signatures, "has no manifest.json or no manifest.sig.json"),
    (an_empty_list_of_signatures, "is not signed"),
    (signatures_that_are_not_json, "manifest.sig.json: is not JSON"),
    (signatures_with_more_in_them, "manifest.sig.json: does not have its fields"),
    (a_manifest_with_spaces, "a signature does not fit the content"),
    (another_version, "a signature does not fit the content"),
]


@pytest.mark.parametrize("trusted", [TRUST, None], ids=["pinned", "not pinned"])
@pytest.mark.parametrize(("spoil", "reason"), REFUSED)
def test_a_bundle_that_is_not_as_signed_is_refused(folder, spoil, reason, trusted):
    spoil(folder)
    with pytest.raises(RefusedError, match=reason) as caught:
        open_bundle(folder, trusted)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: m.update(format="vru-bundle/2"), "format is not known. Expected: vru-bundle/1"),
        (lambda m: m.update(files=[]), "format is not known"),
        (lambda m: m.update(header=None), "format is not known"),
        (lambda m: m.update(note="CANARY"), "does not have its fields"),
        (lambda m: m.pop("header"), "does not have its fields"),
        (lambda m: m["header"].update(bar=0.5), "decimal point"),
        (lambda m: m["files"].update({"../x": {}}), "files that were signed"),
        (lambda m: m["files"].update({"card.json": None}), "card.json: is not as it was signed"),
        (lambda m: m["files"]["card.json"].update(note="CANARY"), "card.json: is not as it was signed"),
        (lambda m: m["files"]["card.json"].update(size=1), "card.json: is not as it was signed"),
    ],
)
def test_a_strange_manifest_is_refused_even_when_signed(folder, change, reason):
    resign(folder, change)
    with pytest.raises(RefusedError, match=reason) as caught:
        open_bundle(folder, TRUST)
    assert "CANARY" not in str(caught.value)


def test_a_bundle_signed_anew_by_a_stranger_opens_only_unpinned(tmp_path):
    write_folder(tmp_path / "r", seal({"card.json": b"worse"}, HEADER, [STRANGER]))
    assert not open_bundle(tmp_path / "r", None).pinned
    with pytest.raises(RefusedError, match="is not among the 2 keys of the trust file"):
        open_bundle(tmp_path / "r", TRUST)


def test_signatures_of_one_bundle_do_not_fit_another(folder, tmp_path):
    write_folder(tmp_path / "other", seal(FILES, HEADER | {"version": 4}, [APPROVER]))
    (folder / "manifest.sig.json").write_bytes((tmp_path / "other" / "manifest.sig.json").read_bytes())
    with pytest.raises(RefusedError, match="a signature does not fit the content"):
        open_bundle(folder, TRUST)


def test_the_signature_is_checked_before_anything_is_parsed(folder, monkeypatch):
    (folder / "manifest.json").write_bytes(b"{" * 10)
    with pytest.raises(RefusedError, match="a signature does not fit the content"):
        open_bundle(folder, TRUST)


@pytest.mark.parametrize(("limit", "reason"), [("MAX_FILES", "too many files"), ("MAX_BYTES", "is too long")])
def test_limits_hold_before_anything_is_parsed(folder, monkeypatch, limit, reason):
    monkeypatch.setattr(module, limit, 3)
    with pytest.raises(RefusedError, match=reason):
        open_bundle(folder, TRUST)


def test_a_manifest_over_its_limit_is_refused(folder, monkeypatch):
    size = (folder / "manifest.sig.json").stat().st_size
    assert size < (folder / "manifest.json").stat().st_size
    monkeypatch.setattr(module, "MAX_MANIFEST", size)
    with pytest.raises(RefusedError, match=f"manifest: is too long. Expected: at most {size} bytes"):
        open_bundle(folder, TRUST)


def test_a_missing_folder_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="release: cannot be read"):
        open_bundle(tmp_path / "release", TRUST)
