"""The scorecard: every feature earns whole points, the score is their sum."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning

from vru_models.models.base import CardClassifier, Training, pattern_points
from vru_models.models.card import MAX_BINS, MAX_POINTS, CardFeature
from vru_models.models.effects import Shape, fit_effects
from vru_models.models.rounding import area_under_curve, neutral_points, to_points

_MAX_SWEEPS = 1_000
_DIRECTIONS = {"increasing": 1, "decreasing": -1}


class ScorecardClassifier(CardClassifier):
    """Whole-number points per bin of each feature; probabilities are computed from the points.

    Features are cut at weighted quantiles, log-odds per bin are fitted jointly (L2, monotone where a direction is
    declared), scaled so that the largest is ``max_points``, and rounded; slope and intercept are fitted again on the
    rounded totals. The printed card and the software can therefore never disagree. The same rows in another order, or
    a weight of 2 in place of a row given twice, make the same card to the byte.

    Parameters
    ----------
    directions
        ``{feature: "increasing" | "decreasing"}``: the points never fall, or never rise, with the value, rounded points
        included. Features not named are free.
    never_positive
        Features whose points are 0 or less everywhere, such as help somebody sought.
    reference
        ``{feature: value}``: the bin that holds the value has 0 points. Default: the bin that holds 0, where 0 lies
        within the range seen, else the first bin.
    max_bins
        Most bins per feature, NaN not counted, from 2 to 64. Zero is a bin of its own in a column without negative
        values.
    min_bin
        Least weight of a bin; smaller ones are merged with a neighbour.
    l2
        Penalty on the squares of the log-odds of the bins, greater than 0: a bin where about ``l2`` positives (and more
        negatives) are expected is moved half way.
    max_points
        Points of the largest effect, from 1 to 100.
    missing
        ``"neutral"``: NaN earns the weighted training mean of the feature's points over its known cells, rounded half
        to even, so that missing data moves nobody. ``"bin"``: NaN has an effect of its own, whatever made it missing.

    Attributes
    ----------
    card_ : Card
        The complete model.
    points_ : DataFrame
        The card with the training weight and event rate of each bin: feature, bin, lower, upper, n, event_rate, points.
        Counts of people: protect the table before it leaves.
    rounding_loss_ : float
        AUC on the training rows of the fitted log-odds less that of the rounded points.
    n_iter_ : int
        Sweeps made.
    classes_, n_features_in_, feature_names_in_
        As everywhere in scikit-learn. Columns of an array are called ``x0``, ``x1``, ...

    See Also
    --------
    FlagCountClassifier : The simple rule that a scorecard has to beat.

    Notes
    -----
    Points describe association in the training data, not cause. The penalty is not scaled by the number of rows.

    Examples
    --------
    >>> X = pd.DataFrame({"suspensions": [0, 0, 0, 0, 1, 1, 1, 1, 3, 3, 3, 3] * 20})
    >>> y = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1] * 20
    >>> model = ScorecardClassifier(directions={"suspensions": "increasing"}).fit(X, y)
    >>> model.points_[["bin", "n", "event_rate", "points"]]
             bin     n  event_rate  points
    0          0  80.0        0.00       0
    1          1  80.0        0.25       4
    2  2 or more  80.0        0.75      10
    3  not known   0.0         NaN       5
    """

    def __init__(
        self,
        *,
        directions: Mapping[str, Literal["increasing", "decreasing"]] | None = None,
        never_positive: Collection[str] = (),
        reference: Mapping[str, float] | None = None,
        max_bins: int = 8,
        min_bin: float = 10,
        l2: float = 20.0,
        max_points: int = 10,
        missing: Literal["neutral", "bin"] = "neutral",
    ) -> None:
        self.directions = directions
        self.never_positive = never_positive
        self.reference = reference
        self.max_bins = max_bins
        self.min_bin = min_bin
        self.l2 = l2
        self.max_points = max_points
        self.missing = missing

    def fit(self, X: ArrayLike | pd.DataFrame, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """The fitted card; rows of weight 0 are as if they were not there.

        Raises
        ------
        ValueError
            A parameter is out of range or names a feature that is not in X, or y does not hold exactly two classes.
        """
        data = self._training(X, y, sample_weight)
        self._check(data.names)
        features = [self._binned(data, j) for j in range(len(data.names))]
        patterns = data.patterns(features)
        shapes = [self._shape(feature) for feature in features]
        effects = fit_effects(patterns, shapes, l2=self.l2, max_iter=_MAX_SWEEPS)
        if not effects.settled:
            warnings.warn(
                f"the effects had not settled after {_MAX_SWEEPS} sweeps over the features",
                ConvergenceWarning,
                stacklevel=2,
            )
        relative = [values - values[f.reference] for values, f in zip(effects.values, features, strict=True)]
        known = [values if self.missing == "bin" else values[:-1] for values in relative]
        rounded = to_points(known, self.max_points)
        weights = [patterns.by_bin(j, patterns.weight, len(f.points) + 1) for j, f in enumerate(features)]
        features = [_scored(f, p, w) for f, p, w in zip(features, rounded, weights, strict=True)]
        self._adopt(features, patterns)
        before, after = effects.log_odds, pattern_points(features, patterns)
        loss = [area_under_curve(score, patterns.positive, patterns.negative) for score in (before, after)]
        self.rounding_loss_, self.n_iter_ = loss[0] - loss[1], effects.sweeps
        return self

    def _binned(self, data: Training, j: int) -> CardFeature:
        reference = (self.reference or {}).get(data.names[j])
        return data.binned(j, max_bins=self.max_bins, min_bin=self.min_bin, reference=reference)

    def _shape(self, feature: CardFeature) -> Shape:
        return Shape(
            bins=len(feature.points),
            direction=_DIRECTIONS.get((self.directions or {}).get(feature.name, ""), 0),
            reference=feature.reference,
            capped=feature.name in self.never_positive,
            fit_missing=self.missing == "bin",
        )

    def _check(self, names: list[str]) -> None:
        _require(2 <= self.max_bins <= MAX_BINS, "max_bins", f"2 to {MAX_BINS}")
        _require(1 <= self.max_points <= MAX_POINTS, "max_points", f"1 to {MAX_POINTS}")
        _require(0 < self.min_bin < np.inf, "min_bin", "a number above 0")
        _require(0 < self.l2 < np.inf, "l2", "a number above 0")
        _require(self.missing in ("neutral", "bin"), "missing", "'neutral' or 'bin'")
        _require(not isinstance(self.never_positive, str), "never_positive", "a collection of feature names")
        wrong = set((self.directions or {}).values()) - set(_DIRECTIONS)
        _require(not wrong, "directions", "'increasing' or 'decreasing' for each feature")
        _require(np.isfinite(list((self.reference or {}).values())).all(), "reference", "a number for each feature")
        for parameter in ("directions", "never_positive", "reference"):
            unknown = sorted(set(getattr(self, parameter) or ()) - set(names))
            _require(not unknown, parameter, f"features of X; not in X: {', '.join(map(str, unknown))}")


def _require(holds: Any, parameter: str, expected: str) -> None:
    if not holds:
        raise ValueError(f"{parameter} cannot be used. Expected: {expected}.")


def _scored(feature: CardFeature, points: NDArray[np.int64], weights: NDArray[np.float64]) -> CardFeature:
    """The feature with its points; a last point beyond its bins is NaN's own, otherwise NaN earns the mean."""
    bins = len(feature.points)
    neutral = int(points[bins]) if len(points) > bins else neutral_points(points, weights[:bins])
    return replace(feature, points=tuple(points[:bins].tolist()), neutral=neutral)
