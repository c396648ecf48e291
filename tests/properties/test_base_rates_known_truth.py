"""Base rates on drawn people whose true rate is known, and cells that must not read as zero.

Each person has a constant daily hazard by their age on the as-of date, so that the chance of an event in the horizon is
known in closed form. A measured rate may differ from it by at most four standard errors; the seeds are fixed.
"""

from __future__ import annotations

import copy
import datetime as dt
import random
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import small
from asked import ALL_SHARED, EXTRACTED, grid, spec
from dateutil.relativedelta import relativedelta
from tables import table

from vru_models import build_dataset
from vru_models.dataset.exits import exit_weights
from vru_models.dataset.outcome import WHY_MISSING, labels_on
from vru_models.dataset.rows import Question, assemble, data_end, day_of
from vru_models.events import Events
from vru_models.features import STATUS
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.spec.calendar import as_days

AS_OF = ("2022-01-01", "2024-01-01")
PER_MONTH = 500
YOUNGEST = 10
ERRORS = 4
NEVER = 10**6
EXIT_RATE = 0.5


def yearly_hazard(age):
    """Expected events a year: 0.08 at 10, 0.36 at 17, 0.68 at 25."""
    return 0.04 * (age - 8.0)


def daily(rate):
    """The chance of a first event on one day at a constant yearly rate."""
    return 1 - np.exp(-rate / 365)


@dataclass(frozen=True)
class People:
    """Drawn people around one as-of date, an array each; days are counted from that date, NEVER is none.

    ``event`` is the true first event, told or not; ``left`` the first day out of view; ``passed`` the birthday after
    the age bound.
    """

    as_of: np.datetime64
    names: np.ndarray
    ages: np.ndarray
    born: np.ndarray
    event: np.ndarray
    left: np.ndarray
    passed: np.ndarray

    @property
    def days(self):
        """The days of the horizon."""
        return int((_months_after(self.as_of, 12) - self.as_of).astype(int))

    @property
    def happens(self):
        """Whether the event truly falls in the horizon."""
        return self.event < self.days

    @property
    def told(self):
        """Whether the event counts: nobody tells of it once the bound is passed, and none counts after an exit."""
        return (self.event < self.passed) & (self.event <= self.left)

    def truth(self, ages):
        """The true chance of an event in the horizon."""
        return 1 - (1 - daily(yearly_hazard(ages))) ** self.days


def _months_after(day, months):
    """The first of a month, as all dates here are, so many months later."""
    return (day.astype("datetime64[M]") + months).astype("datetime64[D]")


def drawn(as_of, oldest, *, seed, exits=False):
    """As many people of each month of age from 10 to the oldest; ``exits`` end stays whatever else happens."""
    rng = np.random.default_rng(seed)
    day = np.datetime64(as_of, "D")
    months = np.repeat(np.arange(12 * YOUNGEST, 12 * (oldest + 1)), PER_MONTH)
    ages, born = months // 12, day.astype("datetime64[M]") - months
    event = rng.geometric(daily(yearly_hazard(ages))) - 1
    left = rng.geometric(daily(EXIT_RATE), len(ages)) if exits else np.full(len(ages), NEVER)
    passed = (_months_after(born, 12 * (oldest + 1)) - day).astype(int)
    names = np.array([f"p{as_of[:4]}n{number}" for number in range(len(ages))])
    return People(day, names, ages, born, event, left, passed)


def recorded(groups):
    """A store of these people, each in view around their own as-of date and on no other."""
    frames = [_rows(people) for people in groups]
    versions, spells = (pd.concat(parts, ignore_index=True) for parts in zip(*frames, strict=True))
    dates = dict.fromkeys(("exclusions", "missing", "people"), EXTRACTED)
    return Events.from_frame(versions, spells=spells, coverage=table(ALL_SHARED), extract_dates=dates)


