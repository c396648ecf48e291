"""Where protected characteristics meet rows: the only place, and for audit only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from vru_models.errors import DataError

NOT_RECORDED = "not recorded"


def join_sensitive(rows: pd.DataFrame, sensitive: pd.DataFrame, *, key: str = "person_id") -> pd.DataFrame:
    """The attributes of each row's person, as text, in the order and with the index of ``rows``.

    A person who is not in the audit file, and a value that is missing or blank, is a group of its own, ``not
    recorded``: nobody leaves the audit for want of a record.

    Parameters
    ----------
    rows
        One row per person and as-of date; ``key`` is a column or a level of the index.
    sensitive
        One row per person: ``key`` and the attributes.

    Raises
    ------
    DataError
        A person with more than one row in ``sensitive``, or no key there.

    Examples
    --------
    >>> rows = pd.DataFrame({"person_id": ["p1", "p2", "p1"]})
    >>> join_sensitive(rows, pd.DataFrame({"person_id": ["p1"], "sex": ["F"]}))["sex"].tolist()
    ['F', 'not recorded', 'F']
    """
    people = _column(sensitive, key, "sensitive")
    attributes = sensitive.drop(columns=key, errors="ignore").set_axis(pd.Index(people), axis=0)
    missing, repeated = int(people.isna().sum()), int(people.duplicated().sum())
    if missing or repeated:
        what = f"{missing} of {len(people)} rows without {key}, {repeated} rows that repeat one"
        raise DataError.at("sensitive", what, expected="one row for each person", then="Correct the audit file")
    return recorded(attributes.reindex(_column(rows, key, "rows")).set_axis(rows.index, axis=0))


def recorded(sensitive: pd.DataFrame) -> pd.DataFrame:
    """Attributes as text, what is missing or blank as the group ``not recorded``."""
    return sensitive.apply(_text)


def with_intersections(sensitive: pd.DataFrame, intersections: Iterable[Sequence[str]]) -> pd.DataFrame:
    """The attributes and, beside them, each declared intersection as an attribute of its own.

    Examples
    --------
    >>> both = with_intersections(pd.DataFrame({"sex": ["F"], "disability": [None]}), [("sex", "disability")])
    >>> both["sex x disability"].tolist()
    ['F x not recorded']
    """
    attributes = recorded(sensitive)
    for names in intersections:
        absent = [name for name in names if name not in attributes]
        if absent:
            raise DataError.unknown("intersections", absent[0], map(str, sensitive.columns))
        attributes[" x ".join(names)] = attributes[list(names)].agg(" x ".join, axis=1)
    return attributes


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return text.where(text != "", NOT_RECORDED).astype(object)


def _column(frame: pd.DataFrame, key: str, name: str) -> pd.Series[Any]:
    if key in frame.columns:
        return frame[key].reset_index(drop=True)
    if key in frame.index.names:
        return pd.Series(frame.index.get_level_values(key))
    raise DataError.at(name, f"no column '{key}'", expected=f"one row per {key}, as a column or in the index")
