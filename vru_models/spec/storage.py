"""Files and folders that appear whole or not at all, and reads that follow no link and know their limit.

What is written is for its owner alone (modes 0600 and 0700), since most of it is about people; sharing it is a step of
its own. Messages name the role of a path ("release", "ledger"), never the path: a file may be named after a person.
Made for local POSIX file systems; a network share may not keep what ``fsync`` promises.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from vru_models.errors import RefusedError, StorageError

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)?")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK = 1 << 20
_REMEDIES = {
    errno.ENOENT: "Check the path",
    errno.EACCES: "Check the permissions of the path and of the folder that holds it",
    errno.EROFS: "Choose a folder that can be written to",
    errno.ENOSPC: "Free some space and run again",
    errno.EEXIST: "Nothing is overwritten: choose another name",
    errno.ENOTEMPTY: "Nothing is overwritten: choose another name",
}


@contextmanager
def storage_errors(role: str, doing: str, *, then: str = "") -> Iterator[None]:
    """A block whose operating-system errors leave as :class:`StorageError`, without the path.

    Examples
    --------
    >>> with storage_errors("spec", "read"):
    ...     open("/nowhere/spec.toml")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: spec: cannot be read (No such file or directory). Check the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _link(role) from None
        reason = os.strerror(error.errno or errno.EIO)
        remedies = [text for text in (_REMEDIES.get(error.errno or errno.EIO), then) if text]
        raise StorageError.at(role, f"cannot be {doing} ({reason})", then=". ".join(remedies)) from None


def named_place(path: str | Path, role: str) -> Path:
    """The path in full, where it names something below the root; :class:`StorageError` elsewhere."""
    place = Path(os.path.abspath(path))
    if not place.name:
        raise StorageError.at(role, "is to be written to the root folder", expected="a path with a name")
    return place


def write_file(path: str | Path, content: bytes, *, role: str = "file") -> None:
    """Write a file so that a reader finds the old content or the new one, never a part; folders above it are made.

    The bytes go to a new file beside it, are forced to disk and renamed into place. A link is replaced, not followed.

    Raises
    ------
    StorageError
        When the operating system refuses; the old content then stands.
    """
    target = named_place(path, role)
    with storage_errors(role, "written"), _draft(target, content) as draft:
        os.replace(draft, target)
        sync_folder(target.parent)


def write_new(path: str | Path, content: bytes, *, role: str = "file") -> None:
    """Write a file that must not exist yet, whole or not at all; whatever has the name already is left as it is."""
    target = named_place(path, role)
    with storage_errors(role, "written"), _draft(target, content) as draft:
        os.link(draft, target)
        sync_folder(target.parent)


@contextmanager
def _draft(target: Path, content: bytes) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    fd, draft = _claim(target, lambda name: os.open(name, _CREATE, 0o600))
    try:
        try:
            write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _claim(target: Path, make: Callable[[Path], T]) -> tuple[T, Path]:
    """What ``make`` gives for the first free hidden name beside the target, and that name."""
    n = 0
    while True:
        draft = target.with_name(f".{target.name}.{os.getpid()}-{n}.tmp")
        try:
            return make(draft), draft
        except FileExistsError:
            n += 1


def write_folder(path: str | Path, files: Mapping[str, bytes], *, role: str = "folder") -> None:
    """Publish a folder with all its files at once; a folder that already holds something is refused.

    Names are plain (``a-z A-Z 0-9 . _ = -``, no leading dot) with at most one folder before them: ``schemas/x.json``.
    A run that is killed leaves, at worst, a hidden ``.<name>.<n>.tmp`` beside the place; never part of a folder.

    Raises
    ------
    StorageError
        When the place is taken or the operating system refuses; nothing is then left under the name.
    """
    bad = sum(_NAME.fullmatch(name) is None for name in files)
    if bad:
        raise ValueError(
            f"{role}: {bad} file names are not plain. Expected: letters, digits, . _ = - and one folder at most."
        )
    write_folder_from(path, files.items(), role=role)


