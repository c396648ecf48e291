"""A folder of extracts in, and (for demonstrations and tests) out."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import tomli_w

from vru_models.errors import DataError, StorageError
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.gate import admit
from vru_models.frames import is_read
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day
from vru_models.spec.problems import toml_of
from vru_models.spec.storage import read_file, storage_errors, write_folder

_DATES = "extracts.toml"
_WRITTEN = "extract_date = 2026-11-01"
_LARGEST = 1 << 34
_LONGEST_HEADER, _MOST_COLUMNS = 1 << 20, 1_000
_LONGEST_ROW = 1 << 24
_LINE_END = re.compile(r"[\r\n]")
_BOM = b"\xef\xbb\xbf"


def read_feeds(folder: str | Path, spec: Spec) -> Feeds:
    """The feeds of a spec from a folder of extracts, through the whole gate of :func:`admit`.

    The folder holds ``<feed>.csv`` (UTF-8, comma, header, ISO dates, empty = missing) or ``<feed>.parquet`` for every
    declared feed, and ``extracts.toml`` with ``extract_date = 2026-11-01`` and, where a feed differs,
    ``[feeds.<feed>]`` with its own. Other files are not looked at.

    Raises
    ------
    StorageError
        When the folder, ``extracts.toml`` or a feed's file is missing or unreadable.
    DataError
        When a file cannot be used as a whole. A row that cannot is quarantined instead.

    Examples
    --------
    >>> read_feeds("nowhere/2026-11", Spec.example("early_help"))
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: extracts: the folder is missing. Expected: a folder with extracts.toml and one file
    per feed. Check the path.
    """
    place = Path(folder)
    with storage_errors("extracts", "read"):
        if not place.is_dir():
            expected = f"a folder with {_DATES} and one file per feed"
            raise StorageError.at("extracts", "the folder is missing", expected=expected, then="Check the path")
        dates = _extract_dates(place, spec)
        files = {name: _file(place, name) for name in spec.feeds}
    tables: dict[str, pa.Table] = {}
    malformed: dict[str, list[int]] = {}
    for name, file in files.items():
        content = read_file(file, _LARGEST, role=file.name)
        malformed[name] = []
        read = _read_csv if file.suffix == ".csv" else _read_parquet
        tables[name] = read(content, file.name, malformed[name])
        _few_columns(tables[name].num_columns, file.name)
    return admit(tables, spec, extract_dates=dates, malformed=malformed)


def _file(folder: Path, feed: str) -> Path:
    there = [f for f in (folder / f"{feed}.csv", folder / f"{feed}.parquet") if f.exists()]
    if not there:
        then = "Add the extract, or remove the feed from the spec"
        raise StorageError.at(
            "extracts", f"no file for feed {feed}", expected=f"{feed}.csv or {feed}.parquet", then=then
        )
    if len(there) > 1:
        raise DataError.at("extracts", f"{feed}.csv and {feed}.parquet are both there", then="Keep one of them")
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
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise DataError.at(f"{_DATES}: {feed}", "has no extract date", expected=_WRITTEN)
    try:
        as_day(value)
    except ValueError as error:
        raise DataError(f"{_DATES}: {feed}: {error}") from None
    return value


def _read_csv(content: bytes, name: str, malformed: list[int]) -> pa.Table:
    content = content.removeprefix(_BOM)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError.at(name, "is not UTF-8 text", then="Save the file as UTF-8 and run again") from None
    header, content = _header(text, name), content if _LINE_END.search(text) else content + b"\n"

    def set_aside(row: Any) -> str:
        malformed.append(row.number - 1)
        return "skip"

    try:
        table = pacsv.read_csv(
            io.BytesIO(content),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_LONGEST_ROW),
            parse_options=pacsv.ParseOptions(invalid_row_handler=set_aside, newlines_in_values=True),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        raise DataError.at(name, _unsplit(content), expected="comma, double quotes, one row a line") from None
    lines, rows = sum(map(bool, content.splitlines())) - 1, table.num_rows + len(malformed)
    if lines != rows:
        why = "a quotation mark is not closed, or a field holds a line end"
        what = f"{lines:,} lines below the header make {rows:,} rows: {why}"
        raise DataError.at(name, what, expected="one row a line", then="Correct the file at its source")
    return table


def _header(text: str, name: str) -> list[str]:
    """The names in the first line."""
    if not text:
        raise DataError.at(name, "is empty", expected="a header line", then="An extract without rows has a header")
    end = _LINE_END.search(text)
    line = text[: end.start() if end else len(text)]
    if not line:
        raise DataError.at(name, "its first line is empty", expected="a header line")
    if len(line) > _LONGEST_HEADER:
        raise DataError.at(name, "its header is too long", expected=f"at most {_LONGEST_HEADER:,} characters")
    try:
        header = next(csv.reader([line]))
    except csv.Error:
        raise DataError.at(name, "its header is not CSV", expected="comma, double quotes") from None
    _few_columns(len(header), name)
    return header


def _few_columns(n: int, name: str) -> None:
    if n > _MOST_COLUMNS:
        raise DataError.at(name, f"has {n:,} columns", expected=f"the declared ones, at most {_MOST_COLUMNS:,}")


def _unsplit(content: bytes) -> str:
    """Why a text cannot be split into rows: the reader takes them in blocks, and no row may be longer than one."""
    long = [number for number, line in enumerate(content.splitlines(), 1) if len(line) >= _LONGEST_ROW]
    if long:
        return f"rows longer than {_LONGEST_ROW:,} bytes: {len(long):,}, the first on line {long[0]:,}"
    return "cannot be split into rows: a quotation mark is not closed"


def _read_parquet(content: bytes, name: str, _: list[int]) -> pa.Table:
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            table = file.read(use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError):
        what = "is not a Parquet file that can be read, or holds text that is not UTF-8"
        raise DataError.at(name, what, expected="one Parquet file per feed", then="Write it again") from None
    if unread := sum(not is_read(kind) for kind in table.schema.types):
        expected = "text, numbers, booleans, dates and timestamps"
        raise DataError.at(
            name, f"columns of lists, bytes or another type that is not read: {unread:,}", expected=expected
        )
    return table


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
