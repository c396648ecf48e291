import sys
from functools import cache

import numpy as np
import pandas as pd
import pytest
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.errors import DataError
from vru_models.evaluation.ranking import capacity_table
from vru_models.evidence import evaluate, fit
from vru_models.evidence.evaluate import by_split


@pytest.fixture(autouse=True)
def quick(monkeypatch, in_process):
    """Forty replicates: none of these tests is about the width of an interval."""
    monkeypatch.setattr(sys.modules["vru_models.evidence.evaluate"], "N_REPLICATES", 40)


def evaluated(declared=None, *, ledger=None, sensitive=None, **choices):
    chosen = declared or worlds.spec()
    data = worlds.dataset(chosen, **choices)
    run = fit(chosen, data, ledger=ledger)
    return run, data, evaluate(run, data, sensitive=sensitive, ledger=ledger)


@cache
def plain():
    """The run, data and evidence of the bare dataset as it comes."""
    return evaluated()


@pytest.fixture(scope="module")
def audit():
    people = [f"p{i:04d}" for i in range(300)]
    return pd.DataFrame({"person_id": people, "sex": ["F", "M"] * 150})


def status_of(evidence, code):
    return {f.where: f.status for f in evidence.findings if f.code == code}


def test_every_model_is_measured_at_the_places_that_go_by_points_on_the_sealed_date():
    _, data, evidence = plain()
    table = evidence.frame().set_index("model")
    assert list(table.index) == ["card", "flags", "single_indicator", "boosting", "logistic", "area_only", "random"]
    assert set(table["k"]) == {19}
    assert set(table["n"]) == {300}
    y = data.y.xs(pd.Timestamp("2024-02-01"), level="as_of")
    assert table.loc["random", "precision"] == pytest.approx(y.mean())
    assert table["role"].value_counts().to_dict() == {"chosen": 1, "candidate": 2, "comparator": 4}


def test_precision_of_the_chosen_is_that_of_the_top_rows_counted_by_hand():
    run, data, evidence = plain()
    sealed = run.scores.xs(pd.Timestamp("2024-02-01"), level="as_of")
    y = data.y.xs(pd.Timestamp("2024-02-01"), level="as_of")
    points = sealed[run.winner].sort_values(ascending=False)
    sure, level = points[points > points.iloc[18]].index, points[points == points.iloc[18]].index
    found = y[sure].sum() + (19 - len(sure)) * y[level].mean()
    assert evidence.headline["precision"] == pytest.approx(found / 19)
    assert evidence.headline["recall"] == pytest.approx(found / y.sum())
    assert evidence.headline["missed"] == pytest.approx(y.sum() - found)


def test_the_paired_table_sets_the_chosen_against_each_other_model():
    run, _, evidence = plain()
    paired, precision = evidence.frame("paired"), evidence.frame().set_index("model")["precision"]
    assert set(paired["against"]) == set(precision.index) - {run.winner}
    for _, row in paired.iterrows():
        assert row["estimate"] == pytest.approx(precision[run.winner] - precision[row["against"]])
        assert row["low"] <= row["estimate"] <= row["high"]


def test_every_split_is_measured_with_its_own_labels():
    run, data, _ = plain()
    table = by_split(run, data)
    assert len(table) == 4 * 7
    row = table[(table["split"] == "2022-12-01") & (table["model"] == "flags")].iloc[0]
    at = run.scores.xs(pd.Timestamp("2022-12-01"), level="as_of", drop_level=False)
    assert row["precision"] == capacity_table(data.y.loc[at.index], at["flags"], k=19)["precision"].iloc[0]


def test_another_dataset_is_refused_and_the_sealed_split_stays_shut(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    run = fit(worlds.spec(), worlds.dataset(), ledger=ledger)
    with pytest.raises(DataError, match="dataset: is not the one the run was fitted to"):
        evaluate(run, worlds.dataset(seed=1), ledger=ledger)
    assert not ledger.find("sealed_split_opened")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"person_id": ["p0001"], "gender": ["F"]}), r"fairness.sensitive: 'sex' is not known.*gender"),
        (pd.DataFrame({"person_id": ["p0001"] * 2, "sex": ["F"] * 2}), "sensitive: 0 of 2 rows without person_id, 1"),
        (pd.DataFrame({"sex": ["F"]}), "sensitive: no column 'person_id'"),
    ],
)
def test_a_faulty_audit_file_is_refused_and_the_sealed_split_stays_shut(tmp_path, frame, message):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    data = worlds.dataset()
    run = fit(worlds.spec(), data, ledger=ledger)
    with pytest.raises(DataError, match=message):
        evaluate(run, data, sensitive=frame, ledger=ledger)
    assert not ledger.find("sealed_split_opened")


