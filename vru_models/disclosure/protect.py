"""A table that may leave: small counts redacted, the rest rounded, rates made from what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vru_models.disclosure.profiles import Profile, profile_named

REDACTED = "redacted"
WITHHELD = "withheld"
"""Why a count that is not small is not shown: another could be had by subtraction."""

NOT_TESTABLE = "not testable"
UNDEFINED = "undefined"


@dataclass(frozen=True, eq=False)
class Protected:
    """A protected table: what is not shown is NaN in :meth:`frame`, with the reason in ``<column>_note``.

    Parameters
    ----------
    table
        Labels, protected counts, rates and verdicts; no figure that is not protected.
    counts
        Which columns are counts.
    notes
        For each count and rate, why a cell is not shown; blank where it is.
    profile
        The rule that was applied.
    """

    table: pd.DataFrame
    counts: tuple[str, ...]
    notes: pd.DataFrame
    profile: Profile

    def __post_init__(self) -> None:
        hidden = self.notes != ""
        if not self.table.index.equals(self.notes.index) or not self.table[self.notes.columns].isna().equals(hidden):
            raise ValueError("a cell is shown if and only if it has no note")

    def withheld(self, cells: Mapping[str, np.ndarray]) -> Protected:
        """The same, and these cells not shown for the sake of others that are not."""
        table, notes = self.table.copy(), self.notes.copy()
        for name, mask in cells.items():
            table[name], notes[name] = table[name].mask(mask), notes[name].mask(mask, WITHHELD)
        return Protected(table, self.counts, notes, self.profile)

    def frame(self) -> pd.DataFrame:
        """The table with a ``<column>_note`` after each count and rate.

        Blank, ``redacted``, ``withheld`` (not small, but another could be had by subtraction) or ``not testable``.
        """
        columns: dict[Any, pd.Series[Any]] = {}
        for name in self.table.columns:
            columns[name] = self.table[name]
            if name in self.notes:
                columns[f"{name}_note"] = self.notes[name]
        return pd.DataFrame(columns, index=self.table.index)

    def text(self) -> pd.DataFrame:
        """The table as it would be printed: counts with thousands commas, rates to three decimals, notes in words."""
        shown = self.table.astype(object)
        for name in self.notes:
            form = "{:,.0f}" if name in self.counts else "{:.3f}"
            note = self.notes[name]
            shown[name] = note.where(note != "", self.table[name].map(form.format))
        return shown

    def totals(self) -> pd.DataFrame:
        """One row per count: ``count, total`` (the sum of the rounded cells that are shown), ``cells, redacted``.

        A total is never that of the true counts, or what is redacted could be had by subtraction.
        """
        counts = list(self.counts)
        return pd.DataFrame(
            {
                "count": counts,
                "total": self.table[counts].sum(min_count=1).to_numpy(),
                "cells": len(self.table),
                "redacted": (self.notes[counts] == REDACTED).sum().to_numpy(),
            }
        )


def protect(
    table: pd.DataFrame,
    *,
    counts: Sequence[str],
    rates: Mapping[str, tuple[str, str]] | None = None,
    verdicts: Mapping[str, str] | None = None,
    profile: str = "opensafely",
) -> Protected:
    """The table with small counts redacted, other counts rounded, and rates computed from the rounded counts alone.

    A part of a whole is redacted also when what is left of the whole is small, since the whole and the part would give
    it away; the note does not say which of the two was small. A rate of which either count is redacted is ``not
    testable``, and so is any verdict about it: a suppressed cell is never a pass.

    Parameters
    ----------
    table
        Labels (text, dates, categories, the index), counts, and the columns named below. A number that is neither a
        count nor a rate is refused: it cannot be protected.
    counts
        Columns of people or events. Parts of a person (ties at a cut) are allowed; missing is not.
    rates
        ``{rate: (part, whole)}``, both in ``counts`` and the part within the whole. A column of that name is replaced.
    verdicts
        ``{column: rate}`` for text that states a conclusion about a rate.

    Raises
    ------
    SpecError
        An unknown profile.

    Examples
    --------
    >>> t = pd.DataFrame({"group": ["a", "b", "c"], "positives": [103, 60, 22], "found": [52, 6, 20]})
    >>> protect(t, counts=["positives", "found"], rates={"recall": ("found", "positives")}).text()
      group positives     found        recall
    0     a       105        50         0.476
    1     b        60  redacted  not testable
    2     c        20  redacted  not testable
    """
    rule, rates, verdicts = profile_named(profile), dict(rates or {}), dict(verdicts or {})
    _refuse(table, counts, rates, verdicts)
    hidden = pd.DataFrame({name: table[name] < rule.redact_up_to + 1 for name in counts}, index=table.index)
    for part, whole in rates.values():
        hidden[part] |= table[whole] - table[part] < rule.redact_up_to + 1
    safe = table.copy()
    for name in counts:
        rounded = np.floor(table[name].to_numpy(dtype=np.float64) / rule.round_to + 0.5) * rule.round_to
        safe[name] = np.where(hidden[name], np.nan, rounded)
    notes = pd.DataFrame(np.where(hidden, REDACTED, ""), index=table.index, columns=hidden.columns, dtype=object)
    for name, (part, whole) in rates.items():
        safe[name] = safe[part] / safe[whole]
        notes[name] = np.where(safe[name].isna(), NOT_TESTABLE, "")
    for name, rate in verdicts.items():
        safe[name] = safe[name].astype(object).where(notes[rate] == "", NOT_TESTABLE)
    return Protected(safe, tuple(counts), notes, rule)


def cell_beside(rows: np.ndarray, few: np.ndarray, *, profile: str) -> np.ndarray:
    """Which cell of a whole, if any, is to be withheld beside those about few people: where these have many rows.

    Rows are not people: twenty rows about each of three people are sixty rows, which the whole less what is shown would
    give away. Where the cells about few people have, together, more rows than a redacted count may, the smallest of the
    others is not shown either. Which of the two it is may be told: how many rows it has may not.

    Parameters
    ----------
    rows, few
        The count of rows of each cell, and whether these are about few people.

    Examples
    --------
    >>> cell_beside(np.array([60, 100, 900]), np.array([True, False, False]), profile="opensafely")
    array([False,  True, False])
    >>> cell_beside(np.array([3, 100, 900]), np.array([True, False, False]), profile="opensafely")
    array([False, False, False])
    """
    beside = np.zeros(len(rows), dtype=bool)
    if rows[few].sum() > profile_named(profile).redact_up_to and not few.all():
        beside[np.argmin(np.where(few, np.inf, rows))] = True
    return beside


def _refuse(
    table: pd.DataFrame, counts: Sequence[str], rates: Mapping[str, tuple[str, str]], verdicts: Mapping[str, str]
) -> None:
    absent = [name for name in [*counts, *verdicts] if name not in table]
    unknown = [name for pair in rates.values() for name in pair if name not in counts]
    unknown += [rate for rate in verdicts.values() if rate not in rates]
    if absent or unknown or not counts:
        raise ValueError(f"protect: {', '.join(absent + unknown) or 'counts'} missing from the table, counts or rates")
    loose = [str(c) for c in table.select_dtypes("number") if c not in counts and c not in rates]
    if loose:
        raise ValueError(
            f"protect: {', '.join(loose)} hold numbers that are neither counts nor rates. Drop or declare them."
        )
    faulty = [name for name in counts if not (table[name].notna() & (table[name] >= 0)).all()]
    if faulty:
        raise ValueError(f"protect: {', '.join(faulty)} hold missing or negative counts")
    over = [name for name, (part, whole) in rates.items() if (table[part] > table[whole] + 1e-9).any()]
    if over:
        raise ValueError(f"protect: {', '.join(over)}: a part is larger than its whole")
