"""Why somebody is on the list, in the plain sentences that the declaration holds, and what is not known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from vru_models.features import STATUS
from vru_models.features.status import status_column
from vru_models.models import Card
from vru_models.spec import Spec
from vru_models.spec.calendar import Span
from vru_models.spec.question import NEEDS_COUNT, Feature
from vru_models.spec.sources import Audience

N_REASONS: Final = 3
_GAPS: Final = {
    STATUS.index("not_shared"): "not shared with the partnership",
    STATUS.index("not_in_view"): "the person was not in view here",
    STATUS.index("not_applicable"): "cannot apply at this age or time of year",
    STATUS.index("partly_observed"): "known for part of the time only, so not counted",
    STATUS.index("not_yet_due"): "not yet due from the agency",
    STATUS.index("withheld"): "withheld",
}
_ORDER: Final = ("count", "any", "sum", "mean", "max", "distinct", "rate", "trend", "days_since_last")


def by_indicator(spec: Spec, contributions: pd.DataFrame) -> pd.DataFrame:
    """Points of each person and indicator: the sum over its features."""
    owner = {feature.name: feature.indicator for feature in spec.columns}
    return contributions.T.groupby([owner[name] for name in contributions.columns], sort=False).sum().T


def explain(spec: Spec, card: Card, X: pd.DataFrame, audience: Audience = "panel") -> pd.DataFrame:
    """``reason_1`` to ``reason_3`` (what raised the points most) and ``protective`` (what lowered them most), per row.

    A reason is something that was recorded: what is not known, or known and empty, may earn points and is never one.
    What was recorded stands behind the sentence, by the features of the indicator to which the card gives points:
    ``Suspended from school (3 in 12 months; last one 14 days before the list)``. An indicator that is not declared for
    the audience leaves no trace here, or the gap itself would tell; what it contributed is in the points all the same.
    Blank where there is nothing to say.
    """
    earned = card.contributions(X)
    points = by_indicator(spec, earned.where(_recorded(spec, X[earned.columns]), 0))
    shown = points[[name for name in points.columns if audience in spec.indicators[name].disclose_to]]
    said = {str(name): _sentences(spec, card, X, str(name)) for name in shown.columns}
    columns = {f"reason_{i + 1}": _ranked(shown, said, position=i) for i in range(N_REASONS)}
    columns["protective"] = _ranked(-shown, said, position=0)
    return pd.DataFrame(columns, index=X.index)


def _sentences(spec: Spec, card: Card, X: pd.DataFrame, indicator: str) -> list[str]:
    """Per row, the indicator's sentence with what was recorded behind it."""
    weighed = {f.name for f in card.features if f.has_points}
    features = [f for f in spec.columns if f.indicator == indicator and f.name in weighed]
    features.sort(key=lambda f: (_ORDER.index(f.measure), -f.window.approximate_days))
    sentence, heads = spec.indicators[indicator].reason, _heads(_unit(spec, indicator))
    rows = X[[f.name for f in features]].to_numpy(dtype=np.float64, na_value=np.nan).tolist()
    return [_with(sentence, _told(features, row, heads)) for row in rows]


def _heads(unit: str) -> dict[str, str]:
    return {
        "sum": f"{unit}, in all: ",
        "mean": f"{unit}, on average: ",
        "max": f"{unit}, at most: ",
        "distinct": f"{unit}, different ones: ",
    }


def _with(sentence: str, told: str) -> str:
    whole = sentence.removesuffix(".")
    return f"{whole} ({told}){sentence[len(whole) :]}" if told else sentence


def _told(features: Sequence[Feature], row: Sequence[float], heads: Mapping[str, str]) -> str:
    """The cells of one row in words, those of one measure together; nothing is said twice."""
    cells: dict[str, list[str]] = {}
    for feature, value in zip(features, row, strict=True):
        if cell := _cell(feature, value):
            cells.setdefault(feature.measure, []).append(cell)
    return "; ".join(heads.get(measure, "") + ", ".join(dict.fromkeys(said)) for measure, said in cells.items())


