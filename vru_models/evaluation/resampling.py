"""Resampling by person or household: what figures would be, had other people come into view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vru_models.evaluation.arrays import Codes, Floats, coded

_NUMBERS_IN_MEMORY = 4_000_000
RandomState = int | np.random.Generator


def resample_units(unit_ids: Any, n_replicates: int, *, random_state: RandomState) -> Iterator[NDArray[np.int64]]:
    """For each replicate, how often each unit was drawn: units with replacement, as many as there are.

    Weights are those of the distinct units in sorted order; one replicate is in memory at a time. All rows of a unit
    share its weight: the cluster bootstrap (Davison and Hinkley 1997, section 3.8, resampling at the first stage).

    Examples
    --------
    >>> [int(w.sum()) for w in resample_units(["h1", "h1", "h2", "h3"], 2, random_state=0)]
    [3, 3]
    """
    _, units = coded("unit_ids", unit_ids, len(unit_ids))
    return _weights(len(units), n_replicates, np.random.default_rng(random_state))


def _weights(n_units: int, n_replicates: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    for _ in range(n_replicates):
        yield np.bincount(rng.integers(0, n_units, n_units, dtype=np.int32), minlength=n_units)


def cells_of(*codes: Codes) -> tuple[Codes, list[Codes]]:
    """The cell of each row, rows that agree in every code sharing one, and each code by cell."""
    joint = np.zeros(len(codes[0]), dtype=np.int64)
    for code in codes:
        joint = np.unique(joint * (int(code.max(initial=0)) + 1) + code, return_inverse=True)[1]
    first = np.unique(joint, return_index=True)[1]
    return joint.astype(np.intp), [code[first] for code in codes]


def resampled_counts(cell: Codes, unit: Codes, *, n_replicates: int, random_state: RandomState) -> Iterator[Floats]:
    """The rows in each cell, replicate by cell, in blocks of replicates that fit in memory.

    Where every unit has one row, the counts of cells are one multinomial draw; otherwise units are drawn with their
    rows. Both are the same distribution.
    """
    if n_replicates < 2:
        raise ValueError(f"n_replicates is {n_replicates}, expected at least 2; a thousand is usual")
    rng = np.random.default_rng(random_state)
    n_cells, n_units = int(cell.max(initial=-1)) + 1, int(unit.max(initial=-1)) + 1
    block = max(1, _NUMBERS_IN_MEMORY // max(n_cells, 1))
    sizes = [min(block, n_replicates - done) for done in range(0, n_replicates, block)]
    if n_units == len(unit) and n_cells * 16 <= n_units:
        share = np.bincount(cell, minlength=n_cells) / n_units
        return (rng.multinomial(n_units, share, size=size).astype(np.float64) for size in sizes)
    weights = _weights(n_units, n_replicates, rng)
    return (_block(cell, unit, weights, (size, n_cells)) for size in sizes)


def _block(cell: Codes, unit: Codes, weights: Iterator[NDArray[np.int64]], shape: tuple[int, int]) -> Floats:
    counts = np.empty(shape)
    for row in counts:
        row[:] = np.bincount(cell, weights=next(weights)[unit], minlength=shape[1])
    return counts


def sum_by(counts: Floats, codes: Codes, n: int) -> Floats:
    """Counts of cells (last axis) added up by the code of each cell."""
    indicator = sparse.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n, len(codes)))
    return np.ascontiguousarray((indicator @ counts.T).T)


def distinct_units(unit: Codes, share: Floats) -> float:
    """The distinct units in a denominator; a unit whose rows are in it only in part counts as its largest part."""
    largest = np.zeros(int(unit.max(initial=-1)) + 1)
    np.maximum.at(largest, unit, share)
    return float(largest.sum())