def _rows(people):
    told = np.flatnonzero((people.event < people.passed) & (people.event < 2 * 365))
    happened = people.as_of + people.event[told]
    versions = pd.DataFrame(
        {
            "person_id": people.names[told],
            "indicator": "permanent_exclusion",
            "event_date": happened.astype("datetime64[s]"),
            "known_date": (happened + 1 + told % 20).astype("datetime64[s]"),
        }
    )
    start, end = _months_after(people.as_of, -18), _months_after(people.as_of, 16)
    spells = pd.DataFrame(
        {
            "spell_id": people.names,
            "person_id": people.names,
            "area": "E01",
            "birth_month": people.born.astype("datetime64[s]"),
            "start_date": start.astype("datetime64[s]"),
            "end_date": np.full(len(people.names), end).astype("datetime64[s]"),
            "known_date": start.astype("datetime64[s]"),
        }
    )
    gone = np.flatnonzero(people.left < (end - people.as_of).astype(int))
    last = people.as_of + people.left[gone]
    ended = {"end_date": last.astype("datetime64[s]"), "known_date": (last + 7).astype("datetime64[s]")}
    return versions, pd.concat([spells, spells.iloc[gone].assign(**ended)], ignore_index=True)


def declared(oldest):
    asked = {"cohort.age_to": oldest, "outcome.horizon": "12 months"}
    return spec(**asked, **{"splits.as_of": [dt.date.fromisoformat(day) for day in AS_OF]})


def labels(question, held):
    """``y`` and ``why_missing`` by person, from rows assembled in one go."""
    coded = encode(question, held)
    dates = [as_days(day) for day in AS_OF]
    made = assemble(Question.of(question, dates, held), coded, part=lambda who: np.zeros(len(who)))
    return made.rows.set_index("person_id")


def by_age(people, y):
    """Per age: how many have a label, the share of ones among them, the truth and its standard error for so many."""
    frame = pd.DataFrame({"age": people.ages, "y": y}).dropna()
    rates = frame.groupby("age")["y"].agg(["size", "mean"])
    truth = people.truth(rates.index.to_numpy())
    return rates.assign(truth=truth, error=np.sqrt(truth * (1 - truth) / rates["size"]))


def off_by(rates):
    """How many standard errors each rate lies above the truth."""
    return ((rates["mean"] - rates["truth"]) / rates["error"]).to_numpy()


def naive_labels(people, out):
    """The rule the library does not use: a 1 where an event was seen before somebody left, dropped if not."""
    seen = people.told & people.happens
    return np.where(~seen & (out < people.days), np.nan, seen.astype(float))


@pytest.fixture(scope="module", params=[17, 25])
def settled(request):
    """Nobody leaves: the people of both dates, the labels of their rows, and the age bound."""
    oldest = request.param
    groups = [drawn(day, oldest, seed=[oldest, number]) for number, day in enumerate(AS_OF)]
    rows = labels(declared(oldest), recorded(groups))
    return oldest, [(people, rows.loc[people.names]) for people in groups]


@pytest.fixture(scope="module")
def leaving():
    """Stays end at a constant rate that has nothing to do with the outcome; the age bound lies beyond all of them."""
    people = drawn(AS_OF[1], 17, seed=3, exits=True)
    people = People(**{**vars(people), "passed": np.full(len(people.ages), NEVER)})
    return people, labels(declared(25), recorded([people])).loc[people.names]


def test_base_rates_by_age_are_the_truth_where_labels_exist(settled):
    oldest, groups = settled
    for people, rows in groups:
        rates = by_age(people, rows["y"].to_numpy())
        assert list(rates.index) == list(range(YOUNGEST, oldest + 1))
        assert (rates["size"].loc[: oldest - 1] == 12 * PER_MONTH).all()
        assert (np.abs(off_by(rates)) < ERRORS).all()


