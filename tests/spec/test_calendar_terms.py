"""Windows and horizons in terms and school days, in literal tables and against counting day by day."""

from __future__ import annotations

import copy
import datetime as dt

import numpy as np
import pytest
import small
import world as worlds
from asked import answered, events, grid, nothing, rows, spec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vru_models.audit.release import Release
from vru_models.dataset import explain_feature
from vru_models.errors import SpecError
from vru_models.evidence.evaluate import shares_outcomes
from vru_models.features.status import could_be_open
from vru_models.scoring.score import _learnt
from vru_models.spec import Span, Spec
from vru_models.spec.calendar import SchoolDays, as_days
from vru_models.spec.question import Calendar
from vru_models.splits import Splits, splits_of, temporal_splits
from vru_models.splits.splits import horizon_of

DECLARED = {
    "terms": [
        {"from": "2023-09-04", "to": "2023-12-21"},
        {"from": "2024-01-08", "to": "2024-03-28"},
        {"from": "2024-04-15", "to": "2024-07-19"},
        {"from": "2024-09-02", "to": "2024-12-20"},
    ],
    "closed": [
        {"from": "2023-10-23", "to": "2023-10-27"},
        {"from": "2024-02-12", "to": "2024-02-16"},
        "2024-05-06",
        {"from": "2024-05-27", "to": "2024-05-31"},
    ],
}
SCHOOL = Calendar.model_validate(DECLARED)
ONE_DAY = dt.timedelta(1)

BEFORE = """
    date       | span           | begins
    2024-01-08 | 1 term         | 2023-09-04
    2024-01-09 | 1 term         | 2024-01-08
    2024-01-09 | 2 terms        | 2023-09-04
    2024-02-14 | 1 term         | 2024-01-08
    2024-03-28 | 1 term         | 2024-01-08
    2024-03-29 | 1 term         | 2024-01-08
    2024-08-15 | 1 term         | 2024-04-15
    2024-08-15 | 3 terms        | 2023-09-04
    2024-12-21 | 1 term         | 2024-09-02
    2024-12-21 | 4 terms        | 2023-09-04
    2024-01-08 | 1 school day   | 2023-12-21
    2024-01-09 | 1 school day   | 2024-01-08
    2024-02-14 | 1 school day   | 2024-02-09
    2024-02-14 | 2 school days  | 2024-02-08
    2024-02-19 | 5 school days  | 2024-02-05
    2024-02-29 | 1 school day   | 2024-02-28
    2024-03-01 | 1 school day   | 2024-02-29
    2024-03-02 | 1 school day   | 2024-03-01
    2024-03-03 | 1 school day   | 2024-03-01
    2024-05-07 | 1 school day   | 2024-05-03
    2024-08-15 | 1 school day   | 2024-07-19
    2024-12-21 | 1 school day   | 2024-12-20
    2024-02-29 | 12 months      | 2023-02-28
    2030-03-31 | 1 month        | 2030-02-28
"""
AFTER = """
    date       | span           | ends
    2024-01-08 | 1 term         | 2024-03-29
    2024-02-14 | 1 term         | 2024-03-29
    2024-03-28 | 1 term         | 2024-03-29
    2024-03-28 | 2 terms        | 2024-07-20
    2024-03-29 | 1 term         | 2024-07-20
    2024-08-15 | 1 term         | 2024-12-21
    2023-09-04 | 4 terms        | 2024-12-21
    2024-02-14 | 1 school day   | 2024-02-20
    2024-02-29 | 1 school day   | 2024-03-01
    2024-02-29 | 2 school days  | 2024-03-02
    2024-03-02 | 1 school day   | 2024-03-05
    2024-08-15 | 2 school days  | 2024-09-04
    2024-12-20 | 1 school day   | 2024-12-21
    2024-01-31 | 1 month        | 2024-02-29
"""
LATEST = """
    end        | span           | begins
    2024-03-29 | 1 term         | 2024-01-08
    2024-03-28 | 1 term         | 2023-09-04
    2024-07-20 | 2 terms        | 2024-01-08
    2024-12-21 | 1 term         | 2024-09-02
    2023-12-22 | 1 term         | 2023-09-04
    2023-12-21 | 1 term         | 2023-09-03
    2024-02-19 | 1 school day   | 2024-02-09
    2024-02-20 | 1 school day   | 2024-02-19
    2024-02-19 | 2 school days  | 2024-02-08
"""


