from __future__ import annotations

import numpy as np
import pytest

from vru_models.evaluation.listing import choose, random_places
from vru_models.spec.digest import lottery_numbers

CARD, DATE = "c0ffee", "2026-12-01"


def listed(points, keys, **kwargs):
    return choose(points, keys, card_digest=CARD, as_of=DATE, **kwargs)


def test_the_random_places_are_a_twentieth_rounded_up_and_at_least_one():
    assert [random_places(k) for k in (2, 19, 20, 21, 40, 60, 100, 140)] == [1, 1, 1, 2, 2, 3, 5, 7]


def test_a_list_of_one_goes_by_points():
    assert random_places(1) == 0
    assert listed([1, 2], ["a", "b"], k=1, n_random=0)["key"].tolist() == ["b"]


def test_a_larger_share_is_allowed_and_a_smaller_is_not():
    assert random_places(50, 0.1) == 5
    with pytest.raises(ValueError, match=r"at least 0\.05 and below 1"):
        random_places(50, 0.04)


def test_places_go_by_points_and_the_rest_is_drawn_below_the_cut():
    t = listed([5, 4, 3, 2, 1], list("abcde"), k=3, n_random=1)
    assert t["key"].tolist()[:2] == ["a", "b"]
    assert t["kind"].tolist() == ["points", "points", "random"]
    assert t["inclusion_probability"].tolist() == pytest.approx([1, 1, 1 / 3])
    draw = lottery_numbers("random", CARD, DATE, ["c", "d", "e"])
    assert t["key"].tolist()[2] == ["c", "d", "e"][int(draw.argmin())]


def test_those_level_at_the_cut_are_parted_by_the_lottery():
    t = listed([7, 7, 7, 9], list("abcd"), k=3, n_random=1)
    draw = lottery_numbers("tie", CARD, DATE, ["a", "b", "c"])
    assert t["key"].tolist()[:2] == ["d", ["a", "b", "c"][int(draw.argmin())]]
    # one place for three, then one random place for the two without: 1/3 + 2/3 x 1/2
    assert t["inclusion_probability"].tolist() == pytest.approx([1, 2 / 3, 2 / 3])


def test_the_list_does_not_depend_on_the_order_of_the_rows():
    rng = np.random.default_rng(0)
    points, keys = rng.integers(0, 5, 60), np.array([f"p{i}" for i in range(60)])
    first = listed(points, list(keys), k=20, n_random=3)
    order = rng.permutation(60)
    assert listed(points[order], list(keys[order]), k=20, n_random=3).equals(first)


def test_another_date_or_card_draws_anew():
    keys = [f"p{i}" for i in range(200)]
    lists = [
        choose([1] * 200, keys, k=20, n_random=1, card_digest=c, as_of=d)
        for c, d in ((CARD, DATE), (CARD, "2027-01-01"), ("beef", DATE))
    ]
    assert len({tuple(t["key"]) for t in lists}) == 3


def test_only_the_eligible_are_listed():
    t = listed([5, 4, 3, 2], list("abcd"), k=2, n_random=1, eligible=[False, True, False, True])
    assert sorted(t["key"]) == ["b", "d"]


def test_where_all_fit_nothing_is_drawn():
    t = listed([1, 2], ["a", "b"], k=3, n_random=1)
    assert t["kind"].tolist() == ["points", "points"]
    assert t["inclusion_probability"].tolist() == [1, 1]


def test_nobody_eligible_is_an_empty_list():
    assert listed([1], ["a"], k=2, n_random=1, eligible=[False]).empty


def test_inclusion_probabilities_are_the_frequencies_of_the_lotteries():
    points, keys = [3, 2, 2, 2, 1, 1], list("abcdef")
    runs = [choose(points, keys, k=4, n_random=2, card_digest=str(i), as_of=DATE) for i in range(300)]
    frequency = {key: sum(key in set(t["key"]) for t in runs) / len(runs) for key in keys}
    # a: 1; b, c, d: 1/3 + 2/3 x 2/4; e, f: 2/4
    assert [frequency[key] for key in keys] == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3, 0.5, 0.5], abs=0.09)
    recorded = {key: p for t in runs for key, p in zip(t["key"], t["inclusion_probability"], strict=True)}
    assert [recorded[key] for key in keys] == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3, 0.5, 0.5])


@pytest.mark.parametrize(("k", "n_random"), [(20, 0), (40, 1), (2, 2), (1, 1)])
def test_too_few_or_too_many_random_places_are_refused(k, n_random):
    with pytest.raises(ValueError, match="expected at least"):
        listed([1, 2], ["a", "b"], k=k, n_random=n_random)


def test_a_repeated_key_is_refused_by_count():
    with pytest.raises(ValueError, match="1 of 3 rows repeat a key"):
        listed([1, 2, 3], ["a", "b", "a"], k=2, n_random=1)
