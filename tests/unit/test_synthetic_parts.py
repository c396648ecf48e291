import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.spec.tables import Lag
from vru_models.synthetic import rates
from vru_models.synthetic.draws import dates, day_number, lags, pseudonyms, stream, text
from vru_models.synthetic.happenings import (
    ALL_YEAR,
    Happenings,
    half_terms,
    to_children,
    to_each_child,
    to_weekday,
)
from vru_models.synthetic.history import make_history
from vru_models.synthetic.rates import ETHNICITIES, Process
from vru_models.synthetic.world import AREAS, FIRST_DAY, QUARTERS, make_world


@pytest.fixture(scope="module")
def world():
    return make_world(8_000, 3)


def test_streams_of_other_names_and_seeds_are_other_streams():
    draws = {int(stream(seed, name).integers(2**60)) for seed in (0, 1) for name in ("a", "b", "ab")}
    assert len(draws) == 6


def test_pseudonyms_are_32_hexadecimal_digits_each_once():
    made = pseudonyms(stream(0, "x"), 500).to_pylist()
    assert len(set(made)) == 500
    assert all(len(p) == 32 and set(p) <= set("0123456789abcdef") for p in made)


def test_a_code_below_zero_is_missing_text():
    column = text(["a", "b"], np.array([1, -1, 0]))
    assert column.tolist()[::2] == ["b", "a"]
    assert column.isna().tolist() == [False, True, False]


def test_a_day_below_zero_is_a_missing_date():
    column = dates(np.array([0, -1, day_number("2024-02-29")]))
    assert column.dtype == "datetime64[s]"
    assert column.isna().tolist() == [False, True, False]
    assert column[2] == pd.Timestamp("2024-02-29")


@pytest.mark.parametrize(("median", "p95"), [(1, 14), (60, 100), (30, 120), (0, 30)])
def test_lags_have_the_declared_median_and_95th_percentile(median, p95):
    drawn = lags(stream(0, "lag"), Lag(median=median, p95=p95), n=100_000)
    assert drawn.min() >= 0
    assert np.median(drawn) == pytest.approx(median, abs=1)
    assert np.quantile(drawn, 0.95) == pytest.approx(p95, abs=max(1, 0.04 * p95))


@settings(max_examples=100, deadline=None)
@given(st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1)))
def test_a_weekend_becomes_the_friday_before(day):
    expected = day - dt.timedelta(days=max(0, day.weekday() - 4))
    assert to_weekday(np.array([day_number(day)]))[0] == day_number(expected)


def test_half_terms_lie_in_the_history_and_none_touches_august():
    terms = half_terms()
    days = np.concatenate([np.arange(a, b) for a, b in zip(terms.start, terms.stop, strict=True)])
    assert len(terms.start) == 29  # 6 a year for five years, less the one under way on the first day
    assert 8 not in set(pd.DatetimeIndex(days.astype("datetime64[D]")).month)
    assert days.min() >= QUARTERS[0]
    assert days.max() < QUARTERS[-1]


def test_what_befalls_a_household_befalls_each_of_its_children(world):
    struck = Happenings(np.array([5, 0, 5]), np.array([100, 200, 300]))
    expected = [
        (child, day) for house, day in zip(struck.who, struck.day, strict=True)
        for child in np.flatnonzero(world.household == house)
    ]  # fmt: skip
    got = to_each_child(world, struck)
    assert list(zip(got.who, got.day, strict=True)) == expected


def test_every_child_is_in_view_at_least_a_day_and_at_most_to_the_eighteenth_birthday(world):
    eighteen = (world.born + np.timedelta64(18 * 12, "M")).astype("datetime64[D]").astype(np.int64)
    assert (world.start < world.end).all()
    assert (world.start >= day_number(FIRST_DAY)).all()
    assert (world.end <= eighteen).all()


def test_need_has_variance_one_and_does_not_differ_between_groups(world):
    assert world.need.std() == pytest.approx(1, abs=0.03)
    groups = np.array([g for g, _ in ETHNICITIES.values()])[world.ethnicity]
    for named in ("white", "black", "asian", "mixed"):
        assert abs(world.need[groups == named].mean() - world.need.mean()) < 0.1
    assert abs(world.need[world.boy].mean() - world.need[~world.boy].mean()) < 0.05


def test_need_rises_from_the_first_area_to_the_last(world):
    area = world.area[world.household]
    poorest, richest = world.need[area >= len(AREAS) - 3].mean(), world.need[area < 3].mean()
    assert poorest - richest == pytest.approx(0.65, abs=0.25)


def test_a_process_happens_as_often_as_declared(world):
    happened = to_children(world, Process(200.0, 0.8, 0.3), periods=ALL_YEAR, rng=stream(0, "p"))
    assert len(happened) / len(world) / 5 * 100 == pytest.approx(200, rel=0.06)


def test_more_need_more_happenings_and_a_one_off_happens_to_anybody(world):
    need = world.need.mean(axis=1)
    following = to_children(world, Process(50.0, 1.5), periods=ALL_YEAR, rng=stream(0, "p"))
    one_off = to_children(world, Process(50.0, 1.5, 1.0), periods=ALL_YEAR, rng=stream(0, "p"))
    assert need[following.who].mean() > 0.8
    assert abs(need[one_off.who].mean() - need.mean()) < 0.05


def test_a_group_that_is_recorded_half_as_often_is_recorded_half_as_often(world):
    happened = to_children(world, Process(300.0, 0.2, recorded={"asian": 0.5}), periods=ALL_YEAR, rng=stream(0, "p"))
    asian = np.array([g == "asian" for g, _ in ETHNICITIES.values()])[world.ethnicity]
    per_child = np.bincount(happened.who, minlength=len(world))
    assert per_child[asian].mean() / per_child[~asian].mean() == pytest.approx(0.5, abs=0.05)


def test_a_code_of_its_own_goes_before_its_group():
    process = Process(1.0, 1.0, recorded={"black": 2.0, "BCRB": 3.0})
    assert [process.recorded_by(code) for code in ("BCRB", "BAFR", "WBRI")] == [3.0, 2.0, 1.0]


def test_help_lowers_need_for_the_year_after_and_nobody_elses():
    before, history = make_world(2_000, 5), make_history(2_000, 5)
    fell = (history.world.need < before.need).any(axis=1)
    helped = np.zeros(2_000, dtype=bool)
    helped[history.offers.who[history.accepted]] = helped[history.referrals.who] = True
    assert not (history.world.need > before.need).any()
    assert not (fell & ~helped).any()
    assert fell.sum() > 0.7 * helped.sum()


def test_the_shares_of_the_variance_of_need_sum_to_one():
    assert sum(rates.SHARES.values()) == pytest.approx(1)
