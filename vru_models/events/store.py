"""The event store: Parquet files bucketed by person, and one JSON file that says what they must be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError

from vru_models.errors import DataError, RefusedError, StorageError
from vru_models.findings import Finding, Findings
from vru_models.frames import to_frame, to_table
from vru_models.spec.digest import buckets_of, canonical_json, digest_bytes, digest_json
from vru_models.spec.section import Section
from vru_models.spec.storage import read_file, write_folder

FORMAT: Literal["vru-events/1"] = "vru-events/1"
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("person_id", pa.string()),
        ("indicator", pa.string()),
        ("event_date", pa.date32()),
        ("known_date", pa.date32()),
        ("value", pa.float64()),
        ("role", pa.string()),
        ("status", pa.string()),
        ("feed", pa.string()),
    ]
)
_ROWS_PER_BUCKET, _MOST_BUCKETS = 100_000, 256
_LARGEST = 1 << 34


class _Manifest(Section):
    """``store.json``: what the other files must be, under a digest of its own."""

    format: Literal["vru-events/1"] = FORMAT
    buckets: Annotated[int, Field(ge=1, le=_MOST_BUCKETS)]
    extract_dates: dict[str, dt.date]
    findings: tuple[Finding, ...]
    files: dict[str, str]
    digest: str = ""

    @property
    def own_digest(self) -> str:
        return digest_json(self.model_dump(mode="json", exclude={"digest"}))


@dataclass(frozen=True)
class Held:
    """What a store holds: event versions, other rows by name (spells, coverage), extract dates, findings."""

    versions: pd.DataFrame
    rows: Mapping[str, pd.DataFrame]
    extract_dates: Mapping[str, dt.date]
    findings: Findings


def save(
    folder: str | Path,
    *,
    versions: pd.DataFrame,
    rows: Mapping[str, pd.DataFrame],
    extract_dates: Mapping[str, dt.date],
    findings: Findings,
) -> None:
    """Publish a store at once; a folder that already holds something is refused."""
    n_buckets = bucket_count(len(versions))
    table = to_table(versions).cast(SCHEMA)
    bucket = _bucket_of(versions["person_id"], n_buckets)
    files = {_bucket_file(i): _parquet(table.take(np.flatnonzero(bucket == i))) for i in range(n_buckets)}
    files |= {f"{name}.parquet": _parquet(to_table(f.drop(columns="known_until"))) for name, f in rows.items()}
    manifest = _Manifest(
        buckets=n_buckets,
        extract_dates=dict(extract_dates),
        findings=tuple(findings),
        files={name: digest_bytes(content) for name, content in files.items()},
    )
    sealed = manifest.model_copy(update={"digest": manifest.own_digest})
    write_folder(folder, files | {"store.json": canonical_json(sealed.model_dump(mode="json"))}, role="event store")


def bucket_count(rows: int) -> int:
    """How many buckets a store of so many rows has: a power of two, about 100,000 rows each, at most 256.

    Examples
    --------
    >>> [bucket_count(n) for n in (0, 100_000, 100_001, 1_000_000)]
    [1, 1, 2, 16]
    """
    wanted = -(-rows // _ROWS_PER_BUCKET)
    return min(_MOST_BUCKETS, 1 << max(0, wanted - 1).bit_length())


def _bucket_of(persons: pd.Series[Any], n_buckets: int) -> np.ndarray:
    codes, distinct = pd.factorize(persons)
    return np.asarray(buckets_of(list(distinct), n_buckets)[codes])


def _bucket_file(i: int) -> str:
    return f"events/bucket-{i:03d}.parquet"


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(None), sink, compression="zstd")
    return bytes(sink.getvalue())


def load(folder: str | Path) -> Held:
    """What :func:`save` wrote, every file held against its digest before it is read."""
    place = Path(folder)
    if not place.is_dir():
        expected = "a folder that Events.save wrote"
        raise StorageError.at("event store", "the folder is missing", expected=expected, then="Check the path")
    manifest = _manifest(place)
    buckets = [_bucket_file(i) for i in range(manifest.buckets)]
    tables = {name: _table(place, name, manifest.files) for name in (*buckets, "spells.parquet", "coverage.parquet")}
    events = [tables[name] for name in buckets]
    if any(not t.schema.equals(SCHEMA) for t in events):
        raise _not_as_written("events")
    return Held(
        versions=to_frame(pa.concat_tables(events)),
        rows={name: to_frame(tables[f"{name}.parquet"]) for name in ("spells", "coverage")},
        extract_dates=manifest.extract_dates,
        findings=Findings(manifest.findings),
    )


def _manifest(place: Path) -> _Manifest:
    try:
        manifest = _Manifest.model_validate_json(_content(place, "store.json"))
    except ValidationError:
        raise _not_as_written("store.json") from None
    if manifest.digest != manifest.own_digest:
        raise _not_as_written("store.json")
    return manifest


def _content(place: Path, name: str) -> bytes:
    if not (place / name).is_file():
        then = "Give the folder that Events.save wrote, or record again"
        raise DataError.at("event store", f"{name} is missing", expected=f"a store of format {FORMAT}", then=then)
    try:
        return read_file(place / name, _LARGEST, role=f"event store: {name}")
    except RefusedError as error:
        raise DataError(str(error)) from None


def _table(place: Path, name: str, digests: Mapping[str, str]) -> pa.Table:
    content = _content(place, name)
    if digests.get(name) != digest_bytes(content):
        raise _not_as_written(name)
    try:
        return pq.read_table(pa.BufferReader(content))
    except (pa.ArrowInvalid, OSError):
        raise _not_as_written(name) from None


def _not_as_written(name: str) -> DataError:
    return DataError.at(
        "event store", f"{name} is not what was written", then="Restore it from a copy, or record again"
    )