@pytest.mark.parametrize("row", rows(BEFORE), ids=str)
def test_a_window_before_a_date_begins_here(row):
    assert str(SCHOOL.before(Span.parse(row["span"]), row["date"])) == row["begins"]


@pytest.mark.parametrize("row", rows(AFTER), ids=str)
def test_a_horizon_after_a_date_ends_before_this_day(row):
    assert str(SCHOOL.after(Span.parse(row["span"]), row["date"])) == row["ends"]


@pytest.mark.parametrize("row", rows(LATEST), ids=str)
def test_the_last_window_that_is_over_by_a_date_begins_here(row):
    assert str(SCHOOL.school.latest(Span.parse(row["span"]), row["end"])) == row["begins"]


@pytest.mark.parametrize(
    ("ask", "span", "date"),
    [
        ("before", "1 term", "2023-09-04"),
        ("before", "3 terms", "2024-04-15"),
        ("before", "1 term", "2024-12-22"),
        ("before", "1 school day", "2023-09-04"),
        ("before", "1 school day", "2024-12-22"),
        ("before", "60 school days", "2023-11-01"),
        ("after", "1 term", "2023-09-03"),
        ("after", "2 terms", "2024-09-02"),
        ("after", "1 term", "2024-12-21"),
        ("after", "2 school days", "2024-12-20"),
        ("after", "1 school day", "2023-09-03"),
    ],
)
def test_what_is_beyond_the_calendar_is_refused_and_never_cut_short(ask, span, date):
    message = (
        f"^calendar: {span} {ask} {date} cannot be told from the terms declared, 2023-09-04 to 2024-12-20. Expected: "
    )
    with pytest.raises(SpecError, match=message):
        getattr(SCHOOL, ask)(Span.parse(span), date)
    fine = {"before": "2024-09-01", "after": "2024-01-10"}[ask]
    dates = np.array([fine, date, date], dtype="datetime64[D]")
    with pytest.raises(SpecError, match=rf"{date} \(and 1 more\) cannot be told.*Declare more terms, or choose"):
        getattr(SCHOOL, ask)(Span.parse(span), dates)


def test_the_last_window_is_not_looked_for_beyond_the_calendar():
    with pytest.raises(SpecError, match="1 term over by 2024-12-22 cannot be told"):
        SCHOOL.school.latest(Span.parse("1 term"), "2024-12-22")


def test_terms_and_months_are_in_either_order_on_different_dates():
    dates = as_days(["2024-01-09", "2024-08-15"])
    term, months = (SCHOOL.before(Span.parse(text), dates) for text in ("1 term", "3 months"))
    assert (term > months).tolist() == [True, False]


@st.composite
def calendars(draw):
    """Terms of 5 to 100 days, holidays of up to 60 between them, some days closed."""
    first = draw(st.dates(dt.date(2019, 8, 1), dt.date(2024, 3, 1)))
    terms, closed = [], []
    for length, holidays in draw(st.lists(st.tuples(st.integers(5, 100), st.integers(0, 60)), min_size=1, max_size=5)):
        last = first + ONE_DAY * length
        terms.append((first, last))
        days = [first + ONE_DAY * i for i in draw(st.lists(st.integers(0, length), min_size=0, max_size=2))]
        closed += [(day, min(day + ONE_DAY * draw(st.integers(0, 9)), last)) for day in days]
        first = last + ONE_DAY * (1 + holidays)
    return terms, closed


