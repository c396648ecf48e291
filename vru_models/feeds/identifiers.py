"""Columns that look like direct identifiers: decided for a column against chance, never echoing a value.

Check digits and patterns: NHS Data Dictionary (NHS number), Department for Education (UPN), Learning Records Service
(ULN), Department for Work and Pensions (National Insurance number), Royal Mail (postcode).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binom

from vru_models.feeds.columns import arrow_table
from vru_models.findings import Finding, Findings
from vru_models.spec.calendar import as_day

ALPHA = 1e-9
"""Largest binomial probability, under chance, at which a column is called an identifier."""
MARGIN = 0.05
"""How far above chance the share of values that pass must be."""

_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_CHILD_AGES = (5, 26)
_DAYS_PER_YEAR = 365.25
_MOST, _EVEN = 0.9, 0.5
_ROUNDING = 1e-12
_OUT, _IN = "[A-PR-UWYZ]", r"\d[ABD-HJLNP-UW-Z]{2}"
_POSTCODE = (
    rf"GIR0AA|{_OUT}\d[ABCDEFGHJKPSTUW]?{_IN}|{_OUT}\d{{2}}{_IN}"
    rf"|{_OUT}[A-HK-Y]\d[ABEHMNPRVWXY]?{_IN}|{_OUT}[A-HK-Y]\d{{2}}{_IN}"
)
_NINO = r"[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z]\d{6}"
_NINO_UNUSED = r"^(BG|GB|KN|NK|NT|TN|ZZ)"
# fmt: off
_WORDS = frozenset({
    "nhs", "upn", "uln", "dob", "birth", "birthdate", "birthday", "postcode", "postcodes", "surname", "forename",
    "address", "uprn", "pnc", "cro", "crn", "noms", "urn", "email", "mail", "phone", "telephone", "mobile", "nino",
    "ni", "chi", "scn", "nhsnumber", "nhsno", "dateofbirth", "emailaddress", "phonenumber", "firstname", "lastname",
    "fullname", "postalcode",
})
_PHRASES = (
    "nat ins", "first name", "last name", "full name", "given name", "family name", "middle name", "date of birth",
    "national insurance",
)
# fmt: on
_TAIL = frozenset({"number", "no", "num", "id", "code", "value", "text", "line", "sector"})


@dataclass(frozen=True)
class _Rule:
    """Of the values that match ``shape`` (all, when empty), the share that ``passes`` against what chance gives."""

    name: str
    chance: float
    passes: Callable[[pa.Array], np.ndarray]
    shape: str = ""


def scan_identifiers(frame: pd.DataFrame | pa.Table, *, at: dt.date | None = None) -> Findings:
    """Findings VRU110: one failure per column and rule that looks like a direct identifier, else one pass.

    A ten-digit number passes the NHS check by chance 1 time in 11, so a column is judged and not a value: over its
    distinct values, the share that passes must be at least 5 percentage points above chance with a binomial
    probability below 1e-9. Columns too short for that are judged by their name alone. Spaces, hyphens and brackets in
    values are ignored. No value is ever shown.

    Parameters
    ----------
    at
        The date against which a full date of birth is recognised (9 in 10 of at least 30 distinct dates lie 5 to 25
        completed years before it); by default the latest date in the frame. Dates that are all on the first of a month
        are months of birth, which are allowed.

    Examples
    --------
    >>> scan_identifiers(pd.DataFrame({"nhs_number": ["x"], "n_calls": [3]}))
    Findings: 1 fail
      VRU110 fail           nhs_number: the column is named as a direct identifier
    """
    table = arrow_table(frame)
    found = []
    texts = [_distinct_texts(column) for column in table.itercolumns()]
    days = [_as_dates(column, text) for column, text in zip(table.itercolumns(), texts, strict=True)]
    latest = as_day(at) if at else max((d.max() for d in days if len(d)), default=as_day("1970-01-01"))
    for i, name in enumerate(table.column_names):
        if names_identifier(name):
            found.append(Finding("VRU110", "fail", name, "the column is named as a direct identifier"))
        found += [_finding(name, *hit) for hit in _hits(texts[i], days[i], latest)]
    clear = f"{table.num_columns} columns: none looks like a direct identifier"
    return Findings(found or [Finding("VRU110", "pass", "columns", clear, {"columns": table.num_columns})])


def names_identifier(name: str) -> bool:
    """Whether a column's name says that it holds a direct identifier.

    Examples
    --------
    >>> names = "pupil_upn", "DateOfBirth", "address_line_1", "birth_month", "n_address_changes"
    >>> [names_identifier(name) for name in names]
    [True, True, True, False, False]
    """
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = [w for w in re.split(r"[^a-z]+", split.lower()) if w]
    while len(words) > 1 and words[-1] in _TAIL:
        words.pop()
    phrase = " ".join(words)
    return any(phrase == p or phrase.endswith(f" {p}") for p in _PHRASES) or bool(words and words[-1] in _WORDS)


def _finding(column: str, rule: str, chance: float, hits: int, tried: int) -> Finding:
    message = f"looks like a {rule}: {hits:,} of {tried:,} distinct values of its form pass, by chance {chance:.0%}"
    return Finding("VRU110", "fail", column, message, {"rule": rule, "passed": hits, "tried": tried})


def _hits(texts: pa.Array, days: np.ndarray, latest: np.datetime64) -> Iterator[tuple[str, float, int, int]]:
    clean = pc.utf8_upper(pc.replace_substring_regex(texts, pattern=r"[\s\-()]", replacement=""))
    for rule in _RULES:
        tried = clean.filter(pc.match_substring_regex(clean, pattern=f"^(?:{rule.shape})$")) if rule.shape else clean
        hits = int(rule.passes(tried).sum()) if len(tried) else 0
        if beyond_chance(hits, len(tried), rule.chance):
            yield rule.name, rule.chance, hits, len(tried)
    years = (latest - days).astype(np.int64) / _DAYS_PER_YEAR
    births = int(((years >= _CHILD_AGES[0]) & (years < _CHILD_AGES[1])).sum())
    whole_days = bool((days != days.astype("datetime64[M]")).any())
    if whole_days and births >= _MOST * len(days) and beyond_chance(births, len(days), _EVEN):
        yield "full date of birth", _EVEN, births, len(days)


def beyond_chance(hits: int, tried: int, chance: float) -> bool:
    """Whether so many passes are beyond chance: binomial p below ``ALPHA`` and ``MARGIN`` above the chance rate.

    Examples
    --------
    >>> beyond_chance(8, 8, 1 / 11), beyond_chance(9, 9, 1 / 11)
    (False, True)
    """
    return bool(tried and hits / tried - chance >= MARGIN - _ROUNDING and binom.sf(hits - 1, tried, chance) < ALPHA)


def _distinct_texts(column: pa.ChunkedArray) -> pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    distinct = column.cast(kind).unique().drop_null()
    if pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(distinct, pc.floor(distinct)), pc.less(pc.abs(distinct), 1e15))
        return distinct.filter(whole).cast(pa.int64()).cast(pa.string())
    if pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return distinct.cast(pa.string())
    return pa.array([], pa.string())


def _as_dates(column: pa.ChunkedArray, texts: pa.Array) -> np.ndarray:
    """The distinct dates of a column of dates, or of text of which each value is a date; otherwise none."""
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        return np.unique(np.asarray(column.unique().drop_null().to_numpy(zero_copy_only=False), "datetime64[D]"))
    for form, pattern in (("%Y-%m-%d", r"^\d{4}-\d{2}-\d{2}"), ("%d/%m/%Y", r"^\d{1,2}/\d{1,2}/\d{4}")):
        if len(texts) and pc.all(pc.match_substring_regex(texts, pattern=pattern)).as_py():
            head = pc.utf8_slice_codeunits(texts, 0, 10)
            read = pc.strptime(head, format=form, unit="s", error_is_null=True).drop_null()
            return np.unique(np.asarray(read.to_numpy(zero_copy_only=False), "datetime64[D]"))
    return np.array([], "datetime64[D]")


def _characters(texts: pa.Array) -> np.ndarray:
    """Texts of one length, in ASCII, as a matrix of bytes."""
    return np.frombuffer("".join(texts.to_pylist()).encode(), np.uint8).reshape(len(texts), -1)


def _weighted(texts: pa.Array) -> np.ndarray:
    return np.asarray((_characters(texts).astype(np.int64) - ord("0")) @ np.arange(10, 0, -1))


def _nhs(texts: pa.Array) -> np.ndarray:
    return np.asarray(_weighted(texts) % 11 == 0)


def _uln(texts: pa.Array) -> np.ndarray:
    return np.asarray(_weighted(texts) % 11 == 10)


def _upn(texts: pa.Array) -> np.ndarray:
    value = np.zeros(256, np.int64)
    value[[ord(d) for d in "0123456789"]] = np.arange(10)
    value[[ord(c) for c in _UPN_LETTERS]] = np.arange(23)
    numbers = value[_characters(texts)]
    return np.asarray(numbers[:, 1:] @ np.arange(2, 14) % 23 == numbers[:, 0])


def _pattern(pattern: str, unless: str = "^$") -> Callable[[pa.Array], np.ndarray]:
    def passes(texts: pa.Array) -> np.ndarray:
        hit = pc.match_substring_regex(texts, pattern=f"^(?:{pattern})$")
        return np.asarray(pc.and_not(hit, pc.match_substring_regex(texts, pattern=unless)))

    return passes


_RULES = (
    _Rule("NHS number", 1 / 11, _nhs, r"\d{10}"),
    _Rule("unique learner number", 1 / 11, _uln, r"[1-9]\d{9}"),
    _Rule("unique pupil number", 1 / 23, _upn, r"[A-HJ-NP-RT-Z]\d{11}[\dA-HJ-NP-RT-Z]"),
    _Rule("National Insurance number", 0.09, _pattern(f"{_NINO}[A-D]", _NINO_UNUSED), r"[A-Z]{2}\d{6}[A-Z]"),
    _Rule("National Insurance number without its suffix", 0.56, _pattern(_NINO, _NINO_UNUSED), r"[A-Z]{2}\d{6}"),
    _Rule("postcode", 0.05, _pattern(_POSTCODE)),
    _Rule("e-mail address", 0.05, _pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    _Rule("UK phone number", 0.1, _pattern(r"(?:\+44|0044|0)[1-35789]\d{8,9}"), r"\+?\d{10,14}"),
)
