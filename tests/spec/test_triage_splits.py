"""triage's worked examples and edge cases, as its own Timechop gave them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vru_models.spec.calendar import Span, as_day
from vru_models.splits import triage_splits

A = {
    "label_start": "2012-01-01",
    "label_end": "2017-07-01",
    "feature_start": "1995-01-01",
    "feature_end": "2017-07-01",
    "model_update_frequency": "1 year",
    "training_label_timespan": "6 months",
    "test_label_timespan": "6 months",
    "max_training_history": "2 years",
    "test_duration": "3 months",
    "training_as_of_date_frequency": "1 month",
    "test_as_of_date_frequency": "1 month",
}


def counts(splits):
    return [(str(s.time), len(s.train), len(s.test)) for s in splits]


def test_a():
    splits = triage_splits(**A)
    assert [(str(s.train[0]), str(s.train[-1]), len(s.train)) for s in splits] == [
        ("2012-01-01", "2012-04-01", 4),
        ("2012-01-01", "2013-04-01", 16),
        ("2012-04-01", "2014-04-01", 25),
        ("2013-04-01", "2015-04-01", 25),
        ("2014-04-01", "2016-04-01", 25),
    ]
    assert [[str(d) for d in s.test] for s in splits] == [
        [f"{year}-10-01", f"{year}-11-01", f"{year}-12-01"] for year in range(2012, 2017)
    ]


def test_a_with_daily_training_dates():
    splits = triage_splits(**A | {"training_as_of_date_frequency": "1 day"})
    assert [len(s.train) for s in splits] == [92, 457, 731, 731, 732]


def test_b_one_test_date():
    assert counts(triage_splits(**A | {"test_duration": "0 days"})) == [
        (f"{year}-01-01", n, 1) for year, n in zip(range(2013, 2018), (7, 19, 25, 25, 25), strict=True)
    ]


def test_c_no_history_is_one_training_date_six_months_before():
    splits = triage_splits(**A | {"max_training_history": "0 days"})
    assert [[str(d) for d in s.train] for s in splits] == [[f"{year}-04-01"] for year in range(2012, 2017)]


def test_d_the_duration_is_exclusive():
    splits = triage_splits(
        **A
        | {
            "training_as_of_date_frequency": "5 months",
            "test_as_of_date_frequency": "3 months",
            "test_duration": "4 months",
        }
    )
    assert [(str(s.time), len(s.train), [str(d) for d in s.test]) for s in splits] == [
        (f"{year}-09-01", n, [f"{year}-09-01", f"{year}-12-01"])
        for year, n in zip(range(2012, 2017), (1, 3, 5, 5, 5), strict=True)
    ]


def test_f_weeks():
    splits = triage_splits(
        label_start="2016-01-04",
        label_end="2017-01-02",
        model_update_frequency="13 weeks",
        training_label_timespan="4 weeks",
        test_label_timespan="4 weeks",
        test_duration="4 weeks",
        max_training_history="26 weeks",
        training_as_of_date_frequency="1 week",
        test_as_of_date_frequency="2 weeks",
    )
    assert counts(splits) == [("2016-02-08", 2, 2), ("2016-05-09", 15, 2), ("2016-08-08", 27, 2), ("2016-11-07", 27, 2)]


def test_h_school_years_fall_on_the_last_day_of_the_month():
    splits = triage_splits(
        label_start="2016-09-01",
        label_end="2023-07-31",
        model_update_frequency="1 year",
        training_label_timespan="1 year",
        test_label_timespan="1 year",
        max_training_history="5 years",
        training_as_of_date_frequency="4 months",
    )
    assert counts(splits) == [(f"{2018 + i}-07-31", 3 * (i + 1), 1) for i in range(5)]
    assert [str(d) for d in splits[0].train] == ["2016-11-30", "2017-03-31", "2017-07-31"]
    assert str(splits[1].train[2]) == "2017-07-30"  # 30 November is felt from there on


DRIFT = {
    "label_start": "2016-09-01",
    "label_end": "2017-08-31",
    "model_update_frequency": "1 month",
    "training_label_timespan": "1 month",
    "test_label_timespan": "0 days",
    "max_training_history": "3 months",
    "training_as_of_date_frequency": "1 month",
}


def test_month_ends_drift_as_they_do_there():
    splits = triage_splits(**DRIFT)
    times = [str(s.time) for s in splits]
    assert times == [
        "2016-10-28", "2016-11-28", "2016-12-28", "2017-01-28", "2017-02-28",
        "2017-03-30", "2017-04-30", "2017-05-30", "2017-06-30", "2017-07-31", "2017-08-31",
    ]  # fmt: skip
    assert len(splits[times.index("2017-04-30")].train) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_update_frequency": "0 days"}, "a frequency of zero never arrives"),
        ({"training_as_of_date_frequency": "0 days"}, "a frequency of zero never arrives"),
        ({"test_label_timespan": "6m"}, "'6m' is ambiguous"),
        ({"test_label_timespan": "1.5 years"}, "not a length of time"),
        ({"feature_end": "2016-12-31"}, "is after feature_end"),
        ({"label_start": "2018-01-01"}, "label_start 2018-01-01 is after label_end"),
        ({"label_start": "2016-08-31"}, "no split fits"),
    ],
)
def test_what_triage_refuses_or_never_ends_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        triage_splits(**A | change)


@pytest.mark.parametrize(
    ("start", "span", "end"), [("2016-08-31", "6 months", "2017-02-28"), ("2016-02-29", "1 year", "2017-02-28")]
)
def test_a_first_split_that_no_training_date_leads_to_is_refused(start, span, end):
    spans = {"training_label_timespan": span, "test_label_timespan": "0 days"}
    with pytest.raises(ValueError, match="no training date"):
        triage_splits(label_start=start, label_end="2017-02-28", **spans)


def test_a_longer_step_than_the_duration_leaves_the_split_time_alone():
    assert {len(s.test) for s in triage_splits(**A | {"test_as_of_date_frequency": "4 months"})} == {1}


def test_a_key_that_is_not_one_is_refused():
    with pytest.raises(TypeError, match="horizon not known"):
        triage_splits(**A, horizon="6 months")


SPANS = st.sampled_from(["1 month", "2 months", "6 months", "1 year", "30 days", "13 weeks"])


@given(SPANS, SPANS, SPANS, SPANS, SPANS, SPANS, st.integers(0, 400))
def test_what_holds_of_every_split(update, train_span, test_span, history, step, duration, shift):
    start = as_day("2012-01-01") + shift
    rule = {"label_start": start, "label_end": as_day("2017-07-01"), "model_update_frequency": update}
    rule |= {"training_label_timespan": train_span, "test_label_timespan": test_span, "test_duration": duration}
    rule |= {"max_training_history": history, "training_as_of_date_frequency": step, "test_as_of_date_frequency": step}
    if shift > 28:  # a first day of a month is the end of no clipped one
        rule["label_start"] = start = start.astype("datetime64[M]").astype("datetime64[D]")
    try:
        splits = triage_splits(**rule)
    except ValueError:
        splits = ()
    assert splits or start != start.astype("datetime64[M]").astype("datetime64[D]")
    labels = Span.parse(train_span)
    for split in splits:
        assert labels.after(max(split.train)) <= split.time == min(split.test)
        assert start <= min(split.train) <= max(split.train) <= labels.before(split.time)
        assert Span.parse(test_span).after(max(split.test)) <= as_day("2017-07-01") + 3
    times = [split.time for split in splits]
    assert times == sorted(times)
    assert all(Span.parse(update).before(b) == a for a, b in pairwise(times))
