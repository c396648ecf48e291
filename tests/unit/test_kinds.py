import os
import shutil

import pytest
import retained

from vru_models.audit.ledger import Ledger
from vru_models.errors import DataError, RefusedError, StorageError, VruError
from vru_models.retention.kinds import KINDS, digest_of, files_in
from vru_models.spec import Spec
from vru_models.spec.bars import Retention
from vru_models.spec.calendar import Span

BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.fixture(scope="module")
def whole(released, tmp_path_factory):
    return shutil.copytree(released.place, tmp_path_factory.mktemp("kinds") / "work")


@pytest.fixture
def place(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "work")


def test_every_kind_has_a_window_of_its_name_and_every_window_a_kind():
    assert set(BY_NAME) == set(Retention.model_fields) - {"release"} == set(retained.KINDS)


def test_the_shipped_spec_keeps_rows_of_people_for_a_shorter_time_than_evidence_and_releases():
    windows = Spec.example("early_help").retention
    rows = ("scores", "extracts", "quarantine", "events", "audit_file", "dataset", "run")
    assert max(getattr(windows, name) for name in rows) <= Span.parse("3 years")
    assert windows.evidence == windows.old_release == windows.report == Span.parse("6 years")


def test_pages_and_lists_go_before_the_releases_that_they_refer_to():
    names = list(BY_NAME)
    assert names.index("report") < names.index("old_release")
    assert names.index("scores") < names.index("old_release")


@pytest.mark.parametrize("name", [kind.name for kind in KINDS if kind.name not in ("report", "scores")])
def test_what_the_library_wrote_is_found_and_is_what_the_ledger_says(place, name):
    kind, entries = BY_NAME[name], Ledger(place / "ledger.jsonl").find(BY_NAME[name].entry)
    (found,) = kind.places(place)
    assert found == place / kind.own
    assert kind.now(found) == kind.said(entries[-1].body)


@pytest.mark.parametrize("name", ["quarantine", "events", "dataset", "run", "evidence", "old_release"])
def test_a_file_more_is_never_taken_for_what_was_written(place, name):
    kind = BY_NAME[name]
    (place / kind.own / "more.txt").write_text("x")
    with pytest.raises(VruError, match=r"holds files that nobody recorded: 1|1 files are not"):
        kind.now(place / kind.own)


def test_a_file_more_among_the_extracts_makes_them_other_extracts(place):
    before = BY_NAME["extracts"].now(place / "extracts")
    (place / "extracts" / "notes.txt").write_text("x")
    after = BY_NAME["extracts"].now(place / "extracts")
    assert set(after) - set(before) == {"notes.txt"}


def test_a_list_without_success_is_none(tmp_path):
    retained.write(tmp_path, "scores", {"list.csv": b"a"})
    with pytest.raises(DataError, match="scores: has no _SUCCESS"):
        BY_NAME["scores"].now(tmp_path / "scores")


def test_extracts_and_lists_are_found_up_to_two_folders_deep_and_nothing_hidden(tmp_path):
    for name in ("a", "extracts/2026-11", "a/b/c", ".hidden", "x/.hidden"):
        retained.write(tmp_path, name, {"extracts.toml": b"", "list.csv": b""})
    for kind in ("extracts", "scores"):
        found = [p.relative_to(tmp_path).as_posix() for p in BY_NAME[kind].places(tmp_path)]
        assert found == ["a", "extracts/2026-11"]


def test_the_digest_of_several_files_does_not_hang_on_their_order():
    assert digest_of({"b": "2", "a": "1"}) == digest_of({"a": "1", "b": "2"}) != digest_of({"a": "2", "b": "1"})


def test_the_files_of_a_folder_are_counted_with_those_in_its_folders(tmp_path):
    retained.write(tmp_path, "part", {"a.txt": b"1", "cards/b.txt": b"22", "cards/more/c.txt": b""})
    assert files_in(tmp_path / "part") == {"a.txt": 1, "cards/b.txt": 2, "cards/more/c.txt": 0}
    assert files_in(tmp_path / "part" / "a.txt") == {"a.txt": 1}


def test_a_link_in_an_artefact_is_refused_whatever_it_leads_to(tmp_path):
    retained.write(tmp_path, "part", {"a.txt": b"1"})
    (tmp_path / "part" / "b.txt").symlink_to(tmp_path / "part" / "a.txt")
    with pytest.raises(RefusedError, match="is or holds a link, a device or a pipe"):
        files_in(tmp_path / "part")


def test_a_pipe_in_an_artefact_is_refused_and_not_waited_for(tmp_path):
    (tmp_path / "part").mkdir()
    os.mkfifo(tmp_path / "part" / "pipe")
    with pytest.raises(RefusedError, match="is or holds a link, a device or a pipe"):
        files_in(tmp_path / "part")


def test_a_place_that_is_not_there_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="part: cannot be read"):
        files_in(tmp_path / "part")
