"""One feed against its schema in one pass: file-level faults as text, row-level faults as a quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from vru_models.feeds.batches import Batch, Verdict, numbered
from vru_models.feeds.columns import Cells, Mask, among, cells, over_rows
from vru_models.feeds.repeats import Repeats
from vru_models.identifiers.headings import is_plain
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day, as_days
from vru_models.spec.sources import EventStatus, Indicator, Role
from vru_models.spec.tables import CodeList, Kind, TableSchema

_ALWAYS: Mapping[Kind, tuple[str, ...]] = {
    "events": (),
    "spells": ("person_id", "area", "start_date", "known_date"),
    "coverage": ("feed", "area", "start_date", "known_date"),
    "audit": ("person_id",),
    "links": ("person_id", "other_id", "kind", "confidence", "known_date"),
    "objections": ("person_id", "purpose", "start_date", "known_date"),
    "area": ("area", "start_date", "known_date"),
}
_WHEN: Mapping[Kind, str | None] = {"audit": None, "links": "known_date"}
BATCH_ROWS = 250_000
"""Rows that are held against the schema at a time: what their columns need fits in a processor's cache."""
_COMPACT_EVERY = 40
_MOST_NAMED = 10
_DELIMITERS: Mapping[str, str] = {",": ",", ";": ";", "\t": "\\t", "|": "|", ":": ":"}
"""What stands between fields of most files, and how a spec says it."""


@dataclass(frozen=True)
class _Feed:
    """One feed's columns, read, beside what was declared for it."""

    name: str
    spec: Spec
    extract_date: dt.date
    cells: Mapping[str, Cells]

    @property
    def table(self) -> TableSchema:
        return self.spec.table_of(self.name)

    @property
    def kind(self) -> Kind:
        return self.table.x_vru.kind

    @property
    def known(self) -> str | None:
        """The known-date column; none when known dates are assumed."""
        return _known(self.spec, self.name)

    @property
    def when(self) -> str | None:
        """The column with the row's own date."""
        return self.table.x_vru.event_date if self.kind == "events" else _WHEN.get(self.kind, "start_date")

    @property
    def lasts(self) -> bool:
        """Whether a row holds from ``start_date`` to ``end_date``."""
        return self.when == "start_date" and self.kind != "events"

    @property
    def dates(self) -> np.ndarray:
        """Each row's own date; where a feed has none, the day of the extract."""
        if self.when is not None:
            return self.cells[self.when].days
        rows = len(next(iter(self.cells.values())).codes)
        return np.full(rows, as_day(self.extract_date))


def header_faults(names: Sequence[str], schema: TableSchema) -> list[str]:
    """What is wrong with the columns of a file, in words.

    Undeclared columns are named only when some declared column is there: otherwise the first line is not a header but
    somebody's record. At most ten are named, and a name that is long or not plain is counted instead.

    Examples
    --------
    >>> table = Spec.example("early_help").table_of("people")
    >>> header_faults(["p1", "E08000001"], table)
    ['none of the declared columns is there: the first line is not the header']
    """
    if not set(names) & set(table_columns := schema.columns):
        return [f"none of the declared columns is there: {_not_a_header(names, table_columns)}"]
    kinds = (
        ("missing", [c for c in table_columns if c not in names]),
        ("not declared", [c for c in dict.fromkeys(names) if c not in table_columns]),
        ("there twice", sorted({c for c in names if names.count(c) > 1})),
    )
    return [f"columns {kind}: {_listed(columns)}" for kind, columns in kinds if columns]


def _not_a_header(names: Sequence[str], declared: Sequence[str]) -> str:
    """What a first line is that has none of the declared columns: the header in one piece, or no header."""
    for mark, written in _DELIMITERS.items() if len(names) == 1 else ():
        if {part.strip(' "') for part in names[0].split(mark)} & set(declared):
            return f'the first line has another delimiter; declare source.delimiter = "{written}"'
    return "the first line is not the header"


