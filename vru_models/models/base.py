"""What every estimator whose model is a card has in common: prediction is reading the card, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, validate_data

from vru_models.models import card_page
from vru_models.models.binning import Distinct, cut
from vru_models.models.card import Card, CardFeature
from vru_models.models.effects import Patterns
from vru_models.models.rounding import calibrate

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Training:
    """Rows of positive weight: the matrix, which rows are of the second class, weights, column names."""

    X: NDArray[np.float64]
    positive: NDArray[np.bool_]
    weights: NDArray[np.float64]
    names: list[str]

    def column(self, j: int) -> Distinct:
        """The distinct known values of a column."""
        return Distinct.of(self.X[:, j], self.weights)

    def binned(self, j: int, *, max_bins: int, min_bin: float, reference: float | None = None) -> CardFeature:
        """A column cut into bins, as a feature without points; the reference bin is the one that holds a value."""
        distinct = self.column(j)
        edges = cut(distinct, max_bins=max_bins, min_bin=min_bin)
        zero_or_first = 0.0 if distinct.holds(0.0) else -np.inf
        position = int(np.searchsorted(edges, zero_or_first if reference is None else reference))
        return CardFeature(self.names[j], edges, (0,) * (len(edges) + 1), 0, position, distinct.kind)

    def patterns(self, features: list[CardFeature]) -> Patterns:
        """The distinct rows of bins."""
        codes = np.empty((len(features), len(self.X)), dtype=np.uint8)
        for row, feature in zip(codes, features, strict=True):
            row[:] = feature.bins_of(self.X[:, self.names.index(feature.name)])
        return Patterns.of(codes, self.positive, self.weights)


class CardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A binary classifier that is a :class:`Card`; subclasses only say how the card is made."""

    card_: Card

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def decision_function(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.float64]:
        """Log-odds of the second class, from the points: shape ``(n,)``."""
        check_is_fitted(self)
        return self.card_.log_odds(self.points(X))

    def predict_proba(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities of both classes, from the points: shape ``(n, 2)``."""
        check_is_fitted(self)
        chance = self.card_.probability(self.points(X))
        return np.column_stack((1.0 - chance, chance))

    def predict(self, X: ArrayLike | pd.DataFrame) -> NDArray[Any]:
        """The likelier class of each row; at exactly even odds the first."""
        is_second = self.decision_function(X) > 0
        return np.asarray(self.classes_[is_second.astype(np.intp)])

    def points(self, X: ArrayLike | pd.DataFrame) -> NDArray[np.int64]:
        """Score of each row, whole numbers: shape ``(n,)``."""
        check_is_fitted(self)
        return self.card_.points(self._named(X))

    def contributions(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Points of each row and feature; each row sums to :meth:`points` exactly. Keeps the index of X."""
        check_is_fitted(self)
        index = X.index if isinstance(X, pd.DataFrame) else None
        contributions = self.card_.contributions(self._named(X))
        return contributions if index is None else contributions.set_axis(index, axis=0)

    def card(self) -> str:
        """The entire model as plain text."""
        check_is_fitted(self)
        return self.card_.text()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The whole card as a bar chart."""
        check_is_fitted(self)
        return card_page.plot(self.card_, ax)

    def to_json(self) -> str:
        """The card as JSON: :meth:`Card.to_json`."""
        check_is_fitted(self)
        return self.card_.to_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A fitted estimator around a stored card, with classes 0 and 1; parameters are the defaults.

        What a card does not hold is not there: ``points_`` and ``rounding_loss_`` belong to training.
        """
        card = Card.from_json(text)
        model = cls()
        model.card_, model.classes_ = card, np.array([0, 1])
        model.n_features_in_ = len(card.features)
        if card.feature_names != _numbered(len(card.features)):
            model.feature_names_in_ = np.array(card.feature_names, dtype=object)
        return model

    def _named(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        matrix = validate_data(self, X, reset=False, dtype=np.float64, ensure_all_finite="allow-nan")
        return pd.DataFrame(matrix, columns=self._names(), copy=False)

    def _names(self) -> list[str]:
        names = getattr(self, "feature_names_in_", None)
        return _numbered(self.n_features_in_) if names is None else [str(name) for name in names]

    def _training(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None) -> Training:
        """Checked training data; sets ``classes_``, ``n_features_in_`` and, from a frame, ``feature_names_in_``."""
        options = {"dtype": np.float64, "order": "F", "ensure_all_finite": "allow-nan"}
        matrix, y = validate_data(self, X, y, **options)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind not in ("binary", "multiclass") or len(np.unique(y)) > 2:
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        weights = _checked_weights(sample_weight, matrix)
        self.classes_ = np.unique(y)
        counted = weights > 0
        present = np.unique(np.asarray(y)[counted])
        if len(present) < 2:
            raise ValueError(
                f"y holds {len(present)} class among the rows with weight; a scorecard is fitted to 2 classes"
            )
        positive = np.asarray(y) == self.classes_[-1]
        if not counted.all():
            matrix, positive, weights = np.asfortranarray(matrix[counted]), positive[counted], weights[counted]
        return Training(matrix, positive, weights, self._names())

    def _adopt(self, features: list[CardFeature], patterns: Patterns) -> None:
        """Sets ``card_`` and ``points_`` from features that have their points, in the order of the patterns."""
        totals = pattern_points(features, patterns)
        slope, intercept = calibrate(*_per_total(totals, patterns))
        self.card_ = Card(tuple(features), slope=slope, intercept=intercept)
        self.points_ = _with_counts(self.card_, patterns)


def pattern_points(features: list[CardFeature], patterns: Patterns) -> NDArray[np.int64]:
    """Score of each pattern."""
    total = np.zeros(patterns.codes.shape[1], dtype=np.int64)
    for feature, codes in zip(features, patterns.codes, strict=True):
        total += np.array([*feature.points, feature.neutral])[codes]
    return total


def _per_total(
    totals: NDArray[np.int64], patterns: Patterns
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    scores, which = np.unique(totals, return_inverse=True)
    positive, negative = (np.bincount(which, side) for side in (patterns.positive, patterns.negative))
    return scores, positive.astype(np.float64), negative.astype(np.float64)


def _with_counts(card: Card, patterns: Patterns) -> pd.DataFrame:
    counts, positives = [], []
    for j, feature in enumerate(card.features):
        counts.append(patterns.by_bin(j, patterns.weight, len(feature.points) + 1))
        positives.append(patterns.by_bin(j, patterns.positive, len(feature.points) + 1))
    n, positive = np.concatenate(counts), np.concatenate(positives)
    rate = np.divide(positive, n, out=np.full(len(n), np.nan), where=n > 0)
    columns = ["feature", "bin", "lower", "upper", "n", "event_rate", "points"]
    return card.frame().assign(n=n, event_rate=rate)[columns]


def _numbered(n: int) -> list[str]:
    return [f"x{i}" for i in range(n)]


def _checked_weights(sample_weight: ArrayLike | None, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(len(matrix))
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.ndim != 1:
        raise ValueError(f"sample_weight has {weights.ndim} dimensions. Expected: one weight per row.")
    check_consistent_length(weights, matrix)
    if not weights.any():
        raise ValueError("sample_weight is zero in every row. Expected: some weight above zero.")
    if (weights < 0).any():
        raise ValueError(f"sample_weight has {int((weights < 0).sum())} negative values. Expected: 0 or more.")
    return np.asarray(weights)
