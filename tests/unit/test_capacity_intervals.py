from __future__ import annotations

import numpy as np
import pytest

from vru_models.evaluation.capacity_intervals import capacity_intervals, paired_precision_difference
from vru_models.evaluation.intervals import newcombe, wilson
from vru_models.evaluation.ranking import capacity_table, pooled


def people(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    need = rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(1.5 - need))).astype(float)
    return y, np.round(need * 4), rng


def test_estimates_are_those_of_the_pooled_table():
    y, score, rng = people(500)
    y[rng.random(500) < 0.1] = np.nan
    as_of = np.repeat(["a", "b"], 250)
    t = capacity_intervals(y, score, as_of=as_of, k=40, unit=range(500), n_replicates=10, random_state=0)
    p = pooled(capacity_table(y, score, as_of=as_of, k=40)).iloc[0]
    assert t["estimate"].tolist() == pytest.approx([p["precision"], p["recall"]])


def test_every_replicate_reselects_its_list():
    y, score, _ = people()
    t = capacity_intervals(y, score, k=200, unit=range(4000), random_state=0).set_index("metric")
    assert t["method"].tolist() == ["bootstrap", "bootstrap"]
    p = t.loc["precision", "estimate"]
    binomial = 2 * 1.96 * np.sqrt(p * (1 - p) / 200)
    assert t.loc["precision", "high"] - t.loc["precision", "low"] == pytest.approx(binomial, rel=0.15)


def test_people_seen_twice_do_not_count_twice():
    y, score, _ = people(2000)
    once = capacity_intervals(y, score, k=200, unit=range(2000), random_state=0)
    twice = capacity_intervals(
        np.tile(y, 2), np.tile(score, 2), as_of=np.repeat(["a", "b"], 2000), k=200, unit=np.tile(range(2000), 2),
        random_state=0,
    )  # fmt: skip
    width = [(t["high"] - t["low"]).to_numpy() for t in (once, twice)]
    assert width[1] == pytest.approx(width[0], rel=0.15)
    assert twice["n_units"].tolist() == pytest.approx(once["n_units"].tolist())


def test_small_counts_are_wilson_on_distinct_people():
    y, score, as_of, unit = [1, 0, 1, 0], [2, 1, 2, 1], ["a", "a", "b", "b"], ["p", "q", "p", "q"]
    t = capacity_intervals(y, score, as_of=as_of, k=1, unit=unit, n_replicates=5, random_state=0).iloc[0]
    assert t[["estimate", "method", "denominator", "n_units"]].tolist() == [1, "wilson", 2, 1]
    assert (t["low"], t["high"]) == pytest.approx(tuple(map(float, wilson(1.0, 1))))


def test_recall_without_positives_is_undefined():
    t = capacity_intervals([0, 0], [2, 1], k=1, unit=["p", "q"], n_replicates=5, random_state=0).set_index("metric")
    assert t.loc["recall", "method"] == "undefined"
    assert t.loc["recall", ["estimate", "low", "high"]].isna().all()


def test_a_better_ranking_is_told_from_a_worse():
    y, score, rng = people()
    t = paired_precision_difference(
        y, score, against=rng.normal(size=4000), k=300, unit=range(4000), random_state=0
    ).iloc[0]  # fmt: skip
    assert t["method"] == "bootstrap"
    assert t["low"] > 0


def test_a_ranking_does_not_differ_from_itself():
    y, score, _ = people()
    t = paired_precision_difference(y, score, against=score * 2, k=300, unit=range(4000), random_state=0).iloc[0]
    assert t[["estimate", "low", "high"]].tolist() == [0, 0, 0]


def test_what_two_lists_share_cancels():
    y, score, rng = people()
    near = score + rng.normal(scale=0.5, size=4000)
    paired = paired_precision_difference(y, score, against=near, k=300, unit=range(4000), random_state=0).iloc[0]
    single = capacity_intervals(y, score, k=300, unit=range(4000), random_state=0).iloc[0]
    assert paired["high"] - paired["low"] < single["high"] - single["low"]


def test_small_lists_are_compared_by_newcombe_with_the_places_they_share():
    # lists {a, b} and {a, c}: one place of two in common
    t = paired_precision_difference(
        [1, 1, 0], [3, 2, 1], against=[3, 1, 2], k=2, unit=list("abc"), n_replicates=5, random_state=0
    ).iloc[0]  # fmt: skip
    low, high = newcombe(1.0, 2, p2=0.5, n2=2, correlation=0.5)
    assert t[["estimate", "method"]].tolist() == [0.5, "newcombe"]
    assert (t["low"], t["high"]) == pytest.approx((low, high))


def test_a_list_with_nobody_labelled_cannot_be_compared():
    t = paired_precision_difference(
        [None, 1], [2, 1], against=[1, 2], k=1, unit=["a", "b"], n_replicates=5, random_state=0
    ).iloc[0]  # fmt: skip
    assert t["method"] == "undefined"
    assert np.isnan(t["low"])


def test_intervals_hold_the_truth_as_often_as_they_say():
    hits = 0
    y, score, _ = people(400_000, seed=5)
    truth = pooled(capacity_table(y, score, k=40_000))["precision"].iloc[0]
    for seed in range(60):
        rows = np.random.default_rng(seed).integers(0, 400_000, 2000)
        t = capacity_intervals(y[rows], score[rows], k=200, unit=range(2000), n_replicates=200, random_state=seed).iloc[
            0
        ]
        hits += t["low"] <= truth <= t["high"]
    assert hits >= 52