def _listed(names: Sequence[str]) -> str:
    plain = [name for name in names if is_plain(name)][:_MOST_NAMED]
    others = len(names) - len(plain)
    return ", ".join([*plain, *([f"{others:,} {'more' if plain else 'not plain names'}"] if others else [])])


def validate(
    table: pa.Table, spec: Spec, *, feed: str, extract_date: dt.date, malformed: Sequence[int] = ()
) -> Verdict:
    """Every row of a feed that is wholly at hand, by :func:`validate_batches`.

    Parameters
    ----------
    malformed
        1-based data rows that could not be split into columns and are not in the table.
    """
    batches = cut([table], sorted(malformed))
    return Verdict.joined(validate_batches(batches, spec, feed=feed, extract_date=extract_date))


def cut(tables: Iterable[pa.Table], malformed: Sequence[int]) -> Iterator[Batch]:
    """The tables of a file as :func:`numbered` batches of at most :data:`BATCH_ROWS` rows that could be split."""
    starts = ((table, range(0, max(table.num_rows, 1), BATCH_ROWS)) for table in tables)
    return numbered((table.slice(start, BATCH_ROWS) for table, every in starts for start in every), malformed)


def validate_batches(batches: Iterable[Batch], spec: Spec, *, feed: str, extract_date: dt.date) -> Iterator[Verdict]:
    """One verdict per batch of a feed: every row accepted or quarantined, with every rule that it breaks.

    A reason is ``column:rule`` (``required, not_a_date, not_a_month, not_a_number, not_a_boolean, pattern, too_long,
    not_in_enum, below_minimum, above_maximum, not_unique, not_in_codelist, not_valid_then, not_declared, date_order``)
    or, for the row, ``outside_agreement``, ``duplicate``, ``wrong_number_of_fields``; several are joined by ``"; "``. A
    code is ``not_valid_then`` when its list has it, but not on the row's date. Repeats are looked for among the rows of
    the whole feed that break no other rule; the first stands. However a feed is cut, the verdicts are the same. Of
    earlier batches only the keys are kept, 16 bytes each, and as much per column that is to be unique.

    Raises
    ------
    ValueError
        When a batch does not begin at the row after the last of the one before.
    """
    repeats, expected = Repeats(_to_be_unique(spec, feed)), 1
    for batch in batches:
        if batch.first_row != expected:
            raise ValueError(f"{feed}: a batch begins at row {batch.first_row:,}, not at row {expected:,}")
        expected += batch.rows_in
        yield _judged(batch, spec, feed=feed, extract_date=extract_date, repeats=repeats)


def _judged(batch: Batch, spec: Spec, *, feed: str, extract_date: dt.date, repeats: Repeats) -> Verdict:
    schema, table = spec.table_of(feed), batch.table
    always = _always(spec, feed)
    read = {
        f.name: cells(table[f.name], f, missing=schema.missing_values, required=f.name in always) for f in schema.fields
    }
    held = _Feed(feed, spec, extract_date, read)
    faults = {f"{name}:{rule}": mask for name, c in read.items() for rule, mask in c.faults.items()}
    for rule in _RULES:
        faults |= {reason: faults.get(reason, False) | mask for reason, mask in rule(held) if mask.any()}
    clean = ~np.logical_or.reduce([np.zeros(table.num_rows, dtype=bool), *faults.values()])
    kept = _rows(pa.table({f.name: read[f.name].values for f in schema.fields}), clean)
    again = {reason: mask for reason, mask in repeats.among(kept).items() if mask.any()}
    for reason, mask in again.items():
        faults[reason] = np.zeros(table.num_rows, dtype=bool)
        faults[reason][clean] = mask
    stands = ~np.logical_or.reduce([np.zeros(kept.num_rows, dtype=bool), *again.values()])
    quarantine = _quarantine(faults, batch.numbers)
    if batch.malformed:
        ragged = pd.DataFrame({"row": np.array(batch.malformed, np.int64), "reasons": "wrong_number_of_fields"})
        quarantine = pd.concat([quarantine, ragged]).sort_values("row", ignore_index=True)
    held_keys = pa.table({})
    if spec.feeds[feed].delivery == "snapshot":
        let_in = clean.copy()
        let_in[clean] = stands
        held_keys = _readable_keys(read, schema, faults, ~let_in)
    return Verdict(_rows(kept, stands), quarantine, batch.rows_in, held_keys)


