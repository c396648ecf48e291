"""The event store: Parquet files bucketed by person, and one JSON file that says what they must be."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from vru_models.errors import DataError, LockedError, RefusedError, StorageError
from vru_models.events.folding import ROW_KINDS
from vru_models.events.tombstones import Tombstones
from vru_models.findings import Finding, Findings
from vru_models.frames import to_frame, to_table
from vru_models.spec.digest import buckets_of, canonical_json, digest_bytes, digest_frame, digest_json
from vru_models.spec.section import Section
from vru_models.spec.storage import read_file, storage_errors, sync_folder, write_file, write_folder_from
from vru_models.spec.tables import Kind

FORMAT: Literal["vru-events/3"] = "vru-events/3"
_MANIFEST = "store.json"
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("person_id", pa.string()),
        ("indicator", pa.string()),
        ("event_date", pa.date32()),
        ("known_date", pa.date32()),
        ("known_until", pa.date32()),
        ("value", pa.float64()),
        ("role", pa.string()),
        ("status", pa.string()),
        ("feed", pa.string()),
    ]
)
_REPEATED = ["person_id", "indicator", "role", "status", "feed"]
MOST_BUCKETS = 256
_ROWS_PER_BUCKET = 100_000
_LARGEST = 1 << 34
_NOBODY = Tombstones()


class _Manifest(Section):
    """``store.json``: what the other files must be, under a digest of its own."""

    format: Literal["vru-events/3"] = FORMAT
    buckets: Annotated[int, Field(ge=1, le=MOST_BUCKETS)]
    events: str
    recorded_under: str
    extract_dates: dict[str, dt.date]
    findings: tuple[Finding, ...]
    tombstones: Tombstones
    files: dict[str, str]
    digest: str = ""

    @property
    def own_digest(self) -> str:
        return digest_json(self.model_dump(mode="json", exclude={"digest"}))


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What a store holds beside events: other rows by kind with when each was known, and what :class:`Events` has.

    ``digest`` is that of the events, rows, extract dates and tombstones: :attr:`Events.digest`.
    """

    rows: Mapping[Kind, pd.DataFrame]
    extract_dates: Mapping[str, dt.date]
    findings: Findings
    recorded_under: str
    tombstones: Tombstones
    digest: str


@dataclass(frozen=True, kw_only=True)
class Held(Beside):
    """All that a store holds: ``versions`` of events, too, each with the date until which it was known."""

    versions: pd.DataFrame


def save(folder: str | Path, held: Held) -> None:
    """Publish a store at once; a folder that already holds something is refused."""
    write_folder_from(folder, _held_files(held), role="event store")


def save_buckets(
    folder: str | Path, buckets: Iterable[pd.DataFrame], beside: Callable[[], Beside], *, n_buckets: int
) -> None:
    """Publish a store from its buckets of versions, each written before the next is made; the rest is asked for last.

    Of versions that are the same, in ``n_buckets`` by :func:`~vru_models.spec.digest.buckets_of` and in the house's
    order, it is the store that :func:`save` writes, byte for byte.
    """
    write_folder_from(folder, _files(buckets, beside, n_buckets=n_buckets), role="event store")


def update(folder: str | Path, change: Callable[[Held], Held]) -> None:
    """Put what ``change`` makes of a store in its place, while no other update can come between.

    New files are written first, then ``store.json`` is replaced, then what it no longer names is removed: after a kill
    the store is the old one or the new one, and the next update removes what was left over, hidden drafts included.

    Raises
    ------
    LockedError
        When another process is updating the store.
    """
    place = Path(folder)
    with locked(place):
        files = dict(_held_files(change(load(place))))
        for name, content in files.items():
            if name != _MANIFEST and not (place / name).exists():
                write_file(place / name, content, role=f"event store: {name}")
        write_file(place / _MANIFEST, files[_MANIFEST], role=f"event store: {_MANIFEST}")
        with storage_errors("event store", "tidied"):
            for left in _left_over(place, files):
                left.unlink()
            sync_folder(place / "events")
            sync_folder(place)


def copy(folder: str | Path, to: str | Path) -> None:
    """Write a store that no other process is changing to a new folder, byte for byte, a file at a time."""
    place = Path(folder)
    with locked(place):
        manifest = _manifest(place)
        parts = (
            (_path(part, digest), _verified(place, part, manifest.files)) for part, digest in manifest.files.items()
        )
        write_folder_from(to, chain(parts, [(_MANIFEST, _content(place, _MANIFEST))]), role="event store")


