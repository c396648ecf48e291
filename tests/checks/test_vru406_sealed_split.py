import sys

import pytest
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.evidence import evaluate, fit
from vru_models.evidence.performance import opened
from vru_models.spec import Span
from vru_models.spec.calendar import as_day


@pytest.fixture(autouse=True)
def quick(monkeypatch, in_process):
    monkeypatch.setattr(sys.modules["vru_models.evidence.evaluate"], "N_REPLICATES", 20)


def sealed(evidence):
    (found,) = (f for f in evidence.findings if f.code == "VRU406")
    return found


@pytest.mark.parametrize(("times", "status"), [(1, "pass"), (2, "cannot tell"), (None, "cannot tell")])
def test_opened_once_passes_and_anything_else_cannot_tell(times, status):
    found = opened(times)
    assert (found.code, found.where, found.status) == ("VRU406", "sealed split", status)


def test_a_second_look_is_counted_whatever_model_or_dataset_it_was_for(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    data = worlds.dataset()
    run = fit(worlds.spec(), data, ledger=ledger)
    assert sealed(evaluate(run, data, ledger=ledger)).message == "opened once"
    other = worlds.spec(**{"model.candidates": [{"name": "card", "kind": "scorecard", "l2": 9.0}]})
    again = worlds.dataset(other, seed=1)
    second = evaluate(fit(other, again, ledger=ledger), again, ledger=ledger)
    assert sealed(second).message == "opened 2 times: the figures are no longer of unseen data"


def test_another_outcome_is_another_question(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for declared in (worlds.spec(), worlds.spec(**{"outcome.horizon": "5 months"})):
        data = worlds.dataset(declared)
        evidence = evaluate(fit(declared, data, ledger=ledger), data, ledger=ledger)
        assert sealed(evidence).status == "pass"


@pytest.mark.parametrize(("months", "times"), [(1, 2), (5, 2), (6, 1)])
def test_a_look_at_outcomes_that_overlap_is_counted(tmp_path, months, times):
    # The horizon is six months: as-of dates less than that apart share outcomes, whatever their exact dates.
    ledger = Ledger(tmp_path / "ledger.jsonl")
    data = worlds.dataset()
    run = fit(worlds.spec(), data, ledger=ledger)
    earlier = str(Span(months, "M").before(as_day(run.sealed)))
    ledger.append("sealed_split_opened", question=run.spec.question, sealed=earlier)
    assert sealed(evaluate(run, data, ledger=ledger)).figures["times"] == times


def test_without_a_ledger_nobody_knows():
    data = worlds.dataset()
    assert sealed(evaluate(fit(worlds.spec(), data), data)).status == "cannot tell"