def _readable_keys(read: Mapping[str, Cells], schema: TableSchema, faults: Mapping[str, Mask], held: Mask) -> pa.Table:
    """The primary keys of the rows held back whose columns of the key break no rule of their own."""
    own = [mask for reason, mask in faults.items() if reason.partition(":")[0] in schema.primary_key]
    readable = held & ~np.logical_or.reduce([np.zeros(len(held), dtype=bool), *own])
    return _rows(pa.table({name: read[name].values for name in schema.primary_key}), readable)


def _rows(table: pa.Table, chosen: Mask) -> pa.Table:
    return table if chosen.all() else table.filter(pa.array(chosen))


def _known(spec: Spec, feed: str) -> str | None:
    vru, known = spec.table_of(feed).x_vru, spec.feeds[feed].known
    if vru.kind not in ("events", "audit"):
        return "known_date"
    return vru.known_date if known.kind == "column" else None


def _always(spec: Spec, feed: str) -> frozenset[str | None]:
    """The columns that every row must have."""
    schema = spec.table_of(feed)
    vru = schema.x_vru
    if vru.kind != "events":
        return frozenset((*schema.primary_key, *vru.called(_ALWAYS[vru.kind])))
    return frozenset((*schema.primary_key, vru.person, vru.event_date, _known(spec, feed), vru.role, vru.status))


def _to_be_unique(spec: Spec, feed: str) -> dict[str, list[str]]:
    """By reason, what may not repeat among clean rows: the values of a unique column, and the key on a known date."""
    schema, known = spec.table_of(feed), _known(spec, feed)
    unique = {f"{f.name}:not_unique": [f.name] for f in schema.fields if f.constraints.unique}
    return unique | {"duplicate": list(dict.fromkeys([*schema.primary_key, *([known] if known else [])]))}


def _quarantine(faults: Mapping[str, Mask], rows: np.ndarray) -> pd.DataFrame:
    """The rows with a fault and, joined, the reasons; the text is made once per distinct combination."""
    hit = {reason: mask for reason, mask in faults.items() if mask.any()}
    if not hit:
        return pd.DataFrame({"row": np.array([], np.int64), "reasons": pd.array([], dtype="str")})
    at = np.flatnonzero(np.logical_or.reduce(list(hit.values())))
    combination = np.zeros(len(at), dtype=np.int64)
    for i, mask in enumerate(hit.values()):
        combination = combination * 2 + mask[at]
        if i % _COMPACT_EVERY == _COMPACT_EVERY - 1:
            combination = pd.factorize(combination)[0].astype(np.int64)
    codes = pd.factorize(combination)[0]
    first = at[np.unique(codes, return_index=True)[1]]
    texts = np.array(["; ".join(reason for reason, mask in hit.items() if mask[row]) for row in first], dtype=object)
    return pd.DataFrame({"row": rows[at], "reasons": pd.array(texts[codes], dtype="str")})


def _in_codelists(feed: _Feed) -> Iterator[tuple[str, Mask]]:
    for column, listed in feed.table.x_vru.codelists.items():
        codes = feed.spec.codelists[listed]
        wrong = _not_valid(feed.cells[column], codes, feed.dates)
        unknown = wrong & _not_among(feed.cells[column], codes.codes)
        yield f"{column}:not_in_codelist", unknown
        yield f"{column}:not_valid_then", wrong & ~unknown