def test_who_will_pass_the_age_bound_has_no_label_whatever_happened_and_everybody_else_has_one(settled):
    oldest, groups = settled
    for people, rows in groups:
        passes = people.passed < people.days
        assert passes.sum() == 11 * PER_MONTH
        assert set(people.ages[passes]) == {oldest}
        told = people.told & people.happens
        assert told[passes].any()
        assert not told[passes].all()
        assert (rows["y"].isna().to_numpy() == passes).all()
        assert (rows["why_missing"].to_numpy() == np.where(passes, "beyond_frame", "")).all()


def test_a_1_kept_where_it_was_seen_before_the_bound_and_the_others_dropped_is_biased_upward(settled):
    oldest, groups = settled
    for people, rows in groups:
        naive = by_age(people, naive_labels(people, people.passed))
        assert off_by(naive)[-1] > 2 * ERRORS
        assert (np.abs(off_by(naive)[:-1]) < ERRORS).all()
        honest = by_age(people, rows["y"].to_numpy())
        assert naive["mean"][oldest] - honest["mean"][oldest] > ERRORS * honest["error"][oldest]


def test_the_whole_way_to_a_dataset_gives_these_labels():
    oldest = 17
    groups = [drawn(day, oldest, seed=[oldest, number]) for number, day in enumerate(AS_OF)]
    held, question = recorded(groups), declared(oldest)
    data = build_dataset(question, held)
    coded = encode(question, held)
    for people in groups:
        y = data.y.xs(pd.Timestamp(people.as_of), level="as_of").loc[people.names].to_numpy()
        assert (np.abs(off_by(by_age(people, y))) < ERRORS).all()
        assert (np.isnan(y) == (people.passed < people.days)).all()
        day = day_of(Layout.of(question), coded, people.as_of)
        end = data_end(question, held)
        one = labels_on(question, question.outcome, coded, day.cohort, as_of=day.as_of, data_end=end)
        alone, why = one.y, one.why
        order = np.searchsorted(coded.people, people.names)
        np.testing.assert_array_equal(alone[order], y)
        assert {WHY_MISSING[number] for number in why[order]} == {"", "beyond_frame"}


def among_labelled(people, ages):
    """The exact share of ones where an event up to the exit is 1 and an exit without one has no label.

    The first exit is on day 1 at the earliest: who left on the as-of date is not in the cohort.
    """
    event, leaves, days = daily(yearly_hazard(ages)), daily(EXIT_RATE), np.arange(people.days)[:, None]
    still = (1 - leaves) ** np.maximum(days - 1, 0)
    ones = (event * (1 - event) ** days * still).sum(axis=0)
    zeros = (1 - event) ** people.days * (1 - leaves) ** (people.days - 1)
    return ones / (ones + zeros)


def test_an_event_up_to_an_exit_is_1_and_an_exit_without_one_has_no_label(leaving):
    people, rows = leaving
    exits = people.left < people.days
    seen = people.told & people.happens
    assert (rows["why_missing"].to_numpy() == np.where(exits & ~seen, "exited", "")).all()
    np.testing.assert_array_equal(rows["y"].to_numpy(), naive_labels(people, people.left))


def test_without_weights_exits_that_have_nothing_to_do_with_the_outcome_bias_the_rate_upward(leaving):
    people, rows = leaving
    rates = by_age(people, rows["y"].to_numpy())
    assert (off_by(rates) > ERRORS).all()
    exact = among_labelled(people, rates.index.to_numpy())
    spread = np.sqrt(exact * (1 - exact) / rates["size"])
    assert (np.abs(rates["mean"] - exact) < ERRORS * spread).all()
    assert (exact > rates["truth"]).all()


