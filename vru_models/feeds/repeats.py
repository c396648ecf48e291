"""Keys that come again anywhere in a feed, found as its rows pass, in 16 bytes each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.util import hash_array

from vru_models.spec.digest import digest_rows

_SEEDS = (0x243F6A8885A308D3, 0x13198A2E03707344)
_LANE, _LONGEST = 8, 64
_LATER, _STEP = 1_000_000, 2_000


class Repeats:
    """What is to come only once in a feed, by the reason for which a row is held back where it comes again.

    A key is kept as two numbers of 64 bits and came before when both of its numbers did: that a key of ten million
    different ones is held back wrongly has a chance below 1e-17.

    Parameters
    ----------
    keys
        Per reason, the columns that make up the key.

    Examples
    --------
    >>> repeats = Repeats({"duplicate": ["id"]})
    >>> [repeats.among(pa.table({"id": ids})) for ids in (["a", "b", "a"], ["c", "b", None])]
    [{'duplicate': array([False, False,  True])}, {'duplicate': array([False,  True, False])}]
    """

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._keys = [(reason, list(columns), (Numbers(), Numbers())) for reason, columns in keys.items()]

    def among(self, table: pa.Table) -> dict[str, np.ndarray]:
        """Per reason, the rows whose key came before, here or in an earlier call; the first stands.

        A key of which a part is missing is no key.
        """
        return {reason: _came_before(table.select(columns), seen) for reason, columns, seen in self._keys}


def _came_before(keys: pa.Table, seen: tuple[Numbers, Numbers]) -> np.ndarray:
    parts = [column.combine_chunks() for column in keys.itercolumns()]
    whole = np.logical_and.reduce([np.asarray(part.is_valid()) for part in parts])
    if not whole.all():
        parts = [part.filter(pa.array(whole)) for part in parts]
    again = np.zeros(len(whole), dtype=bool)
    again[whole] = _again(key_digests(parts), seen)
    return again


def _again(keys: np.ndarray, seen: tuple[Numbers, Numbers]) -> np.ndarray:
    """The keys that came before among these or in ``seen``, which then holds them all."""
    again = np.zeros(keys.shape[1], dtype=bool)
    ordered = np.sort(keys[0])
    alike = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(doubtful := np.concatenate([alike, seen[0].those(ordered)])):
        rows = np.flatnonzero(pd.Series(keys[0]).isin(doubtful))
        pairs = keys[:, rows]
        before = [pd.Series(n).isin(held.those(np.sort(n))).to_numpy() for held, n in zip(seen, pairs, strict=True)]
        again[rows] = pd.DataFrame(pairs.T).duplicated().to_numpy() | (before[0] & before[1])
    for held, numbers in zip(seen, keys, strict=True):
        held.add(numbers[~again])
    return again


class Numbers:
    """A growing set of 64-bit numbers, 8 bytes each: most in one sorted array, later ones in another or unsorted."""

    def __init__(self) -> None:
        self._most = self._later = np.array([], dtype=np.uint64)
        self._new: list[np.ndarray] = []

    def add(self, numbers: np.ndarray) -> None:
        """Put numbers into the set."""
        self._new.append(numbers)

    def those(self, ordered: np.ndarray) -> np.ndarray:
        """The numbers, of these in ascending order, that are in the set."""
        self._later = np.sort(np.concatenate([self._later, *self._new]))
        self._new.clear()
        if len(self._later) > _LATER:
            self._most, self._later = _merged(self._most, self._later), self._later[:0]
        return np.asarray(ordered[_within(self._most, ordered) | _within(self._later, ordered)])


def _within(held: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    places = _places(held, numbers)
    there = places < len(held)
    there[there] = held[places[there]] == numbers[there]
    return there


def _merged(held: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    return np.insert(held, _places(held, numbers), numbers)


def _places(held: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """``searchsorted`` for sorted numbers, a stretch of them at a time where it can be: ten times faster."""
    places = np.empty(len(numbers), dtype=np.int64)
    for start in range(0, len(numbers), _STEP):
        part = numbers[start : start + _STEP]
        low, high = np.searchsorted(held, part[[0, -1]])
        places[start : start + _STEP] = low + np.searchsorted(held[low:high], part)
    return places


def key_digests(columns: Sequence[pa.Array]) -> np.ndarray:
    """128 bits per row from the values of its columns, none missing, as two rows of 64.

    Equal values give equal bits, in whatever batch: two runs of the 64-bit mixing of :func:`pandas.util.hash_array`
    over each row's values, eight bytes at a time, from two starts.
    """
    digests = [np.full(len(columns[0]), seed, dtype=np.uint64) for seed in _SEEDS]
    for column in columns:
        for lane, there in _lanes(column):
            for i, digest in enumerate(digests):
                mixed = hash_array(digest ^ lane)
                digests[i] = mixed if there is None else np.where(there, mixed, digest)
    return np.array(digests)


def _lanes(column: pa.Array) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The values in parts of 64 bits, and for which rows each part counts; a text's length comes first."""
    if not pa.types.is_string(column.type):
        yield _bits(column), None
        return
    lengths = np.asarray(pc.binary_length(column)).astype(np.uint64)
    yield lengths, None
    long = lengths > _LONGEST
    if long.any():
        texts = digest_rows([column.filter(pa.array(long)).to_pylist()])
        column = pc.replace_with_mask(column, pa.array(long), pa.array(texts))
    lanes = -(-min(int(lengths.max(initial=1)), _LONGEST) // _LANE)
    padded = pc.ascii_rpad(column, width=lanes * _LANE, padding="\0")
    parts = np.frombuffer(padded.buffers()[2] or b"", np.uint64, len(column) * lanes).reshape(-1, lanes)
    for i in range(lanes):
        yield parts[:, i], lengths > _LANE * i


def _bits(column: pa.Array) -> np.ndarray:
    if pa.types.is_floating(column.type):
        return (np.asarray(column) + 0.0).view(np.uint64)
    plain = column.cast(pa.int32()) if pa.types.is_date(column.type) else column
    return np.asarray(plain.cast(pa.int64())).view(np.uint64)
