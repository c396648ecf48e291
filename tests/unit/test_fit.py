import numpy as np
import pandas as pd
import pytest
import small
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.errors import DataError, SpecError
from vru_models.evidence.fit import bars_body, first_household, fit, places_by_points

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def data():
    return worlds.dataset()


def test_the_places_that_go_by_points_are_k_less_the_random_ones():
    assert places_by_points(worlds.spec(**{"capacity.k": 20})) == 19
    assert places_by_points(worlds.spec(capacity={"k": 20, "random_share": 0.25})) == 15


def test_the_bars_are_in_the_ledger_before_the_fit(tmp_path, data):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    run = fit(worlds.spec(), data, ledger=ledger)
    assert [entry.kind for entry in ledger] == ["bars", "fit"]
    bars, fitted = ledger
    assert bars.body == bars_body(worlds.spec(), sorted(run.split_cards))
    assert bars.body["bars"] == ["precision_at_k >= 0.1"]
    assert fitted.body == {
        "run": run.digest, "spec": run.spec.digest, "data": data.digest, "winner": run.winner, "card": run.card_digest,
    }  # fmt: skip


def test_the_bars_stay_in_the_ledger_when_the_fit_fails(tmp_path):
    only_zeros = worlds.dataset(y=lambda date, drawn: drawn * (date >= "2023"))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(DataError, match=r"300 labelled training rows, 0 positive, for the split tested on 2022-05-01"):
        fit(worlds.spec(), only_zeros, ledger=ledger)
    assert [entry.kind for entry in ledger] == ["bars"]


def test_a_spec_that_cannot_be_fitted_leaves_nothing_in_the_ledger(tmp_path, data):
    taken = worlds.spec(**{"model.candidates": [{"name": "random", "kind": "scorecard"}]})
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(SpecError, match=r"model.candidates: random is the name of something else"):
        fit(taken, worlds.dataset(taken), ledger=ledger)
    assert len(ledger) == 0


def test_a_dataset_of_another_declaration_is_refused(data):
    with pytest.raises(DataError, match="dataset: was built under another declaration"):
        fit(worlds.spec(**{"capacity.k": 30}), data)


def test_every_model_scores_every_row_of_every_test_date(data):
    run = fit(worlds.spec(), data)
    tested = data.X.index[data.X.index.get_level_values("as_of") >= "2022-05-01"]
    assert run.scores.index.equals(tested)
    assert list(run.scores.columns) == [
        "card", "flags", "single_indicator", "boosting", "logistic", "area_only", "random", "probability",
    ]  # fmt: skip
    assert not run.scores.isna().any().any()


def test_a_split_card_knows_only_its_own_training_dates():
    one = worlds.spec(**{"model.candidates": [{"name": "card", "kind": "flag_count"}]})
    honest, upset = (
        fit(one, worlds.dataset(one, y=y)).split_cards for y in (None, lambda d, v: v if d < "2022-05" else 1 - v)
    )
    assert honest["2022-05-01"] == upset["2022-05-01"]
    assert honest["2024-02-01"] != upset["2024-02-01"]


def test_the_sealed_split_takes_no_part_in_choosing(data):
    upset = worlds.dataset(y=lambda date, drawn: 1 - drawn if date == "2024-02-01" else drawn)
    honest, other = fit(worlds.spec(), data), fit(worlds.spec(), upset)
    assert honest.winner == other.winner
    pd.testing.assert_frame_equal(honest.choice, other.choice)
    pd.testing.assert_frame_equal(honest.regret, other.regret)
    assert honest.split_cards == other.split_cards
    assert honest.regret["split"].max() == "2023-07-01"
    assert honest.card != other.card


def test_the_model_is_fitted_to_every_labelled_row_the_sealed_ones_included(data):
    run = fit(worlds.spec(), data)
    assert dict(run.trained_on) == {"rows": 1500, "people": 300, "positives": int(data.y.sum()), "dates": 5}


def test_the_unlabelled_are_ranked_and_not_learnt_from():
    some = worlds.dataset(y=lambda date, drawn: np.where(np.arange(300) < 100, np.nan, drawn))
    run = fit(worlds.spec(), some)
    assert run.trained_on["rows"] == 5 * 200
    assert len(run.scores) == 4 * 300


@pytest.mark.parametrize("n", [2, 3])
def test_fewer_than_three_splits_choose_by_cross_validation_and_cannot_tell_regret(n):
    few = worlds.spec(**{"splits.as_of": worlds.AS_OF[:n]})
    run = fit(few, worlds.dataset(few))
    assert list(run.choice.columns) == ["candidate", "mean_auc"]
    assert {f.code: f.status for f in run.findings if f.code in ("VRU203", "VRU405")} == {
        "VRU203": "cannot tell", "VRU405": "cannot tell",
    }  # fmt: skip
    assert len(run.split_cards) == n - 1


def test_few_splits_never_look_at_the_sealed_labels_either():
    few = worlds.spec(**{"splits.as_of": worlds.AS_OF[:2]})
    runs = [fit(few, worlds.dataset(few, y=y)) for y in (None, lambda d, v: 1 - v if d == "2022-05-01" else v)]
    pd.testing.assert_frame_equal(runs[0].choice, runs[1].choice)


def test_splits_with_nobody_labelled_on_a_list_are_not_chosen_on():
    treated = worlds.dataset(y=lambda date, drawn: drawn if date < "2022-12" or date > "2024" else drawn * np.nan)
    run = fit(worlds.spec(), treated)
    assert list(run.choice.columns) == ["candidate", "mean_auc"]


def test_a_feed_that_nobody_shared_before_stops_no_split():
    late = worlds.dataset(X=lambda date, drawn: drawn if date >= "2023" else np.where([True, False], drawn, np.nan))
    run = fit(worlds.spec(), late)
    assert not run.scores.isna().any().any()


def test_the_unit_is_the_household_known_at_the_persons_first_date():
    def moved(date, people):
        return ["h0" if date < "2022" else f"home{i}" for i in range(len(people))]

    data = worlds.dataset(household=moved)
    assert set(first_household(data, data.X.index[-300:])) == {"h0"}


def test_first_households_follow_the_rows_asked_for():
    data = worlds.dataset(household=lambda date, people: [f"of-{p}" for p in people])
    rows = data.X.index[[5, 3]]
    assert first_household(data, rows).tolist() == ["of-p0005", "of-p0003"]


def test_one_process_and_several_give_the_same_run(world):
    again = fit(world.spec, world.built.data)
    assert again.digest == world.run.digest


def test_small_spec_bars_name_question_dates_and_bars():
    body = bars_body(small.spec(), ["2023-09-01"])
    assert set(body) == {"question", "test_dates", "bars", "spec"}
    other = bars_body(small.spec(**{"outcome.horizon": "5 months"}), ["2023-09-01"])
    assert body["question"] != other["question"]
