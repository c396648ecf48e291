from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from vru_models.models import Card, ScorecardClassifier, scorecard

mpl.use("Agg")
TABLE = pd.DataFrame({"suspensions": [0] * 80 + [1] * 80 + [3] * 80})
EVENTS = [1] * 8 + [0] * 72 + [1] * 20 + [0] * 60 + [1] * 60 + [0] * 20


def partnership(n, seed):
    """Sparse counts, flags and a measure, in part not known; about 1 outcome in 20; the truth is additive."""
    rng = np.random.default_rng(seed)
    need = rng.normal(size=n)
    X = pd.DataFrame(
        {
            "suspensions": rng.poisson(np.exp(-2 + 0.7 * need)),
            "missing": rng.random(n) < expit(-2.5 + need),
            "absence": rng.gamma(1.5, 8.0, n),
            "contacts": rng.poisson(0.3, n),
        }
    ).astype(float)
    eta = (
        np.log1p(X["suspensions"]) * 1.2 + 0.9 * X["missing"] + np.sqrt(X["absence"]) * 0.3 - 0.5 * (X["contacts"] > 0)
    )
    X.loc[rng.random(n) < 0.2, ["missing", "contacts"]] = np.nan
    return X, (rng.random(n) < expit(eta - 4.8)).astype(int)


def test_points_follow_the_event_rates():
    model = ScorecardClassifier(l2=0.01).fit(TABLE, EVENTS)
    assert model.points_["bin"].tolist() == ["0", "1", "2 or more", "not known"]
    assert model.points_["n"].tolist() == [80, 80, 80, 0]
    assert model.points_["event_rate"].tolist()[:3] == [0.1, 0.25, 0.75]
    # log-odds against none: log(20/60) - log(8/72) = 1.10, log(3) - log(8/72) = 3.30: a third of the largest
    assert model.points_["points"].tolist() == [0, 3, 10, 4]
    assert model.predict_proba(TABLE)[[0, 239], 1] == pytest.approx([0.1, 0.75], abs=0.02)


def test_the_bin_of_the_declared_value_has_no_points():
    model = ScorecardClassifier(reference={"suspensions": 3}, l2=0.01).fit(TABLE, EVENTS)
    assert model.points_["points"].tolist() == [-10, -7, 0, -6]


def test_without_zero_in_its_range_the_first_bin_is_the_reference():
    model = ScorecardClassifier(l2=0.01).fit(TABLE - 9, EVENTS)
    assert model.card_.features[0].reference == 0


def test_a_feature_that_may_not_raise_a_score_is_level_where_it_would():
    model = ScorecardClassifier(never_positive=["suspensions"]).fit(TABLE, EVENTS)
    # none and 2 or more are pooled, (8 + 60) / 160 = 0.425; one alone is below that
    assert model.points_["points"].tolist() == [0, -10, 0, -3]
    assert model.predict_proba(TABLE)[[0, 100, 239], 1] == pytest.approx([0.425, 0.25, 0.425], abs=0.01)


def test_a_rising_feature_that_may_not_raise_a_score_has_no_points():
    rises = {"directions": {"suspensions": "increasing"}, "never_positive": ["suspensions"]}
    model = ScorecardClassifier(**rises).fit(TABLE, EVENTS)
    assert model.points_["points"].tolist() == [0, 0, 0, 0]
    assert model.card_.slope == 0.0
    assert model.predict_proba(TABLE)[0, 1] == pytest.approx(88 / 240, abs=2e-3)


def test_a_direction_against_the_data_levels_the_bins():
    model = ScorecardClassifier(directions={"suspensions": "decreasing"}).fit(TABLE, EVENTS)
    assert model.points_["points"].tolist() == [0, 0, 0, 0]


def test_missing_as_a_bin_has_its_own_event_rate():
    X = pd.concat([TABLE, pd.DataFrame({"suspensions": [np.nan] * 80})], ignore_index=True)
    y = EVENTS + [1] * 60 + [0] * 20
    assert ScorecardClassifier(missing="bin", l2=0.01).fit(X, y).points_["points"].tolist() == [0, 3, 10, 10]
    assert ScorecardClassifier(l2=0.01).fit(X, y).points_["points"].tolist() == [0, 3, 10, 4]


def test_more_points_lose_less():
    X, y = partnership(4000, 1)
    ten, fifty = (ScorecardClassifier(max_points=m).fit(X, y) for m in (3, 50))
    assert max(ten.points_["points"]) == 3
    assert max(fifty.points_["points"]) == 50
    assert abs(fifty.rounding_loss_) < 0.002 < ten.rounding_loss_


