"""Literal tables: aligned text in, a frame out."""

from __future__ import annotations

import pandas as pd

_DATES = ("as_of", "birth_month", "known_until")
_NUMBERS = {"value": "float64", "age_from": "Int64", "age_to": "Int64", "confidence": "float64"}


def table(text: str) -> pd.DataFrame:
    """A frame from lines of ``a | b``: dates and numbers by the column's name, all else text; an empty cell is missing.

    Examples
    --------
    >>> table('''
    ...     person_id | event_date | value
    ...     a         | 2024-02-29 | 1.5
    ...     b         | 2024-03-01 |
    ... ''')["value"].tolist()
    [1.5, nan]
    """
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    cells = [[cell or None for cell in line] for line in lines]
    frame = pd.DataFrame(cells, columns=header, dtype="str")
    dates = [name for name in header if name.endswith("_date") or name in _DATES]
    numbers = {name: kind for name, kind in _NUMBERS.items() if name in header}
    return frame.astype(dict.fromkeys(dates, "datetime64[s]")).astype(numbers)