def _not_valid(column: Cells, codes: CodeList, dates: np.ndarray) -> Mask:
    """Rows with a code that was not valid on the row's date, asked once per distinct code and date."""
    askable = (column.codes >= 0) & ~np.isnat(dates)
    if not askable.any():
        return np.asarray(askable)
    day = dates[askable].astype(np.int64)
    spread = int(day.max() - day.min()) + 1
    pairs, distinct = pd.factorize(column.codes[askable].astype(np.int64) * spread + (day - day.min()))
    texts = np.asarray(column.texts.to_pylist(), dtype=object)[distinct // spread]
    valid: np.ndarray = codes.valid(texts, (distinct % spread + day.min()).astype("datetime64[D]"))
    answer = np.zeros(len(dates), dtype=bool)
    answer[askable] = ~valid[pairs]
    return answer


def _declared_values(feed: _Feed) -> Iterator[tuple[str, Mask]]:
    vru = feed.table.x_vru
    for column, allowed in ((vru.role, get_args(Role)), (vru.status, get_args(EventStatus))):
        if feed.kind == "events" and column is not None:
            yield f"{column}:not_declared", _not_among(feed.cells[column], allowed)
    if feed.kind in ("coverage", "objections") and "feed" in feed.cells:
        yield "feed:not_declared", _not_among(feed.cells["feed"], feed.spec.feeds)


def _not_among(column: Cells, allowed: Iterable[str]) -> Mask:
    return over_rows(~among(column.texts, allowed), column.codes)


def _date_order(feed: _Feed) -> Iterator[tuple[str, Mask]]:
    """``event_date <= known_date <= extract date``; a spell may be known beforehand, but not end before it starts."""
    extract = as_day(feed.extract_date)
    if feed.known is not None:
        yield f"{feed.known}:date_order", feed.cells[feed.known].days > extract
    if feed.kind == "events":
        yield f"{feed.when}:date_order", _too_late(feed.dates, feed, feed.known, extract)
    elif feed.lasts:
        yield "end_date:date_order", feed.cells["end_date"].days < feed.dates


def _too_late(happened: np.ndarray, feed: _Feed, known: str | None, extract: np.datetime64) -> Mask:
    late = happened > extract
    return np.asarray(late if known is None else late | (happened > feed.cells[known].days))


def _indicator_dates(feed: _Feed) -> Iterator[tuple[str, Mask]]:
    """An indicator's own date columns are needed, and in order, on the rows that it matches."""
    extract = as_day(feed.extract_date)
    for indicator in feed.spec.indicators.values():
        if indicator.feed != feed.name or (indicator.event_date is None and indicator.known_date is None):
            continue
        matched = _matched(feed, indicator)
        when = indicator.event_date or str(feed.when)
        known = (indicator.known_date or feed.known) if feed.spec.feeds[feed.name].known.kind == "column" else None
        for column in filter(None, (when, known)):
            yield f"{column}:required", matched & np.isnat(feed.cells[column].days)
        yield f"{when}:date_order", matched & _too_late(feed.cells[when].days, feed, known, extract)
        if known is not None:
            yield f"{known}:date_order", matched & (feed.cells[known].days > extract)


def _matched(feed: _Feed, indicator: Indicator) -> Mask:
    rows = np.ones(len(feed.dates), dtype=bool)
    for column, codes in indicator.where.items():
        rows &= (feed.cells[column].codes >= 0) & ~_not_among(feed.cells[column], codes)
    return rows


def _agreement(feed: _Feed) -> Iterator[tuple[str, Mask]]:
    """Rows that the agreement does not cover: dated outside it (a spell: wholly outside it), or of another area."""
    agreement = feed.spec.feeds[feed.name].agreement
    starts = feed.dates
    ends = feed.cells["end_date"].days if feed.lasts else starts
    outside = (starts > as_days(agreement.to)) | (ends < as_days(agreement.start))
    if "area" in feed.cells and "*" not in agreement.areas:
        everywhere = ("*",) if feed.kind == "coverage" else ()
        outside |= _not_among(feed.cells["area"], (*agreement.areas, *everywhere))
    yield "outside_agreement", outside


_RULES: tuple[Callable[[_Feed], Iterator[tuple[str, Mask]]], ...] = (
    _in_codelists,
    _declared_values,
    _date_order,
    _indicator_dates,
    _agreement,
)