def test_on_an_additive_truth_it_is_as_good_as_its_peers():
    X, y = partnership(12000, 2)
    train, test = slice(0, 6000), slice(6000, None)
    rises = dict.fromkeys(["suspensions", "missing", "absence"], "increasing")
    ours = ScorecardClassifier(directions=rises).fit(X[train], y[train])
    boosted = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(X[train], y[train])
    linear = LogisticRegression(max_iter=1000).fit(X[train].fillna(X[train].mean()), y[train])
    area = roc_auc_score(y[test], ours.points(X[test]))
    assert area > roc_auc_score(y[test], boosted.predict_proba(X[test])[:, 1]) - 0.01
    assert area > roc_auc_score(y[test], linear.decision_function(X[test].fillna(X[train].mean()))) - 0.01
    assert ours.predict_proba(X[test])[:, 1].mean() == pytest.approx(y[test].mean(), abs=0.01)


def test_any_labels_will_do_and_the_second_in_order_is_the_outcome():
    model = ScorecardClassifier().fit(TABLE, np.where(EVENTS, "yes", "no"))
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.predict(TABLE.iloc[[0, 239]]).tolist() == ["no", "yes"]


def test_a_stored_card_predicts_the_same_without_training():
    X, y = partnership(2000, 3)
    model = ScorecardClassifier().fit(X, y)
    again = ScorecardClassifier.from_json(model.to_json())
    assert again.card_ == model.card_
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert again.feature_names_in_.tolist() == list(X.columns)


def test_a_stored_card_of_an_array_reads_arrays():
    X, y = partnership(500, 4)
    model = ScorecardClassifier().fit(X.to_numpy(), y)
    again = ScorecardClassifier.from_json(model.to_json())
    assert model.card_.feature_names == ["x0", "x1", "x2", "x3"]
    assert np.array_equal(again.points(X.to_numpy()), model.points(X.to_numpy()))


def test_contributions_keep_the_index_of_a_frame():
    model = ScorecardClassifier().fit(TABLE, EVENTS)
    part = TABLE.iloc[[239, 0]]
    assert model.contributions(part).index.tolist() == [239, 0]
    assert model.contributions(part).sum(axis=1).tolist() == model.points(part).tolist()


def test_the_card_is_text_and_a_picture():
    model = ScorecardClassifier().fit(TABLE, EVENTS)
    assert model.card() == Card.from_json(model.to_json()).text()
    assert len(model.plot().patches) == 4
    plt.close("all")


def test_stopping_early_is_said(monkeypatch):
    X, y = partnership(500, 5)
    monkeypatch.setattr(scorecard, "_MAX_SWEEPS", 1)
    with pytest.warns(ConvergenceWarning, match="had not settled after 1 sweeps"):
        ScorecardClassifier().fit(X, y)


@pytest.mark.parametrize("ask", [ScorecardClassifier.card, ScorecardClassifier.plot, ScorecardClassifier.to_json])
def test_nothing_is_shown_before_fitting(ask):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ask(ScorecardClassifier())


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_bins": 1}, "max_bins cannot be used. Expected: 2 to 64"),
        ({"max_bins": 65}, "max_bins cannot be used. Expected: 2 to 64"),
        ({"max_points": 0}, "max_points cannot be used. Expected: 1 to 100"),
        ({"max_points": 101}, "max_points cannot be used. Expected: 1 to 100"),
        ({"min_bin": 0}, "min_bin cannot be used. Expected: a number above 0"),
        ({"l2": 0.0}, "l2 cannot be used. Expected: a number above 0"),
        ({"l2": np.inf}, "l2 cannot be used. Expected: a number above 0"),
        ({"missing": "zero"}, "missing cannot be used. Expected: 'neutral' or 'bin'"),
        ({"directions": {"suspensions": "up"}}, "directions cannot be used. Expected: 'increasing' or 'decreasing'"),
        ({"directions": {"exclusions": "increasing"}}, "features of X; not in X: exclusions"),
        ({"never_positive": "suspensions"}, "never_positive cannot be used. Expected: a collection"),
        ({"never_positive": ["exclusions"]}, "never_positive cannot be used. .* not in X: exclusions"),
        ({"reference": {"exclusions": 0}}, "reference cannot be used. .* not in X: exclusions"),
        ({"reference": {"suspensions": np.nan}}, "reference cannot be used. Expected: a number for each feature"),
    ],
)
def test_a_parameter_out_of_range_is_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        ScorecardClassifier(**parameters).fit(TABLE, EVENTS)


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        ([0] * 240, None, "y holds 1 class among the rows with weight"),
        ([0, 1, 2] * 80, None, "Only binary classification is supported"),
        (EVENTS, [-1.0] * 2 + [1.0] * 238, "sample_weight has 2 negative values"),
        (EVENTS, [0.0] * 240, "sample_weight is zero in every row"),
        (EVENTS, [[1.0, 1.0]] * 240, "sample_weight has 2 dimensions"),
        ([1] + [0] * 239, [0.0] + [1.0] * 239, "y holds 1 class among the rows with weight"),
    ],
)
def test_outcomes_and_weights_that_cannot_be_fitted_are_refused(y, weights, message):
    with pytest.raises(ValueError, match=message):
        ScorecardClassifier().fit(TABLE, y, sample_weight=weights)
