"""Random streams by name, lags, and columns as an extract holds them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from vru_models.spec.calendar import as_days
from vru_models.spec.tables import Lag

_Z95 = 1.6449


def stream(random_state: int, name: str) -> np.random.Generator:
    """A generator of its own for each name, so that drawing more under one name changes nothing under another.

    Examples
    --------
    >>> int(stream(0, "housing").integers(1000)) == int(stream(0, "housing").integers(1000))
    True
    """
    return np.random.default_rng(np.random.SeedSequence(random_state, spawn_key=tuple(name.encode())))


def pseudonyms(rng: np.random.Generator, n: int) -> pa.Array:
    """``n`` pseudonyms of 128 random bits, as 32 hexadecimal digits."""
    digits = pa.py_buffer(rng.bytes(16 * n).hex().encode())
    offsets = pa.py_buffer(np.arange(0, 32 * n + 1, 32, dtype=np.int64))
    return pa.LargeStringArray.from_buffers(n, offsets, digits)


def text(values: Sequence[str] | pa.Array, codes: np.ndarray) -> pd.Series:
    """The value that each code stands for; a code below zero is missing."""
    held = values if isinstance(values, pa.Array) else pa.array(values, pa.large_string())
    known = pa.array(codes, mask=codes < 0)
    return pd.Series(held.take(known).to_pandas(), dtype="str")


def dates(days: np.ndarray) -> pd.Series:
    """Dates of day numbers; a negative number is missing."""
    return pd.Series(np.where(days < 0, np.datetime64("NaT", "D"), as_days(days)).astype("datetime64[s]"))


def day_number(date: object) -> int:
    """Days from the first of January 1970."""
    return int(as_days(date).astype(np.int64))


def lags(rng: np.random.Generator, lag: Lag, *, n: int) -> np.ndarray:
    """Whole days from an event to its being known: log-normal with this median and 95th percentile.

    A median of zero days cannot be log-normal; one day is added before and taken off after.
    """
    spread = np.log((lag.p95 + 1) / (lag.median + 1)) / _Z95
    days: np.ndarray = np.floor((lag.median + 1) * np.exp(spread * rng.standard_normal(n)) - 0.5)
    return np.asarray(np.maximum(days, 0), dtype=np.int64)
