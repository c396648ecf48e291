"""Columns that look like direct identifiers: decided for a column against chance, never echoing a value."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.findings import Finding, Findings
from vru_models.frames import arrow_table
from vru_models.identifiers.detectors import (
    MOST_CHECKED,
    Hit,
    Values,
    beyond_chance,
    hits,
    latest_day,
    places,
    uncountable,
)
from vru_models.identifiers.headings import heading, names_identifier
from vru_models.spec.calendar import as_day

_LEAST, _UNKEYED = 30, "unkeyed pseudonym"


def scan_identifiers(
    frame: pd.DataFrame | pa.Table, *, at: dt.date | None = None, pseudonyms: Collection[str] = ()
) -> Findings:
    """Findings VRU110: one per column and rule that looks like a direct identifier, else one pass.

    A ten-digit number passes the NHS check by chance 1 time in 11, so a column is judged and not a value: over its
    distinct values, the share that passes must be at least 5 percentage points above chance with a binomial
    probability below 1e-9. Columns too short for that are judged by their name alone. Spaces, hyphens,
    brackets and quotes in values are ignored. No value is ever shown, nor a column's name that is long or not plain,
    which may be a record that stands where the header should: such a column goes by its number.

    Parameters
    ----------
    at
        The date against which a full date of birth is recognised (9 in 10 of at least 30 distinct values are days 5 to
        25 completed years before it); by default the latest date in the frame. Dates that are all on the first of a
        month are months of birth, which are allowed.
    pseudonyms
        Columns that hold pseudonyms. They are scanned like any other; besides, those that a keyed hash cannot have
        made (shorter than 16 characters, or all digits) cannot be told from an agency's own numbers.

    Notes
    -----
    ``cannot tell`` stands for what may be innocent: postcode districts that come again and again, an easting beside a
    northing, short pseudonyms, and running numbers of records: forms without a check digit (a National Insurance number
    without its suffix, CRN, NOMS number, mobile number without its 0, grid reference) whose values share their letters
    and use at least half of the range of their numbers. Those whose numbers are sparse fail. Postcode sectors are known
    by their space, which record numbers such as S123 lack. Names are found by a tenth of the rows that hold a common
    one, free text by its length: neither has a chance rate. Of more than 20,000 values of a form with a check digit, a
    fixed random draw of so many is tried. An identifier that is a part of longer values (a record's key, a label before
    it), free text, and whether a rule about the share of all values is worth trying on all, is seen in a fixed random
    draw of 4,000.

    Examples
    --------
    >>> scan_identifiers(pd.DataFrame({"nhs_number": ["x"], "n_calls": [3]}))
    Findings: 1 fail
      VRU110 fail           nhs_number: the column is named as a direct identifier
    """
    table = arrow_table(frame)
    scan = Scan(table.column_names, at=at, pseudonyms=pseudonyms)
    scan.add(table)
    return scan.findings()


class Scan:
    """The scan of :func:`scan_identifiers` of a file that comes in batches, all of the same columns.

    A column's distinct values are pooled over the batches until they are 20,000 or more; each such pool is judged by
    itself, so that a column of identifiers is found in whatever part of the file it begins. A column of fewer values is
    judged whole, as in a frame. Of the last pool, values of at least 30 are judged by themselves and fewer with the
    pool before. Of a rule that several pools meet, the counts are added and the gravest status stands.

    Parameters
    ----------
    names
        The columns, in the order of every batch.
    at, pseudonyms
        As for :func:`scan_identifiers`; by default the latest date in the batches so far.

    Examples
    --------
    >>> scan = Scan(["ref"], at=dt.date(2024, 9, 1))
    >>> scan.add(pa.table({"ref": [f"child{i}@example.org" for i in range(20)]}))
    >>> scan.add(pa.table({"ref": [f"child{i}@example.org" for i in range(10, 30)]}))
    >>> scan.findings()
    Findings: 1 fail
      VRU110 fail           ref: looks like a e-mail address: 30 of 30 distinct values of its form (100%) ...
    """

    def __init__(self, names: Sequence[str], *, at: dt.date | None = None, pseudonyms: Collection[str] = ()) -> None:
        self._names, self._pseudonyms = list(names), frozenset(pseudonyms)
        self._at, self._latest = at, as_day(at) if at else latest_day([])
        self._full: list[Values | None] = [None] * len(self._names)
        self._open: list[Values | None] = [None] * len(self._names)
        self._met: list[dict[str, Hit]] = [{} for _ in self._names]
        self._where: dict[tuple[int, str], Hit] = {}

    def add(self, table: pa.Table) -> None:
        """Take the next batch into the scan."""
        if table.column_names != self._names:
            raise ValueError("the batch does not have the columns of the scan")
        columns = [Values.of(column) for column in table.itercolumns()]
        if self._at is None:
            self._latest = max(self._latest, latest_day(columns))
        pools = [
            values if held is None else _pooled(held, values) for held, values in zip(self._open, columns, strict=True)
        ]
        closing = [i for i, pool in enumerate(pools) if _size(pool) >= MOST_CHECKED]
        if closing:
            self._where |= _places(pools)
        self._open = [None if i in closing else pool for i, pool in enumerate(pools)]
        for i in closing:
            full, self._full[i] = self._full[i], pools[i]
            if full is not None:
                self._met[i] = _added(self._met[i], self._hits(i, full))

    def findings(self) -> Findings:
        """What the batches so far show: VRU110 as from :func:`scan_identifiers`."""
        ends = [_ends(full, last) for full, last in zip(self._full, self._open, strict=True)]
        where = self._where | (_places([pools[-1] for pools in ends]) if any(self._open) else {})
        found = []
        for i, raw in enumerate(self._names):
            name = heading(self._names, i)
            if names_identifier(raw):
                found.append(Finding("VRU110", "fail", name, "the column is named as a direct identifier"))
            met = _added(self._met[i], (hit for pool in ends[i] for hit in self._hits(i, pool)))
            pairs = [hit for (at, _), hit in where.items() if at == i]
            found += [_finding(name, hit) for hit in (*met.values(), *pairs)]
        clear = f"{len(self._names)} columns: none looks like a direct identifier"
        return Findings(found or [Finding("VRU110", "pass", "columns", clear, {"columns": len(self._names)})])

    def _hits(self, column: int, values: Values) -> Iterator[Hit]:
        yield from hits(values, self._latest)
        if self._names[column] in self._pseudonyms:
            yield from _countable(values)


def _size(values: Values) -> int:
    return len(values.texts) or len(values.dates)


def _pooled(first: Values, second: Values) -> Values:
    """The distinct values of both, and the rows in which each stands."""
    if not len(first.texts) and not len(second.texts):
        return replace(first, dates=np.union1d(first.dates, second.dates))
    texts = pa.chunked_array([first.texts, second.texts])
    both = Values.of(texts)
    at = np.asarray(pc.index_in(texts, value_set=both.texts))
    rows = np.bincount(at, weights=np.concatenate([first.rows, second.rows]))
    return replace(both, rows=rows.astype(np.int64))


def _ends(full: Values | None, last: Values | None) -> list[Values]:
    """The pools that are still to be judged: a last one of few values goes with the one before it."""
    if full is not None and last is not None and _size(last) < _LEAST:
        return [_pooled(full, last)]
    return [pool for pool in (full, last) if pool is not None]


def _places(pools: Sequence[Values]) -> dict[tuple[int, str], Hit]:
    return {(at, hit.rule): hit for at, hit in places(pools)}


def _added(met: Mapping[str, Hit], more: Iterable[Hit]) -> dict[str, Hit]:
    """The rules that were met, their counts added; one that fails anywhere fails."""
    both = dict(met)
    for hit in more:
        if before := both.get(hit.rule):
            passed, tried = before.passed + hit.passed, before.tried + hit.tried
            both[hit.rule] = replace(hit, passed=passed, tried=tried, doubt=before.doubt and hit.doubt)
        else:
            both[hit.rule] = hit
    return both


def _finding(column: str, hit: Hit) -> Finding:
    share = f"{hit.passed:,} of {hit.tried:,}"
    message = f"looks like a {hit.rule}: {share} distinct values of its form ({hit.passed / hit.tried:.0%}) pass"
    message += f", by chance {hit.chance:.0%}" if hit.chance else ""
    if hit.rule == _UNKEYED:
        message = (
            f"column {column}: {share} pseudonyms have fewer than 16 characters or digits alone, which a keyed hash "
            "does not make: whether they can be counted through cannot be told"
        )
    elif hit.doubt:
        message = f"column {column} {message}; {hit.doubt}"
    figures = {"rule": hit.rule, "passed": hit.passed, "tried": hit.tried, "pass_rate": hit.passed / hit.tried}
    return Finding("VRU110", "cannot tell" if hit.doubt else "fail", column, message, figures)


def _countable(values: Values) -> Iterator[Hit]:
    n = len(values.texts)
    wrong = n - uncountable(values.texts)
    if beyond_chance(wrong, n, 0.001):
        yield Hit(_UNKEYED, wrong, n, doubt=_UNKEYED)
