"""Shares that may leave, and, where a count is too small to be shown, the bound that its being small gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vru_models.disclosure.profiles import profile_named
from vru_models.disclosure.protect import NOT_TESTABLE, Protected, protect


def shares(
    table: pd.DataFrame,
    *,
    counts: Sequence[str],
    rates: Mapping[str, tuple[str, str]],
    people: Mapping[str, Any] | None = None,
    profile: str,
) -> Protected:
    """The table as :func:`~vru_models.disclosure.protect.protect` has it, each rate with ``<rate>_low, <rate>_high``.

    The two are the rate itself where it is shown. Where the part is too small to be shown, the rate is at most so much,
    in whole per cent upward; where what is left of the whole is too small, it is at least so much. Such a bound says no
    more than that a redacted count is small, and which of the two it was: a column that is missing in hardly any row
    must be told from one that is there in hardly any.

    Parameters
    ----------
    people
        For a count of rows, the distinct people behind it: where these are few, the rows are redacted however many.

    Examples
    --------
    >>> t = pd.DataFrame({"column": ["band", "reason"], "rows": [1000, 1000], "missing": [2, 640]})
    >>> rates = {"share": ("missing", "rows")}
    >>> said(shares(t, counts=["rows", "missing"], rates=rates, profile="opensafely"))
       column   rows   missing      share
    0    band  1,000  redacted  at most 1 %
    1  reason  1,000       640     64.0 %
    """
    rule, given = profile_named(profile), table.copy()
    for name, n in (people or {}).items():
        given[name] = np.where(np.asarray(n) <= rule.redact_up_to, 0, table[name])
    for part, whole in rates.values():
        given[part] = np.minimum(given[part], given[whole])
    safe = protect(given, counts=counts, rates=rates, profile=profile)
    shown, notes = safe.table.copy(), safe.notes.copy()
    for rate, (part, whole) in rates.items():
        few = (table[part] <= rule.redact_up_to).to_numpy()
        rest_few = (table[whole] - table[part] <= rule.redact_up_to).to_numpy()
        least = safe.table[whole] - rule.round_to / 2
        bound = np.minimum(np.ceil(100 * rule.redact_up_to / least) / 100, 1.0)
        low, high = (safe.table[rate].where(few == rest_few, end) for end in (1 - bound, bound))
        low, high = low.mask(few & ~rest_few & bound.notna(), 0.0), high.mask(rest_few & ~few & bound.notna(), 1.0)
        for name, end in ((f"{rate}_low", low), (f"{rate}_high", high)):
            shown[name] = end
            notes[name] = np.where(end.isna(), NOT_TESTABLE, "")
    return Protected(shown, safe.counts, notes, rule)


def with_days(table: Protected, days: pd.DataFrame) -> Protected:
    """The table with columns of days beside it, not testable where they are missing."""
    notes = pd.DataFrame(np.where(days.isna(), NOT_TESTABLE, ""), index=days.index, columns=days.columns, dtype=object)
    return Protected(table.table.join(days), table.counts, table.notes.join(notes), table.profile)


def said(table: Protected) -> pd.DataFrame:
    """The table as it is printed: a share in per cent or as a bound, days as whole numbers, and notes in words."""
    shown = table.text()
    for name in map(str, table.notes):
        if f"{name}_low" in table.notes:
            ends = table.table[[f"{name}_low", f"{name}_high"]].itertuples(index=False)
            shown[name] = [_share(low, high) for low, high in ends]
            shown = shown.drop(columns=[f"{name}_low", f"{name}_high"])
        elif name.endswith("_days"):
            shown[name] = [NOT_TESTABLE if np.isnan(d) else f"{d:,.0f}" for d in table.table[name]]
    return shown


def _share(low: float, high: float) -> str:
    if np.isnan(low):
        return NOT_TESTABLE
    if low == high:
        return f"{100 * low:.1f} %"
    return f"at least {100 * low:.0f} %" if low > 0 else f"at most {100 * high:.0f} %"
