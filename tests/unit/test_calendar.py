from __future__ import annotations

import calendar as stdlib
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.errors import SpecError
from vru_models.spec.calendar import NEVER, Span, add_months, anchored_dates, as_day, as_days, completed_years, known_on

DATES = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


def day(text):
    return np.datetime64(text, "D")


@pytest.mark.parametrize(
    ("text", "span", "written", "short"),
    [
        ("12 months", Span(12, "M"), "1 year", "12m"),
        ("1 year", Span(12, "M"), "1 year", "12m"),
        ("2y", Span(24, "M"), "2 years", "24m"),
        ("6 mo", Span(6, "M"), "6 months", "6m"),
        (" 1 Month ", Span(1, "M"), "1 month", "1m"),
        ("90 days", Span(90, "D"), "90 days", "90d"),
        ("1 day", Span(1, "D"), "1 day", "1d"),
        ("2w", Span(14, "D"), "14 days", "14d"),
        ("0 days", Span(0, "D"), "0 days", "0d"),
    ],
)
def test_a_span_is_read_and_written(text, span, written, short):
    assert Span.parse(text) == span
    assert (str(span), span.short) == (written, short)
    assert Span.parse(str(span)) == span
    assert Span.parse(span) is span


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6m", "'6m' is ambiguous"),
        ("6 fortnights", "has no known unit"),
        ("months", "is not a length of time"),
        ("-1 month", "is not a length of time"),
        ("1.5 months", "is not a length of time"),
        (6, "int is not a length of time"),
        ("1" * 50 + " days", "^'1{40}' is not a length of time"),
        ("\uff12 months", "is not a length of time"),
        ("201 years", "from 0 days to 200 years"),
        ("2401 months", "from 0 days to 200 years"),
        ("73051 days", "from 0 days to 200 years"),
        ("99999999999 months", "from 0 days to 200 years"),
    ],
)
def test_what_is_not_a_span_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Span.parse(text)


def test_the_longest_span_is_two_hundred_years():
    assert Span.parse("200 years").after("1999-12-31") == day("2199-12-31")
    assert Span.parse("73050 days").after("1900-01-01") == day("2100-01-02")
    with pytest.raises(ValueError, match=r"from 0 days to 200 years"):
        Span(-1, "D")


def test_spans_are_ordered_by_length_and_a_month_is_longer_than_thirty_days():
    assert sorted(map(Span.parse, ("1 year", "31 days", "1 month", "30 days"))) == [
        Span(30, "D"),
        Span(1, "M"),
        Span(31, "D"),
        Span(12, "M"),
    ]


@pytest.mark.parametrize(
    ("date", "months", "expected"),
    [
        ("2024-03-31", -1, "2024-02-29"),
        ("2023-03-31", -1, "2023-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", -12, "2023-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2024-12-31", 2, "2025-02-28"),
        ("2024-05-15", 0, "2024-05-15"),
        ("1969-12-31", 2, "1970-02-28"),
    ],
)
def test_months_clip_to_the_end_of_a_shorter_month(date, months, expected):
    assert add_months(day(date), months) == day(expected)


def months_by_hand(date, months):
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return dt.date(year, month + 1, min(date.day, stdlib.monthrange(year, month + 1)[1]))


@given(st.lists(DATES, max_size=5), st.integers(-240, 240))
@settings(max_examples=100, deadline=None)
def test_months_are_added_as_by_hand(dates, months):
    moved = add_months(np.array(dates, dtype="datetime64[D]"), months)
    assert moved.tolist() == [months_by_hand(d, months) for d in dates]


def test_a_missing_date_stays_missing():
    assert np.isnat(add_months(np.array(["NaT"], dtype="datetime64[D]"), 3)).all()
    assert np.isnat(as_days(None))
    assert np.isnat(as_days(pd.NaT))
    assert np.isnat(NEVER)


def test_dates_of_any_kind_become_days():
    for date in (
        "2024-02-29",
        dt.date(2024, 2, 29),
        dt.datetime(2024, 2, 29, 23, 59, tzinfo=dt.UTC),
        pd.Timestamp("2024-02-29 08:00"),
    ):
        assert as_days(date) == day("2024-02-29")
    series = pd.Series(pd.to_datetime(["2024-02-29", None]))
    assert as_days(series).dtype == "datetime64[D]"
    assert np.isnat(as_days(series)).tolist() == [False, True]


@pytest.mark.parametrize(
    "value",
    [
        "2024-02-29",
        dt.date(2024, 2, 29),
        dt.datetime(2024, 2, 29),  # noqa: DTZ001
        pd.Timestamp("2024-02-29"),
        np.datetime64("2024-02-29"),
        np.datetime64("2024-02-29T00:00:00", "ns"),
    ],
)
def test_a_day_is_one_day_however_it_is_written(value):
    assert as_day(value) == day("2024-02-29")
    assert as_day(value).dtype == "datetime64[D]"


