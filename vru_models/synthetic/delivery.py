"""From happenings to extracts: lags, corrections, pseudonym errors, an outage, and a handful of rows that are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from vru_models.spec import TableSchema
from vru_models.synthetic.agencies import Coded, Rows
from vru_models.synthetic.draws import dates, day_number, lags, pseudonyms, stream, text
from vru_models.synthetic.register import OUTAGE
from vru_models.synthetic.world import EXTRACT_DATE, World

SPLIT_SHARE: Final = 0.03
"""Children of whom some records carry a second pseudonym; with few records each, 2 to 3 in 100 can be seen to."""
CORRECTED_SHARE: Final = 0.01
WRONG_ROWS: Final = 3
"""Rows with a code that no list has, and as many with a date that cannot be, in each feed of events of 1,200 rows or
more; in a smaller one a quarter of a per cent of it, so that the gate can still pass."""
_NO_SUCH_CODE: Final = "no_such_code"
_TOO_EARLY: Final = 400
"""Days by which a wrong row is known before it happened."""
_LINKED_WELL: Final = frozenset({"social_care", "housing", "offers"})
"""The council's own systems and the panel's: linked at source."""


@dataclass(frozen=True)
class Linkage:
    """Pseudonyms by child, then the second ones; ``second`` is a child's second by number, or -1."""

    ids: pa.Array
    second: np.ndarray


def make_linkage(world: World, random_state: int) -> Linkage:
    """The pseudonyms that agencies will use, some children having two."""
    rng = stream(random_state, "linkage")
    split = np.flatnonzero(rng.random(len(world)) < SPLIT_SHARE)
    second = np.full(len(world), -1)
    second[split] = len(world) + np.arange(len(split))
    return Linkage(pa.concat_arrays([world.person_ids, pseudonyms(rng, len(split))]), second)


def delivered(
    rows: Rows, world: World, *, linkage: Linkage, table: TableSchema, shared_from: int, rng: np.random.Generator
) -> pd.DataFrame:
    """One feed of events as its extract: what was shared and known by the extract date, in order of becoming known."""
    who, day = rows.happened.who, rows.happened.day
    keep = np.flatnonzero(_shared(rows, world, table=table, shared_from=shared_from))
    keep = keep[np.argsort(day[keep], kind="stable")]
    known = day[keep] + lags(rng, table.x_vru.typical_lag, n=len(keep))
    record, version, known = _corrected(rows, known, rng=rng)
    in_time = known < day_number(EXTRACT_DATE)
    order = np.flatnonzero(in_time)[np.argsort(known[in_time], kind="stable")]
    record, version, known = record[order], version[order], known[order]
    row, vru = keep[record], table.x_vru
    columns = {
        name: _column(name, values, rows=rows, row=row, version=version) for name, values in rows.columns.items()
    }
    person = _pseudonym(who, linkage, table=table, rng=rng)[row]
    wrong, each = rng.permutation(len(row)), min(WRONG_ROWS, len(row) // 400)
    columns[next(iter(vru.codelists))].iloc[wrong[:each]] = _NO_SUCH_CODE
    early = wrong[each : 2 * each]
    known[early] = day[row][early] - _TOO_EARLY
    frame = pd.DataFrame(
        {
            table.primary_key[0]: record + 1,
            str(vru.person): text(linkage.ids, person),
            str(vru.event_date): dates(day[row]),
            **columns,
            str(vru.known_date): dates(known),
        }
    )
    return frame[list(table.columns)]


def _shared(rows: Rows, world: World, *, table: TableSchema, shared_from: int) -> np.ndarray:
    """What happened in view, at an age that the feed holds, while it was shared."""
    who, day = rows.happened.who, rows.happened.day
    youngest, oldest = table.x_vru.ages
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - world.born.astype(np.int64)[who]
    shared = world.in_view(who, day) & (months >= 12 * youngest) & (months < 12 * (oldest + 1)) & (day >= shared_from)
    schema, area, stop, again = OUTAGE
    if table.name == schema:
        shared &= ~((world.area_on(who, day) == area) & (day >= stop) & (day < again))
    return np.asarray(shared)


def _corrected(rows: Rows, known: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Record, version (0 or 1) and known day of every version; a correction comes ten to sixty days later."""
    record = np.arange(len(known))
    again = record[rng.random(len(known)) < CORRECTED_SHARE] if rows.corrected else record[:0]
    later = known[again] + rng.integers(10, 61, len(again))
    version = np.repeat([0, 1], [len(record), len(again)])
    return np.concatenate([record, again]), version, np.concatenate([known, later])


def _column(
    name: str, values: Coded | np.ndarray, *, rows: Rows, row: np.ndarray, version: np.ndarray
) -> pd.Series[Any]:
    codes = values.codes[row] if isinstance(values, Coded) else values[row]
    if name in rows.corrected:
        codes = np.where(version == 1, rows.corrected[name][row], codes)
    if isinstance(values, Coded):
        return text(values.values, codes)
    return pd.Series(pd.arrays.IntegerArray(codes, codes < 0))


def _pseudonym(who: np.ndarray, linkage: Linkage, *, table: TableSchema, rng: np.random.Generator) -> np.ndarray:
    """Which pseudonym each happening is recorded under: for half of a split child's, the second."""
    if table.name in _LINKED_WELL:
        return who
    second = linkage.second[who]
    return np.where((second >= 0) & (rng.random(len(who)) < 0.5), second, who)