def taught(day, terms, closed):
    inside = any(first <= day <= last for first, last in terms)
    return inside and day.weekday() < 5 and not any(first <= day <= last for first, last in closed)


def counted(unit, edge, declared):
    """Whether a day counts towards a span: an edge of a term (0: its first day, 1: its last), or a school day."""
    return lambda day: day in [term[edge] for term in declared[0]] if unit == "T" else taught(day, *declared)


def begins(n, unit, date, declared):
    day, (terms, _), counts = date, declared, counted(unit, 0, declared)
    if date > terms[-1][1] + ONE_DAY:
        return None
    while n:
        day -= ONE_DAY
        if day < terms[0][0]:
            return None
        n -= counts(day)
    return day


def ends(n, unit, date, declared):
    day, (terms, _), counts = date, declared, counted(unit, 1, declared)
    if date < terms[0][0]:
        return None
    while n:
        if day > terms[-1][1]:
            return None
        n -= counts(day)
        day += ONE_DAY
    return day


def over(n, unit, end, declared):
    """The last day (first day of a term) from which a span is over by a date, by trying every one."""
    terms = declared[0]
    days = [terms[0][0] + ONE_DAY * i for i in range((end - terms[0][0]).days)]
    tried = [day for day in days if unit == "S" or day in [first for first, _ in terms]]
    fine = [day for day in tried if (done := ends(n, unit, day, declared)) is not None and done <= end]
    return max(fine, default=terms[0][0] - ONE_DAY)


@settings(deadline=None, max_examples=150)
@given(calendars(), st.integers(1, 60), st.sampled_from("ST"), st.data())
def test_before_after_and_the_last_window_equal_counting_day_by_day(declared, n, unit, data):
    terms = declared[0]
    n = n if unit == "S" else 1 + n % 4
    school, span = SchoolDays.of(*declared), Span(n, unit)
    first, last = terms[0][0] - 9 * ONE_DAY, terms[-1][1] + 9 * ONE_DAY
    dates = data.draw(st.lists(st.dates(first, last), min_size=1, max_size=8))
    for name, naive in (("before", begins), ("after", ends)):
        expected = {date: naive(n, unit, date, declared) for date in dates}
        for date, day in expected.items():
            if day is None:
                with pytest.raises(SpecError, match=f"{span} {name} {date} cannot be told"):
                    getattr(school, name)(span, date)
            else:
                assert getattr(school, name)(span, date).item() == day
                assert 0 < abs((day - date).days) <= span.longest_days
        told = [date for date in dates if expected[date] is not None]
        assert getattr(school, name)(span, as_days(told)).tolist() == [expected[date] for date in told]
    end = min(dates[0], terms[-1][1] + ONE_DAY)
    assert school.latest(span, end).item() == over(n, unit, end, declared)
    assert school.count(first, end) == sum(taught(first + ONE_DAY * i, *declared) for i in range((end - first).days))


EDGES = st.tuples(st.integers(0, 1), st.integers(-3, 3) | st.integers(-40, 40))


@settings(deadline=None, max_examples=400)
@given(calendars(), st.tuples(EDGES, EDGES))
def test_without_a_school_day_nothing_could_happen_and_beyond_the_calendar_august_is_what_is_known(declared, near):
    first, last = declared[0][0][0], declared[0][-1][1]
    start, end = sorted((first, last)[edge] + ONE_DAY * offset for edge, offset in near)
    days = [start + ONE_DAY * i for i in range((end - start).days)]
    possible = [taught(day, *declared) if first <= day <= last else day.month != 8 for day in days]
    numbers = (int(as_days(day).astype(np.int64)) for day in (start, end))
    assert could_be_open(SchoolDays.of(*declared), *numbers) == any(possible)


@pytest.mark.parametrize(
    ("day", "possible"),
    [("2023-09-03", True), ("2023-08-31", False), ("2023-12-22", False), ("2024-12-20", True), ("2024-12-21", True)],
)
def test_the_day_after_the_last_term_is_not_declared(day, possible):
    number = int(as_days(day).astype(np.int64))
    assert could_be_open(SCHOOL.school, number, number + 1) == possible