def test_opening_is_recorded_before_the_evidence(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    run, _, evidence = evaluated(ledger=ledger)
    assert [entry.kind for entry in ledger] == ["bars", "fit", "sealed_split_opened", "evidence"]
    last = list(ledger)[-1].body
    assert (last["run"], last["evidence"]) == (run.digest, evidence.digest)
    assert last["pass"] + last["fail"] + last["cannot_tell"] + last["not_applicable"] == len(evidence.findings)


def test_without_an_audit_file_nobody_knows_whom_the_list_misses():
    _, _, evidence = plain()
    assert status_of(evidence, "VRU302") == {"sex": "cannot tell"}
    assert "groups" not in evidence.tables


def test_with_an_audit_file_each_group_is_measured(audit):
    _, data, evidence = evaluated(sensitive=audit)
    groups = evidence.frame("groups")
    assert groups["group"].tolist() == ["F", "M"]
    y = data.y.xs(pd.Timestamp("2024-02-01"), level="as_of").to_numpy()
    assert groups["positives"].tolist() == [y[0::2].sum(), y[1::2].sum()]
    assert groups["selected"].sum() == pytest.approx(19)
    assert list(status_of(evidence, "VRU302")) == ["sex"]


def test_who_is_not_in_the_audit_file_is_a_group_of_its_own(audit):
    _, _, evidence = evaluated(sensitive=audit.iloc[:250])
    assert evidence.frame("groups")["group"].tolist() == ["F", "M", "not recorded"]


def test_a_group_without_anybody_in_need_has_no_recall_and_cannot_tell(audit):
    def only_f(date, drawn):
        return drawn * ([1.0, 0.0] * 150)

    _, _, evidence = evaluated(sensitive=audit, y=only_f)
    recall = evidence.frame("groups").set_index("group")["recall"]
    assert np.isnan(recall["M"])
    assert status_of(evidence, "VRU302") == {"sex": "cannot tell"}
    evidence.to_json()


def test_nobody_positive_on_the_sealed_date_is_undefined_and_never_0():
    _, _, evidence = evaluated(y=lambda date, drawn: drawn * (date < "2024"))
    head = evidence.headline
    assert (head["precision"], head["positives"]) == (0.0, 0)
    assert all(np.isnan(head[name]) for name in ("recall", "number_needed_to_review", "auc", "calibration_slope"))
    assert status_of(evidence, "VRU401") == {"list": "fail"}
    assert status_of(evidence, "VRU404") == {"calibration": "cannot tell"}
    assert evidence.from_json(evidence.to_json()).digest == evidence.digest


def test_nobody_labelled_on_the_sealed_date_cannot_tell():
    _, _, evidence = evaluated(y=lambda date, drawn: drawn if date < "2024" else drawn * np.nan)
    assert np.isnan(evidence.headline["precision"])
    for code in ("VRU401", "VRU402", "VRU403", "VRU404"):
        assert set(status_of(evidence, code).values()) == {"cannot tell"}, code
    assert evidence.from_json(evidence.to_json()).digest == evidence.digest


def test_more_places_than_people_lists_everyone_and_expects_only_them():
    _, data, evidence = evaluated(worlds.spec(**{"capacity.k": 400}))
    positives = data.y.xs(pd.Timestamp("2024-02-01"), level="as_of").sum()
    assert evidence.headline["recall"] == 1.0
    (found,) = (f for f in evidence.findings if f.code == "VRU401")
    assert found.figures["expected_positives"] == positives


def test_all_with_the_same_points_are_level_and_calibration_is_undefined():
    flat = worlds.dataset(X=lambda date, drawn: np.zeros_like(drawn))
    run = fit(worlds.spec(), flat)
    evidence = evaluate(run, flat)
    table = evidence.frame().set_index("model")
    assert table.loc[run.winner, "precision"] == pytest.approx(table.loc["random", "precision"])
    assert (table.loc[run.winner, "precision_worst"], table.loc[run.winner, "precision_best"]) == (0.0, 1.0)
    assert status_of(evidence, "VRU404") == {"calibration": "cannot tell"}
    assert evidence.from_json(evidence.to_json()).digest == evidence.digest


@pytest.mark.parametrize("n", [2, 3])
def test_few_splits_are_evaluated_all_the_same(n):
    _, _, evidence = evaluated(worlds.spec(**{"splits.as_of": worlds.AS_OF[:n]}))
    assert status_of(evidence, "VRU405") == {"choice": "cannot tell"}
    assert len(evidence.frame("by_split")) == 7 * (n - 1)
    assert evidence.frame("regret").empty


def test_households_and_not_people_are_resampled():
    def pairs(date, people):
        return [f"h{i // 2}" for i in range(len(people))]

    _, _, alone = plain()
    _, _, together = evaluated(household=pairs)
    narrow, wide = (e.frame().set_index("model").loc["flags"] for e in (alone, together))
    assert narrow["precision"] == wide["precision"]
    assert wide["precision_high"] - wide["precision_low"] > narrow["precision_high"] - narrow["precision_low"]


def test_the_same_evaluation_gives_the_same_bytes(audit):
    run, data, evidence = evaluated(sensitive=audit)
    assert evaluate(run, data, sensitive=audit).to_json() == evidence.to_json()
    shuffled = audit.sample(frac=1, random_state=0)
    assert evaluate(run, data, sensitive=shuffled).to_json() == evidence.to_json()
