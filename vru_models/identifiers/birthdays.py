"""Days out of texts, however they are written, and whether a column's days are dates of birth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MOST = 0.9
"""The share of a column's distinct values that must be days."""

_CHILD_AGES = (5, 26)
_DAYS_PER_YEAR = 365.25
_NONE = np.array([], "datetime64[D]")
_LONGEST = 40
_CENTURY_TURNS = 50
_TIME = r"(?:[T ,]+\d{1,2}[:.]\d\d.*|\+00:00|Z)?\s*$"
_D, _M, _NAME, _YEAR = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<m>[A-Za-z]{3,9})", r"(?P<y>\d{4}|\d{2})"
_FORMS = (
    rf"^\s*(?P<y>\d{{4}})[-/.]{_M}[-/.]{_D}{_TIME}",
    rf"^\s*{_D}[-/. ]{_M}[-/. ]{_YEAR}{_TIME}",
    rf"^\s*(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d){_TIME}",
    rf"^\s*(?P<d>[0-3]?\d)(?P<m>[01]\d)(?P<y>(?:19|20)\d\d){_TIME}",
    rf"^\s*(?:[A-Za-z]{{3,9}},? )?{_D}(?:st|nd|rd|th)?[-/. ]*{_NAME}[-/., ]*{_YEAR}{_TIME}",
    rf"^\s*{_NAME}[-/. ]*{_D}(?:st|nd|rd|th)?[-/, ]+{_YEAR}{_TIME}",
)
_MONTHS = pa.array(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])


def days_in(texts: pa.Array, drawn: pa.Array) -> np.ndarray:
    """The distinct days that 9 in 10 of the texts name in one form, with or without a time; otherwise none.

    Day comes before month, and years of two digits from 50 on are 19... Whether a form is theirs is asked of ``drawn``,
    some of the texts, first.

    Examples
    --------
    >>> texts = pa.array(["02-Jun-15", "3 June 2015 10:30"])
    >>> days_in(texts, texts)
    array(['2015-06-02', '2015-06-03'], dtype='datetime64[D]')
    """
    if not len(drawn) or np.mean(np.asarray(pc.binary_length(drawn)) <= _LONGEST) < MOST / 2:
        return _NONE
    for form in _FORMS:
        if np.mean(np.asarray(pc.match_substring_regex(drawn, pattern=form), dtype=bool)) >= MOST / 2:
            days = _read(texts, form)
            if len(days) >= MOST * len(texts):
                return np.unique(days)
    return _NONE


def _read(texts: pa.Array, form: str) -> np.ndarray:
    """The days that are in the calendar, one for each text that names one."""
    parts = pc.extract_regex(texts, pattern=form).drop_null()
    year, month, day = (parts.field(parts.type.get_field_index(part)) for part in "ymd")
    months = pc.add(pc.index_in(pc.utf8_slice_codeunits(pc.utf8_upper(month), 0, 3), value_set=_MONTHS), 1)
    if r"(?P<m>[A-Z" not in form:
        months = month.cast(pa.int32())
    m, d = np.asarray(months.fill_null(0)).astype(np.int64), np.asarray(day.cast(pa.int64()))
    y = np.asarray(year.cast(pa.int64()))
    y = np.where(y >= 100, y, y + np.where(y >= _CENTURY_TURNS, 1900, 2000))
    first = ((y - 1970) * 12 + np.clip(m, 1, 12) - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (d - 1)
    return np.asarray(days[(m >= 1) & (m <= 12) & (days.astype("datetime64[M]") == first)])


def birthdays(days: np.ndarray, latest: np.datetime64) -> int:
    """How many of the distinct days lie 5 to 25 completed years back; nought when all are the first of a month."""
    if not (days != days.astype("datetime64[M]")).any():
        return 0
    years = (latest - days).astype(np.int64) / _DAYS_PER_YEAR
    return int(((years >= _CHILD_AGES[0]) & (years < _CHILD_AGES[1])).sum())
