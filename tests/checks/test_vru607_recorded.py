import json
import shutil

import pytest

from vru_models.audit.bundle import open_bundle, seal
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.audit.signing import load_private
from vru_models.audit.verify import verify
from vru_models.errors import StorageError
from vru_models.scoring import score
from vru_models.spec.digest import canonical_json, digest_json
from vru_models.spec.storage import write_folder
from vru_models.workflow import write_report


@pytest.fixture
def place(released, tmp_path):
    return shutil.copytree(released.place, tmp_path / "work")


@pytest.fixture
def scored(released, place):
    ledger = Ledger(place / "ledger.jsonl")
    release = Release.load(place / "release", trusted=place / "trust.toml")
    for name, date in (("2024-09", "2024-09-02"), ("2024-10", "2024-10-01")):
        score(release, released.built.events, as_of=date, ledger=ledger).save(place / "scores" / name, ledger=ledger)
    return place


def recorded(place):
    return {f.where: (f.status, f.message) for f in verify(place) if f.code == "VRU607"}


def test_each_part_is_as_the_ledger_says(place):
    assert recorded(place) == dict.fromkeys(
        ["extracts", "quarantine", "events", "dataset", "audit_file.parquet", "run", "evidence", "release"],
        ("pass", "as the ledger says"),
    )


def test_each_list_is_as_the_ledger_says(scored):
    found = recorded(scored)
    assert found["2024-09"] == found["2024-10"] == ("pass", "4 files as the ledger says")


@pytest.mark.parametrize(
    "name", ["dataset/dataset.json", "run/run.json", "run/scores.parquet", "evidence/evidence.json"]
)
def test_a_changed_byte_fails(place, name):
    content = bytearray((place / name).read_bytes())
    content[len(content) // 2] ^= 1
    (place / name).write_bytes(bytes(content))
    assert recorded(place)[name.split("/")[0]][0] == "fail"


def test_a_part_that_was_made_anew_with_fitting_digests_is_not_what_was_written(place):
    head = json.loads((place / "run" / "run.json").read_bytes())
    del head["digest"]
    head["winner"] = "flags" if head["winner"] != "flags" else "card"
    (place / "run" / "run.json").write_bytes(canonical_json(head | {"digest": digest_json(head)}))
    assert recorded(place)["run"] == ("fail", "is not what the ledger says was written")


def test_edited_evidence_is_not_what_was_written(place):
    file = place / "evidence" / "evidence.json"
    head = json.loads(file.read_bytes().replace(b'"status":"fail"', b'"status":"pass"', 1))
    del head["digest"]
    changed = canonical_json(head | {"digest": digest_json(head)})
    assert changed != file.read_bytes()
    file.write_bytes(changed)
    assert recorded(place)["evidence"] == ("fail", "is not what the ledger says was written")


@pytest.mark.parametrize("name", ["quarantine.parquet", "quarantine.csv"])
def test_an_edited_quarantine_is_not_what_was_written(place, name):
    with open(place / "quarantine" / name, "a") as stream:
        stream.write("moves,1,duplicate\n")
    assert recorded(place)["quarantine"] == ("fail", "is not what the ledger says was written")


def test_half_a_quarantine_fails(place):
    (place / "quarantine" / "quarantine.csv").unlink()
    assert recorded(place)["quarantine"][0] == "fail"


def test_a_ledger_from_before_quarantines_were_recorded_says_nothing_of_one(tmp_path):
    Ledger(tmp_path / "ledger.jsonl").append("feeds", spec="0" * 64, feeds=[], files={})
    assert "quarantine" not in recorded(tmp_path)


@pytest.mark.parametrize("file", ["people.csv", "extracts.toml"])
def test_an_edited_extract_is_not_what_was_read(place, file):
    with open(place / "extracts" / file, "a") as stream:
        stream.write("\n")
    assert recorded(place)["extracts"] == ("fail", "is not what the ledger says was written")


def test_other_files_among_the_extracts_are_nobodys_business(place):
    (place / "extracts" / "notes.txt").write_text("x")
    assert recorded(place)["extracts"][0] == "pass"


@pytest.mark.parametrize("part", ["release", "evidence", "dataset", "events"])
def test_a_part_that_the_ledger_names_and_is_gone_cannot_be_told(place, part):
    shutil.rmtree(place / part)
    message = "1 of 1 that the ledger names are not in this folder: kept elsewhere, or removed"
    assert recorded(place)[part] == ("cannot tell", message)


def test_a_list_that_the_ledger_names_and_is_gone_cannot_be_told(scored):
    shutil.rmtree(scored / "scores" / "2024-09")
    message = "1 of 2 that the ledger names are not in this folder: kept elsewhere, or removed"
    assert recorded(scored)["lists"] == ("cannot tell", message)


def test_a_list_kept_beside_scores_is_checked_too(scored):
    shutil.move(scored / "scores" / "2024-10", scored / "october")
    assert recorded(scored)["october"][0] == "pass"
    (scored / "october" / "scores.json").write_bytes(b"{}")
    assert recorded(scored)["october"] == ("fail", "1 files are not as scored")


def test_a_list_by_itself_is_held_against_the_ledger_above_it_or_the_one_that_is_named(scored, tmp_path):
    inside, outside = scored / "scores" / "2024-10", tmp_path / "far" / "away" / "2024-10"
    shutil.copytree(inside, outside)
    for found in (verify(inside), verify(outside, ledger=scored / "ledger.jsonl")):
        assert [f.status for f in found if f.code == "VRU607"] == ["pass"]
    with pytest.raises(
        StorageError, match=r"holds nothing to verify.* say where its ledger is \(ledger=, or --ledger\)"
    ):
        verify(outside)


def test_the_page_is_a_copy_of_the_releases_or_one_that_report_wrote(place):
    shutil.copy(place / "release" / "report.html", place / "report.html")
    assert recorded(place)["report.html"][0] == "pass"
    (place / "report.html").unlink()
    write_report(place, place / "report.html", ledger=Ledger(place / "ledger.jsonl"))
    assert recorded(place)["report.html"][0] == "pass"
    with open(place / "report.html", "a") as stream:
        stream.write(" ")
    assert recorded(place)["report.html"][0] == "fail"


def test_another_release_that_is_signed_just_as_well_is_not_the_one_in_the_ledger(place, released):
    bundle = open_bundle(place / "release", None)
    approval = canonical_json(json.loads(bundle.files["approval.json"]) | {"approved_by": "C. Name"})
    header = {**bundle.header, "approved_by": "C. Name"}
    other = seal({**bundle.files, "approval.json": approval}, header, [load_private(released.key)])
    shutil.rmtree(place / "release")
    write_folder(place / "release", other)
    assert not verify(place / "release").with_status("fail")
    assert recorded(place)["release"] == ("fail", "is not what the ledger says was written")


def test_a_changed_list_fails(scored):
    with open(scored / "scores" / "2024-09" / "list.csv", "a") as stream:
        stream.write("\n")
    found = recorded(scored)
    assert found["2024-09"] == ("fail", "1 files are not as scored")
    assert found["2024-10"][0] == "pass"


def test_a_list_without_success_did_not_finish(scored):
    (scored / "scores" / "2024-10" / "_SUCCESS").unlink()
    assert recorded(scored)["2024-10"] == ("fail", "_SUCCESS is missing: the run did not finish")


def test_a_list_that_the_ledger_never_heard_of_fails(place):
    (place / "scores").mkdir()
    (place / "scores" / "list.csv").write_text("person_id\n")
    assert recorded(place)["scores"] == ("fail", "the ledger holds no scoring")
