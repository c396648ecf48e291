import pytest

from vru_models.evidence.performance import bars_met
from vru_models.spec.bars import Bar


@pytest.mark.parametrize(
    ("value", "status"), [(0.25, "pass"), (0.3, "pass"), (0.249999, "fail"), (float("nan"), "cannot tell")]
)
def test_a_bar_is_met_when_it_is_reached(value, status):
    (found,) = bars_met([Bar(metric="precision_at_k", at_least=0.25)], {"precision_at_k": value})
    assert (found.code, found.where, found.status, found.figures) == ("VRU403", "precision_at_k", status, {"bar": 0.25})


def test_each_bar_is_held_against_its_own_figure_in_declared_order():
    bars = [Bar(metric="auc", at_least=0.7), Bar(metric="recall_at_k", at_least=0.1)]
    found = bars_met(bars, {"auc": 0.69, "recall_at_k": 0.2, "precision_at_k": 0.0})
    assert [(f.where, f.status) for f in found] == [("auc", "fail"), ("recall_at_k", "pass")]


def test_a_near_miss_does_not_read_like_a_hit():
    (found,) = bars_met([Bar(metric="auc", at_least=0.7)], {"auc": 0.699})
    assert found.message == "0.699, bar 0.7"