def test_weighted_by_the_chance_of_staying_the_rate_is_the_truth_at_every_age(leaving):
    people, rows = leaving
    frame = pd.DataFrame({"age": people.ages, "y": rows["y"].to_numpy()})
    frame["w"] = exit_weights(rows.set_index("as_of", append=True)).to_numpy()
    parts = frame.dropna().assign(wy=lambda f: f["w"] * f["y"], ww=lambda f: f["w"] ** 2).groupby("age")
    sums = parts[["w", "wy", "ww"]].sum()
    truth = people.truth(sums.index.to_numpy())
    error = np.sqrt(truth * (1 - truth) * sums["ww"]) / sums["w"]
    assert (np.abs(sums["wy"] / sums["w"] - truth) < ERRORS * error).all()
    assert sums["w"].sum() == pytest.approx(len(people.names))


ONE_DAY = dt.timedelta(1)
LONG_AGO, FIRST = dt.date(2015, 1, 1), dt.date(2021, 1, 1)
DATES = ("2023-09-01", "2023-08-15", "2024-03-01", "2024-09-01", "2024-09-02")
WINDOWS = {"1m": relativedelta(months=1), "12m": relativedelta(months=12)}
FEEDS = {"exclusions": "suspension", "missing": "missing_episode"}
TERM_TIME_AGES = (11, 15)
SHARED = """
    coverage_id | feed       | area | age_from | age_to | start_date | end_date   | known_date
    c1          | exclusions | *    |          |        | 2015-01-01 |            | 2015-01-01
    c2          | missing    | E01  |          | 16     | 2015-01-01 |            | 2015-01-01
    c3          | missing    | E02  |          |        | 2023-06-01 |            | 2023-06-01
"""


def term_time_spec():
    schema = copy.deepcopy(small.SCHEMAS["exclusions"])
    schema["x-vru"].update(calendar="term_time", ages=TERM_TIME_AGES)
    features = grid("count", of=tuple(FEEDS.values()), windows=("1 month", "12 months"))
    return spec(features=features, schemas={"exclusions": schema})


@dataclass(frozen=True)
class Child:
    """One person in plain Python: stays as ``(from, to)``, and events as ``(indicator, day, known)``."""

    name: str
    area: str
    born: dt.date
    stays: list[tuple[dt.date, dt.date | None]]
    events: list[tuple[str, dt.date, dt.date]]

    def age(self, day):
        return ((day.year - self.born.year) * 12 + day.month - self.born.month) // 12

    def in_view(self, day):
        return any(start <= day < (end or dt.date.max) for start, end in self.stays)

    def shared(self, feed, day):
        if feed == "exclusions":
            return True
        return self.age(day) <= 16 if self.area == "E01" else self.area == "E02" and day >= dt.date(2023, 6, 1)


def child(rng, number):
    """Somebody who was always there, has moved in, was off roll for a while, or has gone; on edges of windows too."""
    edge = rng.choice([dt.date.fromisoformat(day) for day in DATES])
    near = edge - rng.choice([*WINDOWS.values(), relativedelta()]) + ONE_DAY * rng.randint(-2, 2)
    some = rng.choice([near, FIRST + ONE_DAY * rng.randrange(1_300)])
    back = rng.choice([edge, some + ONE_DAY * rng.randint(1, 300)])
    stays = rng.choice(
        [
            [(LONG_AGO, None)],
            [(some, None)],
            [(LONG_AGO, some)],
            [(LONG_AGO, min(some, back)), (max(some, back) + ONE_DAY, None)],
            [(LONG_AGO, edge - relativedelta(months=14)), (edge, None)],
        ]
    )
    born = dt.date(rng.randint(2005, 2014), rng.randint(1, 12), 1)
    days = [FIRST + ONE_DAY * rng.randrange(1_300) for _ in range(rng.choice([0, 0, 2]))]
    events = [(rng.choice([*FEEDS.values(), "permanent_exclusion"]), day, day + ONE_DAY) for day in days]
    return Child(f"c{number:03d}", rng.choice(["E01", "E02", "E03"]), born, stays, events)


