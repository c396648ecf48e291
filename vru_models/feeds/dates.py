"""Dates in the format that a feed declares, as the ISO dates that the gate reads."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from vru_models.feeds.columns import YEAR_1
from vru_models.frames import encoded
from vru_models.spec.sources import ISO_DATE
from vru_models.spec.tables import TableSchema

_ISO_TEXT = r"^\d{4}-\d{2}-\d{2}$"
_UNREADABLE = "?"


def in_iso_dates(table: pa.Table, schema: TableSchema, *, form: str) -> pa.Table:
    """The table with every text of a declared date column that is in the format written as an ISO date.

    A text is in the format when its date, written back, is that text: 30 February and 1/2/2022 are not in ``%d/%m/%Y``.
    Other texts stay as they are, for the gate to quarantine; an ISO date in a column declared otherwise is marked, so
    that the gate cannot read it either. Missing values, typed columns and months are left alone.

    Examples
    --------
    >>> from vru_models.spec import Spec
    >>> given = pa.table({"start_date": ["10/01/2022", "30/02/2022", "2022-01-10", ""]})
    >>> in_iso_dates(given, Spec.example("early_help").table_of("people"), form="%d/%m/%Y")["start_date"].to_pylist()
    ['2022-01-10', '30/02/2022', '?2022-01-10', '']
    """
    if form == ISO_DATE:
        return table
    dates = {field.name for field in schema.fields if field.type == "date"}
    columns = [
        _rewritten(column, form, missing=schema.missing_values) if name in dates and _is_text(column.type) else column
        for name, column in zip(table.column_names, table.itercolumns(), strict=True)
    ]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _rewritten(column: pa.ChunkedArray, form: str, *, missing: tuple[str, ...]) -> pa.Array:
    codes, distinct = encoded(column)
    texts = distinct.cast(pa.string())
    read = pc.strptime(texts, format=form, unit="s", error_is_null=True)
    # strptime rolls 30 February over into March and takes 1 for 01; what it read must be what was written
    said = pc.and_(pc.equal(pc.strftime(read, format=form), texts), pc.greater_equal(read, YEAR_1)).fill_null(False)
    absent = pc.is_in(texts, value_set=pa.array(missing, pa.string()))
    marked = pc.binary_join_element_wise(pa.scalar(_UNREADABLE), texts, "")
    others = pc.if_else(pc.match_substring_regex(texts, pattern=_ISO_TEXT), marked, texts)
    iso = pc.if_else(absent, texts, pc.if_else(said, pc.strftime(read, format=ISO_DATE), others))
    return iso.take(pa.array(codes, mask=codes < 0))
