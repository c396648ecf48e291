"""One column of an extract: distinct texts parsed once, faults as row masks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.errors import SpecError
from vru_models.frames import encoded, texts_of
from vru_models.spec.tables import Column, Constraints, FieldType

Mask: TypeAlias = np.ndarray
YEAR_1 = pa.scalar(np.datetime64("0001-01-01", "s"))
"""The first day there is: Arrow reads a year 0, which no calendar has."""

_INTEGER = r"^[+-]?\d{1,18}(\.0+)?$"
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Cells:
    """What each row holds in one column (null where missing or unreadable), and which rows break which rule.

    ``codes`` says which of ``texts`` each row has, -1 where missing; each text is among them once, unless most differ.
    """

    values: pa.Array
    codes: np.ndarray
    texts: pa.Array
    faults: Mapping[str, Mask]

    @property
    def days(self) -> np.ndarray:
        """A date column as ``datetime64[D]``."""
        return np.asarray(self.values.to_numpy(zero_copy_only=False), dtype="datetime64[D]")


def cells(column: pa.ChunkedArray, field: Column, *, missing: Iterable[str], required: bool) -> Cells:
    """One declared column of a feed, read and held against its type and constraints."""
    codes, distinct = encoded(column)
    texts = texts_of(distinct).fill_null("")
    absent = np.asarray(distinct.is_null()) | among(texts, missing)
    codes = np.where(over_rows(absent, codes), -1, codes)
    parsed, unreadable = _PARSERS[field.type](texts)
    broken = {_UNREADABLE[field.type]: unreadable} | _constraint_faults(texts, parsed, field)
    faults = {reason: over_rows(hit & ~absent, codes) for reason, hit in broken.items() if (hit & ~absent).any()}
    if required or field.constraints.required:
        faults["required"] = codes < 0
    return Cells(_by_row(parsed, codes), codes, texts, {reason: mask for reason, mask in faults.items() if mask.any()})


def _by_row(parsed: pa.Array, codes: np.ndarray) -> pa.Array:
    """The value of each row; where there are as many values as rows, they stand in the order of the rows."""
    there = codes >= 0
    if len(parsed) != len(codes):
        return parsed.take(pa.array(codes, mask=~there))
    return parsed if there.all() else pc.if_else(pa.array(there), parsed, pa.scalar(None, parsed.type))


def over_rows(distinct: Mask, codes: np.ndarray) -> Mask:
    """A mask over distinct values as a mask over rows; a missing value (code -1) is never hit."""
    return np.asarray(np.append(distinct, False)[codes])


def _matches(texts: pa.Array, pattern: str) -> Mask:
    return np.asarray(pc.match_substring_regex(texts, pattern=pattern).to_numpy(zero_copy_only=False), dtype=bool)


def among(texts: pa.Array, listed: Iterable[str]) -> Mask:
    """Which of the texts are among those listed."""
    return np.asarray(pc.is_in(texts, value_set=pa.array(list(listed), pa.string())))


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
    good = pc.and_(pc.equal(pc.strftime(read, format=form), texts), pc.greater_equal(read, YEAR_1)).fill_null(False)
    return pc.if_else(good, read, pa.scalar(None, read.type)).cast(pa.date32()), ~np.asarray(good)


def _yearmonth(texts: pa.Array) -> tuple[pa.Array, Mask]:
    first = pc.replace_substring_regex(texts, pattern=r"^(\d{4}-\d{2})-01$", replacement=r"\1")
    whole = pc.binary_join_element_wise(first, pa.scalar("01"), "-")
    return _date(whole)


def _boolean(texts: pa.Array) -> tuple[pa.Array, Mask]:
    good = among(texts, ("true", "false"))
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
        faults["not_in_enum"] = ~among(texts, rule.enum)
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