def digest_in(folder: str | Path) -> str:
    """:attr:`Events.digest` of a store, every file of which is what was written; a bucket is read at a time."""
    buckets, beside = opened(folder)
    for i in range(buckets.n):
        buckets.verified(i)
    return beside.digest


def _left_over(place: Path, files: Iterable[str]) -> set[Path]:
    """What nothing names: the tables of an earlier update, and the hidden drafts of a write that was killed."""
    tables = {file for part in ("*.parquet", "events/*.parquet") for file in place.glob(part)}
    drafts = {file for part in (".*.tmp", "events/.*.tmp") for file in place.glob(part)}
    return (tables - {place / name for name in files}) | drafts


@contextmanager
def locked(folder: str | Path) -> Iterator[None]:
    """A block during which no other process changes a store; :class:`LockedError` while another one does."""
    place = Path(folder)
    if not place.is_dir():
        raise _no_folder()
    with storage_errors("event store", "locked"):
        fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "is being updated by another process"
            raise LockedError.at("event store", what, then="Wait for it to end, then run again") from None
        yield
    finally:
        os.close(fd)


def _held_files(held: Held) -> Iterator[tuple[str, bytes]]:
    n_buckets = bucket_count(len(held.versions))
    bucket = bucket_of(held.versions["person_id"], n_buckets)
    parts = (held.versions.iloc[np.flatnonzero(bucket == i)] for i in range(n_buckets))
    return _files(parts, lambda: held, n_buckets=n_buckets)


def _files(
    buckets: Iterable[pd.DataFrame], beside: Callable[[], Beside], *, n_buckets: int
) -> Iterator[tuple[str, bytes]]:
    """Every file of a store by its path; a file's name holds the digest of its content, ``store.json`` all of them."""
    digests: dict[str, str] = {}

    def file(part: str, table: pa.Table) -> tuple[str, bytes]:
        content = _parquet(table)
        digests[part] = digest_bytes(content)
        return _path(part, digests[part]), content

    for i, versions in enumerate(buckets):
        yield file(_bucket(i), to_table(versions).cast(SCHEMA))
    rest = beside()
    for kind, frame in rest.rows.items():
        yield file(kind, to_table(frame))
    manifest = _Manifest(
        buckets=n_buckets,
        events=rest.digest,
        recorded_under=rest.recorded_under,
        extract_dates=dict(rest.extract_dates),
        findings=tuple(rest.findings),
        tombstones=rest.tombstones,
        files=digests,
    )
    sealed = manifest.model_copy(update={"digest": manifest.own_digest})
    yield _MANIFEST, canonical_json(sealed.model_dump(mode="json"))


