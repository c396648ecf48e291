"""Why somebody is on the list, in the plain sentences that the declaration holds, and what is not known."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from vru_models.dataset import STATUS
from vru_models.dataset.status import status_column
from vru_models.models import Card
from vru_models.spec import Spec
from vru_models.spec.question import NEEDS_COUNT
from vru_models.spec.sources import Audience

N_REASONS: Final = 3
_GAPS: Final = {
    STATUS.index("not_shared"): "not shared with the partnership",
    STATUS.index("not_in_view"): "the person was not in view here",
    STATUS.index("partly_observed"): "known for part of the time only, so not counted",
    STATUS.index("not_yet_due"): "not yet due from the agency",
    STATUS.index("withheld"): "withheld",
}


def by_indicator(spec: Spec, contributions: pd.DataFrame) -> pd.DataFrame:
    """Points of each person and indicator: the sum over its features."""
    owner = {feature.name: feature.indicator for feature in spec.columns}
    return contributions.T.groupby([owner[name] for name in contributions.columns], sort=False).sum().T


def explain(spec: Spec, card: Card, X: pd.DataFrame, audience: Audience = "panel") -> pd.DataFrame:
    """``reason_1`` to ``reason_3`` (what raised the points most) and ``protective`` (what lowered them most), per row.

    A reason is something that was recorded: what is not known, or known and empty, may earn points and is never one.
    An indicator that is not declared for the audience leaves no trace here, or the gap itself would tell; what it
    contributed is in the points all the same. Blank where there is nothing to say.
    """
    earned = card.contributions(X)
    points = by_indicator(spec, earned.where(_recorded(spec, X[earned.columns]), 0))
    shown = points[[name for name in points.columns if audience in spec.indicators[name].disclose_to]]
    columns = {f"reason_{i + 1}": _ranked(spec, shown, position=i) for i in range(N_REASONS)}
    columns["protective"] = _ranked(spec, -shown, position=0)
    return pd.DataFrame(columns, index=X.index)


def _recorded(spec: Spec, X: pd.DataFrame) -> pd.DataFrame:
    """Whether each cell stands for at least one event."""
    features = {f.name: f for f in spec.columns}
    none = {
        name: features[name].window.longest_days if features[name].measure == "days_since_last" else 0
        for name in X.columns
        if features[name].measure not in NEEDS_COUNT
    }
    return X.notna() & X.ne(pd.Series(none).reindex(X.columns), axis=1)


def _ranked(spec: Spec, points: pd.DataFrame, *, position: int) -> list[str]:
    """The sentence of the indicator with the most points, second most, ...; declared order breaks ties."""
    if position >= points.shape[1]:
        return [""] * len(points)
    values = points.to_numpy()
    which = np.argsort(-values, axis=1, kind="stable")[:, position]
    sentences = [spec.indicators[str(name)].reason for name in points.columns]
    earned = values[np.arange(len(values)), which]
    return [sentences[i] if p > 0 else "" for i, p in zip(which, earned, strict=True)]


def data_gaps(spec: Spec, status: pd.DataFrame) -> list[str]:
    """Per row, what could not count and why, in words: ``Moves, over 6 months and 1 year: not shared with ...; ...``.

    Feeds by their titles, windows with the same reason together. Blank where everything was known.
    """
    words = {}
    for feature in spec.columns:
        feed = spec.indicators[feature.indicator].feed
        words[status_column(feed, feature.window)] = (spec.table_of(feed).title or feed, str(feature.window))
    columns = [words[name] for name in status.columns]
    return [_gaps(columns, row) for row in status.to_numpy().tolist()]


def _gaps(columns: list[tuple[str, str]], row: list[int]) -> str:
    windows: dict[tuple[str, str], list[str]] = {}
    for (title, window), code in zip(columns, row, strict=True):
        if code in _GAPS:
            windows.setdefault((title, _GAPS[code]), []).append(window)
    return "; ".join(f"{title}, over {' and '.join(over)}: {why}" for (title, why), over in windows.items())
