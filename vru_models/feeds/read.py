"""A folder of extracts in, and (for demonstrations and tests) out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import tomli_w

from vru_models.errors import DataError, StorageError
from vru_models.feeds.batches import Batch
from vru_models.feeds.dates import in_iso_dates
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.files import csv_batches, opened, parquet_batches
from vru_models.feeds.gate import feeds_of, through_gate
from vru_models.feeds.sql import query_batches
from vru_models.feeds.validate import cut
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import digest_file
from vru_models.spec.problems import toml_of
from vru_models.spec.sources import Source
from vru_models.spec.storage import read_file, storage_errors, write_folder

_DATES = "extracts.toml"
_WRITTEN = "extract_date = 2026-11-01"


def read_feeds(folder: str | Path, spec: Spec) -> Feeds:
    """The feeds of a spec from a folder of extracts, through the whole gate of :func:`admit`.

    The folder holds ``<feed>.csv`` (a header, empty = missing; UTF-8, comma and ISO dates unless the feed's ``source``
    declares others) or ``<feed>.parquet`` for every feed but those that are read by a query, and ``extracts.toml`` with
    ``extract_date = 2026-11-01`` and, where a feed differs, ``[feeds.<feed>]`` with its own. Other files are not
    looked at.

    Raises
    ------
    StorageError
        When the folder, ``extracts.toml``, a feed's file or its database is missing or unreadable.
    DataError
        When a file or the result of a query cannot be used as a whole. A row that cannot is quarantined instead.

    Examples
    --------
    >>> read_feeds("nowhere/2026-11", Spec.example("early_help"))
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    sources, dates = extracts_in(folder, spec)
    return feeds_of(through_gate(sources, spec, extract_dates=dates), spec, dates)


def extracts_in(folder: str | Path, spec: Spec) -> tuple[dict[str, Iterator[Batch]], dict[str, dt.date]]:
    """By feed, its rows in batches that are read when they are asked for, and the day on which it was extracted.

    That the folder, every file and the dates are there is looked at now.
    """
    place = Path(folder)
    with storage_errors("extracts", "read"):
        if not place.is_dir():
            expected = f"a folder with {_DATES} and one file per feed"
            raise StorageError.at("extracts", "the folder is missing", expected=expected, then="Check the path")
        dates = _extract_dates(place, spec)
        for name in spec.feeds:
            _file(place, name, source=spec.feeds[name].source)
    return {name: _batches(place, spec, feed=name) for name in spec.feeds}, dates


@dataclass(frozen=True)
class Reading:
    """The files of a folder of extracts as they were before they were read."""

    folder: Path
    names: tuple[str, ...]
    files: Mapping[str, str]

    @classmethod
    def of(cls, extracts: str | Path, spec: Spec) -> Reading:
        """What is there now of the files that a spec reads."""
        extracts_in(extracts, spec)
        wanted = [f"{feed}{suffix}" for feed in spec.feeds for suffix in (".csv", ".parquet")]
        names = [name for name in ("extracts.toml", *wanted) if (Path(extracts) / name).is_file()]
        return cls(Path(extracts), tuple(names), _digests(Path(extracts), names))

    def refuse_changed(self) -> None:
        """Refuse files that were changed while they were read: nobody could say what was."""
        now = _digests(self.folder, self.names)
        if changed := [name for name in self.names if now[name] != self.files[name]]:
            what = f"were changed while they were read: {', '.join(changed)}"
            raise DataError.at("extracts", what, then="Run again when whatever writes them has done")


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    with storage_errors("extracts", "read"):
        return {name: digest_file(folder / name) for name in names}


def _batches(place: Path, spec: Spec, *, feed: str) -> Iterator[Batch]:
    malformed: list[int] = []
    return cut(tables_of(place, spec, feed=feed, malformed=malformed), malformed)


def tables_of(folder: Path, spec: Spec, *, feed: str, malformed: list[int]) -> Iterator[pa.Table]:
    """The rows of one feed as its source delivers them, at least one table; dates in the declared format are ISO dates.

    An error may come after any table, and then refuses the whole feed: nothing of it may be kept.

    Parameters
    ----------
    malformed
        Gains the 1-based data rows that could not be split into columns; those of a table before the table.
    """
    source, schema = spec.feeds[feed].source, spec.table_of(feed)
    file = _file(folder, feed, source=source)
    if file is None:
        yield from query_batches(source, feed, schema=schema)
        return
    with opened(file) as stream:
        csv = file.suffix == ".csv"
        read = (
            csv_batches(stream, file.name, source=source, malformed=malformed)
            if csv
            else parquet_batches(stream, file.name)
        )
        for table in read:
            yield in_iso_dates(table, schema, form=source.date_format)


