from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils import get_tags

from vru_models.models import FlagCountClassifier, ScorecardClassifier, SingleIndicatorClassifier

FLAGS = pd.DataFrame({"a": [0, 2, 0, 1, np.nan], "b": [1, 1, 1, 0, 1], "c": [0.0, 0.5, -1.0, 0.0, 0.0]})
Y = [0, 1, 0, 1, 1]


def test_the_count_is_of_columns_above_zero():
    # a is up in 2 of its 4 known rows: neutral is the half rounded to even, 0
    assert FlagCountClassifier().fit(FLAGS, Y).points(FLAGS).tolist() == [1, 3, 1, 1, 1]


def test_only_named_flags_are_counted():
    model = FlagCountClassifier(flags=["a", "c"]).fit(FLAGS, Y)
    assert model.card_.feature_names == ["a", "c"]
    assert model.points(FLAGS).tolist() == [0, 2, 0, 1, 0]


def test_a_flag_that_is_up_for_most_is_up_where_it_is_not_known():
    model = FlagCountClassifier(flags=["a"]).fit(FLAGS, Y, sample_weight=[1, 2, 1, 1, 1])
    assert model.points(FLAGS).tolist() == [0, 1, 0, 1, 1]


def test_a_flag_nobody_was_asked_about_is_neutral():
    model = FlagCountClassifier().fit(FLAGS.assign(b=np.nan), Y)
    assert model.contributions(FLAGS.assign(b=np.nan))["b"].tolist() == [0] * 5


def test_probability_of_the_count_is_calibrated():
    X = pd.DataFrame({"a": [0] * 500 + [1] * 500})
    y = [1] * 50 + [0] * 450 + [1] * 250 + [0] * 250
    assert FlagCountClassifier().fit(X, y).predict_proba(X)[[0, 999], 1] == pytest.approx([0.1, 0.5], abs=0.002)


def test_the_best_feature_is_kept_with_its_direction():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    X = pd.DataFrame(
        {"noise": rng.normal(size=400), "good": y + rng.normal(size=400), "falls": rng.normal(size=400) - 3 * y}
    )
    model = SingleIndicatorClassifier().fit(X, y)
    assert model.card_.feature_names == ["falls"]
    assert model.card_.features[0].points == (7, 6, 5, 4, 3, 2, 1, 0)
    assert roc_auc_score(y, model.points(X)) > roc_auc_score(y, -X["falls"]) - 0.02


def test_a_choice_can_be_confined():
    X = pd.DataFrame({"best": [0.5, 1.5] * 50, "other": [0] * 60 + [1] * 40})
    model = SingleIndicatorClassifier(features=["other"]).fit(X, [0, 1] * 50)
    assert model.card_.feature_names == ["other"]


def test_of_equals_the_first_is_kept():
    X = pd.DataFrame({"one": [0, 1] * 50, "two": [0, 1] * 50})
    assert SingleIndicatorClassifier().fit(X, [0, 1] * 50).card_.feature_names == ["one"]


def test_not_known_earns_the_mean_of_the_ranks():
    X = pd.DataFrame({"one": [0] * 20 + [1] * 20 + [2] * 20 + [np.nan] * 20})
    y = [0] * 20 + [0, 1] * 10 + [1] * 20 + [0, 1] * 10
    model = SingleIndicatorClassifier().fit(X, y)
    assert (model.card_.features[0].points, model.card_.features[0].neutral) == ((0, 1, 2), 1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (FlagCountClassifier(flags=["d"]), "flags cannot be used. Expected: features of X; not in X: d"),
        (FlagCountClassifier(flags=[]), "flags cannot be used. .*: nothing is named"),
        (SingleIndicatorClassifier(features=["d"]), "features cannot be used. .* not in X: d"),
    ],
)
def test_what_is_not_in_x_is_named(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(FLAGS, Y)


def test_only_the_two_baselines_are_excused_from_scoring_well():
    models = (FlagCountClassifier(), SingleIndicatorClassifier(), ScorecardClassifier())
    assert [get_tags(model).classifier_tags.poor_score for model in models] == [True, True, False]
