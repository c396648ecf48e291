"""All date arithmetic: spans as text, windows, anchors, school terms. Nothing else in the library adds months to dates.

Dates are ``numpy.datetime64[D]``. Windows are half-open: ``[as_of - window, as_of)``. Month ends clip, always from a
fixed anchor (31 August less six months is 28 February, less twelve is 31 August), so repeated steps never drift.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
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
    "school day": ("S", 1), "school days": ("S", 1),
    "term": ("T", 1), "terms": ("T", 1),
}  # fmt: skip
_PATTERN = re.compile(r"\s*(\d{1,20})\s*([A-Za-z]{1,20}(?:[ ][A-Za-z]{1,20})?)\s*", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WORDS = {"D": "day", "M": "month", "S": "school day", "T": "term"}
_SHORT = {"D": "d", "M": "m", "S": "sd", "T": "t"}
_DAYS = {"D": 1.0, "M": 30.4375, "S": 1.9, "T": 121.0}
_MOST_YEARS = 200
_MOST = {"D": 73_050, "M": 12 * _MOST_YEARS, "S": 190 * _MOST_YEARS, "T": 3 * _MOST_YEARS}
_SHORTEST = {"D": 1, "M": 28}
_MOST_STEPS = 1_000
_YEARS = (1900, 2200)
_LONGEST_TERM = 250
_MOST_PER_SCHOOL_DAY = 3
_SESSIONS_A_DAY = 2
NEVER = np.datetime64("NaT", "D")


@total_ordering
@dataclass(frozen=True)
class Span:
    """A length of time in whole days or calendar months, at most 200 years; or in terms or school days.

    Terms and school days are counted on a declared school calendar (:class:`SchoolDays`): ask ``Spec.before`` and
    ``Spec.after``.

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
        if self.of_school and not self.n:
            raise ValueError(f"a length of no {self.word}s holds nothing. Write at least '1 {self.word}'.")

    @classmethod
    def parse(cls, text: str | Span) -> Span:
        """A span from text: a whole number and a unit.

        Units are day(s), week(s), month(s) and year(s), with the short forms d, w, mo and y; term(s) and school day(s),
        which have none.
        """
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
            raise ValueError(f"{text!r} has no known unit. Write days, weeks, months, years, terms or school days.")
        base, factor = _UNITS[unit]
        return cls(number * factor, base)

    def __str__(self) -> str:
        if self.unit == "M" and self.n and self.n % 12 == 0:
            return _plural(self.n // 12, "year")
        return _plural(self.n, self.word)

    def __lt__(self, other: Span) -> bool:
        return self.approximate_days < other.approximate_days

    @property
    def word(self) -> str:
        """Its unit in the singular."""
        return _WORDS[self.unit]

    @property
    def of_school(self) -> bool:
        """Whether it is counted on a school calendar."""
        return self.unit in ("S", "T")

    @property
    def short(self) -> str:
        """The form used in names: ``12m``, ``90d``, ``3t``, ``60sd``."""
        return f"{self.n}{_SHORT[self.unit]}"

    @property
    def approximate_days(self) -> float:
        """Length in days, a month counted as 30.4375, a term as 121 and a school day as 1.9; for ordering only."""
        return self.n * _DAYS[self.unit]

    @property
    def longest_days(self) -> int:
        """The most days it can span: 31 for a month, 366 for a year.

        For ``n`` terms 250 n, for ``n`` school days 3 n + 250: the same whatever the calendar, because
        :class:`SchoolDays` refuses one in which they could span more.

        Examples
        --------
        >>> [Span.parse(text).longest_days for text in ("1 month", "6 months", "12 months", "90 days")]
        [31, 184, 366, 90]
        >>> [Span.parse(text).longest_days for text in ("3 terms", "60 school days")]
        [750, 430]
        """
        if self.unit == "D":
            return self.n
        if self.of_school:
            return self.n * _LONGEST_TERM if self.unit == "T" else self.n * _MOST_PER_SCHOOL_DAY + _LONGEST_TERM
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
        if self.of_school:
            raise ValueError(
                f"'{self}' needs a school calendar. Ask Spec.before or Spec.after, or write days or months."
            )
        if self.unit == "D":
            return days + np.asarray(k * self.n).astype("timedelta64[D]")
        return add_months(days, k * self.n)


def steady(span: Span) -> Span:
    """The span, where it is in days or months; one in terms or school days is a ValueError."""
    if span.of_school:
        raise ValueError(
            f"'{span}' is of another length on every date: only the window of a feature or a rule of the cohort, and a "
            "horizon, may be. Write days, weeks, months or years."
        )
    return span


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
    steady(step)
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


@dataclass(frozen=True)
class SchoolDays:
    """The terms and school days that a calendar declares; windows in terms or school days are counted on them.

    It declares every day from the first term's first to the last term's last. What would need to know of any other day
    is refused, never cut short.

    Parameters
    ----------
    first, last
        First and last day of each term, both inclusive, ascending.
    days
        School days, ascending: Mondays to Fridays in a term on which schools are not closed.

    Examples
    --------
    >>> terms, half_term = [("2025-09-03", "2025-12-19"), ("2026-01-05", "2026-03-27")], ("2025-10-27", "2025-10-31")
    >>> school = SchoolDays.of(terms, closed=[half_term])
    >>> school.before(Span.parse("1 term"), "2026-01-05"), school.before(Span.parse("1 term"), "2026-01-06")
    (np.datetime64('2025-09-03'), np.datetime64('2026-01-05'))
    >>> school.before(Span.parse("2 school days"), "2025-11-04"), school.after(Span.parse("1 term"), "2025-12-20")
    (np.datetime64('2025-10-24'), np.datetime64('2026-03-28'))
    """

    first: np.ndarray
    last: np.ndarray
    days: np.ndarray

    @classmethod
    def of(cls, terms: Iterable[tuple[Any, Any]], closed: Iterable[tuple[Any, Any]] = ()) -> SchoolDays:
        """A calendar from first and last days (inclusive) of terms and of what is closed within them.

        ValueError where terms overlap or do not ascend, schools are closed outside a term, or some must be missing: a
        term and the holidays about it span at most 250 days, any ``n`` school days at most 3 n + 250.
        """
        first, last = _bounds(terms)
        shut, until = _bounds(closed)
        if (first > last).any() or (first[1:] <= last[:-1]).any():
            raise ValueError("terms must ascend and not overlap, each from its first day to its last, both inclusive")
        term = np.searchsorted(first, shut, side="right") - 1
        if (shut > until).any() or (term < 0).any() or (until > last[term]).any():
            raise ValueError("what is closed must lie within one term, from its first day to its last")
        taught = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
        away = [np.arange(a, b + 1) for a, b in zip(shut, until, strict=True)]
        days = taught[np.is_busday(taught) & ~np.isin(taught, np.concatenate([taught[:0], *away]))]
        school = cls(first, last, days)
        school._require_near()
        return school

    def _require_near(self) -> None:
        """What keeps ``Span.longest_days`` true."""
        gaps = [self.last + 1 - self.first, np.diff(self.first), np.diff(self.last)]
        longest = int(np.concatenate(gaps).astype(np.int64).max())
        if longest > _LONGEST_TERM:
            what = f"a term and the holidays about it take {longest} days"
            raise ValueError(f"{what}; expected: at most {_LONGEST_TERM}. Is a term missing?")
        days = np.append(np.append(self.first[0], self.days), self.end).astype(np.int64)
        ahead = days - _MOST_PER_SCHOOL_DAY * np.arange(len(days))
        if (ahead - np.minimum.accumulate(ahead)).max() >= _LONGEST_TERM:
            raise ValueError("school days are too far apart: is a term missing, or closed that was not?")

    @property
    def end(self) -> Any:
        """The day after the last that is declared."""
        return self.last[-1] + 1

    def before(self, span: Span, date: Any) -> Any:
        """The first day of the window of a span that ends before a date (or dates): ``[first day, date)``.

        Of ``n`` terms it is the first day of the n-th latest term that began before the date; a term that began on the
        date did not begin before it. Of ``n`` school days it is the n-th latest school day before the date. SpecError
        when fewer are declared, or the date is after :attr:`end`: a term that is not declared might have begun by then.
        """
        begins, at = self.first if span.unit == "T" else self.days, as_days(date)
        place = np.searchsorted(begins, at) - span.n
        self._require((place >= 0) & (at <= self.end), f"{span} before", at)
        return begins[place]

    def after(self, span: Span, date: Any) -> Any:
        """The day after the last of a span that begins on a date (or dates): ``[date, that day)``.

        Of ``n`` terms it is the day after the end of the n-th term that ends on the date or later: the term the date is
        in is the first. Of ``n`` school days it is the day after the n-th school day on the date or later. SpecError
        when fewer are declared, or the date is before the first term.
        """
        ends, at = self.last if span.unit == "T" else self.days, as_days(date)
        place = np.searchsorted(ends, at) + span.n - 1
        self._require((place < len(ends)) & (at >= self.first[0]), f"{span} after", at)
        return ends[place] + 1

    def latest(self, span: Span, end: Any) -> Any:
        """The day from which the last window of a span is over by a date: ``after(span, it) <= end``.

        Of terms it is the first day of a term, so that the window holds whole terms; of school days there is no later
        one. Where no declared window is over by then it is the day before the first term. SpecError for a date after
        :attr:`end`.
        """
        starts, ends = (self.first, self.last) if span.unit == "T" else (self.days, self.days)
        at = as_days(end)
        self._require(at <= self.end, f"{span} over by", at)
        place = np.searchsorted(ends, at) - span.n
        return starts[place] if place >= 0 else self.first[0] - 1

    def count(self, start: Any, end: Any) -> int:
        """How many of the days in ``[start, end)`` are declared to be school days."""
        return int(np.diff(np.searchsorted(self.days, [as_days(start), as_days(end)]))[0])

    def sessions(self, start: Any, end: Any) -> int:
        """How many sessions were possible in ``[start, end)``: two a school day. Beyond what is declared: SpecError."""
        first, until = as_days(start), as_days(end)
        self._require((first >= self.first[0]) & (until <= self.end), f"sessions from {first} to", until)
        return _SESSIONS_A_DAY * self.count(first, until)

    def _require(self, fine: Any, asked: str, dates: Any) -> None:
        beyond = np.atleast_1d(dates)[~np.atleast_1d(fine)]
        if len(beyond):
            more = f" (and {len(beyond) - 1:,} more)" if len(beyond) > 1 else ""
            raise SpecError.at(
                "calendar",
                f"{asked} {beyond[0]}{more} cannot be told from the terms declared, {self.first[0]} to {self.last[-1]}",
                expected="terms that hold the whole window, and the next one for a date in the holidays after them",
                then="Declare more terms, or choose other as-of dates",
            )


def _bounds(stretches: Iterable[tuple[Any, Any]]) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array([(as_days(a), as_days(b)) for a, b in stretches], dtype="datetime64[D]").reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
