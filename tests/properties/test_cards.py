"""What holds for every card that can be fitted or made."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.models import Card, CardFeature, FlagCountClassifier, ScorecardClassifier, SingleIndicatorClassifier

DIRECTIONS = {"rises": "increasing", "falls": "decreasing", "help": "increasing"}
seeds = st.integers(0, 10_000)


def random_table(seed, n=100):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "rises": rng.poisson(rng.uniform(0.2, 3), n),
            "falls": rng.normal(size=n).round(1),
            "free": rng.integers(-2, 3, n),
            "capped": rng.poisson(1.0, n),
            "help": rng.integers(0, 2, n),
        }
    ).astype(float)
    X = X.mask(rng.random(X.shape) < rng.uniform(0, 0.4))
    y = (rng.random(n) < 0.2 + 0.3 * (X["free"].fillna(0) > 0)).astype(int)
    y[:2] = [0, 1]
    return X, y, rng


def scorecard(**changed):
    return ScorecardClassifier(directions=DIRECTIONS, never_positive=["capped", "help"], l2=2.0, **changed)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["neutral", "bin"]), st.integers(1, 20))
def test_points_keep_their_directions_and_caps_after_rounding(seed, missing, max_points):
    X, y, _ = random_table(seed)
    card = scorecard(missing=missing, max_points=max_points).fit(X, y).card_
    features = {feature.name: feature for feature in card.features}
    assert (np.diff(features["rises"].points) >= 0).all()
    assert (np.diff(features["falls"].points) <= 0).all()
    for name in ("capped", "help"):
        assert max(*features[name].points, features[name].neutral) <= 0
    assert max(abs(p) for f in card.features for p in f.points) in (0, max_points) or missing == "bin"
    assert card.slope >= 0


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_order_of_rows_changes_nothing_and_a_weight_is_so_many_rows(seed):
    X, y, rng = random_table(seed)
    weights = rng.integers(0, 4, len(y))
    weights[:2] = 1
    rows = rng.permutation(np.repeat(np.arange(len(y)), weights))
    for model in (scorecard(), FlagCountClassifier(), SingleIndicatorClassifier()):
        weighted = model.fit(X, y, sample_weight=weights).to_json()
        assert model.fit(X.iloc[rows], y[rows]).to_json() == weighted


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_with_unequal_weights_the_order_of_rows_still_changes_nothing(seed):
    X, y, rng = random_table(seed)
    weights, order = rng.uniform(0.3, 3, len(y)), rng.permutation(len(y))
    first = scorecard().fit(X, y, sample_weight=weights)
    second = scorecard().fit(X.iloc[order], y[order], sample_weight=weights[order])
    assert first.to_json() == second.to_json()


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_a_feature_that_is_not_known_moves_nobody_from_neutral(seed):
    X, y, _ = random_table(seed)
    model = scorecard().fit(X, y)
    unshared = X.assign(free=np.nan)
    moved = model.contributions(unshared)["free"].unique().tolist()
    n, points = model.points_.query("feature == 'free' and bin != 'not known'")[["n", "points"]].to_numpy().T
    assert moved == [round(round(float(n @ points) / float(n.sum()), 9))]
    assert (model.points(unshared) - model.points(X) == moved[0] - model.contributions(X)["free"]).all()


def features(name):
    edges = st.lists(st.integers(-50, 50), max_size=6, unique=True).map(lambda e: tuple(sorted(x / 4 for x in e)))
    return edges.flatmap(
        lambda cut: st.tuples(
            st.lists(st.integers(-20, 20), min_size=len(cut) + 1, max_size=len(cut) + 1),
            st.integers(-20, 20),
            st.integers(0, len(cut)),
        ).map(lambda t: with_reference(name, cut, *t))
    )


def with_reference(name, edges, points, neutral, reference):
    points[reference] = 0
    return CardFeature(name, edges, tuple(points), neutral=neutral, reference=reference)


cards = st.builds(
    lambda one, two, slope, intercept: Card((one, two), slope=slope / 1e6, intercept=intercept / 1e6),
    features("one"),
    features("two | <i>"),
    st.integers(0, 2_000_000),
    st.integers(-9_000_000, 9_000_000),
)
cells = st.one_of(st.just(math.nan), st.integers(-60, 60).map(lambda v: v / 4), st.floats(-20, 20))


def naive_points(card, row):
    total = 0
    for feature in card.features:
        value = row[feature.name]
        if math.isnan(value):
            total += feature.neutral
            continue
        position = 0
        while position < len(feature.edges) and value > feature.edges[position]:
            position += 1
        total += feature.points[position]
    return total


@settings(max_examples=100, deadline=None)
@given(cards, st.lists(st.tuples(cells, cells), max_size=8))
def test_points_agree_with_reading_the_card_row_by_row(card, rows):
    X = pd.DataFrame(rows, columns=card.feature_names, dtype=float)
    assert card.points(X).tolist() == [naive_points(card, row) for row in X.to_dict("records")]
    assert (card.contributions(X).sum(axis=1).to_numpy() == card.points(X)).all()


@settings(max_examples=100, deadline=None)
@given(cards)
def test_json_holds_the_whole_card(card):
    again = Card.from_json(card.to_json())
    assert again == card
    assert again.to_json() == card.to_json()
    assert again.text() == card.text()
