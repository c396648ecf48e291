from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.evaluation.ranking import Ranked, capacity_table, pooled, rank


def row(*args, **kwargs):
    return capacity_table(*args, **kwargs).iloc[0]


def test_precision_and_recall_at_the_cut():
    t = row([1, 0, 1, 0, 1], [5, 4, 3, 2, 1], k=3)
    assert t[["n", "n_labelled", "k", "positives", "listed_labelled", "missed"]].tolist() == [5, 5, 3, 3, 3, 1]
    assert t[["precision", "recall", "number_needed_to_review"]].tolist() == pytest.approx([2 / 3, 2 / 3, 1.5])
    assert t["lift"] == pytest.approx((2 / 3) / (3 / 5))
    assert t["expected_positives"] == pytest.approx(2)


def test_a_higher_score_comes_first_wherever_it_stands():
    assert row([0, 1], [1, 2], k=1)["precision"] == 1


def test_the_tie_of_the_reference_is_counted_as_worked_by_hand():
    # 1 above the cut (positive), 4 level with 2 positives, 2 places left: (1 + 2 x 2 / 4) / 3
    t = row([1, 1, 1, 0, 0], [9, 5, 5, 5, 5], k=3)
    assert t["precision"] == pytest.approx(2 / 3)
    assert t[["precision_worst", "precision_best"]].tolist() == pytest.approx([1 / 3, 1])
    assert t[["recall_worst", "recall_best"]].tolist() == pytest.approx([1 / 3, 1])


def test_ties_that_do_not_reach_the_cut_leave_no_doubt():
    t = row([1, 0, 1, 0], [5, 5, 1, 1], k=2)
    assert t["precision_worst"] == t["precision"] == t["precision_best"] == 0.5


def test_the_unlabelled_keep_their_place_and_leave_the_denominators():
    t = row([1, None, 1], [3, 2, 1], k=2)
    assert t[["n", "n_labelled", "listed", "listed_labelled"]].tolist() == [3, 2, 2, 1]
    assert t[["precision", "recall", "missed"]].tolist() == [1, 0.5, 1]
    assert t["expected_positives"] == 2


def test_precision_of_a_list_with_nobody_labelled_is_undefined():
    t = row([None, 1, 0], [3, 2, 1], k=1)
    assert t[["precision", "number_needed_to_review", "lift", "expected_positives"]].isna().all()
    assert t["recall"] == 0


def test_recall_without_positives_is_undefined_and_precision_is_0():
    t = row([0, 0], [2, 1], k=1)
    assert np.isnan(t["recall"])
    assert t["precision"] == 0
    assert np.isnan(t["number_needed_to_review"])


def test_k_above_n_lists_everyone():
    t = row([1, 0], [2, 1], k=5)
    assert t[["k", "listed", "precision", "recall"]].tolist() == [5, 2, 0.5, 1]


def test_k_equal_to_n_lists_everyone():
    assert row([1, 0], [1, 1], k=2)[["listed", "recall", "recall_worst"]].tolist() == [2, 1, 1]


def test_an_empty_cohort_has_no_dates():
    assert capacity_table([], [], k=3).empty


def test_each_date_has_its_own_list_and_its_own_k():
    as_of = pd.to_datetime(["2024-02-01", "2024-01-01", "2024-02-01", "2024-01-01"])
    t = capacity_table([0, 1, 1, 0], [9, 3, 8, 2], as_of=as_of, k={"2024-01-01": 1, "2024-02-01": 2})
    assert t["as_of"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-02-01")]
    assert t[["k", "precision"]].to_numpy().tolist() == [[1, 1], [2, 0.5]]


def test_pooled_sums_counts_before_it_divides():
    as_of = ["a"] * 4 + ["b"] * 2
    t = capacity_table([1, 1, 1, 0, 0, 1], [4, 3, 2, 1, 2, 1], as_of=as_of, k={"a": 3, "b": 1})
    p = pooled(t).iloc[0]
    assert p[["as_of", "n", "k", "positives"]].tolist() == ["pooled", 6, 4, 4]
    assert p[["precision", "recall", "missed"]].tolist() == pytest.approx([3 / 4, 3 / 4, 1])
    # by chance: 3 x 3 / 4 + 1 x 1 / 2
    assert p["lift"] == pytest.approx(3 / 2.75)


def test_pooled_is_the_table_itself_for_one_date():
    t = capacity_table([1, 0, 1, None], [2, 2, 2, 1], k=2)
    pd.testing.assert_frame_equal(pooled(t).drop(columns="as_of"), t.drop(columns="as_of"))


def test_the_pool_of_tied_dates_keeps_the_worst_and_the_best():
    t = capacity_table([1, 0, 1, 0], [1, 1, 1, 1], as_of=list("aabb"), k=1)
    assert pooled(t)[["precision_worst", "precision", "precision_best"]].to_numpy().tolist() == [[0, 0.5, 1]]


def test_places_and_dates_of_another_length_are_refused():
    with pytest.raises(ValueError, match="every date has its places"):
        Ranked(pd.Index(["a"]), np.array([0]), np.array([0]), np.array([1.0, 2.0]))


def test_blocks_out_of_reach_become_one_and_the_list_stays():
    ranked = rank(np.arange(1000.0), k=2)
    reach = ranked.within_reach(np.arange(1000))
    assert len(reach.date) == 3 * 2 + 50 + 1
    assert reach.row_shares().tolist() == ranked.row_shares().tolist()


def test_a_household_counts_once_towards_the_reach():
    ranked = rank(np.arange(1000.0), k=2)
    assert len(ranked.within_reach(np.arange(1000) // 2).date) == 2 * (3 * 2 + 50) - 1 + 1
