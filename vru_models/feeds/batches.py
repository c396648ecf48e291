"""Rows of a feed as they come, a batch at a time, and what became of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from vru_models.frames import to_frame


@dataclass(frozen=True, eq=False)
class Batch:
    """Data rows of one feed that follow one another in its file.

    Parameters
    ----------
    table
        The rows that could be split into columns: exactly the declared columns, in any order, as text or typed.
    first_row
        The number of the first of the rows in the file, counted from 1.
    malformed
        Numbers, ascending, of those rows that could not be split and are not in the table.

    Examples
    --------
    >>> batch = Batch(pa.table({"person_id": ["a", "b"]}), first_row=11, malformed=(12,))
    >>> batch.rows_in, batch.numbers
    (3, array([11, 13]))
    """

    table: pa.Table
    first_row: int = 1
    malformed: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rows = np.array([self.first_row - 1, *self.malformed, self.first_row + self.rows_in])
        if self.first_row < 1 or not (np.diff(rows) > 0).all():
            raise ValueError("the malformed rows are not ascending numbers of rows of the batch")

    @property
    def rows_in(self) -> int:
        """Data rows, the malformed ones included."""
        return int(self.table.num_rows) + len(self.malformed)

    @property
    def numbers(self) -> np.ndarray:
        """The number in the file of each row of the table."""
        rows = np.arange(self.first_row, self.first_row + self.rows_in)
        return np.delete(rows, np.asarray(self.malformed, dtype=np.int64) - self.first_row)


def numbered(tables: Iterable[pa.Table], malformed: Sequence[int]) -> Iterator[Batch]:
    """Batches from the tables of a file in order, and from the numbers of the rows that could not be split.

    ``malformed`` may still grow while the tables come, as a reader finds such rows, and the reader may be ahead: it
    must only have named, when a table comes, every malformed row before the table's last. Those at the end of the file
    are a batch of their own.

    Examples
    --------
    >>> table = pa.table({"person_id": ["a", "b"]})
    >>> [(batch.first_row, batch.malformed) for batch in numbered([table, table], [2, 4, 7])]
    [(1, (2,)), (4, (4,)), (7, (7,))]
    """
    first, taken, table = 1, 0, None
    for table in tables:
        start, last = taken, first + table.num_rows - 1
        while taken < len(malformed) and malformed[taken] <= last:
            taken, last = taken + 1, last + 1
        yield Batch(table, first, tuple(malformed[start:taken]))
        first = last + 1
    if taken < len(malformed):
        if table is None:
            raise ValueError("a file gives at least one table, if without rows")
        yield Batch(table.slice(0, 0), first, tuple(malformed[taken:]))


@dataclass(frozen=True, eq=False)
class Verdict:
    """Every data row of a batch, once: in ``table`` or in ``quarantine``.

    Parameters
    ----------
    table
        The rows let in, in the declared columns: text, int64, float64, boolean, and date32 (a month is its first day).
    quarantine
        ``row, reasons``: the number of the row in the file and the rules it breaks, joined by ``"; "``.
    rows_in
        Data rows, the malformed ones included.
    held_keys
        The primary keys of rows in quarantine, where they break no rule; of a feed that is a snapshot.
    """

    table: pa.Table
    quarantine: pd.DataFrame
    rows_in: int
    held_keys: pa.Table = field(default_factory=lambda: pa.table({}))

    @property
    def accepted(self) -> pd.DataFrame:
        """The rows let in, as a frame in the house types, made anew at each call."""
        return to_frame(self.table)

    @classmethod
    def joined(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """The verdict on all the rows of at least one batch, in order."""
        parts = list(verdicts)
        tables, held = [v.table for v in parts], [v.quarantine for v in parts if len(v.quarantine)]
        quarantine = pd.concat(held, ignore_index=True) if held else parts[0].quarantine
        keys = pa.concat_tables([v.held_keys for v in parts])
        return cls(pa.concat_tables(tables), quarantine, sum(v.rows_in for v in parts), keys)
