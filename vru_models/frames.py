"""pandas frames to Arrow tables and back, and columns as the text they have in a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_HEAD = 4_096
_PANDAS = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def arrow_table(frame: pd.DataFrame | pa.Table) -> pa.Table:
    """The frame's columns in Arrow, duplicate names kept; columns of mixed types become text."""
    if isinstance(frame, pa.Table):
        return frame
    columns = [_arrow_column(frame.iloc[:, i]) for i in range(frame.shape[1])]
    return pa.Table.from_arrays(columns, names=[str(name) for name in frame.columns])


def _arrow_column(column: pd.Series[Any]) -> pa.Array:
    mixed = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) not in ("string", "date", "empty")
    plain = column.map(str, na_action="ignore") if mixed else column
    converted = pa.array(plain, from_pandas=True)
    return converted.combine_chunks() if isinstance(converted, pa.ChunkedArray) else converted


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A pandas frame in the house types: str, Int64, float64, boolean, datetime64[s]; missing is NaN, NA or NaT."""
    columns = [
        column.cast(pa.timestamp("s")) if pa.types.is_date(column.type) else column for column in table.itercolumns()
    ]
    frame: pd.DataFrame = pa.Table.from_arrays(columns, names=table.column_names).to_pandas(types_mapper=_PANDAS.get)
    return frame


def is_read(kind: pa.DataType) -> bool:
    """Whether a column of this Arrow type can be read: text, numbers, booleans, dates, timestamps, or nothing."""
    t = pa.types
    if t.is_dictionary(kind):
        return bool(is_read(kind.value_type))
    numbers = (t.is_integer, t.is_float32, t.is_float64, t.is_decimal)
    others = (t.is_string, t.is_large_string, t.is_boolean, t.is_null, t.is_date, t.is_timestamp)
    return any(fits(kind) for fits in (*numbers, *others))


def to_table(frame: pd.DataFrame) -> pa.Table:
    """The same frame in Arrow, dates as date32 and categories as text; :func:`to_frame` gives it back."""
    table = arrow_table(frame)
    return pa.Table.from_arrays([_plain(column) for column in table.itercolumns()], names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.date32())
    if pa.types.is_dictionary(column.type) or pa.types.is_large_string(column.type) or pa.types.is_null(column.type):
        return column.cast(pa.string())
    return column


def to_ipc(table: pa.Table) -> bytes:
    """A table as bytes that :func:`from_ipc` gives back."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def from_ipc(content: bytes) -> pa.Table:
    """The table of :func:`to_ipc`."""
    return pa.ipc.open_stream(pa.py_buffer(bytes(content))).read_all()


def is_in(texts: pd.Series[str], among: pd.Series[str]) -> np.ndarray:
    """Which of the texts are among others, however many: :meth:`pandas.Series.isin` takes up each of these by hand.

    Examples
    --------
    >>> is_in(pd.Series(["a", "b", "c"]), pd.Series(["c", "a"]))
    array([ True, False,  True])
    """
    given, listed = (pa.chunked_array([_arrow_column(s)]).cast(pa.large_string()) for s in (texts, among))
    return np.asarray(pc.is_in(given, value_set=listed.combine_chunks()))


def text_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as the text it has in a file: ISO dates, true and false, whole numbers without a point."""
    codes, distinct = encoded(_plain(pa.chunked_array([_arrow_column(column)])))
    texts: pd.Series[Any] = texts_of(distinct).take(pa.array(codes, mask=codes < 0)).to_pandas()
    return texts.set_axis(column.index)


def encoded(column: pa.ChunkedArray | pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Where each row's value stands (-1 where missing) in an array of values, each in it once unless most differ.

    Where most of the first rows differ the array is the column itself: numbering its values would take longer than
    reading each of them.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    head = column.slice(0, _HEAD)
    if 2 * len(pc.unique(head)) > len(head):
        rows = np.arange(len(column), dtype=np.int32)
        return np.where(np.asarray(column.is_valid()), rows, -1).astype(np.int32, copy=False), column
    coded = column.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32, copy=False), coded.dictionary


def texts_of(distinct: pa.Array) -> pa.Array:
    """Values as the text they have in a file: ISO dates, true and false, whole numbers without a point."""
    if pa.types.is_timestamp(distinct.type):
        text = pc.strftime(distinct.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%S")
        return pc.replace_substring(text, pattern="T00:00:00", replacement="")
    return distinct.cast(pa.string())
