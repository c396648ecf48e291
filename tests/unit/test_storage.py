from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

import pytest

from vru_models.errors import RefusedError, StorageError
from vru_models.spec import storage

CANARY = "CANARY-9f31"


def failing(call, error, after):
    """A system call that fails with ``error`` the one time after it has been made ``after`` times."""
    made = iter(range(10_000))

    def shim(*args, **kwargs):
        if next(made) == after:
            raise OSError(error, os.strerror(error), CANARY)
        return call(*args, **kwargs)

    return shim


def test_a_written_file_reads_back_and_its_folders_are_made(tmp_path):
    storage.write_file(tmp_path / "a" / "b.txt", b"new")
    assert storage.read_file(tmp_path / "a" / "b.txt", 3) == b"new"


def test_short_writes_are_continued_to_the_last_byte(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data)[:3]))
    storage.write_file(tmp_path / "f", b"0123456789")
    assert (tmp_path / "f").read_bytes() == b"0123456789"


def test_a_write_that_takes_nothing_stops_instead_of_waiting_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "write", lambda fd, data: 0)
    with pytest.raises(StorageError, match="Input/output error"):
        storage.write_file(tmp_path / "f", b"x")


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize(("name", "after"), [("open", 0), ("write", 0), ("fsync", 0), ("replace", 0)])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name, error, after):
    target = tmp_path / "f"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, name, failing(getattr(os, name), error, after))
    with pytest.raises(StorageError, match="cannot be written") as caught:
        storage.write_file(target, b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    assert CANARY not in str(caught.value)


def test_when_only_the_folder_sync_fails_the_new_content_is_whole(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", failing(os.fsync, errno.EIO, 1))
    with pytest.raises(StorageError, match="Input/output error"):
        storage.write_file(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"


def test_writing_over_a_link_replaces_the_link_and_leaves_its_target(tmp_path):
    (tmp_path / "target").write_bytes(b"mine")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    storage.write_file(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"mine"
    assert not (tmp_path / "link").is_symlink()


def test_a_leftover_of_a_killed_run_is_stepped_around(tmp_path):
    (tmp_path / f".f.{os.getpid()}-0.tmp").write_bytes(b"left")
    (tmp_path / f".d.{os.getpid()}-0.tmp").mkdir()
    storage.write_file(tmp_path / "f", b"new")
    storage.write_folder(tmp_path / "d", {"x": b"1"})
    assert (tmp_path / "f").read_bytes() + (tmp_path / "d" / "x").read_bytes() == b"new1"


def test_a_new_file_never_replaces_one_that_is_there(tmp_path):
    storage.write_new(tmp_path / "f", b"first")
    with pytest.raises(StorageError, match="Nothing is overwritten: choose another name"):
        storage.write_new(tmp_path / "f", b"second")
    assert (tmp_path / "f").read_bytes() == b"first"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_folder_is_published_with_all_its_files(tmp_path):
    files = {"a.json": b"{}", "schemas/x.json": b"[]", "bucket=3/part-0": b""}
    storage.write_folder(tmp_path / "out", files)
    assert storage.read_folder(tmp_path / "out", max_files=3, max_bytes=4) == dict(sorted(files.items()))
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_published_folder_is_forced_to_disk_with_every_name_in_it(tmp_path, monkeypatch):
    real, synced = os.fsync, []

    def noting(fd):
        synced.append(os.fstat(fd).st_ino)
        real(fd)

    monkeypatch.setattr(os, "fsync", noting)
    storage.write_folder(tmp_path / "out", {"a": b"1", "in/b": b"2"})
    assert set(synced) == {path.stat().st_ino for path in (tmp_path, *tmp_path.rglob("*"))}


def test_an_empty_folder_may_be_filled_and_a_full_one_may_not(tmp_path):
    (tmp_path / "out").mkdir()
    storage.write_folder(tmp_path / "out", {"a": b"1"})
    with pytest.raises(StorageError, match="choose another name"):
        storage.write_folder(tmp_path / "out", {"a": b"2"})
    assert (tmp_path / "out" / "a").read_bytes() == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["mkdir", "open", "write", "fsync", "rename"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_folder_that_fails_half_way_is_not_there_at_all(tmp_path, monkeypatch, name, after):
    monkeypatch.setattr(os, name, failing(getattr(os, name), errno.ENOSPC, after))
    with contextlib.suppress(StorageError):
        storage.write_folder(tmp_path / "out", {"a": b"1", "in/b": b"2"})
    monkeypatch.undo()
    left = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left in ([], ["out/a", "out/in/b"])


@pytest.mark.parametrize("name", ["../x", "/x", "a/../x", "a/b/c", ".x", "a/.x", "", "a//b", "a\n", "a b", "a/"])
def test_a_file_name_that_could_leave_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="1 file names are not plain"):
        storage.write_folder(tmp_path / "out", {name: b""})
    assert not (tmp_path / "out").exists()


def test_exactly_the_limit_is_read_and_one_byte_more_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"12345")
    assert storage.read_file(tmp_path / "f", 5) == b"12345"
    with pytest.raises(RefusedError, match="at most 4 bytes"):
        storage.read_file(tmp_path / "f", 4)


def test_the_limit_holds_for_what_is_read_when_the_stated_size_lies(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"12345")
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda fd: os.stat_result((*real(fd)[:6], 0, *real(fd)[7:])))
    with pytest.raises(RefusedError, match="at most 4 bytes"):
        storage.read_file(tmp_path / "f", 4)


def test_a_missing_file_is_a_storage_error_that_does_not_repeat_the_path(tmp_path):
    with pytest.raises(StorageError, match=r"^spec: cannot be read \(No such file or directory\). Check the path.$"):
        storage.read_file(tmp_path / CANARY, 1, role="spec")


def test_links_pipes_and_folders_are_not_read_as_files(tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("f")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("link", "Links are not followed"), ("pipe", "regular file"), (".", "regular file")):
        with pytest.raises(RefusedError, match=reason):
            storage.read_file(tmp_path / name, 10)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o644, 0o660])
