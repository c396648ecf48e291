"""A store in parts of its people: what one process holds at a time. Who is linked across buckets is a part apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.events.store import bucket_of
from vru_models.features.coded import OPEN, Happened
from vru_models.features.people import connected
from vru_models.frames import is_in
from vru_models.spec import Spec
from vru_models.spec.sources import VOID_STATUSES
from vru_models.spec.tables import Kind

RowsOfPart = Mapping[Kind, pd.DataFrame]
"""The rows beside events, of the people of one part."""

COLUMNS = ("person_id", "indicator", "event_date", "known_date", "known_until", "value", "status")
"""The columns of a bucket that are read."""


def linked_apart(links: pd.DataFrame, n_buckets: int) -> pd.Series[str]:
    """The pseudonyms that are linked, by whatever chain of decisions, with one of another bucket."""
    if not len(links):
        return pd.Series([], dtype="str")
    codes, names = pd.factorize(pd.concat([links["person_id"], links["other_id"]]), sort=True)
    component = connected(codes[: len(links)], codes[len(links) :], len(names))
    people = pd.Series(names, dtype="str")
    bucket = pd.Series(bucket_of(people, n_buckets))
    return people[(bucket.groupby(component).transform("nunique") > 1).to_numpy()].reset_index(drop=True)


def part_of(people: pd.Series[str], apart: pd.Series[str], n_buckets: int) -> np.ndarray:
    """The part of each person: their bucket, or one more for those of :func:`linked_apart`."""
    return np.where(is_in(people, apart), n_buckets, bucket_of(people, n_buckets))


def rows_by_part(rows: Mapping[Kind, pd.DataFrame], apart: pd.Series[str], n_buckets: int) -> list[RowsOfPart]:
    """The rows beside events that are about the people of each part; coverage, which is about nobody, is in each."""
    split: dict[Kind, list[pd.DataFrame]] = {"coverage": [rows["coverage"]] * (n_buckets + 1)}
    kinds: tuple[Kind, ...] = ("spells", "links", "objections")
    for kind in kinds:
        part = part_of(rows[kind]["person_id"], apart, n_buckets)
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=n_buckets + 1))
        by_part = rows[kind].iloc[order]
        split[kind] = [by_part.iloc[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return [{kind: split[kind][i] for kind in rows} for i in range(n_buckets + 1)]


def happened_in(spec: Spec, table: pa.Table) -> Happened:
    """The events of a table of :data:`COLUMNS`, without those that only close another."""
    person, who = _numbered(table["person_id"])
    indicator, names = _numbered(table["indicator"])
    status, statuses = _numbered(table["status"])
    number = {name: i for i, name in enumerate(spec.indicators)}
    numbers = np.array([number.get(name, -1) for name in names.tolist()], dtype=np.intp)[indicator]
    numbers[np.isin(statuses, VOID_STATUSES)[status]] = -1
    day, known, until = (_days(table[name]) for name in ("event_date", "known_date", "known_until"))
    return Happened(who, person, numbers, day, known, until, table["value"].to_numpy())


def _numbered(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's text among the distinct ones, and these."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    whole = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    return whole.indices.to_numpy(), np.array(whole.dictionary.to_pylist(), dtype=str)


def _days(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.fill_null(column.cast(pa.int32()), int(OPEN)).to_numpy())