TERM = {"from": "2024-01-08", "to": "2024-03-28"}


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ({"terms": []}, "at least 1 item"),
        ({"terms": [TERM | {"to": "2024-01-07"}]}, "terms must ascend and not overlap"),
        ({"terms": [TERM, TERM | {"from": "2024-03-28", "to": "2024-04-30"}]}, "terms must ascend and not overlap"),
        ({"terms": [TERM, {"from": "2023-09-04", "to": "2023-12-21"}]}, "terms must ascend and not overlap"),
        ({"terms": [TERM], "closed": ["2024-01-07"]}, "what is closed must lie within one term"),
        ({"terms": [TERM], "closed": ["2024-03-29"]}, "what is closed must lie within one term"),
        (
            {"terms": [TERM], "closed": [{"from": "2024-02-16", "to": "2024-02-12"}]},
            "what is closed must lie within one",
        ),
        (
            {"terms": [TERM, {"from": "2024-04-15", "to": "2024-07-19"}], "closed": [TERM | {"to": "2024-04-15"}]},
            "what is closed must lie within one term",
        ),
        (
            {"terms": [TERM, {"from": "2024-09-15", "to": "2024-12-20"}]},
            "take 267 days; expected: at most 250. Is a term",
        ),
        ({"terms": [TERM | {"to": "2024-12-20"}]}, "take 348 days"),
        ({"terms": [TERM | {"to": "12 weeks"}]}, "not a day"),
        ({"terms": [TERM], "closed": ["2024-02"]}, "not a day"),
        ({"terms": [TERM], "weekends": True}, "Extra inputs are not permitted"),
    ],
)
def test_a_calendar_that_cannot_be_counted_on_is_refused(calendar, message):
    with pytest.raises(ValidationError, match=message):
        Calendar.model_validate(calendar)


def test_three_terms_closed_for_all_of_a_year_are_too_far_apart():
    terms = DECLARED["terms"]
    with pytest.raises(ValidationError, match="school days are too far apart"):
        Calendar.model_validate({"terms": terms, "closed": terms[:3]})


def test_one_day_and_a_stretch_of_that_day_are_the_same_declaration(tmp_path):
    day, stretch = (
        small.spec(calendar={"terms": [TERM], "closed": [closed]})
        for closed in ("2024-02-16", {"from": "2024-02-16", "to": "2024-02-16"})
    )
    assert day.digest == stretch.digest != small.spec().digest
    assert Spec.from_files(day.files(), "here").digest == day.digest
    assert small.spec().diff(day)["path"].tolist() == [
        "calendar.closed[0].from", "calendar.closed[0].to", "calendar.terms[0].from", "calendar.terms[0].to",
    ]  # fmt: skip


def test_without_a_calendar_a_spec_is_written_and_digested_as_it_always_was():
    for declared in (small.spec(), Spec.example("early_help")):
        assert "calendar" not in declared.files()["spec.toml"].decode()
        assert "calendar" not in declared.model_dump(exclude_none=True)


@pytest.mark.parametrize("text", ["3t", "3 t", "60sd", "60 sd", "3 school terms", "5 schooldays"])
def test_terms_and_school_days_are_written_out(text):
    with pytest.raises(ValueError, match=r"no known unit. Write days, weeks, months, years, terms or school days\."):
        Span.parse(text)


@pytest.mark.parametrize(("text", "short"), [("3 terms", "3t"), ("1 term", "1t"), ("60 School  days", "60sd")])
def test_terms_and_school_days_are_read_and_written(text, short):
    span = Span.parse(text.replace("  ", " "))
    assert (span.short, Span.parse(str(span))) == (short, span)


