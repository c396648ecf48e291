"""Text that a spreadsheet shows and does not run."""

from __future__ import annotations

from typing import Final

import pandas as pd

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\0")


def spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with an apostrophe before text that a spreadsheet would take for a formula; numbers untouched.

    Source: OWASP ASVS 5.0, 1.2.10.

    Examples
    --------
    >>> spreadsheet_safe(pd.DataFrame({"note": ["=1+1", "late"], "points": [-3, 2]})).values.tolist()
    [["'=1+1", -3], ['late', 2]]
    """
    safe = frame.rename(columns=lambda name: _safe(str(name)))
    for name in safe.columns[[not pd.api.types.is_numeric_dtype(t) for t in safe.dtypes]]:
        safe[name] = [_safe(str(cell)) for cell in safe[name]]
    return safe


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