def store(children):
    spells = [
        (f"{c.name}s{at}", c.name, c.area, c.born, start, end, LONG_AGO)
        for c in children
        for at, (start, end) in enumerate(c.stays)
    ]
    named = ["spell_id", "person_id", "area", "birth_month", "start_date", "end_date", "known_date"]
    happened = [(c.name, *event) for c in children for event in c.events]
    versions = pd.DataFrame(happened, columns=["person_id", "indicator", "event_date", "known_date"])
    return Events.from_frame(
        versions.astype({"event_date": "datetime64[s]", "known_date": "datetime64[s]"}),
        spells=pd.DataFrame(spells, columns=named).astype(
            dict.fromkeys(["birth_month", "start_date", "end_date", "known_date"], "datetime64[s]")
        ),
        coverage=table(SHARED),
        extract_dates=dict.fromkeys(("exclusions", "missing", "people"), EXTRACTED),
    )


def cell(one, feed, start, as_of):
    """The status and value of a cell, day by day; the value is None wherever nothing could have been told."""
    days = [start + ONE_DAY * at for at in range((as_of - start).days)]
    seen = [day for day in days if one.in_view(day)]
    told_of = [day for day in seen if one.shared(feed, day)]
    youngest, oldest = TERM_TIME_AGES
    if feed == "exclusions" and (one.age(as_of) < youngest or one.age(start) > oldest):
        return "not_applicable", None
    if feed == "exclusions" and {day.month for day in days} == {8}:
        return "not_applicable", None
    if not seen:
        return "not_in_view", None
    if not told_of:
        return "not_shared", None
    if len(told_of) < len(days):
        return "partly_observed", None
    known = [name for name, day, known in one.events if start <= day < as_of and known < as_of]
    mine = known.count(FEEDS[feed])
    other = feed == "exclusions" and "permanent_exclusion" in known
    return ("observed" if mine or other else "none_recorded"), mine


@pytest.mark.parametrize("seed", range(3))
def test_only_who_was_in_view_of_a_shared_feed_on_every_day_has_a_zero(seed):
    rng = random.Random(seed)
    children = [child(rng, number) for number in range(150)]
    chosen, held = term_time_spec(), store(children)
    coded, met = encode(chosen, held), Counter()
    for as_of in map(dt.date.fromisoformat, DATES):
        day = day_of(Layout.of(chosen), coded, as_days(as_of))
        there = [c for c in children if c.in_view(as_of) and 10 <= c.age(as_of) <= 17]
        assert list(day.people) == [c.name for c in there]
        for feed, indicator in FEEDS.items():
            for window, back in WINDOWS.items():
                cells = day.X[f"{indicator}_count_{window}"].to_numpy()
                codes = day.status[f"{feed}_{window}"].to_numpy()
                expected = [cell(c, feed, as_of - back, as_of) for c in there]
                assert [STATUS[code] for code in codes] == [status for status, _ in expected]
                np.testing.assert_array_equal(cells, [np.nan if n is None else n for _, n in expected])
                met.update((feed, window, status) for status, _ in expected)
    assert set(met) >= {
        *((feed, "12m", status) for feed in FEEDS for status in ("none_recorded", "observed", "not_in_view")),
        *((feed, "12m", "partly_observed") for feed in FEEDS),
        ("exclusions", "12m", "not_applicable"),
        ("missing", "12m", "not_shared"),
        ("exclusions", "1m", "none_recorded"),
    }


def test_nobody_has_a_zero_for_august_in_a_term_time_feed_and_the_day_after_they_have():
    rng = random.Random(9)
    children = [child(rng, number) for number in range(150)]
    chosen = term_time_spec()
    coded = encode(chosen, store(children))
    august, later = (day_of(Layout.of(chosen), coded, as_days(day)) for day in ("2024-09-01", "2024-09-02"))
    assert len(august.people)
    assert {STATUS[code] for code in august.status["exclusions_1m"]} == {"not_applicable"}
    assert august.X["suspension_count_1m"].isna().all()
    assert (august.X["missing_episode_count_1m"] == 0).any()
    assert (later.X["suspension_count_1m"] == 0).any()
