from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score

from vru_models.errors import DataError
from vru_models.spec.calendar import Span, as_days
from vru_models.splits import Split, Splits, splits_of, temporal_splits


def train_of(splits):
    return [(s.name, str(s.train[0]), str(s.train[-1]), len(s.train)) for s in splits]


def counts_of(splits):
    return [(s.name, len(s.train)) for s in splits]


# triage's worked examples, where its dates and the strict rule agree. There a split is used for a stated time after its
# test date; here it has one test date, so the data end that much earlier.

A = {"first": "2012-01-01", "update_every": "1 year", "train_every": "1 month", "horizon": "6 months"}


def test_triage_a_yearly_splits_with_two_years_of_monthly_training_dates():
    assert train_of(temporal_splits(label_end="2017-04-01", max_history="2 years", **A)) == [
        ("2012-10-01", "2012-01-01", "2012-04-01", 4),
        ("2013-10-01", "2012-01-01", "2013-04-01", 16),
        ("2014-10-01", "2012-04-01", "2014-04-01", 25),
        ("2015-10-01", "2013-04-01", "2015-04-01", 25),
        ("2016-10-01", "2014-04-01", "2016-04-01", 25),
    ]


def test_triage_a_with_daily_training_dates():
    rule = A | {"train_every": "1 day"}
    splits = temporal_splits(label_end="2017-04-01", max_history="2 years", **rule)
    assert [len(s.train) for s in splits] == [92, 457, 731, 731, 732]


def test_triage_b_the_first_date_has_no_training_and_is_dropped_with_the_reason():
    splits = temporal_splits(label_end="2017-07-01", max_history="2 years", **A)
    assert counts_of(splits) == [
        ("2013-01-01", 7),
        ("2014-01-01", 19),
        ("2015-01-01", 25),
        ("2016-01-01", 25),
        ("2017-01-01", 25),
    ]
    assert splits.dropped == (("2012-01-01", "no earlier as-of date had complete labels by then"),)


def test_triage_c_without_history_each_split_has_one_training_date():
    splits = temporal_splits(label_end="2017-04-01", max_history="0 days", **A)
    assert train_of(splits) == [
        ("2012-10-01", "2012-04-01", "2012-04-01", 1),
        ("2013-10-01", "2013-04-01", "2013-04-01", 1),
        ("2014-10-01", "2014-04-01", "2014-04-01", 1),
        ("2015-10-01", "2015-04-01", "2015-04-01", 1),
        ("2016-10-01", "2016-04-01", "2016-04-01", 1),
    ]


def test_triage_d_training_dates_every_five_months():
    rule = A | {"train_every": "5 months"}
    splits = temporal_splits(label_end="2017-03-01", max_history="2 years", **rule)
    assert counts_of(splits) == [
        ("2012-09-01", 1),
        ("2013-09-01", 3),
        ("2014-09-01", 5),
        ("2015-09-01", 5),
        ("2016-09-01", 5),
    ]


def test_triage_f_weeks():
    rule = {"first": "2016-01-04", "update_every": "13 weeks", "train_every": "1 week", "horizon": "4 weeks"}
    splits = temporal_splits(label_end="2016-12-05", max_history="26 weeks", **rule)
    assert counts_of(splits) == [("2016-02-08", 2), ("2016-05-09", 15), ("2016-08-08", 27), ("2016-11-07", 27)]


def test_triage_g_one_month_ahead():
    rule = {"first": "2014-06-01", "update_every": "1 year", "train_every": "1 month", "horizon": "1 month"}
    splits = temporal_splits(label_end="2018-06-01", max_history="5 years", **rule)
    assert counts_of(splits) == [("2015-05-01", 11), ("2016-05-01", 23), ("2017-05-01", 35), ("2018-05-01", 47)]


# The strict rule


def test_month_ends_are_counted_from_the_anchor_and_do_not_drift():
    splits = temporal_splits(
        label_end="2017-09-30",
        first="2016-12-31",
        update_every="1 month",
        horizon="1 month",
        max_history="3 months",
    )
    assert train_of(splits)[-3:] == [
        ("2017-06-30", "2017-02-28", "2017-05-30", 4),
        ("2017-07-30", "2017-03-30", "2017-06-30", 4),
        ("2017-08-30", "2017-04-30", "2017-07-30", 4),
    ]


def test_after_february_the_month_end_comes_back():
    splits = temporal_splits(label_end="2017-06-07", first="2017-01-01", update_every="1 month", horizon="1 week")
    assert splits.dates[-1] == as_days("2017-05-31")
    names = ["2017-01-31", "2017-02-28", "2017-03-31", "2017-04-30", "2017-05-31"]
    assert [s.name for s in splits] == names


