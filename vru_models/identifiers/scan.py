"""Columns that look like direct identifiers: decided for a column against chance, never echoing a value."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator

import pandas as pd
import pyarrow as pa

from vru_models.findings import Finding, Findings
from vru_models.frames import arrow_table
from vru_models.identifiers.detectors import Hit, Values, beyond_chance, hits, latest_day, places, uncountable
from vru_models.spec.calendar import as_day

# fmt: off
_WORDS = frozenset({
    "nhs", "upn", "uln", "dob", "birth", "birthdate", "birthday", "postcode", "postcodes", "surname", "forename",
    "address", "uprn", "pnc", "cro", "crn", "noms", "urn", "email", "mail", "phone", "telephone", "mobile", "nino",
    "ni", "chi", "scn", "nhsnumber", "nhsno", "dateofbirth", "emailaddress", "phonenumber", "firstname", "lastname",
    "fullname", "postalcode", "easting", "northing", "latitude", "longitude", "coordinates",
    "notes", "comment", "comments", "narrative", "freetext",
})
_PHRASES = (
    "nat ins", "first name", "last name", "full name", "given name", "family name", "middle name", "date of birth",
    "national insurance", "person name", "child name", "pupil name", "client name", "free text", "driving licence",
)
_WHOLE = frozenset({"name", "lat", "lon", "lng", "long lat", "lat long"})
# fmt: on
_TAIL = frozenset({"number", "no", "num", "id", "code", "value", "text", "line", "sector"})


def scan_identifiers(
    frame: pd.DataFrame | pa.Table, *, at: dt.date | None = None, pseudonyms: Collection[str] = ()
) -> Findings:
    """Findings VRU110: one per column and rule that looks like a direct identifier, else one pass.

    A ten-digit number passes the NHS check by chance 1 time in 11, so a column is judged and not a value: over its
    distinct values, the share that passes must be at least 5 percentage points above chance with a binomial
    probability below 1e-9. Columns too short for that are judged by their name alone. Spaces, hyphens,
    brackets and quotes in values are ignored. No value is ever shown.

    Parameters
    ----------
    at
        The date against which a full date of birth is recognised (9 in 10 of at least 30 distinct values are days 5 to
        25 completed years before it); by default the latest date in the frame. Dates that are all on the first of a
        month are months of birth, which are allowed.
    pseudonyms
        Columns that hold pseudonyms. They are scanned like any other; besides, those that a keyed hash cannot have
        made (shorter than 16 characters, or all digits) cannot be told from an agency's own numbers.

    Notes
    -----
    ``cannot tell`` stands for what may be innocent: postcode districts that come again and again, an easting beside a
    northing, short pseudonyms. Postcode sectors are known by their space, which record numbers such as S123 lack.
    Names are found by a tenth of the rows that hold a common one, free text by its length: neither has a chance rate.
    Of more than 20,000 values of a form with a check digit, a fixed random draw of so many is tried.

    Examples
    --------
    >>> scan_identifiers(pd.DataFrame({"nhs_number": ["x"], "n_calls": [3]}))
    Findings: 1 fail
      VRU110 fail           nhs_number: the column is named as a direct identifier
    """
    table = arrow_table(frame)
    names = table.column_names
    columns = [Values.of(column) for column in table.itercolumns()]
    latest = as_day(at) if at else latest_day(columns)
    pairs = list(places(columns))
    found = []
    for i, (name, values) in enumerate(zip(names, columns, strict=True)):
        if names_identifier(name):
            found.append(Finding("VRU110", "fail", name, "the column is named as a direct identifier"))
        found += [_finding(name, hit) for hit in (*hits(values, latest), *(hit for at_, hit in pairs if at_ == i))]
        found += _countable(name, values) if name in pseudonyms else ()
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
    while len(words) > 1 and words[-1] in _TAIL and " ".join(words) not in _PHRASES:
        words.pop()
    phrase = " ".join(words)
    ends = any(phrase == p or phrase.endswith(f" {p}") for p in _PHRASES)
    return ends or phrase in _WHOLE or bool(words and words[-1] in _WORDS)


def _finding(column: str, hit: Hit) -> Finding:
    share = f"{hit.passed:,} of {hit.tried:,} distinct values of its form ({hit.passed / hit.tried:.0%}) pass"
    message = f"looks like a {hit.rule}: {share}" + (f", by chance {hit.chance:.0%}" if hit.chance else "")
    if hit.status != "fail":
        message = f"column {column} {message}; a code list may look the same"
    figures = {"rule": hit.rule, "passed": hit.passed, "tried": hit.tried, "pass_rate": hit.passed / hit.tried}
    return Finding("VRU110", hit.status, column, message, figures)


def _countable(column: str, values: Values) -> Iterator[Finding]:
    n = len(values.texts)
    if n and beyond_chance(n - uncountable(values.texts), n, 0.001):
        wrong = n - uncountable(values.texts)
        message = (
            f"column {column}: {wrong:,} of {n:,} pseudonyms have fewer than 16 characters or digits alone, which a "
            "keyed hash does not make: whether they can be counted through cannot be told"
        )
        figures = {"rule": "unkeyed pseudonym", "passed": wrong, "tried": n, "pass_rate": wrong / n}
        yield Finding("VRU110", "cannot tell", column, message, figures)