@pytest.mark.parametrize(
    "value",
    [
        None, pd.NaT, np.datetime64("NaT", "D"), "NaT", float("nan"), "", 2026, 2026.0, True, "2026", "2026-11",
        "2026-W45-1", "20261101", "2026-11-31", "2026-11-01T00:00:00", " 2026-11-01", "\uff12026-11-01", "tomorrow",
        np.datetime64("2026-11"), np.datetime64("2026"), np.datetime64("2026-11-01T08:00"), np.array(["2026-11-01"]),
        dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC), dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.time(0),
        pd.Timestamp("2026-11-01 08:00"), pd.Timestamp(1), pd.Period("2026-11"), ["2026-11-01"],
    ],
    ids=repr,
)  # fmt: skip
def test_what_does_not_mean_one_day_is_refused(value):
    with pytest.raises(ValueError, match=r"^not a day. Expected: YYYY-MM-DD, such as 2026-12-01, without a time.$"):
        as_day(value)


@pytest.mark.parametrize(("first", "beyond"), [("1900-01-01", "1899-12-31"), ("2200-12-31", "2201-01-01")])
def test_a_day_is_from_1900_to_2200(first, beyond):
    assert as_day(first) == day(first)
    with pytest.raises(ValueError, match=rf"a day of the year {beyond[:4]}. Expected: a year from 1900 to 2200"):
        as_day(beyond)


def steps_by_hand(last, first, step):
    dates, k = [], 0
    while step.times(-k, last) >= day(first):
        dates.append(step.times(-k, last))
        k += 1
    return dates[::-1]


@given(DATES, st.integers(0, 3000), st.sampled_from(["7 days", "1 month", "5 months", "2 years"]))
@settings(max_examples=100, deadline=None)
def test_steps_are_taken_as_one_by_one(last, back, step):
    first = last - dt.timedelta(back)
    expected = steps_by_hand(last, first, Span.parse(step))
    assert anchored_dates(last=last, first=first, step=Span.parse(step)).tolist() == [d.item() for d in expected]


def test_a_thousand_steps_are_taken_and_no_more():
    step = Span.parse("1 day")
    assert (
        len(anchored_dates(last="2024-01-01", first=day("2024-01-01") - np.timedelta64(1000, "D"), step=step)) == 1001
    )
    with pytest.raises(
        SpecError, match=r"as-of dates: steps of 1 day from .* are about 356,\d{3}. Expected: at most 1,000"
    ):
        anchored_dates(last="2999-11-01", first="2023-11-01", step=step)


def test_steps_are_counted_from_the_anchor_and_never_drift():
    month = Span.parse("1 month")
    assert anchored_dates(last="2024-08-31", first="2024-02-01", step=month).tolist() == [
        dt.date(2024, m, d) for m, d in ((2, 29), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31))
    ]
    assert anchored_dates(last="2024-08-31", first="2024-08-31", step=month).tolist() == [dt.date(2024, 8, 31)]
    assert anchored_dates(last="2024-08-31", first="2024-09-01", step=month).tolist() == []


def test_a_step_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"a step of zero never arrives"):
        anchored_dates(last="2024-08-31", first="2024-02-01", step=Span(0, "D"))


@pytest.mark.parametrize(
    ("born", "date", "age"),
    [
        ("2010-06", "2024-05-31", 13),
        ("2010-06", "2024-06-01", 14),
        ("2010-06", "2010-06-30", 0),
        ("2010-06", "2010-05-31", -1),
        ("NaT", "2024-06-01", -1),
    ],
)
def test_birthdays_fall_on_the_first_of_the_month_of_birth(born, date, age):
    assert completed_years(np.array([born], dtype="datetime64[M]"), day(date)).tolist() == [age]


@pytest.mark.parametrize(
    ("known", "until", "as_of", "counts"),
    [
        ("2024-01-01", "NaT", "2024-01-01", False),
        ("2024-01-01", "NaT", "2024-01-02", True),
        ("2024-01-01", "2024-03-01", "2024-03-01", True),
        ("2024-01-01", "2024-03-01", "2024-03-02", False),
        ("NaT", "NaT", "2024-03-02", False),
    ],
)
def test_known_strictly_before_and_until_the_closing_day(known, until, as_of, counts):
    arrays = (np.array([t], dtype="datetime64[D]") for t in (known, until))
    assert known_on(*arrays, as_of).tolist() == [counts]


@given(DATES, st.integers(1, 60))
@settings(max_examples=100, deadline=None)
def test_before_undoes_after_for_days_and_never_passes_it_for_months(date, n):
    assert Span(n, "D").before(Span(n, "D").after(date)) == day(date)
    assert Span(n, "M").before(Span(n, "M").after(date)) <= day(date)
