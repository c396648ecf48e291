"""What gives a person away in the values of a column: identifiers, dates of birth, names, free text, places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binom

from vru_models.findings import Status
from vru_models.identifiers.rules import COMMON_NAME, RULES, Rule

ALPHA = 1e-9
"""Largest binomial probability, under chance, at which a column is called an identifier."""
MARGIN = 0.05
"""How far above chance the share of values that pass must be."""
MOST_CHECKED = 20_000
"""Most distinct values whose check digit is computed; of more, a fixed random draw."""

_CHILD_AGES = (5, 26)
_DAYS_PER_YEAR = 365.25
_ROUNDING = 1e-12
_FEW = 30
_MOST, _ALL = 0.9, 0.99
_BESIDES = r"""[\s\p{Z}\p{Pd}\p{Cf}()'"]|\.0+$"""
_DATE_FORMS = (
    ("%Y-%m-%d", r"^\d{4}-\d{2}-\d{2}"),
    ("%d/%m/%Y", r"^\d{1,2}/\d{1,2}/\d{4}"),
    ("%d-%m-%Y", r"^\d{1,2}-\d{1,2}-\d{4}"),
    ("%d.%m.%Y", r"^\d{1,2}\.\d{1,2}\.\d{4}"),
    ("%Y%m%d", r"^(?:19|20)\d{6}$"),
)
_DATE_LENGTH, _PLACE_LENGTH = 30, 24
_LONG_TEXT, _NAMED, _NAMES_SEEN = 25, 0.1, 10
_PERSON = r"^[A-Z][A-Z'’.\-]*(?:,? [A-Z'’.\-]+){0,4}$"
_SAINT = r"\bST\.? [A-Z']+"
_LATITUDE, _LONGITUDE = r"^(?:49|5\d|60)\.\d{3,}$", r"^(?:-[0-8]|-?[01])\.\d{3,}$"
_EASTING, _NORTHING = r"^(?:[1-5]\d{5}|6[0-5]\d{4}|[89]\d{4})$", r"^(?:\d{4,6}|1[0-2]\d{5})$"


@dataclass(frozen=True)
class Hit:
    """One rule that a column meets: of ``tried`` values ``passed``; ``chance`` is nought where it has no meaning."""

    rule: str
    passed: int
    tried: int
    chance: float = 0.0
    status: Status = "fail"


@dataclass(frozen=True)
class Values:
    """The distinct values of a column as text, in how many rows each stands, and the days they name, if they do."""

    texts: pa.Array
    rows: np.ndarray
    days: np.ndarray

    def share(self, pattern: str, longest: int) -> float:
        """The share of the distinct texts that match a pattern of no more than so many characters; of few, nought."""
        n = len(self.texts)
        short = pc.less_equal(pc.utf8_length(self.texts), longest)
        if n < _FEW or pc.sum(short).as_py() < _MOST * n:
            return 0.0
        return float(pc.sum(_matched(self.texts, pattern)).as_py()) / n

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Values:
        """The values of a column that is not missing everywhere; of booleans, none."""
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        counts = column.cast(kind).value_counts()
        distinct, rows = counts.field("values"), counts.field("counts").to_numpy(zero_copy_only=False)
        there = np.asarray(distinct.is_valid())
        texts = _texts(distinct.filter(pa.array(there)), kind)
        return cls(texts, rows[there] if len(texts) else rows[:0], _days(distinct.drop_null(), texts))


def hits(values: Values, latest: np.datetime64) -> Iterator[Hit]:
    """Every rule that a column meets."""
    if len(values.texts):
        clean = pc.utf8_upper(pc.replace_substring_regex(values.texts, pattern=_BESIDES, replacement=""))
        lengths = np.asarray(pc.utf8_length(clean))
        found = [hit for rule in RULES if (hit := _tried(clean, lengths, rule))]
        spaced = np.asarray(pc.match_substring(pc.utf8_trim_whitespace(values.texts), " ")).mean() > _MOST
        sector = spaced and any(hit.rule == "postcode sector" for hit in found)
        yield from (hit for hit in found if hit.rule not in ("postcode sector", "postcode district"))
        repeated = 2 * len(values.texts) <= values.rows.sum()
        district = "postcode district" if repeated else ""
        yield from (hit for hit in found if hit.rule == ("postcode sector" if sector else district))
        yield from _prose(values)
    yield from _births(values, latest)


def beyond_chance(passed: int, tried: int, chance: float) -> bool:
    """Whether so many passes are beyond chance: binomial p below ``ALPHA`` and ``MARGIN`` above the chance rate.

    Examples
    --------
    >>> beyond_chance(8, 8, 1 / 11), beyond_chance(9, 9, 1 / 11)
    (False, True)
    """
    return bool(tried and passed / tried - chance >= MARGIN - _ROUNDING and binom.sf(passed - 1, tried, chance) < ALPHA)


def _tried(clean: pa.Array, lengths: np.ndarray, rule: Rule) -> Hit | None:
    fits = (lengths >= rule.lengths[0]) & (lengths <= rule.lengths[1])
    if not fits.any():
        return None
    texts, tried = clean.filter(pa.array(fits)), len(clean)
    if rule.among:
        texts = texts.filter(_matched(texts, f"^(?:{rule.among})$"))
        if rule.check and len(texts) > MOST_CHECKED:
            draw = np.random.default_rng(0).choice(len(texts), MOST_CHECKED, replace=False)
            texts = texts.take(pa.array(draw))
        tried = len(texts)
    good = texts.filter(_matched(texts, f"^(?:{rule.pattern})$")) if rule.pattern else texts
    passed = sum(map(rule.check, good.to_pylist())) if rule.check else len(good)
    if tried and passed >= rule.least * tried and beyond_chance(passed, tried, rule.chance):
        return Hit(rule.name, passed, tried, rule.chance, rule.status)
    return None


def _births(values: Values, latest: np.datetime64) -> Iterator[Hit]:
    """A full date of birth: 9 in 10 of the distinct values are days that lie 5 to 25 completed years back."""
    days, tried = values.days, max(len(values.days), len(values.texts))
    years = (latest - days).astype(np.int64) / _DAYS_PER_YEAR
    births = int(((years >= _CHILD_AGES[0]) & (years < _CHILD_AGES[1])).sum())
    whole_days = bool((days != days.astype("datetime64[M]")).any())
    if whole_days and births >= _MOST * tried and beyond_chance(births, tried, 0.5):
        yield Hit("full date of birth", births, tried, 0.5)


def _prose(values: Values) -> Iterator[Hit]:
    """Free text, by its length and how rarely it repeats; names, by the tenth of rows that hold a common one."""
    texts, n_rows = values.texts, int(values.rows.sum())
    if len(texts) < _NAMES_SEEN:
        return
    spaced = np.asarray(pc.match_substring(pc.utf8_trim_whitespace(texts), " "))
    lengths = np.asarray(pc.utf8_length(texts))
    if len(texts) >= _FEW and len(texts) > n_rows / 10 and lengths.mean() > _LONG_TEXT and spaced.mean() > _MOST:
        yield Hit("free text", int((spaced & (lengths > _LONG_TEXT)).sum()), len(texts))
        return
    upper = pc.utf8_upper(pc.utf8_trim_whitespace(texts))
    likely = np.asarray(_matched(upper, _PERSON))
    without = pc.replace_substring_regex(upper.filter(pa.array(likely)), pattern=_SAINT, replacement="")
    named = np.asarray(_matched(without, COMMON_NAME), dtype=bool)
    if named.sum() >= _NAMES_SEEN and values.rows[likely][named].sum() >= _NAMED * n_rows:
        yield Hit("name of a person", int(named.sum()), len(texts))


def places(columns: Sequence[Values]) -> Iterator[tuple[int, Hit]]:
    """Pairs of columns that say where: latitude with longitude anywhere, easting with northing side by side."""
    shares = {p: [v.share(p, _PLACE_LENGTH) for v in columns] for p in (_LATITUDE, _LONGITUDE, _EASTING, _NORTHING)}
    n = [len(values.texts) for values in columns]
    north = [i for i, share in enumerate(shares[_LATITUDE]) if share >= _ALL]
    west = [i for i, share in enumerate(shares[_LONGITUDE]) if share >= _ALL]
    if north and west:
        for i in (*north, *west):
            kind = "latitude" if i in north else "longitude"
            yield i, Hit(kind, round(n[i] * max(shares[_LATITUDE][i], shares[_LONGITUDE][i])), n[i])
    for i in range(len(columns) - 1):
        if shares[_EASTING][i] >= _ALL and shares[_NORTHING][i + 1] >= _ALL and _sparse(columns[i : i + 2]):
            passed = round(n[i] * shares[_EASTING][i])
            yield i, Hit("easting beside a northing", passed, n[i], status="cannot tell")


def _sparse(columns: Sequence[Values]) -> bool:
    """Whether whole numbers leave most of their range empty, as running numbers do not."""
    numbers = [np.asarray(v.texts.filter(_matched(v.texts, r"^\d{1,7}$")).cast(pa.int64())) for v in columns]
    return all(np.ptp(x) > 2 * len(x) for x in numbers)


def uncountable(texts: pa.Array) -> int:
    """How many pseudonyms are 16 characters or longer and not all digits."""
    short = np.asarray(pc.utf8_length(texts)) < 16
    return int((~short & ~np.asarray(_matched(texts, r"^\d+$"), dtype=bool)).sum())


def _matched(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(texts, pattern=pattern)


def _texts(distinct: pa.Array, kind: pa.DataType) -> pa.Array:
    """Numbers and texts as text, whole numbers without a point; of any other type, nothing."""
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(distinct, pc.floor(distinct)), pc.less(pc.abs(distinct), 1e15))
        integers = pc.if_else(whole, distinct, 0.0).cast(pa.int64())
        return pc.if_else(whole, integers.cast(pa.string()), distinct.cast(pa.string()))
    held = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_decimal)
    return distinct.cast(pa.string()) if any(is_held(kind) for is_held in held) else pa.array([], pa.string())


