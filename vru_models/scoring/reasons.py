"""Why somebody is on the list, in the plain sentences that the declaration holds, and what is not known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from vru_models.dataset import STATUS
from vru_models.models import Card
from vru_models.spec import Spec
from vru_models.spec.sources import Audience

N_REASONS: Final = 3
_GAPS: Final = ("not_shared", "not_in_view", "partly_observed", "not_yet_due", "withheld")


def by_indicator(spec: Spec, contributions: pd.DataFrame) -> pd.DataFrame:
    """Points of each person and indicator: the sum over its features."""
    owner = {feature.name: feature.indicator for feature in spec.columns}
    return contributions.T.groupby([owner[name] for name in contributions.columns], sort=False).sum().T


def explain(spec: Spec, card: Card, X: pd.DataFrame, audience: Audience = "panel") -> pd.DataFrame:
    """``reason_1`` to ``reason_3`` (what raised the points most) and ``protective`` (what lowered them most), per row.

    Only indicators declared for the audience are named; what another one contributed is in the points all the same, and
    the sentence "Something else that may not be shown here" stands for it. Blank where there is nothing to say.
    """
    points = by_indicator(spec, card.contributions(X))
    columns = {f"reason_{i + 1}": _ranked(spec, points, audience, position=i) for i in range(N_REASONS)}
    columns["protective"] = _ranked(spec, -points, audience, position=0)
    return pd.DataFrame(columns, index=X.index)


def _ranked(spec: Spec, points: pd.DataFrame, audience: Audience, *, position: int) -> list[str]:
    """The sentence of the indicator with the most points, second most, ...; declared order breaks ties."""
    if position >= points.shape[1]:
        return [""] * len(points)
    values = points.to_numpy()
    which = np.argsort(-values, axis=1, kind="stable")[:, position]
    sentences = [_sentence(spec, str(name), audience) for name in points.columns]
    earned = values[np.arange(len(values)), which]
    return [sentences[i] if p > 0 else "" for i, p in zip(which, earned, strict=True)]


def _sentence(spec: Spec, indicator: str, audience: Audience) -> str:
    declared = spec.indicators[indicator]
    return declared.reason if audience in declared.disclose_to else "Something else that may not be shown here"


def data_gaps(status: pd.DataFrame) -> list[str]:
    """Per row, the feeds and windows that could not count, each with why: ``housing_12m not shared; ...``."""
    codes = {STATUS.index(name): name.replace("_", " ") for name in _GAPS}
    values = status.to_numpy()
    names = list(status.columns)
    return ["; ".join(f"{names[j]} {codes[row[j]]}" for j in range(len(names)) if row[j] in codes) for row in values]
