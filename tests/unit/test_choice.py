import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.evidence.candidates import Labelled
from vru_models.evidence.choice import by_cross_validation, by_regret
from vru_models.models import FlagCountClassifier, SingleIndicatorClassifier


def table(**columns):
    return pd.DataFrame(columns, index=[f"202{i}-01-01" for i in range(len(next(iter(columns.values()))))])


def test_the_candidate_nearest_to_the_best_of_each_split_wins():
    chosen = by_regret(table(card=[0.40, 0.30, 0.50], flags=[0.30, 0.35, 0.20], single=[0.35, 0.30, 0.40]))
    assert chosen.winner == "card"
    assert chosen.table.round(6).to_dict("records") == [
        {"candidate": "card", "mean_precision": 0.4, "mean_distance": 0.016667},
        {"candidate": "flags", "mean_precision": 0.283333, "mean_distance": 0.133333},
        {"candidate": "single", "mean_precision": 0.35, "mean_distance": 0.066667},
    ]


def test_regret_is_what_the_earlier_choice_cost_at_the_next_split():
    regret = by_regret(table(card=[0.40, 0.10, 0.30], flags=[0.30, 0.35, 0.20])).regret
    assert regret.round(6).to_dict("records") == [
        {"split": "2021-01-01", "picked": "card", "regret": 0.25},
        {"split": "2022-01-01", "picked": "flags", "regret": 0.1},
    ]


def test_the_first_declared_wins_a_tie():
    assert by_regret(table(flags=[0.3, 0.2], card=[0.2, 0.3])).winner == "flags"


def test_a_tie_in_sums_that_differ_in_their_last_bits_is_still_a_tie():
    first, second = [0.1, 0.2, 0.3, 0.0], [0.3, 0.1, 0.2, 0.0]
    best = [0.9, 0.9, 0.9, 0.9]
    columns = {name: np.subtract(best, d) for name, d in (("a", first), ("b", second))}
    assert by_regret(table(**columns, best=[0.9, 0.0, 0.0, 0.9])).winner == "a"


def test_nobody_positive_on_any_list_leaves_the_first_declared_without_regret():
    chosen = by_regret(table(card=[0.0, 0.0], flags=[0.0, 0.0]))
    assert (chosen.winner, chosen.regret["regret"].tolist()) == ("card", [0.0])


def test_one_split_cannot_tell_its_regret():
    (finding,) = by_regret(table(card=[0.4], flags=[0.3])).findings
    assert (finding.code, finding.status) == ("VRU405", "cannot tell")
    assert finding.message == "regret cannot be known with one split beside the sealed one"


def test_mean_regret_is_the_finding():
    (finding,) = by_regret(table(card=[0.40, 0.10, 0.30], flags=[0.30, 0.35, 0.20])).findings
    assert (finding.status, finding.figures) == ("pass", {"regret": 0.175})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=2, max_size=5))
def test_the_rule_agrees_with_its_definition(rows):
    precision = pd.DataFrame([[v / 20 for v in row] for row in rows], columns=list("abc"))

    def pick(until):
        means = {c: round(sum(max(row) - row[i] for row in rows[:until]) / 20 / until, 9) for i, c in enumerate("abc")}
        return min("abc", key=lambda c: means[c])

    chosen = by_regret(precision)
    assert chosen.winner == pick(len(rows))
    costs = [(max(rows[i]) - rows[i]["abc".index(pick(i))]) / 20 for i in range(1, len(rows))]
    assert chosen.regret["regret"].tolist() == pytest.approx(costs)


CANDIDATES = {"noise": FlagCountClassifier(flags=["noise"]), "signal": SingleIndicatorClassifier(features=["signal"])}


def rows(n=200, positive=60):
    rng = np.random.default_rng(0)
    y = pd.Series((np.arange(n) < positive).astype(float))
    return pd.DataFrame({"noise": rng.integers(0, 2, n), "signal": y * 3 + rng.integers(0, 3, n)}), y


def labelled(X, y, weight=1.0):
    return Labelled(X, y, pd.Series("E01", index=y.index), pd.Series(weight, index=y.index))


def test_cross_validation_finds_the_candidate_that_ranks_best_on_people_it_has_not_seen():
    chosen = by_cross_validation(CANDIDATES, labelled(*rows()), np.arange(200).astype(str))
    assert chosen.winner == "signal"
    assert chosen.table["mean_auc"].iloc[1] > 0.9
    assert chosen.findings.worst == "cannot tell"
    assert list(chosen.regret.columns) == ["split", "picked", "regret"]


def test_a_household_is_never_on_both_sides_of_a_fold():
    X, y = rows()
    household, seen = np.repeat(np.arange(50).astype(str), 4), []

    class Spy(FlagCountClassifier):
        def fit(self, X, y, sample_weight=None):
            seen.append(set(X.index))
            return super().fit(X, y, sample_weight)

    by_cross_validation({"spy": Spy(flags=["noise"])}, labelled(X, y), household)
    assert len(seen) == 5
    for trained in seen:
        assert {household[i] for i in trained}.isdisjoint({household[i] for i in set(X.index) - trained})


def test_fewer_households_with_the_outcome_make_fewer_folds():
    X, y = rows(positive=3)
    assert by_cross_validation(CANDIDATES, labelled(X, y), np.arange(200).astype(str)).table["mean_auc"].notna().all()


@pytest.mark.parametrize("positive", [0, 1])
def test_without_a_fold_that_can_be_scored_the_first_declared_is_chosen_and_nothing_is_claimed(positive):
    X, y = rows(positive=positive)
    chosen = by_cross_validation(CANDIDATES, labelled(X, y), np.arange(200).astype(str))
    assert (chosen.winner, chosen.table["mean_auc"].isna().all()) == ("noise", True)
    assert "declared order" in next(iter(chosen.findings)).message


def test_all_in_one_household_is_no_fold_at_all():
    chosen = by_cross_validation(CANDIDATES, labelled(*rows()), np.full(200, "h"))
    assert (chosen.winner, chosen.findings.worst) == ("noise", "cannot tell")
