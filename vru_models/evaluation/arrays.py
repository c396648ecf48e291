"""The arrays this room takes, checked once: outcomes, scores, dates, units, places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Places = int | Mapping[Any, int]

ONE_LIST = "all"
UNLABELLED = 2


def outcomes(y_true: Any) -> Floats:
    """Outcomes as 0.0, 1.0 or NaN (unlabelled); anything else is refused, by count.

    Examples
    --------
    >>> outcomes([1, 0, None])
    array([ 1.,  0., nan])
    """
    y = numbers("y_true", y_true)
    wrong = int((~np.isin(y, (0.0, 1.0)) & ~np.isnan(y)).sum())
    if wrong:
        raise ValueError(f"y_true has {wrong} of {len(y)} values that are not 0, 1 or missing")
    return y


def complete(name: str, values: Any, n: int) -> Floats:
    """Finite numbers, one for each of ``n`` rows."""
    checked = numbers(name, values)
    if len(checked) != n:
        raise ValueError(f"{name} has {len(checked)} rows, expected {n}")
    wrong = int((~np.isfinite(checked)).sum())
    if wrong:
        raise ValueError(
            f"{name} has {wrong} of {n} values that are missing or infinite; nobody can be ranked on those"
        )
    return checked


def probabilities(values: Any, n: int) -> Floats:
    """Probabilities within [0, 1], one for each of ``n`` rows."""
    p = complete("probabilities", values, n)
    wrong = int(((p < 0) | (p > 1)).sum())
    if wrong:
        raise ValueError(f"probabilities: {wrong} of {n} lie outside 0 to 1")
    return p


def weights(sample_weight: Any, n: int) -> Floats:
    """Weights that are not negative, one for each of ``n`` rows; none given means 1 each."""
    if sample_weight is None:
        return np.ones(n)
    w = complete("sample_weight", sample_weight, n)
    if (w < 0).any():
        raise ValueError(f"sample_weight: {int((w < 0).sum())} of {n} are negative")
    return w


def numbers(name: str, values: Any) -> Floats:
    """One-dimensional floats, missing as NaN; text is refused without echoing it."""
    try:
        series = pd.Series(values).astype("Float64")
    except (ValueError, TypeError):
        raise TypeError(f"{name} holds values that are not numbers") from None
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def coded(name: str, values: Any, n: int) -> tuple[Codes, pd.Index[Any]]:
    """The code of each row and the sorted distinct values; a missing value is refused."""
    column = pd.Series(values).reset_index(drop=True)
    if len(column) != n:
        raise ValueError(f"{name} has {len(column)} rows, expected {n}")
    missing = int(column.isna().sum())
    if missing:
        raise ValueError(f"{name} is missing in {missing} of {n} rows")
    codes, distinct = pd.factorize(column, sort=True)
    return codes.astype(np.intp), pd.Index(distinct)


def dates_of(as_of: Any, n: int) -> tuple[Codes, pd.Index[Any]]:
    """The date code of each row and the sorted dates; without dates everybody is on one list."""
    return coded("as_of", np.full(n, ONE_LIST) if as_of is None else as_of, n)


def places(k: Places, dates: pd.Index[Any]) -> Floats:
    """The places of each date, from one whole number or from one number a date."""
    if not isinstance(k, Mapping):
        return np.full(len(dates), float(_whole(k)))
    dated = isinstance(dates, pd.DatetimeIndex)
    known = {pd.Timestamp(key) if dated else key: _whole(number) for key, number in k.items()}
    absent = [str(date) for date in dates if date not in known]
    if absent:
        raise ValueError(f"k has no number of places for {len(absent)} as-of dates: {', '.join(absent[:5])}")
    return np.array([known[date] for date in dates], dtype=np.float64)


def _whole(k: Any) -> int:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k is the number of places, a whole number of at least 1, not {k!r}")
    return int(k)


def outcome_codes(y: Floats) -> Codes:
    """0, 1, or ``UNLABELLED``."""
    return np.where(np.isnan(y), UNLABELLED, y).astype(np.intp)


def ratio(part: Any, whole: Any) -> Floats:
    """``part / whole``, and NaN where there is nothing to divide by."""
    above, below = np.broadcast_arrays(np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64))
    quotient: Floats = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return quotient
