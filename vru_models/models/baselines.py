"""The two simple rules that every model has to beat: a count of flags, and the best single indicator."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vru_models.models.base import CardClassifier, Training
from vru_models.models.card import CardFeature
from vru_models.models.effects import Patterns
from vru_models.models.rounding import area_under_curve, neutral_points

_MAX_BINS, _MIN_BIN = 8, 10
_LEVEL = 1e-12  # AUCs closer than this are equal


class FlagCountClassifier(CardClassifier):
    """One point for each flag that is up: the rule that needs no model, as a card.

    A flag is up when its column is above 0. NaN earns what most known rows have, 0 or 1 (the weighted mean, halves to
    even). Only the slope and intercept of the probability are learnt.

    Parameters
    ----------
    flags
        Columns that are counted. Default: every column.

    Attributes
    ----------
    card_ : Card
        The complete model.
    points_ : DataFrame
        The card with the training weight and event rate of each bin: feature, bin, lower, upper, n, event_rate, points.

    Examples
    --------
    >>> X = pd.DataFrame({"missing_episodes": [0, 2, 0, 1], "housed": [1, 1, 1, 0]})
    >>> model = FlagCountClassifier(flags=["missing_episodes"]).fit(X, [0, 1, 0, 1])
    >>> model.points(X).tolist()
    [0, 1, 0, 1]
    """

    def __init__(self, *, flags: Collection[str] | None = None) -> None:
        self.flags = flags

    def __sklearn_tags__(self) -> Any:
        return _poor_score(super().__sklearn_tags__())

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted card; rows of weight 0 are as if they were not there.

        Raises
        ------
        ValueError
            A flag is not a column of X, no flag is left, or y does not hold exactly two classes.
        """
        data = self._training(X, y, sample_weight)
        flags = [_flag(data, j) for j in _positions(data.names, self.flags, "flags")]
        patterns = data.patterns(flags)
        scored = [_with_neutral(flag, patterns, j) for j, flag in enumerate(flags)]
        self._adopt(scored, patterns)
        return self


class SingleIndicatorClassifier(CardClassifier):
    """The one feature that ranks best by itself, as a card.

    Each feature's bins earn 0, 1, 2, ... points upwards, or downwards where that ranks better; the feature with the
    highest AUC on the training rows is kept, the first of equals. NaN earns the weighted mean of the known rows,
    rounded.

    Parameters
    ----------
    features
        Columns to choose from. Default: every column.

    Attributes
    ----------
    card_ : Card
        The complete model.
    points_ : DataFrame
        The card with the training weight and event rate of each bin: feature, bin, lower, upper, n, event_rate, points.

    Examples
    --------
    >>> X = pd.DataFrame({"noise": [1, 0] * 20, "attendance": [98.5] * 20 + [50.0] * 20})
    >>> model = SingleIndicatorClassifier().fit(X, [0] * 20 + [1] * 20)
    >>> model.card_.frame()[["feature", "bin", "points"]]
          feature        bin  points
    0  attendance   up to 50       1
    1  attendance    over 50       0
    2  attendance  not known       0
    """

    def __init__(self, *, features: Collection[str] | None = None) -> None:
        self.features = features

    def __sklearn_tags__(self) -> Any:
        return _poor_score(super().__sklearn_tags__())

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted card; rows of weight 0 are as if they were not there.

        Raises
        ------
        ValueError
            A feature is not a column of X, none is left, or y does not hold exactly two classes.
        """
        data = self._training(X, y, sample_weight)
        positions = _positions(data.names, self.features, "features")
        features = [data.binned(j, max_bins=_MAX_BINS, min_bin=_MIN_BIN) for j in positions]
        best = _best_ranking(features, data.patterns(features))
        self._adopt([best], data.patterns([best]))
        return self


def _poor_score(tags: Any) -> Any:
    tags.classifier_tags.poor_score = True
    return tags


def _positions(names: list[str], wanted: Collection[str] | None, parameter: str) -> list[int]:
    if wanted is None:
        return list(range(len(names)))
    unknown = sorted(set(wanted) - set(names))
    if unknown or not wanted:
        listed = ", ".join(map(str, unknown)) or "nothing is named"
        raise ValueError(f"{parameter} cannot be used. Expected: features of X; not in X: {listed}.")
    return [j for j, name in enumerate(names) if name in set(wanted)]


def _flag(data: Training, j: int) -> CardFeature:
    return CardFeature(data.names[j], (0.0,), (0, 1), 0, 0, data.column(j).kind)


def _best_ranking(features: list[CardFeature], patterns: Patterns) -> CardFeature:
    best, winner = -1.0, features[0]
    for j, feature in enumerate(features):
        size = len(feature.points) + 1
        sides = [patterns.by_bin(j, side, size) for side in (patterns.positive, patterns.negative)]
        for upward in (True, False):
            ranked = _with_neutral(_ranked(feature, upward=upward), patterns, j)
            area = area_under_curve(np.array([*ranked.points, ranked.neutral]), *sides)
            if area > best + _LEVEL:
                best, winner = area, ranked
    return winner


def _ranked(feature: CardFeature, *, upward: bool) -> CardFeature:
    last = len(feature.edges)
    points = tuple(range(last + 1))
    return (
        replace(feature, points=points, reference=0)
        if upward
        else replace(feature, points=points[::-1], reference=last)
    )


def _with_neutral(feature: CardFeature, patterns: Patterns, j: int) -> CardFeature:
    known = patterns.by_bin(j, patterns.weight, len(feature.points) + 1)[:-1]
    return replace(feature, neutral=neutral_points(np.array(feature.points), known))
