import datetime as dt

import numpy as np
import pytest
import small
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vru_models.splits import splits_of
from vru_models.splits.allowed import allowed, data_needed

END = np.datetime64("2024-09-01")
YEAR = [dt.date(2020 + i // 2, 3 + 6 * (i % 2), 1) for i in range(7)]


def declared(**splits):
    return small.spec(splits=splits, **{"outcome.horizon": "5 months", "outcome.embargo": "1 month"})


def said(spec, end=END):
    return allowed(spec, end, enough=3)


def test_many_splits_and_reasons_are_told_by_the_first_and_the_last():
    found = said(declared(first=dt.date(2020, 1, 1), update_every="1 month"))
    assert found.status == "pass"
    assert found.message == (
        "43 possible with data until 2024-09-01, tested on (training dates): "
        "2020-08-01 (1) to 2024-02-01 (43, sealed). "
        "Not 7 dates from 2020-01-01 to 2020-07-01: no earlier as-of date had complete labels by then. "
        "With data until 2024-10-01 there would be 44"
    )


def test_fewer_than_three_say_when_there_would_be_three():
    found = said(declared(first=dt.date(2023, 1, 1), update_every="6 months"))
    assert found.status == "cannot tell"
    assert ". 3 are needed to see how choosing a model holds up. With data until 2025-" in found.message
    assert found.message.endswith("there would be 3")


def test_no_split_says_so_and_from_when_there_would_be_three():
    found = said(declared(first=dt.date(2024, 6, 1), update_every="6 months"))
    assert found.status == "fail"
    assert found.message.startswith(
        "none possible with data until 2024-09-01. No as-of date from 2024-06-01 on has complete labels by then. "
        "3 are needed to see how choosing a model holds up. With data until 20"
    )


def test_dates_that_are_listed_give_no_more_than_are_listed():
    found = said(declared(as_of=YEAR[:4]))
    assert found.status == "cannot tell"
    assert found.message.endswith(
        "No later data gives 3: list more dates in splits.as_of, earlier ones too where feeds go back so far"
    )


def test_most_recent_gives_no_more_than_it_asks_for():
    found = said(declared(first=dt.date(2020, 1, 1), update_every="6 months", most_recent=3))
    assert found.status == "pass"
    assert found.message.endswith("No later data gives 4: splits.most_recent asks for 3")


def test_a_rule_of_more_dates_than_are_taken_is_not_asked_for():
    spec = declared(first=dt.date(2021, 12, 10), update_every="4 years", train_every="1 day")
    found = said(spec, np.datetime64("2024-09-01"))
    assert found.message.endswith("No later data gives 3 from as many dates as are taken: take longer steps")


rules = st.fixed_dictionaries(
    {
        "first": st.dates(dt.date(2021, 1, 1), dt.date(2024, 6, 1)),
        "update_every": st.sampled_from(["1 month", "6 weeks", "3 months", "1 year"]),
    }
)
listed = st.fixed_dictionaries(
    {"as_of": st.lists(st.sampled_from(YEAR), unique=True, min_size=1).map(sorted)},
)


@settings(deadline=None, max_examples=25)
@given(rules | listed, st.integers(1, 4))
def test_the_day_from_which_there_are_more_is_the_first_on_which_there_are(splits, n):
    """Held against days before it, the last of them one by one but for the three that clipped month ends may cost."""
    spec = declared(**splits)
    assume(len(splits_of(spec, END)) < n)
    found = data_needed(spec, END, n=n)
    last = 2_000 if found is None else int((found - END).astype(int)) - 3
    days = [END + np.timedelta64(i, "D") for i in {*range(1, last, 40), *range(max(last - 10, 1), last)}]
    assert max((len(splits_of(spec, day)) for day in days), default=0) < n
    assert found is None or len(splits_of(spec, found)) >= n


@pytest.mark.parametrize("end", ["2024-09-01", "2026-01-01"])
def test_what_is_counted_is_what_the_rule_gives(end):
    spec = declared(first=dt.date(2020, 1, 1), update_every="6 months")
    n = len(splits_of(spec, np.datetime64(end)))
    assert said(spec, np.datetime64(end)).message.startswith(f"{n} possible with data until {end}")
