"""The card: a whole releasable model as a table of whole-number points; a value to print, store and compare."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from vru_models.errors import DataError
from vru_models.models import card_json, card_page

Kind = Literal["flag", "count", "number"]
MAX_FEATURES, MAX_BINS, MAX_POINTS, MAX_NAME = 500, 64, 100, 200
MAX_EDGE, MAX_COEFFICIENT = 1e300, 1000.0
NOT_KNOWN = "not known"


@dataclass(frozen=True)
class CardFeature:
    """One feature of a card: its bins and the whole-number points that each earns.

    Bins are half-open, ``(lower, upper]``: a value equal to an edge belongs to the bin below it. NaN earns ``neutral``.

    Parameters
    ----------
    name
        The column of X.
    edges
        Upper edges of every bin but the last, strictly increasing. ``k`` edges make ``k + 1`` bins.
    points
        Points per bin, lowest bin first.
    neutral
        Points of NaN.
    reference
        Position of the bin that has 0 points.
    kind
        How bins are worded: ``flag`` (no, yes), ``count`` (0, 1, 2 to 3, 4 or more) or ``number``. Never what they
        earn.

    Raises
    ------
    DataError
        A bound is broken: too many bins, edges that are not finite and increasing, points beyond 100, a reference bin
        that has points.

    Examples
    --------
    >>> feature = CardFeature("suspensions", edges=(0.0, 2.0), points=(0, 3, 7), neutral=1, reference=0, kind="count")
    >>> [feature.bin_text(i) for i in range(3)]
    ['0', '1 to 2', '3 or more']
    >>> feature.earn(np.array([0.0, 2.0, 3.0, np.nan])).tolist()
    [0, 3, 7, 1]
    """

    name: str
    edges: tuple[float, ...]
    points: tuple[int, ...]
    neutral: int
    reference: int
    kind: Kind = "number"

    def __post_init__(self) -> None:
        for broken, expected in self._bounds():
            if broken:
                raise DataError.at("card", "one feature breaks a bound", expected=expected)

    def _bounds(self) -> Iterator[tuple[bool, str]]:
        name, edges, points = self.name, self.edges, self.points
        yield not (0 < len(name) <= MAX_NAME and name.isprintable()), f"a name of 1 to {MAX_NAME} printable characters"
        yield len(points) > MAX_BINS, f"at most {MAX_BINS} bins"
        yield len(points) != len(edges) + 1, "one bin more than edges"
        yield not all(abs(edge) <= MAX_EDGE for edge in edges), "finite edges"
        yield any(a >= b for a, b in pairwise(edges)), "strictly increasing edges"
        yield any(abs(p) > MAX_POINTS for p in (*points, self.neutral)), f"points from -{MAX_POINTS} to {MAX_POINTS}"
        yield not 0 <= self.reference < len(points), "a reference that is one of the bins"
        yield points[self.reference] != 0, "0 points in the reference bin"
        yield self.kind not in get_args(Kind), f"a kind out of {', '.join(get_args(Kind))}"
        yield self.kind == "flag" and edges not in ((), (0.0,)), "a flag with no edge but 0"
        yield (
            self.kind == "count" and not all(e >= 0 and float(e).is_integer() for e in edges),
            "whole edges of a count",
        )

    @property
    def has_points(self) -> bool:
        """Whether any value, or its absence, earns points."""
        return any((*self.points, self.neutral))

    def bins_of(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The bin of each value; of NaN, the number of bins."""
        codes = np.zeros(len(values), dtype=np.uint8)
        for edge in self.edges:
            codes += values > edge
        codes[np.isnan(values)] = len(self.points)
        return codes

    def earn(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """The points of each value."""
        table = np.array([*self.points, self.neutral], dtype=np.int64)
        return table[self.bins_of(values)]

    def bounds_of(self, position: int) -> tuple[float, float]:
        """Lower (exclusive) and upper (inclusive) bound of a bin; infinite at the ends."""
        whole = (-math.inf, *self.edges, math.inf)
        return whole[position], whole[position + 1]

    def bin_text(self, position: int) -> str:
        """A bin in words; the position after the last bin is NaN."""
        if position == len(self.points):
            return NOT_KNOWN
        if not self.edges:
            return "any value"
        if self.kind == "flag":
            return ("no", "yes")[position]
        lower, upper = self.bounds_of(position)
        return _count_text(lower, upper) if self.kind == "count" else _number_text(lower, upper)


def _count_text(lower: float, upper: float) -> str:
    first = 0 if math.isinf(lower) else int(lower) + 1
    if math.isinf(upper):
        return f"{first} or more"
    return str(first) if first == upper else f"{first} to {int(upper)}"


def _number_text(lower: float, upper: float) -> str:
    parts = [f"over {lower:.12g}"] * math.isfinite(lower) + [f"up to {upper:.12g}"] * math.isfinite(upper)
    return ", ".join(parts)


@dataclass(frozen=True)
class Card:
    """A whole model on one page: add the points, read off the probability.

    The score is the sum of the features' points; the log-odds are ``intercept + slope * score``. Slope (never negative)
    and intercept have at most 6 decimals, so nothing is left out when the card is printed. Counts of people are not
    part of a card: it may be published whole.

    Raises
    ------
    DataError
        A bound is broken, or two features share a name.

    Examples
    --------
    >>> suspended = CardFeature("suspended", edges=(0.0,), points=(0, 3), neutral=1, reference=0, kind="flag")
    >>> card = Card((suspended,), slope=0.5, intercept=-3.0)
    >>> card.points(pd.DataFrame({"suspended": [0, 1, None]})).tolist()
    [0, 3, 1]
    >>> card.probability([3]).round(3).tolist()
    [0.182]
    >>> Card.from_json(card.to_json()) == card
    True
    """

    features: tuple[CardFeature, ...]
    slope: float
    intercept: float

    def __post_init__(self) -> None:
        names = self.feature_names
        if not 1 <= len(names) <= MAX_FEATURES:
            raise DataError.at("card", f"{len(names)} features", expected=f"1 to {MAX_FEATURES}")
        if len(set(names)) < len(names):
            raise DataError.at("card", f"{len(names) - len(set(names))} feature names are used twice")
        for name, value, least in (("slope", self.slope, 0.0), ("intercept", self.intercept, -MAX_COEFFICIENT)):
            if not least <= value <= MAX_COEFFICIENT or round(value, 6) != value:
                bounds = f"a number from {least:g} to {MAX_COEFFICIENT:g} with at most 6 decimals"
                raise DataError.at(f"card.{name}", "the number is out of bounds", expected=bounds)

    @property
    def feature_names(self) -> list[str]:
        """The columns that the card reads, in its order."""
        return [feature.name for feature in self.features]

    @property
    def lowest(self) -> int:
        """The lowest possible score."""
        return sum(min(*feature.points, feature.neutral) for feature in self.features)

    @property
    def highest(self) -> int:
        """The highest possible score."""
        return sum(max(*feature.points, feature.neutral) for feature in self.features)

    def points(self, X: pd.DataFrame) -> NDArray[np.int64]:
        """Score of each row: shape ``(n,)``, whole numbers.

        Columns are found by name, in any order; further columns are ignored. NaN earns the feature's neutral points.

        Raises
        ------
        DataError
            A column is missing, twice there, neither number nor boolean, or holds an infinite value.
        """
        total = np.zeros(len(X), dtype=np.int64)
        for feature, values in self._columns(X):
            total += feature.earn(values)
        return total

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """Points of each row and feature, one column per feature; each row sums to :meth:`points` exactly."""
        earned = {feature.name: feature.earn(values) for feature, values in self._columns(X)}
        return pd.DataFrame(earned, index=X.index)

    def log_odds(self, points: ArrayLike) -> NDArray[np.float64]:
        """Log-odds of each score."""
        return self.intercept + self.slope * np.asarray(points, dtype=np.float64)

    def probability(self, points: ArrayLike) -> NDArray[np.float64]:
        """Probability of each score."""
        return np.asarray(expit(self.log_odds(points)))

    def _columns(self, X: pd.DataFrame) -> Iterator[tuple[CardFeature, NDArray[np.float64]]]:
        if not isinstance(X, pd.DataFrame):
            raise TypeError(f"a card reads a DataFrame with named columns, not {type(X).__name__}")
        names = self.feature_names
        present = X.columns.value_counts()
        _refuse_columns([n for n in names if n not in present], "are missing", then="Give every column of the card")
        _refuse_columns([n for n in names if present[n] > 1], "are there twice")
        _refuse_columns([n for n in names if not _is_number(X[n].dtype)], "are neither numbers nor booleans")
        for feature in self.features:
            values = X[feature.name].to_numpy(dtype=np.float64, na_value=np.nan)
            if np.isinf(values).any():
                where = f"X[{feature.name!r}]"
                raise DataError.at(where, f"{int(np.isinf(values).sum())} infinite values", expected="a number or NaN")
            yield feature, values

    def frame(self) -> pd.DataFrame:
        """One row per feature and bin: feature, bin, lower (exclusive), upper (inclusive), points; NaN last."""
        rows: list[tuple[Any, ...]] = []
        for f in self.features:
            rows += [(f.name, f.bin_text(i), *f.bounds_of(i), p) for i, p in enumerate(f.points)]
            rows.append((f.name, NOT_KNOWN, math.nan, math.nan, f.neutral))
        return pd.DataFrame(rows, columns=["feature", "bin", "lower", "upper", "points"])

    def ready_reckoner(self, rows: int = 11) -> pd.DataFrame:
        """Scores across the possible range with their probabilities: points, probability."""
        scores = np.unique(np.linspace(self.lowest, self.highest, rows).round().astype(np.int64))
        return pd.DataFrame({"points": scores, "probability": self.probability(scores)})

    def text(self) -> str:
        """The card as plain text."""
        return card_page.text(self)

    def markdown(self) -> str:
        """The card as Markdown."""
        return card_page.markdown(self)

    def html(self) -> str:
        """The card as one self-contained HTML page, every name escaped."""
        return card_page.html(self)

    def to_json(self) -> str:
        """The card as JSON, version ``vru-card/1``: the same card gives the same text."""
        return card_json.dump(self)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """The card that :meth:`to_json` wrote. No code is run; every bound is checked before anything is used.

        Raises
        ------
        RefusedError
            The text is larger than 2,000,000 characters, nested too deeply, or of another version.
        DataError
            It is not JSON, or a key, type or bound is not a card's.

        Examples
        --------
        >>> Card.from_json('{"version": "vru-card/1"}')
        Traceback (most recent call last):
            ...
        vru_models.errors.DataError: card: 3 keys are missing: features, intercept, slope.
        """
        record = card_json.parse(text)
        features = tuple(CardFeature(**feature) for feature in record["features"])
        return cls(features, slope=record["slope"], intercept=record["intercept"])


def _is_number(dtype: Any) -> bool:
    is_real = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    return is_real and not isinstance(dtype, pd.CategoricalDtype)


def _refuse_columns(names: list[str], what: str, *, then: str = "") -> None:
    if names:
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise DataError.at("X", f"{len(names)} columns of the card {what}: {shown}", then=then)
