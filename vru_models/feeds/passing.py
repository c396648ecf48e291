"""The rows of one feed on their way through the gate, a batch at a time, and what is left of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.feeds.batches import Batch
from vru_models.feeds.validate import header_faults, validate_batches
from vru_models.findings import Findings
from vru_models.identifiers.scan import Scan
from vru_models.spec import Spec

OBJECTED = "objected"
"""Why a row of the audit file is held back whose person objects to equality monitoring; no fault of the extract."""


@dataclass(frozen=True, eq=False)
class Passage:
    """What became of one feed: every data row once, accepted or held back.

    Parameters
    ----------
    rows_in, accepted
        Data rows, and those let in.
    held
        ``row`` and ``reasons`` (a category) of the others, in order of their rows; see :class:`Feeds`.
    scan
        What the scan for direct identifiers found.
    faults
        What is wrong with the file as a whole, in words; then no row was let in.
    table
        The rows let in; none of them where each batch was handed on instead.
    held_keys
        Of a snapshot, the primary keys of the rows held back that can be read.
    """

    rows_in: int
    accepted: int
    held: pd.DataFrame = field(repr=False)
    scan: Findings
    faults: tuple[str, ...] = ()
    table: pa.Table = field(default_factory=lambda: pa.table({}), repr=False)
    held_keys: pa.Table = field(default_factory=lambda: pa.table({}), repr=False)

    def without(self, people: set[str]) -> Passage:
        """The same with the rows of some people held back: they object. Of a feed whose rows were kept."""
        theirs = np.asarray(pc.is_in(self.table["person_id"], value_set=pa.array(sorted(people), pa.string())))
        numbers = np.setdiff1d(np.arange(1, self.rows_in + 1), self.held["row"])[theirs]
        objecting = pd.DataFrame({"row": numbers, "reasons": pd.array([OBJECTED] * len(numbers), dtype="str")})
        held = joined_quarantine([self.held, objecting]).sort_values("row", ignore_index=True)
        table = self.table.filter(pa.array(~theirs))
        return replace(self, accepted=table.num_rows, held=held, table=table)


def passed(
    batches: Iterable[Batch],
    spec: Spec,
    *,
    feed: str,
    extract_date: dt.date,
    take: Callable[[pa.Table], None] | None = None,
) -> Passage:
    """All the batches of a feed, at least one, through scan and validation.

    Parameters
    ----------
    take
        Is given the accepted rows of each batch, which are then not kept. Whether the file has a fault as a whole is
        known only at its end: nothing of what was taken may stand then.
    """
    coming = iter(batches)
    first = next(coming)
    names = first.table.column_names
    wrong = header_faults(names, spec.table_of(feed))
    if not set(names) & set(spec.table_of(feed).columns):
        return Passage(0, 0, joined_quarantine([]), Findings(), tuple(wrong))
    scan = Scan(names, at=extract_date)
    scanned = _scanned(chain([first], coming), scan)
    tables, held, keys, rows_in, accepted = [], [], [pa.table({})], 0, 0
    for verdict in () if wrong else validate_batches(scanned, spec, feed=feed, extract_date=extract_date):
        rows_in, accepted = rows_in + verdict.rows_in, accepted + verdict.table.num_rows
        held.append(verdict.quarantine)
        keys.append(verdict.held_keys)
        if take is None:
            tables.append(verdict.table)
        else:
            take(verdict.table)
    for _ in scanned:
        pass
    found = scan.findings()
    wrong += [f"column {f.where}: {f.message} (VRU110)" for f in found.with_status("fail")]
    kept = pa.concat_tables(tables) if tables else pa.table({})
    held_keys = pa.concat_tables(keys, promote_options="default")
    return Passage(rows_in, accepted, joined_quarantine(held), found, tuple(wrong), kept, held_keys)


def _scanned(batches: Iterable[Batch], scan: Scan) -> Iterator[Batch]:
    for batch in batches:
        scan.add(batch.table)
        yield batch


def joined_quarantine(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Quarantines one after the other, each distinct combination of reasons held once."""
    none = pd.DataFrame({"row": np.array([], np.int64), "reasons": pd.array([], dtype="str")})
    frames = [frame.astype({"reasons": "category"}) for frame in (none, *parts)]
    reasons = pd.api.types.union_categoricals([frame["reasons"] for frame in frames])
    return pd.DataFrame({"row": np.concatenate([frame["row"] for frame in frames]), "reasons": reasons})
