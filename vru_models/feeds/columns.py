"""One column of an extract: distinct texts parsed once, faults as row masks; and frames to Arrow tables and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.errors import SpecError
from vru_models.spec.tables import Column, Constraints, FieldType

Mask: TypeAlias = np.ndarray
_INTEGER = r"^[+-]?\d{1,18}(\.0+)?$"
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_PANDAS = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


@dataclass(frozen=True)
class Cells:
    """What each row holds in one column (null where missing or unreadable), and which rows break which rule.

    ``codes`` numbers the distinct texts, -1 where missing; ``texts`` are the distinct texts.
    """

    values: pa.Array
    codes: np.ndarray
    texts: pa.Array
    faults: Mapping[str, Mask]

    @property
    def days(self) -> np.ndarray:
        """A date column as ``datetime64[D]``."""
        return np.asarray(self.values.to_numpy(zero_copy_only=False), dtype="datetime64[D]")

    @property
    def identity(self) -> np.ndarray:
        """Equal numbers for equal values: a number may be written in several ways, a text or a date in one."""
        numeric = pa.types.is_integer(self.values.type) or pa.types.is_floating(self.values.type)
        return _encoded(self.values)[0] if numeric else self.codes


def cells(column: pa.ChunkedArray, field: Column, *, missing: Iterable[str], required: bool) -> Cells:
    """One declared column of a feed, read and held against its type and constraints."""
    codes, distinct = _encoded(column)
    texts = _texts(distinct)
    absent = pc.is_in(texts, value_set=pa.array(list(missing), pa.string())).to_numpy(zero_copy_only=False)
    codes = np.where(over_rows(absent, codes), -1, codes)
    parsed, unreadable = _PARSERS[field.type](texts)
    broken = {_UNREADABLE[field.type]: unreadable} | _constraint_faults(texts, parsed, field)
    faults = {reason: over_rows(hit & ~absent, codes) for reason, hit in broken.items() if (hit & ~absent).any()}
    if required or field.constraints.required:
        faults["required"] = codes < 0
    return Cells(
        parsed.take(pa.array(codes, mask=codes < 0)), codes, texts, {r: m for r, m in faults.items() if m.any()}
    )


def over_rows(distinct: Mask, codes: np.ndarray) -> Mask:
    """A mask over distinct values as a mask over rows; a missing value (code -1) is never hit."""
    return np.asarray(np.append(distinct, False)[codes])


def _encoded(column: pa.ChunkedArray | pa.Array) -> tuple[np.ndarray, pa.Array]:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    encoded = column.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int32, copy=False), encoded.dictionary


def _texts(distinct: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(distinct.type):
        text = pc.strftime(distinct.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%dT%H:%M:%S")
        return pc.replace_substring(text, pattern="T00:00:00", replacement="")
    return distinct.cast(pa.string())


def _matches(texts: pa.Array, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(texts, pattern=pattern).to_numpy(zero_copy_only=False), dtype=bool)


def _kept(texts: pa.Array, good: Mask) -> pa.Array:
    return pc.if_else(pa.array(good), texts, pa.scalar(None, pa.string()))


def _string(texts: pa.Array) -> tuple[pa.Array, Mask]:
    return texts, np.zeros(len(texts), dtype=bool)


def _integer(texts: pa.Array) -> tuple[pa.Array, Mask]:
    good = _matches(texts, _INTEGER)
    whole = pc.replace_substring_regex(_kept(texts, good), pattern=r"^\+|\.0+$", replacement="")
    return whole.cast(pa.int64()), ~good


def _number(texts: pa.Array) -> tuple[pa.Array, Mask]:
    good = _matches(texts, _NUMBER)
    plain = pc.replace_substring_regex(_kept(texts, good), pattern=r"^\+", replacement="")
    values = plain.cast(pa.float64())
    finite = pc.is_finite(values).fill_null(False).to_numpy(zero_copy_only=False)
    return pc.if_else(pa.array(finite), values, pa.scalar(None, pa.float64())), ~finite


def _date(texts: pa.Array, form: str = "%Y-%m-%d") -> tuple[pa.Array, Mask]:
    read = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    # strptime rolls 30 February over into March, so a date counts only when it is written back as it came
    good = pc.equal(pc.strftime(read, format=form), texts).fill_null(False)
    return pc.if_else(good, read, pa.scalar(None, read.type)).cast(pa.date32()), ~np.asarray(good)


def _yearmonth(texts: pa.Array) -> tuple[pa.Array, Mask]:
    first = pc.replace_substring_regex(texts, pattern=r"^(\d{4}-\d{2})-01$", replacement=r"\1")
    whole = pc.binary_join_element_wise(first, pa.scalar("01"), "-")
    return _date(whole)


def _boolean(texts: pa.Array) -> tuple[pa.Array, Mask]:
    good = pc.is_in(texts, value_set=pa.array(["true", "false"])).to_numpy(zero_copy_only=False)
    return _kept(texts, good).cast(pa.bool_()), ~good


_PARSERS: Mapping[FieldType, Callable[[pa.Array], tuple[pa.Array, Mask]]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "date": _date,
    "yearmonth": _yearmonth,
    "boolean": _boolean,
}
_UNREADABLE: Mapping[FieldType, str] = {
    "string": "not_text",
    "integer": "not_a_number",
    "number": "not_a_number",
    "date": "not_a_date",
    "yearmonth": "not_a_month",
    "boolean": "not_a_boolean",
}


def _constraint_faults(texts: pa.Array, parsed: pa.Array, field: Column) -> dict[str, Mask]:
    rule, faults = field.constraints, {}
    if rule.pattern is not None:
        faults["pattern"] = ~_full_match(texts, field)
    if rule.enum is not None:
        listed = pc.is_in(texts, value_set=pa.array(rule.enum, pa.string()))
        faults["not_in_enum"] = ~listed.to_numpy(zero_copy_only=False)
    if rule.max_length is not None:
        faults["too_long"] = np.asarray(pc.utf8_length(texts)) > rule.max_length
    return faults | _range_faults(parsed, rule)


def _full_match(texts: pa.Array, field: Column) -> Mask:
    try:
        return _matches(texts, f"^(?:{field.constraints.pattern})$")
    except pa.ArrowInvalid:
        raise SpecError.at(
            f"column {field.name}: pattern", "is not a regular expression that can be used", expected="RE2 syntax"
        ) from None


def _range_faults(parsed: pa.Array, rule: Constraints) -> dict[str, Mask]:
    if not (pa.types.is_integer(parsed.type) or pa.types.is_floating(parsed.type)):
        return {}
    numbers = parsed.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    faults = {}
    if rule.minimum is not None:
        faults["below_minimum"] = numbers < rule.minimum
    if rule.maximum is not None:
        faults["above_maximum"] = numbers > rule.maximum
    return faults


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


def text_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column as the text it has in a file: ISO dates, true and false, whole numbers without a point."""
    codes, distinct = _encoded(_plain(pa.chunked_array([_arrow_column(column)])))
    texts: pd.Series[Any] = _texts(distinct).take(pa.array(codes, mask=codes < 0)).to_pandas()
    return texts.set_axis(column.index)
