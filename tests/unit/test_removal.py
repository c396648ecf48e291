import fcntl
import os
import shutil
import sys

import kept
import pytest
import retained
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.verify import verify
from vru_models.errors import LedgerError, LockedError, RefusedError, StorageError
from vru_models.events.store import locked
from vru_models.retention import expire
from vru_models.retention.removal import unfinished
from vru_models.spec.digest import digest_json
from vru_models.workflow import purge

removal = sys.modules["vru_models.retention.removal"]
LONG = "2030-01-01"


@pytest.fixture(scope="module")
def whole(released, tmp_path_factory):
    copy = shutil.copytree(released.place, tmp_path_factory.mktemp("removal") / "work")
    return retained.everything(worlds.World(copy, released.spec, released.built, released.run, released.evidence))


@pytest.fixture
def place(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "work")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A folder with an audit file and a list of 1 November 2026, looked at on 1 January 2030."""
    (tmp_path / "work").mkdir()
    made = tmp_path / "work", Ledger(tmp_path / "work" / "ledger.jsonl")
    retained.on(monkeypatch, "2026-11-01")
    retained.audit_file(*made, mark="four")
    retained.scores(*made, "scores/2026-11", mark="a")
    retained.on(monkeypatch, LONG)
    return made


def long_after(monkeypatch):
    """The clock stands on a day on which no release may be used any longer."""
    retained.on(monkeypatch, "2090-01-01")


def test_once_every_window_and_the_release_are_over_only_what_is_no_artefact_is_left(place, monkeypatch):
    long_after(monkeypatch)
    ledger = Ledger(place / "ledger.jsonl")
    proofs = expire(place, retained.every("1 year"), ledger)
    assert retained.files(place) == {"keys/approver.pem", "trust.toml", "notes.txt"}
    assert [proof.body["artefact"] for proof in proofs] == list(retained.KINDS)
    assert ledger.verify().with_status("fail").items == ()


def test_each_proof_says_what_when_why_and_how_much_and_stands_after_its_announcement(bare):
    place, ledger = bare
    proof, other = expire(place, retained.every("1 year"), ledger)
    assert dict(proof.body) | {"digest": "", "expiring": "", "spec": ""} == {
        "artefact": "scores", "place": "scores/2026-11", "written": "2026-11-01", "rule": "1 year", "files": 3,
        "bytes": 22, "left": 0, "digest": "", "expiring": "", "spec": "",
    }  # fmt: skip
    assert (other.body["place"], other.body["files"], other.body["bytes"]) == ("audit_file.parquet", 1, 4)
    kinds = [entry.kind for entry in ledger]
    assert kinds == ["audit_file", "scores", "expiring", "expired", "expiring", "expired"]
    assert [e.hash for e in ledger.find("expiring")] == [proof.body["expiring"], other.body["expiring"]]
    assert proof.body["digest"] == digest_json(dict(ledger.find("scores")[0].body["files"]))
    assert proof.at[:10] == LONG


def test_what_is_not_due_is_not_touched(place, monkeypatch):
    before = {name: (place / name).stat().st_mtime_ns for name in retained.files(place)}
    entries = len(Ledger(place / "ledger.jsonl"))
    assert expire(place, retained.every("50 years"), Ledger(place / "ledger.jsonl")) == ()
    assert {name: (place / name).stat().st_mtime_ns for name in retained.files(place)} == before
    assert len(Ledger(place / "ledger.jsonl")) == entries


def test_a_second_run_finds_nothing_to_do(bare):
    assert len(expire(bare[0], retained.every("1 year"), bare[1])) == 2
    assert expire(bare[0], retained.every("1 year"), bare[1]) == ()


def test_one_refused_artefact_keeps_all_the_others(bare):
    place, ledger = bare
    retained.write(place, "scores/2026-11", {"list.csv": b"changed\n"})
    with pytest.raises(
        RefusedError, match=r"expire: refused\.\n  scores/2026-11: is not what .*\nNothing that is due was removed"
    ):
        expire(place, retained.every("1 year"), ledger)
    assert (place / "audit_file.parquet").is_file()
    assert [entry.kind for entry in ledger] == ["audit_file", "scores"]
    shutil.move(place / "scores", place.parent / "scores")
    assert [proof.body["artefact"] for proof in expire(place, retained.every("1 year"), ledger)] == ["audit_file"]


def test_a_file_beside_those_of_a_list_is_refused_and_the_remedy_works(bare):
    place, ledger = bare
    retained.write(place, "scores/2026-11", {"minutes.txt": b"of the panel"})
    with pytest.raises(RefusedError, match=r"or move it \(or the file that does not belong there\) out of the folder"):
        expire(place, retained.every("1 year"), ledger)
    (place / "scores" / "2026-11" / "minutes.txt").unlink()
    assert len(expire(place, retained.every("1 year"), ledger)) == 2


def test_a_link_is_refused_and_what_it_leads_to_stays(bare, tmp_path):
    place, ledger = bare
    shutil.move(place / "scores", tmp_path / "elsewhere")
    (place / "scores").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="scores/2026-11: is a link, or lies behind one, and links are not followed"):
        expire(place, retained.every("1 year"), ledger)
    assert (tmp_path / "elsewhere" / "2026-11" / "list.csv").is_file()


def test_a_hard_link_elsewhere_keeps_its_content(bare, tmp_path):
    os.link(bare[0] / "audit_file.parquet", tmp_path / "backup")
    expire(bare[0], retained.every("1 year"), bare[1])
    assert (tmp_path / "backup").read_bytes() == b"four"


def test_a_day_to_come_removes_nothing(bare):
    with pytest.raises(RefusedError, match=r"as_of: 2030-01-02 is after today \(2030-01-01\)"):
        expire(bare[0], retained.every("1 year"), bare[1], as_of="2030-01-02")
    assert len(bare[1]) == 2


def test_a_day_before_counts_as_that_day(bare):
    assert expire(bare[0], retained.every("1 year"), bare[1], as_of="2027-11-01") == ()
    assert len(expire(bare[0], retained.every("1 year"), bare[1], as_of="2027-11-02")) == 2


def test_two_runs_at_once_do_not_meet(bare):
    fd = os.open(bare[0], os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(LockedError, match="another run is removing from this folder"):
            expire(bare[0], retained.every("1 year"), bare[1])
    finally:
        os.close(fd)
    assert len(bare[1]) == 2
    assert len(expire(bare[0], retained.every("1 year"), bare[1])) == 2


@pytest.mark.parametrize(
    ("name", "shown"),
    [("scores/2026-11", "scores/2026-11"), ("scores/2026-11-02", "scores/2026-11-02"), ("p0001", "*"),
     ("scores/9434765919", "scores/*"), ("A. Name/2026-11", "*/2026-11"), ("scores/2026", "scores/*")],
)  # fmt: skip
def test_only_the_librarys_names_and_dates_go_into_the_ledger(bare, monkeypatch, name, shown):
    retained.on(monkeypatch, "2026-12-01")
    retained.scores(*bare, name, mark="b")
    retained.on(monkeypatch, LONG)
    shutil.rmtree(bare[0] / "scores" / "2026-11") if name != "scores/2026-11" else None
    (proof,) = expire(bare[0], retained.spec(scores="1 year"), bare[1])
    assert proof.body["place"] == shown


def test_a_folder_that_cannot_be_written_to_is_a_storage_error_and_the_next_run_goes_on(bare, monkeypatch):
    place, ledger = bare

    def refuse(*_):
        raise PermissionError(13, "no")

    with monkeypatch.context() as patch:
        patch.setattr(removal.os, "rename", refuse)
        with pytest.raises(StorageError, match=r"scores: cannot be removed \(Permission denied\).*Run expire again"):
            expire(place, retained.every("1 year"), ledger)
    assert len(unfinished(place)) == 1
    assert len(expire(place, retained.every("1 year"), ledger)) == 2
    assert retained.files(place) == set()
    assert unfinished(place) == []


def test_a_removal_begun_under_another_ledger_is_not_finished_under_this_one(bare):
    (bare[0] / f".expiring-{'0' * 64}").mkdir()
    with pytest.raises(RefusedError, match=r"this ledger says nothing of. Give the ledger it was begun under"):
        expire(bare[0], retained.every("1 year"), bare[1])
    assert (bare[0] / "audit_file.parquet").is_file()


def test_a_link_named_like_a_removal_is_not_followed(bare, tmp_path):
    begun = bare[1].append("expiring", artefact="scores", digest="0" * 64)
    retained.write(tmp_path, "elsewhere", {"a.txt": b"a"})
    (bare[0] / f".expiring-{begun.hash}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="Give the ledger it was begun under"):
        expire(bare[0], retained.every("1 year"), bare[1])
    assert (tmp_path / "elsewhere" / "a.txt").is_file()


def test_files_that_come_to_what_is_being_removed_stop_it_without_a_proof(bare, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(removal, "_empty", lambda folder: None)
        with pytest.raises(StorageError, match="3 files came to what is being removed"):
            expire(bare[0], retained.every("1 year"), bare[1])
    assert bare[1].find("expired") == ()
    assert len(expire(bare[0], retained.every("1 year"), bare[1])) == 2


def test_a_link_inside_what_is_being_removed_goes_and_is_not_followed(bare, tmp_path, monkeypatch):
    empty = removal._empty
    retained.write(tmp_path, "elsewhere", {"a.txt": b"a"})

    def first_a_link(folder):
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        empty(folder)

    monkeypatch.setattr(removal, "_empty", first_a_link)
    assert len(expire(bare[0], retained.every("1 year"), bare[1])) == 2
    assert (tmp_path / "elsewhere" / "a.txt").is_file()


def test_a_broken_ledger_removes_nothing(bare):
    path = bare[1].path
    path.write_bytes(path.read_bytes().replace(b'"rows":1', b'"rows":2'))
    with pytest.raises(LedgerError, match="its content does not fit its hash"):
        expire(bare[0], retained.every("1 year"), bare[1])
    assert (bare[0] / "audit_file.parquet").is_file()


def test_what_expired_and_was_restored_goes_again(bare):
    kept = shutil.copytree(bare[0] / "scores", bare[0].parent / "backup")
    expire(bare[0], retained.every("1 year"), bare[1])
    shutil.copytree(kept, bare[0] / "scores", dirs_exist_ok=True)
    assert [p.body["artefact"] for p in expire(bare[0], retained.every("1 year"), bare[1])] == ["scores"]
    assert retained.files(bare[0]) == set()


def test_after_it_the_folder_verifies(place, monkeypatch):
    long_after(monkeypatch)
    expire(place, retained.every("1 year"), Ledger(place / "ledger.jsonl"))
    assert not verify(place).with_status("fail")


def test_what_is_changed_between_the_plan_and_its_turn_is_not_removed(bare, monkeypatch):
    place, ledger = bare
    append = Ledger.append

    def change_the_next(book, kind, **body):
        if kind == "expiring":
            (place / "audit_file.parquet").write_bytes(b"anew")
        return append(book, kind, **body)

    monkeypatch.setattr(Ledger, "append", change_the_next)
    with pytest.raises(RefusedError, match=r"audit_file\.parquet: was changed in the meantime\. It was not removed"):
        expire(place, retained.every("1 year"), ledger)
    assert [entry.kind for entry in ledger][2:] == ["expiring", "expired"]
    assert retained.files(place) == {"audit_file.parquet"}


def test_a_kept_store_goes_as_a_whole_after_a_purge_and_verify_knows_it(tmp_path, monkeypatch):
    retained.on(monkeypatch, "2026-11-01")
    place, ledger = kept.kept(tmp_path / "w")
    purge(place, ["a"], key=kept.KEY, ledger=ledger)
    retained.on(monkeypatch, "2028-01-01")
    (proof,) = expire(tmp_path / "w", retained.spec(events="1 year"), ledger)
    assert (proof.body["artefact"], proof.body["place"], proof.body["written"]) == ("events", "*", "2026-11-01")
    assert (place.exists(), proof.body["left"]) == (False, 0)
    found = [(f.where, f.status, f.message) for f in verify(tmp_path / "w") if f.code == "VRU607"]
    assert found == [
        ("kept store", "pass", "expired on 2028-01-01 under the spec's rule (kept 1 year)"),
    ]


def test_a_store_that_is_being_updated_does_not_go(tmp_path, monkeypatch):
    retained.on(monkeypatch, "2026-11-01")
    place, ledger = kept.kept(tmp_path / "w")
    retained.on(monkeypatch, "2028-01-01")
    with locked(place), pytest.raises(LockedError, match="event store: is being updated by another process"):
        expire(tmp_path / "w", retained.spec(events="1 year"), ledger)
    assert (place / "store.json").is_file()
    assert ledger.find("expiring") == ()