def write_folder_from(path: str | Path, files: Iterable[tuple[str, bytes]], *, role: str = "folder") -> None:
    """:func:`write_folder` of files that are made one after the other: each is written before the next is asked for."""
    target = named_place(path, role)
    with storage_errors(role, "written"):
        target.parent.mkdir(parents=True, exist_ok=True)
        _, draft = _claim(target, lambda name: name.mkdir(mode=0o700))
        try:
            _fill(draft, files)
            os.rename(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        sync_folder(target.parent)


@contextmanager
def draft_folder(path: str | Path, *, role: str = "folder") -> Iterator[Path]:
    """A hidden folder inside a folder (made where it is missing), gone when the block ends; so is the other, if empty.

    What is to stay is published out of it by :func:`publish`. A run that is killed leaves a hidden ``.draft.<n>.tmp``.
    """
    target = named_place(path, role)
    with storage_errors(role, "written"):
        target.mkdir(parents=True, exist_ok=True)
        _, draft = _claim(target / "draft", lambda name: name.mkdir(mode=0o700))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        with suppress(OSError):
            target.rmdir()


def publish(draft: Path, path: str | Path, *, role: str = "folder") -> None:
    """Give a folder that is whole its name on the same disk; a folder that already holds something is refused."""
    target = named_place(path, role)
    with storage_errors(role, "written"):
        os.rename(draft, target)
        sync_folder(target.parent)


def require_free(path: str | Path, role: str) -> None:
    """Refuse a place that holds something, before work is done whose result could not be written there."""
    place = named_place(path, role)
    with storage_errors(role, "written"):
        if os.path.lexists(place) and not (place.is_dir() and not place.is_symlink() and not any(place.iterdir())):
            raise FileExistsError(errno.EEXIST, "taken")


def _fill(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    folders = {folder}
    for name, content in files:
        member = folder / name
        folders.add(member.parent)
        member.parent.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(member, _CREATE, 0o600)
        try:
            write_all(fd, content)
            os.fsync(fd)
        finally:
            os.close(fd)
    for inner in sorted(folders, reverse=True):
        sync_folder(inner)


def write_all(fd: int, content: bytes) -> None:
    """Write every byte to a descriptor, however few the operating system takes at a time."""
    rest = memoryview(content)
    while rest:
        taken = os.write(fd, rest)
        if not taken:
            raise OSError(errno.EIO, "nothing was written")
        rest = rest[taken:]


def sync_folder(path: Path) -> None:
    """Force the names in a folder to disk, so that a finished rename survives a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_file(path: str | Path, max_bytes: int, *, role: str = "file") -> bytes:
    """The bytes of a regular file of at most ``max_bytes`` (inclusive), read once.

    Raises
    ------
    StorageError
        When it is missing or unreadable.
    RefusedError
        When it is a link, a device or a pipe, or longer than ``max_bytes``.
    """
    with storage_errors(role, "read"):
        fd = os.open(path, _READ)
        try:
            return read_all(fd, max_bytes, role=role)
        finally:
            os.close(fd)


def read_secret(path: str | Path, max_bytes: int, *, role: str = "key") -> bytes:
    """The bytes of a secret file, refused when anyone but its owner may read, change or run it."""
    with storage_errors(role, "read"):
        fd = os.open(path, _READ)
        try:
            if os.fstat(fd).st_mode & 0o077:
                raise RefusedError.at(
                    role,
                    "its group or everyone can read or change it",
                    expected="a file for its owner alone",
                    then="Run chmod 600 on it, and make a new key if others may have read it",
                )
            return read_all(fd, max_bytes, role=role)
        finally:
            os.close(fd)


def read_all(fd: int, max_bytes: int, *, role: str) -> bytes:
    """Everything from a descriptor's position on; the limit is applied to the stated size and to what is read."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError.at(role, "is not a regular file", expected="a plain file")
    too_long = RefusedError.at(role, "is too long", expected=f"at most {max_bytes:,} bytes")
    if status.st_size > max_bytes:
        raise too_long
    blocks, left = [], max_bytes + 1
    while left and (block := os.read(fd, min(left, _BLOCK))):
        blocks.append(block)
        left -= len(block)
    if not left:
        raise too_long
    return b"".join(blocks)


def read_folder(path: str | Path, *, max_files: int, max_bytes: int, role: str = "folder") -> dict[str, bytes]:
    """Every file of a folder and of the folders one level inside it, by name, each read exactly once.

    Raises
    ------
    StorageError
        When the folder is missing or unreadable.
    RefusedError
        When it is or holds a link, a device, a name that is not plain, an empty folder or one nested deeper, more than
        ``max_files`` files, or more than ``max_bytes`` in all (both inclusive).
    """
    if Path(path).is_symlink():
        raise _link(role)
    with storage_errors(role, "read"):
        root = os.open(path, _READ | os.O_DIRECTORY)
        try:
            files: dict[str, bytes] = {}
            for name in _names(root, max_files, role):
                fd = os.open(name, _READ, dir_fd=root)
                try:
                    files[name] = read_all(fd, max_bytes - sum(len(known) for known in files.values()), role=role)
                finally:
                    os.close(fd)
            return files
        finally:
            os.close(root)


def _names(root: int, max_files: int, role: str) -> list[str]:
    """Names of the files under an open folder, sorted; one level of folders is entered."""
    names, folders = _listed(root, max_files, role)
    for folder in folders:
        fd = os.open(folder, _READ | os.O_DIRECTORY, dir_fd=root)
        try:
            inner, deeper = _listed(fd, max_files, role)
        finally:
            os.close(fd)
        if deeper or not inner:
            raise RefusedError.at(
                role, "holds an empty folder or a folder in a folder", expected="one level of folders"
            )
        names += [f"{folder}/{name}" for name in inner]
        if len(names) > max_files:
            raise _too_many(role, max_files)
    return sorted(names)


def _listed(fd: int, max_files: int, role: str) -> tuple[list[str], list[str]]:
    with os.scandir(fd) as scan:
        entries = list(itertools.islice(scan, max_files + 1))
    if len(entries) > max_files:
        raise _too_many(role, max_files)
    if any(entry.is_symlink() for entry in entries):
        raise _link(role)
    if any("/" in entry.name or _NAME.fullmatch(entry.name) is None for entry in entries):
        raise RefusedError.at(
            role, "holds a name that is not plain", expected="letters, digits, . _ = -, no leading dot"
        )
    folders = {entry.name for entry in entries if entry.is_dir(follow_symlinks=False)}
    return [entry.name for entry in entries if entry.name not in folders], sorted(folders)


def _link(role: str) -> RefusedError:
    return RefusedError.at(role, "is or holds a symbolic link", then="Links are not followed: give the real path")


def _too_many(role: str, max_files: int) -> RefusedError:
    return RefusedError.at(role, "holds too many files", expected=f"at most {max_files:,}")