def bucket_count(rows: int) -> int:
    """How many buckets a store of so many rows has: a power of two, about 100,000 rows each, at most 256.

    Examples
    --------
    >>> [bucket_count(n) for n in (0, 100_000, 100_001, 1_000_000)]
    [1, 1, 2, 16]
    """
    wanted = -(-rows // _ROWS_PER_BUCKET)
    return min(MOST_BUCKETS, 1 << max(0, wanted - 1).bit_length())


def bucket_of(persons: pd.Series[Any], n_buckets: int = MOST_BUCKETS) -> np.ndarray:
    """The bucket of each row, by its person; in fewer buckets (a power of two) it is this, modulo their number."""
    codes, distinct = pd.factorize(persons)
    return np.asarray(buckets_of(distinct.tolist(), n_buckets)[codes])


def _bucket(i: int) -> str:
    return f"events/bucket-{i:03d}"


def _path(part: str, digest: str) -> str:
    return f"{part}-{digest[:16]}.parquet"


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return bytes(sink.getvalue())


@dataclass(frozen=True)
class Buckets:
    """The events of a store, read a bucket at a time, each file held against its digest when it is read."""

    folder: Path
    n: int
    files: Mapping[str, str]

    def read(self, i: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The versions in one bucket, folded; of some columns only, texts that repeat come as dictionaries."""
        return _table(self.folder, _bucket(i), self.files, SCHEMA, columns)

    def verified(self, i: int) -> Path:
        """The file of one bucket, for others to read, after it was held against its digest."""
        _verified(self.folder, _bucket(i), self.files)
        return self.folder / _path(_bucket(i), self.files[_bucket(i)])


def opened(folder: str | Path) -> tuple[Buckets, Beside]:
    """The buckets of a store, none of them read yet, and what it holds beside events."""
    place = Path(folder)
    if not place.is_dir():
        raise _no_folder()
    manifest = _manifest(place)
    rows: dict[Kind, pd.DataFrame] = {kind: to_frame(_table(place, kind, manifest.files)) for kind in ROW_KINDS}
    beside = Beside(
        rows=rows,
        extract_dates=manifest.extract_dates,
        findings=Findings(manifest.findings),
        recorded_under=manifest.recorded_under,
        tombstones=manifest.tombstones,
        digest=manifest.events,
    )
    return Buckets(place, manifest.buckets, manifest.files), beside


def require_recorded_by(recorded_under: str, recording: str) -> None:
    """Refuse events that were made by other indicators than a spec's (:attr:`Spec.recording`); unsaid is taken."""
    if recorded_under not in ("", recording):
        what = "were recorded by other indicators than those of this spec"
        raise DataError.at("events", what, then="Record the extracts again, in order, by this spec")


def load(folder: str | Path) -> Held:
    """What :func:`save` wrote, whole."""
    buckets, beside = opened(folder)
    events = pa.concat_tables(buckets.read(i) for i in range(buckets.n))
    return Held(versions=to_frame(events), **{f.name: getattr(beside, f.name) for f in fields(Beside)})


def _no_folder() -> StorageError:
    expected = "a folder that Events.save wrote"
    return StorageError.at("event store", "the folder is missing", expected=expected, then="Check the path")


def _manifest(place: Path) -> _Manifest:
    content = _content(place, _MANIFEST)
    try:
        manifest = _Manifest.model_validate_json(content)
    except ValidationError:
        if b'"format":"vru-events/' in content and f'"{FORMAT}"'.encode() not in content:
            then = "Record the extracts again, in order"
            raise DataError.at("event store", "has another format", expected=FORMAT, then=then) from None
        raise _not_as_written(_MANIFEST) from None
    if manifest.digest != manifest.own_digest:
        raise _not_as_written(_MANIFEST)
    return manifest


def _content(place: Path, name: str) -> bytes:
    if not (place / name).is_file():
        then = "Give the folder that Events.save wrote, or record again"
        raise DataError.at("event store", f"{name} is missing", expected=f"a store of format {FORMAT}", then=then)
    try:
        return read_file(place / name, _LARGEST, role=f"event store: {name}")
    except RefusedError as error:
        raise DataError(str(error)) from None


def _table(
    place: Path,
    part: str,
    digests: Mapping[str, str],
    schema: pa.Schema | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """A table; where columns are given, of these alone, and texts that repeat come as dictionaries."""
    name, content = _path(part, digests.get(part, "")), _verified(place, part, digests)
    try:
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=_REPEATED if columns else None)
        if schema is not None and not pq.read_schema(pa.BufferReader(content)).equals(schema):
            raise _not_as_written(name)
        return file.read(columns=columns, use_threads=columns is None)
    except (pa.ArrowInvalid, OSError):
        raise _not_as_written(name) from None


def _verified(place: Path, part: str, digests: Mapping[str, str]) -> bytes:
    name = _path(part, digests.get(part, ""))
    content = _content(place, name)
    if digests.get(part) != digest_bytes(content):
        raise _not_as_written(name)
    return content


def _not_as_written(name: str) -> DataError:
    return DataError.at(
        "event store", f"{name} is not what was written", then="Restore it from a copy, or record again"
    )


def combined_digest(
    buckets: Sequence[str],
    rows: Mapping[Kind, pd.DataFrame],
    extract_dates: Mapping[str, dt.date],
    tombstones: Tombstones = _NOBODY,
) -> str:
    """:attr:`Events.digest` from the digest of each bucket's part of the frame."""
    others = [digest_frame(frame, index=False) for frame in rows.values()]
    dates = {name: date.isoformat() for name, date in extract_dates.items()}
    return digest_json([*buckets, *others, dates, tombstones.model_dump(mode="json")])


def names_in(folder: str | Path) -> frozenset[str]:
    """The files that a store consists of, by their paths in its folder."""
    manifest = _manifest(Path(folder))
    return frozenset({_MANIFEST, *(_path(part, digest) for part, digest in manifest.files.items())})