def test_what_needs_a_calendar_says_so_and_no_terms_are_no_length():
    with pytest.raises(ValueError, match=r"'3 terms' needs a school calendar\. Ask Spec.before or Spec.after"):
        small.spec().before(Span.parse("3 terms"), "2024-01-01")
    with pytest.raises(ValueError, match=r"a length of no terms holds nothing\. Write at least '1 term'"):
        Span.parse("0 terms")
    with pytest.raises(ValueError, match="from 0 days to 200 years"):
        Span.parse("601 terms")
    with pytest.raises(ValueError, match="'6m' is ambiguous"):
        Span.parse("6m")


STEADY = "is of another length on every date.*Write days, weeks, months or years"


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome.embargo": "1 term"},
        {"outcome.reporting_lag": "5 school days"},
        {"indicators.suspension.expires_after": "3 terms"},
        {"retention.release": "3 terms"},
        {"splits": {"first": "2023-09-04", "update_every": "1 term"}},
        {"splits": {"first": "2023-09-04", "update_every": "1 year", "train_every": "1 term"}},
        {"splits": {"first": "2023-09-04", "update_every": "1 year", "max_history": "60 school days"}},
    ],
    ids=str,
)
def test_a_step_a_lag_an_expiry_and_a_retention_are_never_in_terms(changes):
    with pytest.raises(ValidationError, match=STEADY):
        small.spec(calendar=DECLARED, **changes)


@pytest.mark.parametrize("name", ["update_every", "train_every", "max_history", "embargo", "reporting_lag"])
def test_split_functions_refuse_them_too(name):
    rule = {"first": "2020-01-01", "update_every": "1 year", "horizon": "1 year"} | {name: "3 terms"}
    with pytest.raises(ValueError, match=STEADY):
        temporal_splits(label_end="2024-09-01", **rule)
    with pytest.raises(ValueError, match="'3 terms' needs a school calendar"):
        Splits.on_dates(["2020-01-01", "2021-01-01"], label_end="2024-09-01", horizon="3 terms")


RATE = {"indicators": ["suspension"], "measures": ["rate"], "windows": ["1 term"], "rationale": small.BECAUSE}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"features": grid("count", windows=("1 year", "3 terms"))},
            r"^features\[0\].windows: '3 terms' is counted on a",
        ),
        ({"outcome.horizon": "60 school days"}, "^outcome excluded: horizon: '60 school days' is counted on a school"),
        (
            {"cohort.entry": [{"indicator": "suspension", "window": "1 term"}]},
            "^cohort.entry: '1 term' is counted on a school calendar, and none is declared. Declare .calendar. with",
        ),
        (
            {"features": [RATE | {"windows": ["1 year"]}]},
            "^features: suspension_rate_12m needs to know how many sessions were possible.*Declare .calendar.",
        ),
        (
            {"features": [RATE], "calendar": DECLARED},
            "^features: suspension_rate_1t: feed exclusions is not about school sessions.*calendar = 'term_time'",
        ),
        (
            {"features": [RATE], "calendar": DECLARED, "indicators.suspension.value": None},
            "^features: suspension_rate_1t needs a value",
        ),
    ],
)
def test_a_spec_is_refused_without_what_terms_and_rates_are_counted_on(changes, message):
    with pytest.raises(SpecError, match=message):
        small.spec(**changes)


def in_term_time(**changes):
    schema = copy.deepcopy(small.SCHEMAS["exclusions"])
    schema["x-vru"].update(calendar="term_time")
    return spec(calendar=DECLARED, schemas={"exclusions": schema}, **changes)


SAID = """
    person_id | indicator  | event_date | known_date | value
    a         | suspension | 2023-12-21 | 2023-12-21 | 3
    a         | suspension | 2024-01-08 | 2024-01-09 | 4
    a         | suspension | 2024-02-09 | 2024-02-10 | 2
    a         | suspension | 2024-02-28 | 2024-02-28 |
    b         | suspension | 2023-09-04 | 2023-09-05 | 1
"""