def _days(distinct: pa.Array, texts: pa.Array) -> np.ndarray:
    """The distinct days of a column of dates, or of one in which 9 in 10 distinct texts are dates; otherwise none."""
    if pa.types.is_date(distinct.type) or pa.types.is_timestamp(distinct.type):
        return np.unique(np.asarray(distinct.to_numpy(zero_copy_only=False), "datetime64[D]"))
    if not len(texts) or np.mean(np.asarray(pc.utf8_length(texts)) <= _DATE_LENGTH) < _MOST:
        return np.array([], "datetime64[D]")
    for form, pattern in _DATE_FORMS:
        matched = _matched(texts, pattern)
        if np.mean(np.asarray(matched)) >= _MOST:
            head = pc.utf8_slice_codeunits(texts.filter(matched), 0, 10)
            read = pc.strptime(head, format=form, unit="s", error_is_null=True).drop_null()
            return np.unique(np.asarray(read.to_numpy(zero_copy_only=False), "datetime64[D]"))
    return np.array([], "datetime64[D]")


def latest_day(columns: Sequence[Values]) -> np.datetime64:
    """The latest day that any column names; without one, the first of 1970."""
    return max((v.days.max() for v in columns if len(v.days)), default=pd.Timestamp(0).to_datetime64().astype("M8[D]"))
