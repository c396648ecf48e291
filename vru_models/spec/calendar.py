"""All date arithmetic: spans as text, windows, anchors. Nothing else in the library adds months to dates.

Dates are ``numpy.datetime64[D]``. Windows are half-open: ``[as_of - window, as_of)``. Month ends clip, always from a
fixed anchor (31 August less six months is 28 February, less twelve is 31 August), so repeated steps never drift.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import SpecError

_UNITS = {
    "day": ("D", 1), "days": ("D", 1), "d": ("D", 1),
    "week": ("D", 7), "weeks": ("D", 7), "w": ("D", 7),
    "month": ("M", 1), "months": ("M", 1), "mo": ("M", 1),
    "year": ("M", 12), "years": ("M", 12), "y": ("M", 12),
}  # fmt: skip
_PATTERN = re.compile(r"\s*(\d{1,20})\s*([A-Za-z]{1,20})\s*", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAYS_PER_MONTH = 30.4375
_MOST_YEARS = 200
_MOST = {"D": 73_050, "M": 12 * _MOST_YEARS}
_SHORTEST = {"D": 1, "M": 28}
_MOST_STEPS = 1_000
_YEARS = (1900, 2200)
NEVER = np.datetime64("NaT", "D")


@total_ordering
@dataclass(frozen=True)
class Span:
    """A length of time in whole days or whole calendar months, at most 200 years.

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

    def __post_init__(self) -> None:
        if not 0 <= self.n <= _MOST[self.unit]:
            raise ValueError(f"a length of time is from 0 days to {_MOST_YEARS} years. Write a shorter one.")

    @classmethod
    def parse(cls, text: str | Span) -> Span:
        """A span from text: a whole number and day(s), week(s), month(s) or year(s); short forms d, w, mo, y."""
        if isinstance(text, Span):
            return text
        match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            what = repr(text[:40]) if isinstance(text, str) else type(text).__name__
            raise ValueError(f"{what} is not a length of time. Write a whole number and a unit, such as '12 months'.")
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

    def times(self, k: Any, anchor: Any) -> Any:
        """``anchor + k x span``, counted from the anchor in one step; ``k`` is a whole number or an array of them."""
        days = as_days(anchor)
        if self.unit == "D":
            return days + np.asarray(k * self.n).astype("timedelta64[D]")
        return add_months(days, k * self.n)


def _plural(n: int, unit: str) -> str:
    return f"{n} {unit}{'' if n == 1 else 's'}"


def as_days(dates: Any) -> Any:
    """Any date or dates as ``datetime64[D]``; what cannot be a date is refused without echoing it."""
    if isinstance(dates, str | np.datetime64) or hasattr(dates, "isoformat"):
        return np.datetime64(pd.Timestamp(dates).date(), "D") if not pd.isna(dates) else NEVER
    return np.asarray(dates, dtype="datetime64[D]")


def as_day(value: Any) -> np.datetime64[dt.date]:
    """One day as ``datetime64[D]``, from 1900 to 2200, from what can mean nothing else.

    That is a date, a datetime, Timestamp or ``datetime64`` at midnight without a time zone, or a text of exactly
    ``YYYY-MM-DD``. A month, a week date, a number and a missing date are refused; for columns see :func:`as_days`.

    Examples
    --------
    >>> as_day("2026-11-01")
    np.datetime64('2026-11-01')
    >>> as_day("2026-11")
    Traceback (most recent call last):
        ...
    ValueError: not a day. Expected: YYYY-MM-DD, such as 2026-12-01, without a time.
    """
    day = _day(value)
    if day is None:
        raise ValueError("not a day. Expected: YYYY-MM-DD, such as 2026-12-01, without a time.")
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError(f"a day of the year {day.year}. Expected: a year from {_YEARS[0]} to {_YEARS[1]}.")
    return np.datetime64(day, "D")


def _day(value: Any) -> dt.date | None:
    """The day that a value means, or None where it means none or more than a day."""
    if isinstance(value, np.datetime64):
        fine = np.datetime_data(value.dtype)[0] not in ("Y", "M", "W", "generic")
        value = value.astype("datetime64[D]").item() if fine and value == value.astype("datetime64[D]") else None
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, dt.datetime):
        timed = pd.isna(value) or value.tzinfo is not None or value != pd.Timestamp(value).normalize()
        return None if timed else value.date()
    return value if isinstance(value, dt.date) else None


def add_months(dates: Any, months: Any) -> Any:
    """Dates moved by whole calendar months, the day clipped to the end of a shorter month.

    Examples
    --------
    >>> add_months(np.datetime64("2024-03-31"), -1)
    np.datetime64('2024-02-29')
    """
    days = np.asarray(dates, dtype="datetime64[D]")
    month = days.astype("datetime64[M]")
    day = days - month.astype("datetime64[D]")
    target = month + np.asarray(months).astype("timedelta64[M]")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum(target.astype("datetime64[D]") + day, last)[()]


def anchored_dates(*, last: Any, first: Any, step: Span) -> np.ndarray:
    """``last, last - step, last - 2 step, ...`` down to ``first`` (inclusive), in ascending order.

    More than about 1,000 of them are refused, as :class:`SpecError`: each costs a dataset of its own.

    Examples
    --------
    >>> anchored_dates(last="2017-08-31", first="2017-05-01", step=Span.parse("1 month"))
    array(['2017-05-31', '2017-06-30', '2017-07-31', '2017-08-31'], dtype='datetime64[D]')
    """
    if step.n == 0:
        raise ValueError("a step of zero never arrives. Expected: at least 1 day.")
    end, earliest = as_days(last), as_days(first)
    days = int((end - earliest).astype(np.int64))
    if days / step.approximate_days > _MOST_STEPS:
        what = f"steps of {step} from {earliest} to {end} are about {days / step.approximate_days:,.0f}"
        then = "Take a longer step or a later first date, and check the extract dates"
        raise SpecError.at("as-of dates", what, expected=f"at most {_MOST_STEPS:,}", then=then)
    steps = np.arange(max(days // (step.n * _SHORTEST[step.unit]) + 1, 0))
    dates = step.times(-steps, end)
    return np.asarray(dates[dates >= earliest][::-1])


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
