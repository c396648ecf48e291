"""The exact treatment of ties agrees with trying every order of those who are level."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.evaluation.ranking import capacity_table, rank

rows = st.lists(st.tuples(st.sampled_from([0.0, 1.0, np.nan]), st.integers(0, 2)), min_size=1, max_size=6)


def naive(y, score, k):
    """Found and labelled on the list in every order of the rows."""
    results = []
    for order in permutations(range(len(y))):
        top = sorted(order, key=lambda i: -score[i])[:k]
        results.append((sum(y[i] == 1 for i in top), sum(not np.isnan(y[i]) for i in top)))
    return np.array(results, dtype=float)


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(1, 7))
def test_expectation_worst_and_best_are_those_of_all_orders(people, k):
    y, score = zip(*people, strict=True)
    t = capacity_table(y, score, k=k).iloc[0]
    found, labelled = naive(y, score, k).T
    assert t["listed_positives"] == pytest.approx(found.mean())
    assert t["listed_labelled"] == pytest.approx(labelled.mean())
    assert (t["positives_worst"], t["positives_best"]) == (found.min(), found.max())
    if labelled.min() > 0:
        precisions = found / labelled
        assert t["precision_worst"] == pytest.approx(precisions.min())
        assert t["precision_best"] == pytest.approx(precisions.max())
    if labelled.min() == labelled.max() > 0:
        assert t["precision"] == pytest.approx((found / labelled).mean())


@settings(max_examples=20, deadline=None)
@given(rows, st.integers(1, 7), st.randoms())
def test_the_order_of_rows_changes_nothing(people, k, random):
    shuffled = list(people)
    random.shuffle(shuffled)
    first, second = (capacity_table(*zip(*p, strict=True), k=k) for p in (people, shuffled))
    assert first.equals(second)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=30), st.integers(1, 9))
def test_shares_of_every_date_add_up_to_its_places(people, k):
    date, score = map(np.array, zip(*people, strict=True))
    share = rank(score, as_of=date, k=k).row_shares()
    for d in set(date):
        assert share[date == d].sum() == pytest.approx(min(k, (date == d).sum()))