def _cell(feature: Feature, value: float) -> str:
    """One cell in words; blank where it says nothing: not known, or nothing to add to a count of none."""
    if math.isnan(value):
        return ""
    over, number = _lengths([feature.window]), f"{value:,.1f}".removesuffix(".0")
    if feature.measure == "rate":
        number = f"{100 * value:.1f}".removesuffix(".0") + " % of the possible sessions"
    match feature.measure:
        case "count":
            return f"{number if value else 'none'} in {over}"
        case "any":
            return f"{'at least one' if value else 'none'} in {over}"
        case "days_since_last":
            days = "day" if value == 1 else "days"
            return f"last one {number} {days} before the list" if value < feature.window.longest_days else ""
        case "trend":
            change = f"{number.removeprefix('-')} {'more' if value > 0 else 'fewer'}" if value else "as many"
            return f"{change} in {over} than in as long before"
    return f"{number} in {over}" if value else ""


def _unit(spec: Spec, indicator: str) -> str:
    """What an indicator's values are, in the words of its feed's schema."""
    declared = spec.indicators[indicator]
    title = next((c.title for c in spec.table_of(declared.feed).fields if c.name == declared.value), "")
    words = title or str(declared.value or "").replace("_", " ")
    return words[:1].lower() + words[1:]


def _lengths(windows: Iterable[Span]) -> str:
    """Windows in words, those of one unit together.

    Examples
    --------
    >>> _lengths([Span.parse("12 months"), Span.parse("6 months"), Span.parse("1 day")])
    '1 day, 6 and 12 months'
    """
    numbers: dict[str, list[int]] = {}
    for window in sorted(windows):
        numbers.setdefault(window.word, []).append(window.n)
    return ", ".join(_length(ns, word) for word, ns in numbers.items())


def _length(numbers: Sequence[int], unit: str) -> str:
    return f"{' and '.join(map(str, numbers))} {unit}{'' if list(numbers) == [1] else 's'}"


def _recorded(spec: Spec, X: pd.DataFrame) -> pd.DataFrame:
    """Whether each cell stands for at least one event."""
    features = {f.name: f for f in spec.columns}
    none = {
        name: features[name].window.longest_days if features[name].measure == "days_since_last" else 0
        for name in X.columns
        if features[name].measure not in NEEDS_COUNT
    }
    return X.notna() & X.ne(pd.Series(none).reindex(X.columns), axis=1)


def _ranked(points: pd.DataFrame, said: dict[str, list[str]], *, position: int) -> list[str]:
    """The sentence of the indicator with the most points, second most, ...; declared order breaks ties."""
    if position >= points.shape[1]:
        return [""] * len(points)
    values = points.to_numpy()
    which = np.argsort(-values, axis=1, kind="stable")[:, position]
    earned = values[np.arange(len(values)), which]
    sentences = list(said.values())
    return [sentences[i][row] if p > 0 else "" for row, (i, p) in enumerate(zip(which, earned, strict=True))]


def data_gaps(spec: Spec, status: pd.DataFrame) -> list[str]:
    """Per row, what could not count and why: ``not yet due from the agency, over 6 and 12 months: Moves / Absence``.

    One part for each reason and set of windows, parted by ``; ``, with the titles of all its feeds. Blank where
    everything was known.
    """
    words = {}
    for feature in spec.columns:
        feed = spec.indicators[feature.indicator].feed
        title = (spec.table_of(feed).title or feed).replace(";", ",")
        words[status_column(feed, feature.window)] = (title, feature.window)
    columns = [words[name] for name in status.columns]
    return [_gaps(columns, row) for row in status.to_numpy().tolist()]


def _gaps(columns: list[tuple[str, Span]], row: list[int]) -> str:
    windows: dict[tuple[str, str], list[Span]] = {}
    for (title, window), code in zip(columns, row, strict=True):
        if code in _GAPS:
            windows.setdefault((_GAPS[code], title), []).append(window)
    feeds: dict[tuple[str, str], list[str]] = {}
    for (why, title), over in windows.items():
        feeds.setdefault((why, _lengths(over)), []).append(title)
    return "; ".join(f"{why}, over {over}: {' / '.join(titles)}" for (why, over), titles in feeds.items())
