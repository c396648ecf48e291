"""All date arithmetic: spans as text, windows, anchors. Nothing else in the library adds months to dates.

Dates are ``numpy.datetime64[D]``. Windows are half-open: ``[as_of - window, as_of)``. Month ends clip, always from a
fixed anchor (31 August less six months is 28 February, less twelve is 31 August), so repeated steps never drift.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

import numpy as np
import pandas as pd

_UNITS = {
    "day": ("D", 1), "days": ("D", 1), "d": ("D", 1),
    "week": ("D", 7), "weeks": ("D", 7), "w": ("D", 7),
    "month": ("M", 1), "months": ("M", 1), "mo": ("M", 1),
    "year": ("M", 12), "years": ("M", 12), "y": ("M", 12),
}  # fmt: skip
_PATTERN = re.compile(r"\s*(\d+)\s*([A-Za-z]+)\s*")
_DAYS_PER_MONTH = 30.4375
NEVER = np.datetime64("NaT", "D")


@total_ordering
@dataclass(frozen=True)
class Span:
    """A length of time in whole days or whole calendar months.

    Examples
    --------
    >>> Span.parse("12 months").before("2024-02-29")
    np.datetime64('2023-02-28')
    >>> Span.parse("6m")
    Traceback (most recent call last):
        ...
    ValueError: '6m' is ambiguous: 'm' is minutes elsewhere. Write '6 months' (or '6 mo').
    """

    n: int
    unit: str

    @classmethod
    def parse(cls, text: str | Span) -> Span:
        """A span from text: a whole number and day(s), week(s), month(s) or year(s); short forms d, w, mo, y."""
        if isinstance(text, Span):
            return text
        match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} is not a length of time. Write a whole number and a unit, such as '12 months'.")
        number, unit = int(match[1]), match[2].lower()
        if unit == "m":
            raise ValueError(
                f"{text!r} is ambiguous: 'm' is minutes elsewhere. Write '{number} months' (or '{number} mo')."
            )
        if unit not in _UNITS:
            raise ValueError(f"{text!r} has no known unit. Write days, weeks, months or years.")
        base, factor = _UNITS[unit]
        return cls(number * factor, base)

    def __str__(self) -> str:
        if self.unit == "M" and self.n and self.n % 12 == 0:
            return _plural(self.n // 12, "year")
        return _plural(self.n, "day" if self.unit == "D" else "month")

    def __lt__(self, other: Span) -> bool:
        return self.approximate_days < other.approximate_days

    @property
    def short(self) -> str:
        """The form used in names: ``12m``, ``90d``."""
        return f"{self.n}{'d' if self.unit == 'D' else 'm'}"

    @property
    def approximate_days(self) -> float:
        """Length in days, a calendar month counted as 30.4375 of them; for ordering only."""
        return self.n * (1.0 if self.unit == "D" else _DAYS_PER_MONTH)

    @property
    def longest_days(self) -> int:
        """The most days it can span: 31 for a month, 366 for a year.

        Examples
        --------
        >>> [Span.parse(text).longest_days for text in ("1 month", "6 months", "12 months", "90 days")]
        [31, 184, 366, 90]
        """
        if self.unit == "D":
            return self.n
        firsts = np.arange("2000-01", "2004-01", dtype="datetime64[M]")
        spans = (firsts + np.timedelta64(self.n, "M")).astype("datetime64[D]") - firsts.astype("datetime64[D]")
        return int(spans.max().astype(np.int64))

    def after(self, date: Any) -> Any:
        """The date (or dates) this much later."""
        return self.times(1, date)

    def before(self, date: Any) -> Any:
        """The date (or dates) this much earlier."""
        return self.times(-1, date)

    def times(self, k: int, anchor: Any) -> Any:
        """``anchor + k x span``, counted from the anchor in one step."""
        days = as_days(anchor)
        if self.unit == "D":
            return days + np.timedelta64(k * self.n, "D")
        return add_months(days, k * self.n)


def _plural(n: int, unit: str) -> str:
    return f"{n} {unit}{'' if n == 1 else 's'}"


def as_days(dates: Any) -> Any:
    """Any date or dates as ``datetime64[D]``; what cannot be a date is refused without echoing it."""
    if isinstance(dates, str | np.datetime64) or hasattr(dates, "isoformat"):
        return np.datetime64(pd.Timestamp(dates).date(), "D") if not pd.isna(dates) else NEVER
    return np.asarray(dates, dtype="datetime64[D]")


def add_months(dates: Any, months: int) -> Any:
    """Dates moved by whole calendar months, the day clipped to the end of a shorter month.

    Examples
    --------
    >>> add_months(np.datetime64("2024-03-31"), -1)
    np.datetime64('2024-02-29')
    """
    days = np.asarray(dates, dtype="datetime64[D]")
    month = days.astype("datetime64[M]")
    day = days - month.astype("datetime64[D]")
    target = month + np.timedelta64(months, "M")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    moved = np.minimum(target.astype("datetime64[D]") + day, last)
    return moved[()] if np.ndim(dates) == 0 else moved


def anchored_dates(*, last: Any, first: Any, step: Span) -> np.ndarray:
    """``last, last - step, last - 2 step, ...`` down to ``first`` (inclusive), in ascending order.

    Examples
    --------
    >>> anchored_dates(last="2017-08-31", first="2017-05-01", step=Span.parse("1 month"))
    array(['2017-05-31', '2017-06-30', '2017-07-31', '2017-08-31'], dtype='datetime64[D]')
    """
    if step.n == 0:
        raise ValueError("a step of zero never arrives. Expected: at least 1 day.")
    earliest = as_days(first)
    dates, k = [], 0
    while (date := step.times(-k, last)) >= earliest:
        dates.append(date)
        k += 1
    return np.array(dates[::-1], dtype="datetime64[D]")


def completed_years(birth_month: Any, dates: Any) -> np.ndarray:
    """Age in completed years; birthdays fall on the first of ``birth_month`` (``datetime64[M]``). Unknown is -1.

    Examples
    --------
    >>> completed_years(np.array(["2010-06", "2010-07"], dtype="datetime64[M]"), np.datetime64("2024-06-01"))
    array([14, 13])
    """
    born = np.asarray(birth_month, dtype="datetime64[M]")
    at = np.asarray(dates, dtype="datetime64[D]").astype("datetime64[M]")
    months = (at - born).astype(np.int64)
    return np.where(np.isnat(born), -1, months // 12)


def known_on(known_date: Any, known_until: Any, as_of: Any) -> np.ndarray:
    """The one rule of what was known: ``known_date < as_of <= known_until``; an open ``known_until`` is NaT.

    Examples
    --------
    >>> d = np.array(["2024-05-31", "2024-06-01"], dtype="datetime64[D]")
    >>> known_on(d, np.array(["NaT", "NaT"], dtype="datetime64[D]"), np.datetime64("2024-06-01"))
    array([ True, False])
    """
    at = as_days(as_of)
    open_ended = np.isnat(known_until)
    return np.asarray((known_date < at) & (open_ended | (known_until >= at)))