def test_a_secret_that_others_can_reach_is_refused_with_the_remedy(tmp_path, mode):
    (tmp_path / "key").write_bytes(b"s3cret")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(RefusedError, match="Run chmod 600") as caught:
        storage.read_secret(tmp_path / "key", 100)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_of_its_owner_alone_is_read(tmp_path, mode):
    (tmp_path / "key").write_bytes(b"s3cret")
    (tmp_path / "key").chmod(mode)
    assert storage.read_secret(tmp_path / "key", 6) == b"s3cret"


def a_link(folder: Path) -> None:
    (folder / "l").symlink_to("a")


def a_linked_folder(folder: Path) -> None:
    (folder / "l").symlink_to(folder.parent, target_is_directory=True)


def a_link_inside(folder: Path) -> None:
    (folder / "in" / "l").symlink_to("../a")


def a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "p")


def a_hidden_file(folder: Path) -> None:
    (folder / ".hidden").write_bytes(b"")


def an_odd_name(folder: Path) -> None:
    (folder / f"{CANARY}\n").write_bytes(b"")


def an_empty_folder(folder: Path) -> None:
    (folder / "none").mkdir()


def a_deep_folder(folder: Path) -> None:
    (folder / "in" / "deeper").mkdir()


def files_beyond_the_limit_inside(folder: Path) -> None:
    for name in "cd":
        (folder / "in" / name).write_bytes(b"")


def files_beyond_the_limit(folder: Path) -> None:
    for name in "cd":
        (folder / name).write_bytes(b"")


def one_byte_more(folder: Path) -> None:
    (folder / "in" / "b").write_bytes(b"22")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (a_link, "symbolic link"),
        (a_linked_folder, "symbolic link"),
        (a_link_inside, "symbolic link"),
        (a_pipe, "regular file"),
        (a_hidden_file, "not plain"),
        (an_odd_name, "not plain"),
        (an_empty_folder, "empty folder"),
        (a_deep_folder, "folder in a folder"),
        (files_beyond_the_limit_inside, "at most 3"),
        (files_beyond_the_limit, "at most 3"),
        (one_byte_more, "too long"),
    ],
)
def test_a_folder_that_is_not_plain_files_within_the_limits_is_refused(tmp_path, spoil, reason):
    folder = tmp_path / "d"
    storage.write_folder(folder, {"a": b"1", "in/b": b"2"})
    assert storage.read_folder(folder, max_files=3, max_bytes=2) == {"a": b"1", "in/b": b"2"}
    spoil(folder)
    with pytest.raises(RefusedError, match=reason) as caught:
        storage.read_folder(folder, max_files=3, max_bytes=2)
    assert CANARY not in str(caught.value)


def test_a_folder_reached_through_a_link_is_refused(tmp_path):
    storage.write_folder(tmp_path / "d", {"a": b"1"})
    (tmp_path / "current").symlink_to("d")
    with pytest.raises(RefusedError, match="give the real path"):
        storage.read_folder(tmp_path / "current", max_files=2, max_bytes=2)


@pytest.mark.parametrize("name", ["missing", "d/a"])
def test_a_folder_that_is_missing_or_a_file_is_a_storage_error(tmp_path, name):
    storage.write_folder(tmp_path / "d", {"a": b"1"})
    with pytest.raises(StorageError, match="cannot be read"):
        storage.read_folder(tmp_path / name, max_files=2, max_bytes=2)


def test_a_draft_goes_with_its_block_and_so_does_the_folder_that_stays_empty(tmp_path):
    def stopped():
        with storage.draft_folder(tmp_path / "work") as draft:
            (draft / "rows").write_bytes(b"rows of people")
            assert stat.S_IMODE(draft.stat().st_mode) == 0o700
            assert (draft.name[0], draft.suffix) == (".", ".tmp")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == []


def test_what_is_published_out_of_a_draft_stays_and_takes_no_place_that_is_taken(tmp_path):
    (tmp_path / "work" / "taken").mkdir(parents=True)
    (tmp_path / "work" / "taken" / "file").touch()
    with storage.draft_folder(tmp_path / "work") as draft:
        (draft / "made").mkdir()
        with pytest.raises(StorageError, match=r"store: cannot be written \(Directory not empty\). Nothing is over"):
            storage.publish(draft / "made", tmp_path / "work" / "taken", role="store")
        storage.publish(draft / "made", tmp_path / "work" / "made", role="store")
    assert sorted(p.name for p in (tmp_path / "work").iterdir()) == ["made", "taken"]
