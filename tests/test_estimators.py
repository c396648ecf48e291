"""scikit-learn's own checks, all of them, on every estimator."""

from __future__ import annotations

from sklearn.utils.estimator_checks import parametrize_with_checks

from vru_models.models import FlagCountClassifier, ScorecardClassifier, SingleIndicatorClassifier

ESTIMATORS = [
    ScorecardClassifier(),
    ScorecardClassifier(missing="bin"),
    FlagCountClassifier(),
    SingleIndicatorClassifier(),
]


@parametrize_with_checks(ESTIMATORS)
def test_estimator_passes(estimator, check):
    check(estimator)