def _file(folder: Path, feed: str, *, source: Source) -> Path | None:
    """The file of a feed; None where it is read by a query."""
    there = [f for f in (folder / f"{feed}.csv", folder / f"{feed}.parquet") if f.exists()]
    if source.kind == "sql":
        if there:
            then = "Remove the file, or the query from the spec"
            raise DataError.at("extracts", f"{there[0].name} is there, but {feed} is read by a query", then=then)
        return None
    if not there:
        then = "Add the extract, or remove the feed from the spec"
        raise StorageError.at(
            "extracts", f"no file for feed {feed}", expected=f"{feed}.csv or {feed}.parquet", then=then
        )
    if len(there) > 1:
        raise DataError.at("extracts", f"{feed}.csv and {feed}.parquet are both there", then="Keep one of them")
    if there[0].suffix == ".parquet" and (source.encoding, source.delimiter) != (Source().encoding, Source().delimiter):
        then = "Remove them from the spec, or deliver CSV"
        raise DataError.at(there[0].name, "has no encoding and no delimiter, and the feed declares them", then=then)
    return there[0]


def _extract_dates(folder: Path, spec: Spec) -> dict[str, dt.date]:
    if not (folder / _DATES).exists():
        then = f"Write it: {_WRITTEN}"
        raise StorageError.at("extracts", f"{_DATES} is missing", expected="the day of the extracts", then=then)
    raw = toml_of(read_file(folder / _DATES, 1 << 20, role=_DATES), _DATES, error=DataError, expected=_WRITTEN)
    own = raw.get("feeds", {})
    if set(raw) - {"extract_date", "feeds"} or not isinstance(own, dict):
        raise DataError.at(_DATES, "has other keys", expected="extract_date, and [feeds.<feed>] with extract_date")
    for name in own:
        if name not in spec.feeds:
            raise DataError.unknown(f"{_DATES}: feeds", name, spec.feeds)
    return {name: _date(own.get(name, raw), name) for name in spec.feeds}


def _date(section: Any, feed: str) -> dt.date:
    value = section.get("extract_date") if isinstance(section, dict) else None
    if value is None:
        raise DataError.at(f"{_DATES}: {feed}", "has no extract date", expected=_WRITTEN)
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        expected = f"{_WRITTEN}, without quotation marks and without a time"
        raise DataError.at(f"{_DATES}: {feed}", "its extract_date is not a date", expected=expected)
    try:
        as_day(value)
    except ValueError as error:
        raise DataError(f"{_DATES}: {feed}: {error}") from None
    return value


def write_extracts(
    folder: str | Path,
    frames: Mapping[str, pd.DataFrame],
    *,
    extract_date: dt.date,
    own_dates: Mapping[str, dt.date] | None = None,
) -> None:
    """Write frames as a folder of extracts that :func:`read_feeds` reads; the same frames give the same bytes.

    Dates are written ``YYYY-MM-DD`` and a column named ``birth_month`` ``YYYY-MM``; missing is empty. A folder that
    already holds something is refused.

    Parameters
    ----------
    own_dates
        Extract dates of the feeds that were extracted on another day.
    """
    own = {feed: {"extract_date": date} for feed, date in (own_dates or {}).items()}
    toml = {"extract_date": extract_date} | ({"feeds": own} if own else {})
    files = {f"{name}.csv": _csv(frame) for name, frame in frames.items()}
    write_folder(folder, files | {_DATES: tomli_w.dumps(toml).encode()}, role="extracts")


def _csv(frame: pd.DataFrame) -> bytes:
    columns = {}
    for name, column in frame.items():
        written = column
        if pd.api.types.is_datetime64_any_dtype(column):
            written = column.dt.strftime("%Y-%m" if name == "birth_month" else "%Y-%m-%d")
        elif pd.api.types.is_bool_dtype(column):
            written = column.map({True: "true", False: "false"})
        columns[name] = written
    return pd.DataFrame(columns).to_csv(index=False, lineterminator="\n").encode()