def test_a_leap_day_is_a_test_date_like_any_other():
    splits = temporal_splits(label_end="2025-02-28", first="2021-01-01", update_every="1 year", horizon="1 year")
    assert train_of(splits) == [
        ("2022-02-28", "2021-02-28", "2021-02-28", 1),
        ("2023-02-28", "2021-02-28", "2022-02-28", 2),
        ("2024-02-28", "2021-02-28", "2023-02-28", 3),
    ]
    leap = Splits.on_dates(["2022-02-28", "2023-02-28", "2024-02-29"], label_end="2025-02-28", horizon="1 year")
    assert counts_of(leap) == [("2023-02-28", 1), ("2024-02-29", 2)]


def test_embargo_horizon_and_lag_all_pass_before_a_label_trains():
    spans = {"embargo": "2 months", "horizon": "6 months", "reporting_lag": "1 month"}
    dates = ["2023-12-31", "2024-01-01", "2024-01-02", "2024-10-01"]
    splits = Splits.on_dates(dates, label_end="2025-07-01", **spans)
    assert train_of(splits) == [("2024-10-01", "2023-12-31", "2024-01-01", 2)]


def test_dropped_test_dates_say_why():
    spans = {"horizon": "6 months", "reporting_lag": "1 month"}
    dates = ["2023-01-01", "2023-08-01", "2024-03-01", "2024-03-02"]
    splits = Splits.on_dates(dates, label_end="2024-10-01", **spans)
    assert counts_of(splits) == [("2023-08-01", 1), ("2024-03-01", 2)]
    assert splits.dropped == (
        ("2023-01-01", "no earlier as-of date had complete labels by then"),
        ("2024-03-02", "its labels are complete only on 2024-10-02, after the data end"),
    )


def test_explicit_dates_may_come_in_any_order_and_more_than_once():
    dates = ["2023-09-01", dt.date(2022, 9, 1), np.datetime64("2023-09-01")]
    splits = Splits.on_dates(dates, label_end="2024-09-01", horizon="1 year")
    assert train_of(splits) == [("2023-09-01", "2022-09-01", "2022-09-01", 1)]


def test_the_most_recent_splits_keep_their_whole_training_history():
    splits = temporal_splits(label_end="2017-07-01", **A)
    last = splits.most_recent(2)
    assert counts_of(last) == counts_of(splits)[-2:] == [("2016-01-01", 43), ("2017-01-01", 55)]
    assert last.dropped[1:] == tuple(
        (f"{year}-01-01", "only the 2 most recent splits were asked for") for year in (2013, 2014, 2015)
    )
    assert splits.most_recent(9) == splits


def test_the_last_split_is_sealed_and_the_frame_says_so():
    splits = Splits.on_dates(["2021-09-01", "2022-09-01", "2023-09-01"], label_end="2024-09-01", horizon="1 year")
    assert splits.sealed.name == "2023-09-01"
    assert splits.frame().astype({"as_of": str}).to_numpy().tolist() == [
        ["2022-09-01", "train", "2021-09-01", False],
        ["2022-09-01", "test", "2022-09-01", False],
        ["2023-09-01", "train", "2021-09-01", True],
        ["2023-09-01", "train", "2022-09-01", True],
        ["2023-09-01", "test", "2023-09-01", True],
    ]


def test_splits_are_a_cross_validation_for_scikit_learn():
    splits = Splits.on_dates(["2021-09-01", "2022-09-01", "2023-09-01"], label_end="2024-09-01", horizon="1 year")
    dates = pd.to_datetime(["2021-09-01"] * 2 + ["2022-09-01"] * 2 + ["2023-09-01"] * 2)
    index = pd.MultiIndex.from_arrays([list("ababab"), dates], names=["person_id", "as_of"])
    X, y = pd.DataFrame({"x": range(6)}, index=index), [0, 1, 0, 1, 0, 0]
    pairs = [(train.tolist(), test.tolist()) for train, test in splits.split(X)]
    assert pairs == [([0, 1], [2, 3]), ([0, 1, 2, 3], [4, 5])]
    assert splits.get_n_splits() == len(splits) == 2
    assert cross_val_score(DummyClassifier(strategy="prior"), X, y, cv=splits).tolist() == [0.5, 1.0]


def test_a_specs_rule_is_read_with_its_outcome():
    splits = splits_of(small.spec(), "2024-09-01")
    assert counts_of(splits) == [("2023-09-01", 1)]
    rule = {"first": dt.date(2020, 9, 1), "update_every": "1 year", "most_recent": 1}
    assert counts_of(splits_of(small.spec(splits=rule), "2024-09-01")) == [("2024-02-01", 3)]


