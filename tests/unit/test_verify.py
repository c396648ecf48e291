import shutil

import pytest
import world as worlds

from vru_models.audit.approve import approve
from vru_models.audit.ledger import Ledger
from vru_models.audit.trust import Trust
from vru_models.audit.verify import refuse_failures, verify
from vru_models.errors import RefusedError, StorageError
from vru_models.findings import Finding, Findings


@pytest.fixture
def place(released, tmp_path):
    return shutil.copytree(released.place, tmp_path / "work")


def codes(found):
    return [f.code for f in found]


def test_a_whole_folder_is_checked_from_the_ledger_to_the_release(place):
    found = verify(place)
    assert codes(found) == ["VRU601", "VRU602", "VRU603", "VRU604", "VRU605", "VRU606", "VRU609", *["VRU607"] * 8]
    assert found.worst == "pass"


def test_a_release_alone_is_checked_without_a_ledger(place):
    assert codes(verify(place / "release")) == ["VRU604", "VRU605", "VRU606", "VRU609"]


def test_a_ledger_alone_is_checked_without_a_release(place):
    found = verify(place / "ledger.jsonl")
    assert codes(found) == ["VRU601", "VRU602", "VRU603"]
    assert not found.with_status("fail")


def test_a_broken_ledger_is_all_that_is_said(place):
    path = place / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"fit"', b'"kind":"fat"'))
    found = verify(place)
    assert codes(found) == ["VRU601", "VRU602", "VRU603"]
    assert {f.code for f in found.with_status("fail")} >= {"VRU601"}


def test_a_ledger_whose_end_was_cut_off_fails_the_checkpoint_of_the_release(place):
    lines = (place / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (place / "ledger.jsonl").write_bytes(b"".join(lines[:4]))
    (fail,) = verify(place).with_status("fail")
    assert fail.code == "VRU603"
    assert "entries were cut off or changed" in fail.message


def test_a_checkpoint_by_somebody_who_is_not_trusted_fails(place):
    found = verify(place, trusted=Trust.of())
    assert {f.code for f in found.with_status("fail")} == {"VRU603"}


def test_a_release_without_its_manifest_fails_in_its_folder(place):
    (place / "release" / "manifest.json").unlink()
    assert {f.code for f in verify(place).with_status("fail")} == {"VRU604", "VRU607"}


def test_a_folder_with_nothing_to_verify_says_so(tmp_path):
    with pytest.raises(
        StorageError,
        match=r"holds nothing to verify. Expected: a release, a ledger \(.jsonl\), a list, a store, extracts",
    ):
        verify(tmp_path)


def test_a_folder_with_a_ledger_alone_is_checked(place, tmp_path):
    (tmp_path / "bare").mkdir()
    shutil.copy(place / "ledger.jsonl", tmp_path / "bare" / "ledger.jsonl")
    found = verify(tmp_path / "bare")
    assert codes(found) == ["VRU601", "VRU602", "VRU603", "VRU604", *["VRU607"] * 7]
    assert {f.where: f.status for f in found if f.code in ("VRU604", "VRU607")} == {"release": "cannot tell"} | {
        "quarantine": "not applicable"
    } | dict.fromkeys(["events", "dataset", "run", "evidence", "audit_file.parquet"], "cannot tell")


def test_every_release_in_the_folder_is_checked_and_an_earlier_one_is_superseded(place, released):
    ledger, trust = Ledger(place / "ledger.jsonl"), Trust.load(place / "trust.toml")
    answers = {"overrides": released.overrides, "key": place / "keys" / "approver.pem", "trusted": trust}
    approve(released.run, released.evidence, ledger, by=worlds.APPROVER, out=place / "second", **answers)
    found = {(f.code, f.where): f for f in verify(place)}
    assert found[("VRU607", "second")].status == "pass"
    assert found[("VRU606", "release")].message == "superseded by version 2: intact, and score refuses it"
    with open(place / "second" / "card.txt", "a") as stream:
        stream.write(" ")
    assert verify(place).with_status("fail")


def test_nothing_failed_is_handed_on():
    found = Findings([Finding("VRU606", "cannot tell", "expiry", "expired")])
    assert refuse_failures(found) is found


def test_every_failure_is_named_in_one_refusal():
    found = Findings(
        [
            Finding("VRU604", "fail", "release", "changed"),
            Finding("VRU607", "fail", "run", "is not"),
            Finding("VRU601", "pass", "ledger chain", "fine"),
        ]
    )
    with pytest.raises(
        RefusedError, match=r"verify: 2 of 3 checks fail\.\n  VRU604 release: changed\n  VRU607 run: is"
    ):
        refuse_failures(found)
