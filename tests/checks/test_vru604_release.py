import shutil

import pytest

from vru_models.audit.verify import verify


@pytest.fixture
def place(released, tmp_path):
    return shutil.copytree(released.place / "release", tmp_path / "release")


def found(place):
    (one,) = (f for f in verify(place) if f.code == "VRU604")
    return one


def test_a_release_as_signed_passes_and_says_what_was_checked(place):
    finding = found(place)
    assert finding.status == "pass"
    assert finding.message.endswith("files as signed, 64 known answers reproduced")


@pytest.mark.parametrize("name", ["card.json", "published.json", "report.html", "manifest.json", "manifest.sig.json"])
def test_any_changed_byte_fails(place, name):
    content = bytearray((place / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place / name).write_bytes(bytes(content))
    assert found(place).status == "fail"


def test_a_missing_or_further_file_fails(place):
    (place / "card.txt").rename(place / "card2.txt")
    finding = found(place)
    assert finding.status == "fail"
    assert "1 files are not in the manifest and 1 of the manifest are not there" in finding.message
