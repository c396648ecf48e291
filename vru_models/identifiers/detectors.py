"""What gives a person away in the values of a column: identifiers, dates of birth, names, free text, places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.identifiers.birthdays import MOST, birthdays, days_in
from vru_models.identifiers.rules import COMMON_NAME, RULES, Rule

ALPHA = 1e-9
"""Largest binomial probability, under chance, at which a column is called an identifier."""
MARGIN = 0.05
"""How far above chance the share of values that pass must be."""
MOST_CHECKED = 20_000
"""Most distinct values whose check digit is computed; of more, a fixed random draw."""
MOST_DRAWN = 4_000
"""Most values on which it is seen whether a rule about the share of all of a column is worth trying on all.

It is where the draw has at least ``MARGIN / 2`` above chance (half of what a name, a day or a place takes). Chance is
at most 0.05 for these rules, apart from those that take a share of 0.95; a column that has ``MARGIN`` above it is 5.2
standard errors away from that, so that less than one such pool in ten million is passed over.
"""

_ROUNDING = 1e-12
_FEW = 30
_ALL = 0.99
_BESIDES = r"""[\s\p{Z}\p{Pd}\p{Cf}()'"‘’“”`]|\.0+$"""
_DECIMAL = r"^[+-]?\d{0,3}\.\d+$"
_EDGE = "[^0-9A-Z]"
_PLACE_LENGTH = 24
_LONG_TEXT, _WORDED, _NAMED, _NAMES_SEEN = 25, 0.5, 0.1, 10
_LETTER = r"[A-Za-z\x{AA}-\x{10FFFF}]"
_WORDS = rf"{_LETTER}\S*\s+\S*{_LETTER}"
_PERSON = r"^[A-Z][A-Z'’.\-]*(?:,? [A-Z'’.\-]+){0,4}$"
_SAINT = r"\bST\.? [A-Z']+"
_LATITUDE, _LONGITUDE = r"^(?:49|5\d|60)\.\d{3,}$", r"^(?:-[0-8]|-?[01])\.\d{3,}$"
_EASTING, _NORTHING = r"^(?:[1-5]\d{5}|6[0-5]\d{4}|[89]\d{4})$", r"^(?:\d{4,6}|1[0-2]\d{5})$"
_CHECKED = [rule for rule in RULES if rule.among]
_FORMS = f"^(?:{'|'.join(rule.among for rule in _CHECKED)})$"
_FORM_LENGTHS = min(rule.lengths[0] for rule in _CHECKED), max(rule.lengths[1] for rule in _CHECKED)
_RUNNING = "their letters are one and their numbers use most of their range, as running numbers of records do"
_BESIDE = "numbers of records may look the same"


@dataclass(frozen=True)
class Hit:
    """One rule that a column meets: of ``tried`` values ``passed``; ``chance`` is nought where it has no meaning.

    With a ``doubt`` it cannot be told.
    """

    rule: str
    passed: int
    tried: int
    chance: float = 0.0
    doubt: str = ""


@dataclass(frozen=True)
class Values:
    """The distinct values of a column as text, and in how many rows each stands; of a column of dates, its days."""

    texts: pa.Array
    rows: np.ndarray
    dates: np.ndarray

    @cached_property
    def drawn(self) -> pa.Array:
        """A fixed random draw of the texts."""
        return _drawn(self.texts, MOST_DRAWN)

    @cached_property
    def days(self) -> np.ndarray:
        """The distinct days that the column names, if it does."""
        return days_in(self.texts, self.drawn) if len(self.texts) else self.dates

    def share(self, pattern: str, longest: int) -> float:
        """The share of the distinct texts that match a pattern of no more than so many characters; of few, nought."""
        n = len(self.texts)
        short = pc.less_equal(pc.utf8_length(self.drawn), longest)
        if n < _FEW or pc.sum(short).as_py() < MOST * len(short):
            return 0.0
        if _share(self.drawn, pattern) < _ALL / 2:
            return 0.0
        return _share(self.texts, pattern)

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Values:
        """The values of a column that is not missing everywhere; of booleans, none."""
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        counts = column.cast(kind).value_counts()
        distinct, rows = counts.field("values"), counts.field("counts").to_numpy(zero_copy_only=False)
        there = np.asarray(distinct.is_valid())
        texts = _texts(distinct.filter(pa.array(there)), kind)
        return cls(texts, rows[there] if len(texts) else rows[:0], _dates(distinct.drop_null()))


def hits(values: Values, latest: np.datetime64) -> Iterator[Hit]:
    """Every rule that a column meets."""
    if len(values.texts):
        found = list(_ruled(values))
        spaced = np.asarray(pc.match_substring(pc.utf8_trim_whitespace(values.drawn), " ")).mean() > MOST
        sector = spaced and any(hit.rule == "postcode sector" for hit in found)
        yield from (hit for hit in found if hit.rule not in ("postcode sector", "postcode district"))
        repeated = 2 * len(values.texts) <= values.rows.sum()
        district = "postcode district" if repeated else ""
        yield from (hit for hit in found if hit.rule == ("postcode sector" if sector else district))
        yield from _prose(values)
    births, tried = birthdays(values.days, latest), len(values.days)
    if births >= MOST * tried and beyond_chance(births, tried, 0.5):
        yield Hit("full date of birth", births, tried, 0.5)


def _ruled(values: Values) -> Iterator[Hit]:
    """The rules about the form of a value, each tried on whole values and then inside a draw of longer ones."""
    clean = _clean(values.texts)
    lengths = np.asarray(pc.utf8_length(clean))
    formed = clean.filter(pa.array((lengths >= _FORM_LENGTHS[0]) & (lengths <= _FORM_LENGTHS[1])))
    formed = formed.filter(_matched(formed, _FORMS))
    upper = pc.utf8_upper(_folded(values.drawn))
    longer = upper.filter(pc.invert(pc.or_(pc.ascii_is_alnum(upper), _matched(upper, _DECIMAL))))
    for rule in RULES:
        hit = _among(formed, rule) if rule.among else _of_all(clean, lengths, rule)
        hit = hit or (_inside(longer, len(upper), rule) if rule.inside and len(longer) else None)
        if hit:
            yield hit


def beyond_chance(passed: int, tried: int, chance: float) -> bool:
    """Whether so many passes are beyond chance: binomial p below ``ALPHA`` and ``MARGIN`` above the chance rate.

    Examples
    --------
    >>> beyond_chance(8, 8, 1 / 11), beyond_chance(9, 9, 1 / 11)
    (False, True)
    """
    from scipy.special import bdtrc  # noqa: PLC0415  a quarter of a second to load, in every process

    return bool(tried and passed / tried - chance >= MARGIN - _ROUNDING and bdtrc(passed - 1, tried, chance) < ALPHA)


def _among(formed: pa.Array, rule: Rule) -> Hit | None:
    """The share of the values of a form that are valid: however few they are among all."""
    texts = formed.filter(_matched(formed, f"^(?:{rule.among})$"))
    few = _drawn(texts, MOST_CHECKED) if rule.check else texts
    return _judged(rule, _good(few, rule), len(few))


def _of_all(clean: pa.Array, lengths: np.ndarray, rule: Rule) -> Hit | None:
    """The share of all values that are of a form, unless lengths or a draw show that it is too small."""
    fits = (lengths >= rule.lengths[0]) & (lengths <= rule.lengths[1])
    if fits.mean() < rule.chance + MARGIN - _ROUNDING:
        return None
    drawn = _drawn(clean, MOST_DRAWN)
    if len(drawn) < len(clean) and len(_good(drawn, rule)) < (rule.chance + MARGIN / 2) * len(drawn):
        return None
    return _judged(rule, _good(clean.filter(pa.array(fits)), rule), len(clean))


def _inside(longer: pa.Array, n_drawn: int, rule: Rule) -> Hit | None:
    """The rule for the first part of each longer value that is written as it, each distinct part once."""
    pattern = f"(?:^|{_EDGE})(?P<part>{rule.inside})(?:{_EDGE}|$)"
    parts = pc.extract_regex(longer, pattern=pattern).drop_null().field(0).unique()
    if not rule.among:
        return _judged(rule, parts, n_drawn)
    bare = pc.replace_substring_regex(parts, pattern="[^0-9A-Z+]", replacement="").unique()
    formed = bare.filter(_matched(bare, f"^(?:{rule.among})$"))
    return _judged(rule, _good(formed, rule), len(formed))


def _good(texts: pa.Array, rule: Rule) -> pa.Array:
    good = texts.filter(_matched(texts, f"^(?:{rule.pattern})$")) if rule.pattern else texts
    return good.filter(pa.array(map(rule.check, good.to_pylist()), pa.bool_())) if rule.check else good


def _judged(rule: Rule, good: pa.Array, tried: int) -> Hit | None:
    passed = len(good)
    if not tried or passed < rule.least * tried or not beyond_chance(passed, tried, rule.chance):
        return None
    return Hit(rule.name, passed, tried, rule.chance, _RUNNING if rule.running and _run_on(good) else rule.doubt)


def _run_on(texts: pa.Array) -> bool:
    """Whether all share their letters and their numbers use at least half of the range from the first to the last."""
    if len(pc.replace_substring_regex(texts, pattern=r"\d", replacement="").unique()) > 1:
        return False
    numbers = pc.replace_substring_regex(texts, pattern=r"\D", replacement="").cast(pa.int64())
    return int(np.ptp(np.asarray(numbers))) < 2 * len(texts)


def _prose(values: Values) -> Iterator[Hit]:
    """Free text, by its length and how rarely it repeats; names, by the tenth of rows that hold a common one.

    Text is free when half of the distinct values have words and those are longer than 25 characters on average, so that
    codes among them hide nothing.
    """
    texts, n_rows = values.texts, int(values.rows.sum())
    if len(texts) < _NAMES_SEEN:
        return
    worded = values.drawn.filter(_matched(values.drawn, _WORDS))
    lengths = np.asarray(pc.utf8_length(worded))
    often = len(worded) >= _WORDED * len(values.drawn) and len(texts) > n_rows / 10
    if len(texts) >= _FEW and often and lengths.mean() > _LONG_TEXT:
        yield Hit("free text", int((lengths > _LONG_TEXT).sum()), len(values.drawn))
        return
    ends = np.cumsum(values.rows)
    if len(texts) > MOST_DRAWN:
        rows = np.random.default_rng(0).integers(0, n_rows, MOST_DRAWN)
        if _named(texts.take(pa.array(np.searchsorted(ends, rows, side="right")))).mean() < _NAMED / 2:
            return
    named = _named(texts)
    if named.sum() >= _NAMES_SEEN and values.rows[named].sum() >= _NAMED * n_rows:
        yield Hit("name of a person", int(named.sum()), len(texts))


def _named(texts: pa.Array) -> np.ndarray:
    """Which are a person's, having a common name in them, whether blanks, underscores or digits part its words."""
    upper = pc.utf8_trim_whitespace(
        pc.replace_substring_regex(pc.utf8_upper(texts), pattern=r"[_\d\s]+", replacement=" ")
    )
    named = np.asarray(_matched(upper, _PERSON), dtype=bool)
    without = pc.replace_substring_regex(upper.filter(pa.array(named)), pattern=_SAINT, replacement="")
    named[named] = np.asarray(_matched(without, COMMON_NAME), dtype=bool)
    return named


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
            yield i, Hit("easting beside a northing", passed, n[i], doubt=_BESIDE)


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


def _dates(distinct: pa.Array) -> np.ndarray:
    """The distinct days of a column of dates; of any other, none."""
    if pa.types.is_date(distinct.type) or pa.types.is_timestamp(distinct.type):
        return np.unique(np.asarray(distinct.to_numpy(zero_copy_only=False), "datetime64[D]"))
    return np.array([], "datetime64[D]")


def _drawn(texts: pa.Array, most: int) -> pa.Array:
    """All the texts, or a fixed random draw of so many."""
    if len(texts) <= most:
        return texts
    return texts.take(pa.array(np.random.default_rng(0).choice(len(texts), most, replace=False)))


def _folded(texts: pa.Array) -> pa.Array:
    """The texts with digits and letters of other widths as plain ones."""
    return texts if pc.all(pc.string_is_ascii(texts)).as_py() else pc.utf8_normalize(texts, form="NFKC")


def _clean(texts: pa.Array) -> pa.Array:
    """In upper case, without what people put between digits; texts of letters and digits alone are passed over."""
    folded = _folded(texts)
    other = pc.invert(pc.ascii_is_alnum(folded))
    if pc.any(other).as_py():
        without = pc.replace_substring_regex(folded.filter(other), pattern=_BESIDES, replacement="")
        folded = pc.replace_with_mask(folded, other, without)
    return pc.utf8_upper(folded)


def _share(texts: pa.Array, pattern: str) -> float:
    return float(pc.sum(_matched(texts, pattern)).as_py()) / len(texts)


def latest_day(columns: Sequence[Values]) -> np.datetime64:
    """The latest day that any column names; without one, the first of 1970."""
    return max((v.days.max() for v in columns if len(v.days)), default=pd.Timestamp(0).to_datetime64().astype("M8[D]"))
