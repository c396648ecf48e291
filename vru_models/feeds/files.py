"""The rows of a CSV or Parquet file, a batch at a time: no more than one batch is ever in memory."""

from __future__ import annotations

import csv
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from vru_models.errors import DataError, RefusedError
from vru_models.frames import is_read
from vru_models.spec.sources import Source
from vru_models.spec.storage import storage_errors

ROWS = 250_000
"""Rows of a batch from a Parquet file or a query; a batch of a CSV file is 16 MiB of text, often about as many."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST_HEADER, _MOST_COLUMNS = 1 << 20, 1_000
_LONGEST_ROW = _BLOCK = 1 << 24
_BUFFER = 1 << 20
_BOM = "\ufeff"
_NAMED = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading; a link, a device or a pipe is refused, and errors name no path."""
    with storage_errors(file.name, "read"), open(os.open(file, _FLAGS), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise RefusedError.at(file.name, "is not a regular file", expected="a plain file")
        yield stream


def csv_batches(stream: BinaryIO, name: str, *, source: Source, malformed: list[int]) -> Iterator[pa.Table]:
    """Tables of text, one per 16 MiB of a CSV file and at least one; a field that is not there is an empty text.

    A row is a line and a line is a row: a file in which a quotation mark joins lines is refused where it does.

    Parameters
    ----------
    malformed
        Gains the 1-based data rows that could not be split into columns, before the batch they would have been in.
    """
    try:
        with io.TextIOWrapper(stream, encoding=source.encoding, newline=None) as text:
            header = _header(text, name, delimiter=source.delimiter)
            lines = rows = 0
            for block in _blocks(text, name):
                skipped: list[int] = []
                table = _split(header, block, name=name, source=source, skipped=skipped)
                malformed += [rows + number - 1 for number in skipped]
                lines += int((_lengths(block) > 0).sum())
                rows += table.num_rows - 1 + len(skipped)
                if lines != rows:
                    why = "a quotation mark is not closed, or a field holds a line end"
                    what = f"{lines:,} lines below the header make {rows:,} rows: {why}"
                    raise DataError.at(name, what, expected="one row a line", then="Correct the file at its source")
                yield table.slice(0, table.num_rows - 1)
    except UnicodeError:
        raise _not_text(name, source) from None


def _not_text(name: str, source: Source) -> DataError:
    said = source.encoding.upper()
    then = f"Save the file as {said} and run again, or declare the encoding it has as the feed's source.encoding"
    return DataError.at(name, f"is not {said} text", then=then)


def _header(text: io.TextIOWrapper, name: str, *, delimiter: str) -> bytes:
    """The first line, which names the columns."""
    line = text.readline(_LONGEST_HEADER + 2).removeprefix(_BOM)
    if not line:
        raise DataError.at(name, "is empty", expected="a header line", then="An extract without rows has a header")
    line = line.removesuffix("\n")
    if not line:
        raise DataError.at(name, "its first line is empty", expected="a header line")
    if len(line) > _LONGEST_HEADER:
        raise DataError.at(name, "its header is too long", expected=f"at most {_LONGEST_HEADER:,} characters")
    try:
        names = next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        expected = f"{_NAMED.get(delimiter, 'the declared delimiter')}, double quotes"
        raise DataError.at(name, "its header is not CSV", expected=expected) from None
    few_columns(len(names), name)
    return f"{line}\n".encode()


def few_columns(n: int, name: str) -> None:
    """Refuse a table of more columns than any feed declares."""
    if n > _MOST_COLUMNS:
        raise DataError.at(name, f"has {n:,} columns", expected=f"the declared ones, at most {_MOST_COLUMNS:,}")


def _blocks(text: io.TextIOWrapper, name: str) -> Iterator[bytes]:
    """The rest of a file in whole lines, in UTF-8; one block, an empty one, when there is nothing."""
    block = text.read(_BLOCK)
    yield_one = True
    while block or yield_one:
        if block and not block.endswith("\n"):
            block += text.readline(_LONGEST_ROW)
            block = block if block.endswith("\n") else f"{block}\n"
        content = block.encode()
        if _lengths(content).max(initial=0) >= _LONGEST_ROW:
            raise _too_long(text, name)
        yield content
        block, yield_one = text.read(_BLOCK), False


def _lengths(content: bytes) -> np.ndarray:
    """The length in bytes of every line, its end not counted."""
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n"))
    return np.diff(ends, prepend=-1) - 1


def _too_long(text: io.TextIOWrapper, name: str) -> DataError:
    text.seek(0)
    long: list[int] = []
    number, length = 1, 0
    while piece := text.readline(_BLOCK):
        length += len(piece.removesuffix("\n").encode())
        if length >= _LONGEST_ROW and number not in long[-1:]:
            long.append(number)
        if piece.endswith("\n"):
            number, length = number + 1, 0
    return DataError.at(name, f"rows longer than {_LONGEST_ROW:,} bytes: {len(long):,}, the first on line {long[0]:,}")


def _split(header: bytes, block: bytes, *, name: str, source: Source, skipped: list[int]) -> pa.Table:
    """The header, the lines of a block and the header again, split: the last row is the header if no quote is open.

    ``skipped`` gains the numbers of the lines that have another number of fields, the header being 1.
    """

    def set_aside(row: Any) -> str:
        skipped.append(row.number)
        return "skip"

    def read(content: bytes, kinds: dict[str, pa.DataType]) -> pa.Table:
        return pacsv.read_csv(
            io.BytesIO(content),
            read_options=pacsv.ReadOptions(use_threads=False, block_size=len(content) + 1),
            parse_options=pacsv.ParseOptions(
                delimiter=source.delimiter, invalid_row_handler=set_aside, newlines_in_values=True
            ),
            convert_options=pacsv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
        )

    expected = f"{_NAMED.get(source.delimiter, 'the declared delimiter')}, double quotes, one row a line"
    unsplit = DataError.at(name, "cannot be split into rows: a quotation mark is not closed", expected=expected)
    try:
        twice = read(header * 2, {})
        if twice.num_rows != 1:
            raise unsplit
        return read(header + block + header, dict.fromkeys(twice.column_names, pa.string()))
    except pa.ArrowInvalid:
        raise unsplit from None


def parquet_batches(stream: BinaryIO, name: str) -> Iterator[pa.Table]:
    """Tables of at most :data:`ROWS` rows of a Parquet file, and at least one."""
    try:
        with pq.ParquetFile(stream, buffer_size=_BUFFER) as file:
            few_columns(len(file.schema_arrow), name)
            read_types(file.schema_arrow.types, name)
            yield file.schema_arrow.empty_table()
            for batch in file.iter_batches(ROWS, use_threads=False):
                batch.validate(full=True)
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, ValueError, OSError):
        what = "is not a Parquet file that can be read, or holds text that is not UTF-8"
        raise DataError.at(name, what, expected="one Parquet file per feed", then="Write it again") from None


def read_types(kinds: Iterable[pa.DataType], name: str, *, then: str = "") -> None:
    """Refuse columns of a type that the gate does not read."""
    if unread := sum(not is_read(kind) for kind in kinds):
        expected = "text, numbers, booleans, dates and timestamps"
        what = f"columns of lists, bytes or another type that is not read: {unread:,}"
        raise DataError.at(name, what, expected=expected, then=then)