def test_features_over_terms_and_school_days():
    held = events(SAID)
    declared = spec(calendar=DECLARED, features=grid("count", windows=("1 term", "1 school day", "1 month")))
    asked = """
        person_id | as_of      | suspension_count_1t | suspension_count_1sd | suspension_count_1m
        a         | 2024-01-08 | 1                   | 1                    | 1
        a         | 2024-01-09 | 0                   | 0                    | 1
        a         | 2024-02-14 | 2                   | 1                    | 1
        a         | 2024-02-29 | 3                   | 1                    | 2
        a         | 2024-03-01 | 3                   | 0                    | 2
        a         | 2024-04-15 | 3                   | 0                    | 0
        a         | 2024-04-16 | 0                   | 0                    | 0
        a         | 2024-08-15 | 0                   | 0                    | 0
        b         | 2024-01-08 | 1                   | 0                    | 0
    """
    assert answered(asked, held, declared) == rows(asked)


def test_a_trend_over_terms_compares_with_as_many_terms_before_and_none_is_a_longest_window_ago():
    asked = """
        person_id | as_of      | suspension_trend_1t | suspension_days_since_last_1t | suspension_count_1t
        a         | 2024-03-29 | 2                   | 30                            | 3
        a         | 2024-04-16 | -3                  | 250                           | 0
        b         | 2024-03-29 | -1                  | 250                           | 0
        b         | 2024-04-16 |                     | 250                           | 0
    """
    measures = ("count", "trend", "days_since_last")
    declared = spec(calendar=DECLARED, features=grid(*measures, windows=("1 term",)))
    assert answered(asked, events(SAID), declared) == rows(asked)


