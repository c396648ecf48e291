from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.audit.bundle import open_bundle, seal
from vru_models.audit.trust import Trust, TrustedKey
from vru_models.errors import RefusedError
from vru_models.spec.storage import write_folder

KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
TRUST = Trust.of(TrustedKey.of(KEY.public_key(), name="A. Name", role="approver"))
FILES = {"card.json": b'{"points":[0,1,2]}', "in/a.csv": b"code,label\nA,x\n", "in/b.csv": b"code,label\nB,y\n"}
NAMES = st.sampled_from([*FILES, "manifest.json", "manifest.sig.json"])


@pytest.fixture(scope="module")
def sealed() -> dict[str, bytes]:
    return seal(FILES, {"version": 1, "state": "live"}, [KEY])


@pytest.fixture(scope="module")
def folder(sealed, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "release"
    write_folder(path, sealed)
    return path


def restore(folder: Path, files: dict[str, bytes]) -> None:
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        path.unlink()
    (folder / "in").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def refused(folder: Path) -> bool:
    """Whether opening is refused, pinned or not; anything but our own refusal is a failure of the test."""
    outcomes = set()
    for trusted in (TRUST, None):
        try:
            open_bundle(folder, trusted)
            outcomes.add(False)
        except RefusedError:
            outcomes.add(True)
    assert len(outcomes) == 1
    return outcomes.pop()


@pytest.mark.parametrize("flip", [0x01, 0x20])
@pytest.mark.parametrize("name", [*FILES, "manifest.json", "manifest.sig.json"])
def test_flipping_a_bit_of_any_byte_of_any_file_is_refused(folder, sealed, name, flip):
    restore(folder, sealed)
    assert not refused(folder)
    for i in range(len(sealed[name])):
        changed = bytearray(sealed[name])
        changed[i] ^= flip
        (folder / name).write_bytes(changed)
        assert refused(folder), (name, i)


def test_any_change_of_bytes_names_or_files_is_refused(folder, sealed):
    @settings(max_examples=100, deadline=None)
    @given(st.data())
    def check(data):
        files = dict(sealed)
        for _ in range(data.draw(st.integers(1, 3))):
            name = data.draw(NAMES)
            change = data.draw(st.sampled_from(["edit", "drop", "swap", "rename", "add"]))
            if change == "add":
                files[data.draw(st.sampled_from(["extra", "in/extra", "manifest"]))] = b""
            elif name in files and change == "edit":
                at = data.draw(st.integers(0, len(files[name])))
                files[name] = files[name][:at] + data.draw(st.binary(max_size=5)) + files[name][at + 1 :]
            elif name in files and change in ("drop", "rename"):
                content = files.pop(name)
                if change == "rename":
                    files[data.draw(st.sampled_from(["renamed", "in/renamed"]))] = content
            elif name in files and (other := data.draw(NAMES)) in files:
                files[name], files[other] = files[other], files[name]
        restore(folder, files)
        assert refused(folder) == (files != sealed)

    check()


def test_any_bytes_as_manifest_and_signatures_are_refused_by_us(folder, sealed):
    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "ignore")), NAMES)
    def check(content, name):
        restore(folder, sealed | {name: content})
        assert refused(folder) == (content != sealed[name])

    check()


def test_a_full_disk_at_any_write_leaves_no_bundle_under_its_name(sealed, tmp_path, monkeypatch):
    real = os.write
    for limit in range(len(sealed)):
        calls = iter(range(100))

        def full(fd, data, calls=calls, limit=limit):
            if next(calls) >= limit:
                raise OSError(28, "No space left on device")
            return real(fd, data)

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(Exception, match="No space left on device"):
            write_folder(tmp_path / "out", sealed)
        assert list(tmp_path.iterdir()) == []
