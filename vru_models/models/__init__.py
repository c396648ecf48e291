"""Models that fit on paper: plain scikit-learn estimators that know nothing of agencies.

A model is a :class:`Card`: for each feature its bins and their whole-number points, a slope and an intercept. The
estimators only differ in how they come to one; whatever they predict is read off their card.
"""

from vru_models.models.baselines import FlagCountClassifier, SingleIndicatorClassifier
from vru_models.models.card import Card, CardFeature
from vru_models.models.scorecard import ScorecardClassifier

__all__ = ["Card", "CardFeature", "FlagCountClassifier", "ScorecardClassifier", "SingleIndicatorClassifier"]