def test_a_rate_is_the_sum_of_sessions_over_those_that_were_possible_to_everybody_in_view():
    # From 8 January 2024 to 9 February there are 25 school days, to 28 March 54 (half-term is closed).
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
        s2       | b         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
        s3       | came      | E01  | 2010-01-01  | 2024-01-09 |          | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_1t   | suspension_rate_1t | suspension_sum_1t | suspension_rate_2sd
        a         | 2024-02-14 | observed        | 0.12               | 6                 | 0.5
        a         | 2024-03-29 | observed        | 0.0555556          | 6                 | 0
        b         | 2024-03-29 | none_recorded   | 0                  | 0                 | 0
        came      | 2024-03-29 | partly_observed |                    |                   | 0
    """
    features = grid("rate", "sum", windows=("1 term", "2 school days"))
    declared = in_term_time(features=features)
    held = events(SAID, spells=spells)
    assert answered(asked, held, declared) == rows(asked)
    found = explain_feature(declared, held, "a", "2024-02-14", "suspension_rate_1t")
    assert (found.value, found.events["value"].tolist()) == (np.float32(0.12), [4, 2])


def test_a_rate_over_days_that_the_calendar_does_not_declare_is_refused():
    # From 4 September 2023 there are 79 weekdays of autumn and 40 of spring, less 5 of each half-term: 218 sessions.
    declared = in_term_time(features=[RATE | {"windows": ["6 months"]}])
    asked = """
        person_id | as_of      | suspension_rate_6m
        a         | 2024-03-04 | 0.0412844
    """
    assert answered(asked, events(SAID), declared) == rows(asked)
    for as_of, until in (("2024-03-03", "2023-09-03 to 2024-03-03"), ("2024-12-22", "2024-06-22 to 2024-12-22")):
        with pytest.raises(SpecError, match=f"calendar: sessions from {until} cannot be told from the terms declared"):
            answered(f"person_id | as_of | suspension_rate_6m\n a | {as_of} |", events(SAID), declared)


def test_a_window_beyond_the_calendar_on_an_as_of_date_is_refused():
    declared = spec(calendar=DECLARED, features=grid("count", windows=("3 terms",)))
    with pytest.raises(SpecError, match="calendar: 3 terms before 2024-03-01 cannot be told"):
        answered("person_id | as_of | suspension_count_3t\n a | 2024-03-01 |", events(SAID), declared)


def test_without_a_school_day_nothing_of_term_time_could_happen():
    spells = """
        spell_id | person_id | area | birth_month | start_date | end_date | known_date
        s1       | a         | E01  | 2010-01-01  | 2015-01-01 |          | 2015-01-01
    """
    asked = """
        person_id | as_of      | exclusions_7d  | missing_7d    | suspension_count_7d
        a         | 2024-02-16 | none_recorded  | none_recorded | 0
        a         | 2024-02-17 | not_applicable | none_recorded |
        a         | 2024-02-19 | not_applicable | none_recorded |
        a         | 2024-02-20 | none_recorded  | none_recorded | 0
        a         | 2024-07-26 | none_recorded  | none_recorded | 0
        a         | 2024-07-27 | not_applicable | none_recorded |
        a         | 2024-09-02 | not_applicable | none_recorded |
        a         | 2024-09-03 | none_recorded  | none_recorded | 0
        a         | 2023-08-20 | not_applicable | none_recorded |
        a         | 2023-07-28 | none_recorded  | none_recorded | 0
        a         | 2025-02-16 | none_recorded  | none_recorded | 0
    """
    features = grid("count", of=("suspension", "missing_episode"), windows=("7 days",))
    assert answered(asked, events(nothing(), spells=spells), in_term_time(features=features)) == rows(asked)


def test_rules_of_the_cohort_look_back_over_terms():
    declared = spec(calendar=DECLARED, **{"cohort.routed": [{"indicator": "suspension", "window": "1 term"}]})
    asked = """
        person_id | as_of      | cohort
        b         | 2024-01-08 | routed
        b         | 2024-01-09 | eligible
    """
    assert answered(asked, events(SAID), declared) == rows(asked)


def test_labels_over_terms():
    said = """
        person_id | indicator           | event_date | known_date
        a         | permanent_exclusion | 2024-03-28 | 2024-04-01
        b         | permanent_exclusion | 2024-03-29 | 2024-04-01
        c         | permanent_exclusion | 2024-04-15 | 2024-04-20
    """
    asked = """
        person_id | as_of      | y
        a         | 2024-01-08 | 1
        b         | 2024-01-08 | 0
        b         | 2024-03-29 | 1
        c         | 2024-01-08 | 0
        c         | 2024-03-28 | 0
        c         | 2024-03-29 | 1
    """
    declared = spec(calendar=DECLARED, **{"outcome.horizon": "1 term"})
    assert answered(asked, events(said), declared) == rows(asked)


YEARS = [(("09-03", "12-18"), ("01-04", "03-26"), ("04-12", "07-20")) for _ in range(5)]


def five_years():
    """Three terms a year from September 2020 to July 2025."""
    terms = []
    for i, (autumn, spring, summer) in enumerate(YEARS):
        for year, (first, last) in ((2020 + i, autumn), (2021 + i, spring), (2021 + i, summer)):
            terms.append({"from": f"{year}-{first}", "to": f"{year}-{last}"})
    return {"terms": terms}


def test_a_rule_with_a_horizon_in_terms_steps_back_from_the_first_day_of_a_term():
    rule = {"first": dt.date(2021, 1, 4), "update_every": "1 year"}
    outcome = {"outcome.horizon": "2 terms", "outcome.reporting_lag": "1 month"}
    declared = small.spec(calendar=five_years(), splits=rule, **outcome)
    splits = splits_of(declared, "2024-09-01")
    assert [(s.name, [str(d) for d in s.train]) for s in splits] == [
        ("2022-01-04", ["2021-01-04"]),
        ("2023-01-04", ["2021-01-04", "2022-01-04"]),
        ("2024-01-04", ["2021-01-04", "2022-01-04", "2023-01-04"]),
    ]
    (ax,) = splits.plot(horizon=horizon_of(declared), reporting_lag="1 month").axes
    bars = [b for c in ax.containers if c.get_label() == "outcomes it is judged by" for b in c]
    drawn = [str(np.datetime64("1970-01-01") + round(b.get_x() + b.get_width())) for b in bars]
    assert drawn == ["2022-07-21", "2023-07-21", "2024-07-21"]


@settings(deadline=None, max_examples=80)
@given(
    st.dates(dt.date(2023, 1, 1), dt.date(2025, 7, 21)),
    st.sampled_from(["1 term", "2 terms", "3 terms", "1 school day", "60 school days"]),
    st.sampled_from(["0 days", "2 weeks", "1 month"]),
    st.sampled_from(["3 months", "1 year", "5 weeks"]),
)
def test_whatever_the_rule_labels_over_terms_are_complete_and_train_before_the_test(end, horizon, around, step):
    rule = {"first": dt.date(2021, 4, 1), "update_every": step, "train_every": "1 month"}
    outcome = {"outcome.horizon": horizon, "outcome.embargo": around, "outcome.reporting_lag": around}
    declared = small.spec(calendar=five_years(), splits=rule, **outcome)
    splits, gap = splits_of(declared, end), Span.parse(around)

    def complete(date):
        return gap.after(declared.after(declared.outcome.horizon, gap.after(date)))

    for split in splits:
        assert complete(split.test) <= as_days(end)
        assert max(complete(date) for date in split.train) <= split.test
        assert split.train[0] >= as_days(rule["first"])


def test_splits_beyond_the_calendar_are_refused():
    declared = small.spec(
        calendar=five_years(), splits={"as_of": ["2024-09-03", "2025-04-01"]}, **{"outcome.horizon": "2 terms"}
    )
    with pytest.raises(SpecError, match="calendar: 2 terms after 2025-04-01 cannot be told"):
        splits_of(declared, "2025-07-20")
    rule = {"first": dt.date(2021, 1, 4), "update_every": "1 year"}
    with pytest.raises(SpecError, match="calendar: 2 terms over by 2025-07-22 cannot be told"):
        splits_of(
            small.spec(
                calendar=five_years(), splits=rule, **{"outcome.horizon": "2 terms", "outcome.reporting_lag": "0 days"}
            ),
            "2025-07-22",
        )


def test_the_whole_way_in_terms(tmp_path):
    splits = {"as_of": [dt.date(2021, 9, 3), dt.date(2022, 9, 3), dt.date(2023, 9, 3), dt.date(2024, 1, 4)]}
    schema = copy.deepcopy(small.SCHEMAS["exclusions"])
    schema["x-vru"].update(calendar="term_time")
    declared = worlds.spec(
        calendar=five_years(),
        splits=splits,
        schemas={"exclusions": schema},
        features=[
            *grid("count", "trend", of=("suspension", "missing_episode"), windows=("1 term", "30 school days")),
            *grid("rate", windows=("1 term",)),
        ],
        **{"outcome.horizon": "2 terms"},
    )
    made = worlds.made(tmp_path, declared=declared)
    assert made.run.sealed == "2024-01-04"
    assert {"suspension_rate_1t", "missing_episode_trend_30sd"} <= set(made.built.data.X)
    assert not made.built.data.X["suspension_rate_1t"].isna().all()
    near = {"2024-01-04": True, "2023-12-18": True, "2023-09-03": True, "2023-04-12": False, "2024-07-20": True}
    assert {date: shares_outcomes(made.run, date) for date in near} == near
    assert not shares_outcomes(made.run, "2020-01-01")
    made.approved()
    release = Release.load(tmp_path / "release", trusted=tmp_path / "trust.toml")
    assert release.spec.digest == declared.digest
    told = {day: _learnt(release, as_days(day)) for day in ("2024-07-20", "2024-07-21")}
    assert [finding.status for finding in told.values()] == ["fail", "pass"]
    assert "outcomes up to 2024-07-21" in told["2024-07-21"].message
