"""The models that are compared: declared cards, mandatory simple rules, and comparators that cannot be released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from vru_models.dataset import Dataset
from vru_models.errors import SpecError
from vru_models.models import FlagCountClassifier, ScorecardClassifier, SingleIndicatorClassifier
from vru_models.models.base import CardClassifier
from vru_models.spec import Spec
from vru_models.spec.bars import Candidate
from vru_models.spec.question import Feature

COMPARATORS: Final = ("boosting", "logistic", "area_only", "random")
"""Compared with on every split and never released: a ceiling, a linear model, the area's rate, no information."""

PROBABILITY: Final = "probability"
"""The column of scores beside those of the models: the winner's probability."""

_SIMPLE: Final = ("flag_count", "single_indicator")
_RISING = {"raises": "increasing", "lowers": "decreasing"}
_FALLING = {"raises": "decreasing", "lowers": "increasing"}


def releasable(spec: Spec) -> dict[str, CardClassifier]:
    """An unfitted estimator per card that may be chosen, in declared order, the simple rules among them.

    Raises :class:`SpecError` where a candidate has the name of something else that is compared with, or where no flag
    can be counted.
    """
    kinds = {c.kind for c in spec.model.candidates}
    missing = [Candidate(name=kind, kind=kind) for kind in _SIMPLE if kind not in kinds]
    taken = {*COMPARATORS, PROBABILITY, *(c.name for c in missing)} & {c.name for c in spec.model.candidates}
    if taken:
        what = f"{', '.join(sorted(taken))} is the name of something else that is compared with"
        raise SpecError.at("model.candidates", what, then="Choose another name")
    return {c.name: _estimator(spec, c) for c in (*spec.model.candidates, *missing)}


def flag_count_name(spec: Spec) -> str:
    """The name of the flag count among the candidates."""
    return next((c.name for c in spec.model.candidates if c.kind == "flag_count"), "flag_count")


def _estimator(spec: Spec, candidate: Candidate) -> CardClassifier:
    match candidate.kind:
        case "flag_count":
            return FlagCountClassifier(flags=flags(spec))
        case "single_indicator":
            return SingleIndicatorClassifier(features=_raising(spec))
        case "scorecard":
            return ScorecardClassifier(
                directions=directions(spec),
                never_positive=never_positive(spec),
                reference=references(spec),
                max_bins=candidate.max_bins,
                l2=candidate.l2,
                max_points=candidate.max_points,
            )


def directions(spec: Spec) -> dict[str, Literal["increasing", "decreasing"]]:
    """The direction of each feature whose indicator declares one; days since the last event run the other way.

    A trend has none: more than before and less than before can both be for the better.
    """
    found: dict[str, Any] = {}
    for feature in spec.columns:
        table = _FALLING if feature.measure == "days_since_last" else _RISING
        if feature.measure != "trend":
            found[feature.name] = table.get(str(spec.indicators[feature.indicator].direction))
    return {name: direction for name, direction in found.items() if direction}


def never_positive(spec: Spec) -> tuple[str, ...]:
    """Features of help that somebody sought: they may lower a score, never raise it."""
    return tuple(f.name for f in spec.columns if spec.indicators[f.indicator].activity_driver == "help_seeking")


def references(spec: Spec) -> dict[str, float]:
    """The value that has 0 points where it is not zero: no event in the window, so the longest time since one."""
    return {f.name: float(f.window.longest_days) for f in spec.columns if f.measure == "days_since_last"}


def flags(spec: Spec) -> tuple[str, ...]:
    """The flags of the flag count: any, or count, of each indicator that raises, over its longest window."""
    best: dict[str, Feature] = {}
    for feature in spec.columns:
        if feature.name in _raising(spec) and feature.measure in ("any", "count"):
            held = best.get(feature.indicator)
            if held is None or feature.window > held.window:
                best[feature.indicator] = feature
    if not best:
        then = "Declare one: the simple rule that every model must beat counts them"
        raise SpecError.at("features", "no indicator that raises has a count or any", then=then)
    return tuple(feature.name for feature in best.values())


def _raising(spec: Spec) -> tuple[str, ...]:
    """Features of indicators that raise: what a single indicator may be, so that no help sought ever scores."""
    return tuple(f.name for f in spec.columns if spec.indicators[f.indicator].direction == "raises")


@dataclass(frozen=True)
class Labelled:
    """Rows to learn from: one label, area and weight for each row of X."""

    X: pd.DataFrame
    y: pd.Series[float]
    area: pd.Series[str]
    weight: pd.Series[float]

    @classmethod
    def of(cls, data: Dataset, rows: np.ndarray) -> Labelled:
        """Some labelled rows of a dataset, by a mask."""
        return cls(data.X[rows], data.y[rows], data.rows["area"][rows], data.weight[rows])

    def take(self, at: np.ndarray) -> Labelled:
        """Some of the rows, by position."""
        return Labelled(*(getattr(self, name).iloc[at] for name in ("X", "y", "area", "weight")))

    def fitted(self, model: CardClassifier) -> CardClassifier:
        """A candidate fitted anew to the rows."""
        card: CardClassifier = clone(model).fit(self.X, self.y.astype(int), **self.weighted())
        return card

    def weighted(self, name: str = "sample_weight") -> dict[str, np.ndarray]:
        """The weights by the name of an argument; none where every one is 1."""
        return {} if (self.weight == 1).all() else {name: self.weight.to_numpy()}


def comparator_scores(spec: Spec, train: Labelled, test: tuple[pd.DataFrame, pd.Series[str]]) -> dict[str, np.ndarray]:
    """Scores of the test rows (X, area) by every comparator, each fitted to the training rows.

    What is known of nobody in training says nothing. Chances are kept to 6 decimals: the last bits depend on how many
    threads took part.
    """
    unknown = dict.fromkeys(train.X.columns[train.X.isna().all()], np.float32(0))
    X, X_test, y = train.X.assign(**unknown), test[0].assign(**unknown), train.y.astype(int)
    models: Mapping[str, tuple[Any, str]] = {
        "boosting": (_boosting(spec, X), "sample_weight"),
        "logistic": (_logistic(), "logisticregression__sample_weight"),
    }
    fitted = {name: model.fit(X, y, **train.weighted(by)) for name, (model, by) in models.items()}
    scores = {name: model.predict_proba(X_test)[:, 1].round(6) for name, model in fitted.items()}
    return scores | {"area_only": _area_rate(train, test[1]), "random": np.zeros(len(X_test))}


def _boosting(spec: Spec, X: pd.DataFrame) -> HistGradientBoostingClassifier:
    signs = {"increasing": 1, "decreasing": -1}
    constraints = {name: signs[d] for name, d in directions(spec).items() if X[name].nunique() > 1}
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=150,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        l2_regularization=1.0,
        monotonic_cst=constraints,
        early_stopping=False,
        random_state=0,
    )


def _logistic() -> Any:
    impute = SimpleImputer(add_indicator=True, keep_empty_features=True)
    return make_pipeline(impute, StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


def _area_rate(train: Labelled, test_area: pd.Series[str]) -> np.ndarray:
    """The training rate of each area, drawn to the overall rate by 20 people's worth; an unseen area has that rate."""
    rows = pd.DataFrame({"ones": train.y * train.weight, "all": train.weight})
    overall, weight = float(rows["ones"].sum() / rows["all"].sum()), 20.0
    by_area = rows.groupby(train.area.to_numpy()).sum()
    rate = (by_area["ones"] + weight * overall) / (by_area["all"] + weight)
    return test_area.map(rate).astype(float).fillna(overall).to_numpy()
