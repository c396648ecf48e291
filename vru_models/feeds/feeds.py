"""Feeds: what the gate let in, what it held back and why, and what it found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from vru_models.findings import Findings


@dataclass(frozen=True, eq=False)
class Feeds:
    """Agency extracts after the gate; made by :func:`read_feeds` or :func:`admit`.

    Rows in = rows accepted + rows quarantined, for every feed, or it cannot be constructed.

    Parameters
    ----------
    accepted
        One frame per feed but the audit feed, in declared columns: ``str``, ``float64``, ``Int64``, ``boolean``,
        ``datetime64[s]`` (a month is its first day); missing is NaN, NA or NaT.
    quarantine
        ``feed, row, reasons``: the 1-based data row and the rules it breaks, joined by ``"; "``. No values.
    rows_in
        Data rows per feed, the audit feed included.
    extract_dates
        The day on which each feed was extracted.
    sensitive
        The audit feed, held apart: ``person_id`` and protected characteristics; None when none is declared.
    held_keys
        Of each feed that is a snapshot, the primary keys of the rows in quarantine that can be read: what they say is
        not known, but they are there, and nothing was withdrawn.
    """

    accepted: Mapping[str, pd.DataFrame] = field(repr=False)
    quarantine: pd.DataFrame = field(repr=False)
    findings: Findings = field(repr=False)
    extract_dates: Mapping[str, dt.date]
    rows_in: Mapping[str, int] = field(repr=False)
    sensitive: pd.DataFrame | None = field(default=None, repr=False)
    held_keys: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("accepted", "extract_dates", "rows_in", "held_keys"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))
        counts = self.frame()
        lost = counts["feed"][counts["rows_in"] != counts["accepted"] + counts["quarantined"]]
        if len(lost):
            raise ValueError(f"rows in are not rows accepted + rows quarantined in: {', '.join(lost)}")

    def hold_back(self, people: Collection[str], reason: str) -> Feeds:
        """The same with the rows of some people in the audit file held back for a reason."""
        if self.sensitive is None or not people:
            return self
        (feed,) = [name for name in self.rows_in if name not in self.accepted]
        theirs = self.sensitive["person_id"].isin(list(people)).to_numpy()
        before = self.quarantine["row"][self.quarantine["feed"] == feed]
        rows = np.setdiff1d(np.arange(1, self.rows_in[feed] + 1), before)[theirs]
        held = pd.DataFrame({"feed": feed, "row": rows, "reasons": reason}).astype(self.quarantine.dtypes)
        quarantine = pd.concat([self.quarantine, held], ignore_index=True)
        return replace(self, quarantine=quarantine, sensitive=self.sensitive[~theirs].reset_index(drop=True))

    def frame(self) -> pd.DataFrame:
        """One row per feed: feed, rows_in, accepted, quarantined."""
        held = self.quarantine["feed"].value_counts()
        apart = 0 if self.sensitive is None else len(self.sensitive)
        rows = [
            (name, n, len(self.accepted[name]) if name in self.accepted else apart, int(held.get(name, 0)))
            for name, n in self.rows_in.items()
        ]
        return pd.DataFrame(rows, columns=["feed", "rows_in", "accepted", "quarantined"])

    def __repr__(self) -> str:
        total = self.frame()[["rows_in", "accepted", "quarantined"]].sum()
        return (
            f"Feeds({len(self.rows_in)} feeds: {total['rows_in']:,} rows in, {total['accepted']:,} accepted, "
            f"{total['quarantined']:,} quarantined; findings: {self.findings.worst})"
        )