def test_without_splits_the_reasons_are_the_error():
    none = Splits.on_dates(["2023-09-01", "2024-03-01"], label_end="2024-09-01", horizon="1 year")
    message = (
        r"splits: none is possible \(2023-09-01: no earlier as-of date had complete labels by then; "
        "2024-03-01: its labels are complete only on 2025-03-01, after the data end.*earlier dates or a shorter horizon"
    )
    with pytest.raises(DataError, match=message):
        none.required()
    with pytest.raises(DataError, match=r"none is possible \(no as-of date fits\)"):
        _ = Splits(()).sealed


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"horizon": "0 days"}, "a horizon of zero holds no outcome. Expected: at least 1 day"),
        ({"update_every": "0 days"}, "a step of zero never arrives"),
        ({"train_every": "0 days"}, "a step of zero never arrives"),
        ({"horizon": "6m"}, "'6m' is ambiguous"),
    ],
)
def test_a_rule_that_leads_nowhere_is_refused(rule, message):
    sound = {"first": "2020-01-01", "update_every": "1 year", "horizon": "1 year"}
    with pytest.raises(ValueError, match=message):
        temporal_splits(label_end="2024-09-01", **(sound | rule))


@pytest.mark.parametrize("train", [(), ("2024-01-01",), ("2023-01-01", "2024-01-02")])
def test_a_split_needs_training_dates_before_its_test_date(train):
    dates = tuple(as_days(d) for d in train)
    with pytest.raises(ValueError, match="a split needs training dates, all before its test date"):
        Split(dates, as_days("2024-01-01"))


SPANS = st.builds(lambda n, unit: f"{n} {unit}", st.integers(0, 14), st.sampled_from(["days", "weeks", "months"]))
STEPS = st.builds(lambda n, unit: f"{n} {unit}", st.integers(1, 14), st.sampled_from(["weeks", "months"]))


@settings(deadline=None, max_examples=100)
@given(st.dates(dt.date(2019, 1, 1), dt.date(2022, 12, 31)), SPANS, STEPS, SPANS, STEPS, st.none() | SPANS)
def test_whatever_the_rule_every_training_label_is_complete_on_the_test_date(end, embargo, horizon, lag, step, history):
    rule = {"embargo": embargo, "horizon": horizon, "reporting_lag": lag, "update_every": step}
    splits = temporal_splits(label_end=end, first="2016-01-31", max_history=history, train_every="1 month", **rule)

    def complete(date):
        for span in (embargo, horizon, lag):
            date = Span.parse(span).after(date)
        return date

    for split in splits:
        assert complete(split.test) <= as_days(end)
        assert max(complete(date) for date in split.train) <= split.test
        assert list(split.train) == sorted(set(split.train))
        assert split.train[0] >= as_days("2016-01-31")
    assert [s.test for s in splits] == sorted({s.test for s in splits})


def test_the_plot_has_a_line_per_split_and_its_outcome_windows_end_where_they_are_said_to():
    rule = {"horizon": "6 months", "embargo": "2 months", "reporting_lag": "1 month"}
    splits = temporal_splits(label_end="2026-11-01", first="2023-11-01", update_every="6 months", **rule)
    (ax,) = splits.plot(**rule).axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        *(s.name for s in splits.items[:-1]), f"{splits.sealed.name}\n(sealed)",
    ]  # fmt: skip
    bars = [b for c in ax.containers if c.get_label() == "outcomes it is judged by" for b in c]
    ends = [str(np.datetime64("1970-01-01") + round(b.get_x() + b.get_width())) for b in bars]
    assert ends == ["2025-04-01", "2025-10-01", "2026-04-01", "2026-10-01"]
    assert len([c for c in splits.plot(horizon="6 months").axes[0].containers if "embargo" in c.get_label()]) == 0


GROUPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), min_size=1, max_size=30)


@given(GROUPS)
def test_rows_that_share_a_group_with_a_test_row_are_in_no_training_and_every_group_is_left_out_once(drawn):
    dates = [as_days(f"2020-0{month}-01") for month in (1, 4, 7)]
    splits = Splits((Split((dates[0],), dates[1]), Split((dates[0], dates[1]), dates[2])))
    when, groups = [dates[i] for i, _ in drawn], [group for _, group in drawn]
    index = pd.MultiIndex.from_arrays([range(len(drawn)), pd.DatetimeIndex(when)], names=["person_id", "as_of"])
    X = pd.DataFrame(index=index)
    expected, apart = [], []
    for item in splits:
        test = [i for i, date in enumerate(when) if date == item.test]
        train = [i for i, date in enumerate(when) if date in item.train]
        expected.append(([i for i in train if groups[i] not in {groups[j] for j in test}], test))
        for group in sorted({groups[j] for j in test}):
            others = [i for i in train if groups[i] != group]
            apart += [(others, [j for j in test if groups[j] == group])] if others else []
    assert [(a.tolist(), b.tolist()) for a, b in splits.split(X, groups=groups)] == expected
    assert [(a.tolist(), b.tolist()) for a, b in splits.leave_one_out(X, groups)] == apart
