"""Whatever a table holds, in whatever encoding and with whatever delimiter it is written, its rows are read back."""

from __future__ import annotations

import codecs
import csv
import io

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.feeds import files
from vru_models.feeds.files import csv_batches, parquet_batches
from vru_models.spec.sources import Source

BOMS = {"utf-8": codecs.BOM_UTF8}
LETTERS = "ab é£½ŒŠÿ,;\t|'#\x0b\x1c0.-"
WIDER = LETTERS + "\u2028\x85日😀\ufeff"
NAMES = ("person_id", "start_date", "note")


@st.composite
def written(draw):
    """A source, a table's rows, and the file that a careful agency would write of them."""
    encoding = draw(st.sampled_from(["utf-8", "cp1252", "utf-16"]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    cell = st.text(LETTERS if encoding == "cp1252" else WIDER, max_size=6)
    rows = draw(st.lists(st.tuples(*[cell | st.just('say "no"')] * len(NAMES)), max_size=12))
    buffer = io.StringIO(newline="")
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([NAMES, *rows])
    text = buffer.getvalue()
    content = (text if draw(st.booleans()) else text.removesuffix(end)).encode(encoding)
    if draw(st.booleans()):
        content = BOMS.get(encoding, b"") + content
    return Source(encoding=encoding, delimiter=delimiter), rows, content


def read(source, content, malformed):
    return list(csv_batches(io.BytesIO(content), "people.csv", source=source, malformed=malformed))


@given(written(), st.sampled_from([1, 7, 40, 1 << 24]))
@settings(max_examples=100, deadline=None)
def test_the_rows_read_are_the_rows_written_whatever_a_batch_holds(made, block):
    source, rows, content = made
    with_block = files._BLOCK
    files._BLOCK = block
    try:
        malformed: list[int] = []
        tables = read(source, content, malformed)
    finally:
        files._BLOCK = with_block
    table = pa.concat_tables(tables)
    assert malformed == []
    assert table.column_names == list(NAMES)
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows
    assert {str(kind) for part in tables for kind in part.schema.types} == {"string"}


@given(st.lists(st.sampled_from(["a,b,c", "a,b", "a,b,c,d", "", "x"]), max_size=30), st.sampled_from([1, 7, 40]))
@settings(max_examples=100, deadline=None)
def test_a_row_that_cannot_be_split_keeps_its_number_whatever_a_batch_holds(lines, block):
    with_block = files._BLOCK
    files._BLOCK = block
    try:
        malformed: list[int] = []
        tables = read(Source(), "\n".join([",".join(NAMES), *lines]).encode(), malformed)
    finally:
        files._BLOCK = with_block
    there = [line for line in lines if line]
    assert malformed == [number for number, line in enumerate(there, 1) if line != "a,b,c"]
    assert sum(table.num_rows for table in tables) == there.count("a,b,c")


@given(st.lists(st.tuples(st.text(max_size=5), st.none() | st.integers(-9, 9)), max_size=20), st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_a_parquet_file_is_read_in_its_own_types_whatever_a_batch_holds(rows, size):
    table = pa.table(
        {"a": pa.array([a for a, _ in rows], pa.string()), "b": pa.array([b for _, b in rows], pa.int16())}
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=5)
    with_rows = files.ROWS
    files.ROWS = size
    try:
        tables = list(parquet_batches(io.BytesIO(buffer.getvalue()), "people.parquet"))
    finally:
        files.ROWS = with_rows
    assert pa.concat_tables(tables).equals(table)
    assert max(part.num_rows for part in tables) <= size
