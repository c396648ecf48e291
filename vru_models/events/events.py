"""Events: what happened, when, and from when until when this partnership knew it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import DataError
from vru_models.events import store
from vru_models.events.folding import as_known, fold
from vru_models.findings import Findings
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import digest_frame, digest_json, digest_rows
from vru_models.spec.sources import VOID_STATUSES
from vru_models.spec.tables import REQUIRED_COLUMNS

VERSION_COLUMNS = (
    "event_id", "person_id", "indicator", "event_date", "known_date", "value", "role", "status", "feed",
)  # fmt: skip
_FRAME_COLUMNS = (*VERSION_COLUMNS[:5], "known_until", *VERSION_COLUMNS[5:])
_TEXTS, _DATES = ("event_id", "person_id"), ("event_date", "known_date")
_CATEGORIES = ("indicator", "role", "status", "feed")
_DEFAULTS: Mapping[str, Any] = {"value": np.nan, "role": "subject", "status": "recorded", "feed": "unnamed"}
_LATE_DAYS = 31


@dataclass(frozen=True, eq=False)
class Events:
    """Coded, pseudonymised events with spells and coverage, each with when it was known.

    Made by :func:`record_events`, :meth:`open` or :meth:`from_frame`. An event counts for an as-of date when
    ``known_date < as_of <= known_until``; an open ``known_until`` is NaT.

    Parameters
    ----------
    frame
        One row per version in force at some time, sorted by ``person_id, event_date, known_date, event_id``:
        ``event_id, person_id`` (str), ``indicator`` (category), ``event_date, known_date, known_until``
        (``datetime64[s]``), ``value`` (float64, NaN = none), ``role, status, feed`` (category).
    spells, coverage
        The same two dates of knowledge beside the feed's own columns. ``end_date`` is the first day *not* in view (not
        covered); NaT is open.
    extract_dates
        The day on which each feed was extracted.
    closers
        Versions with status disproved or withdrawn, as stored: they have set ``known_until`` and never count.

    Examples
    --------
    >>> said = pd.DataFrame({
    ...     "event_id": ["e1", "e1"], "person_id": ["a", "a"], "indicator": "suspension", "event_date": "2024-01-10",
    ...     "known_date": ["2024-01-12", "2024-03-05"], "status": ["recorded", "withdrawn"]})
    >>> events = Events.from_frame(said)
    >>> events.frame["known_until"].dt.date.tolist()
    [datetime.date(2024, 3, 5)]
    >>> [len(events.as_known(d).frame) for d in ("2024-01-12", "2024-01-13", "2024-03-05", "2024-03-06")]
    [0, 1, 1, 0]
    """

    frame: pd.DataFrame = field(repr=False)
    spells: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    extract_dates: Mapping[str, dt.date]
    findings: Findings = field(default=Findings(), repr=False)
    closers: pd.DataFrame = field(default_factory=lambda: _typed(pd.DataFrame()), repr=False)

    def __post_init__(self) -> None:
        if tuple(self.frame.columns) != _FRAME_COLUMNS:
            raise ValueError(f"columns of events are not {', '.join(_FRAME_COLUMNS)}. Use Events.from_frame.")
        object.__setattr__(self, "extract_dates", MappingProxyType(dict(self.extract_dates)))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        spells: pd.DataFrame | None = None,
        coverage: pd.DataFrame | None = None,
        extract_dates: Mapping[str, dt.date] | None = None,
        findings: Findings | None = None,
    ) -> Events:
        """Events from a frame of versions in any order.

        Needed: ``person_id, indicator, event_date, known_date``. Without ``event_id`` every row is an event of its own;
        ``value`` is NaN, ``role`` subject, ``status`` recorded and ``feed`` unnamed unless given. A ``known_until``
        that no later version explains is kept, as a withdrawal on that date.

        Raises
        ------
        ValueError
            When a needed column is missing, or a spell's or a coverage row's ``known_until`` is not what its versions
            say.
        """
        versions = _typed(frame)
        if "known_until" in frame:
            versions = pd.concat([versions, _withdrawals(versions, frame["known_until"])], ignore_index=True)
        folded = _in_order(fold(versions, "event_id"))
        void = folded["status"].isin(VOID_STATUSES).to_numpy()
        return cls(
            frame=_tidy(folded[~void])[list(_FRAME_COLUMNS)],
            spells=_folded_rows(spells, "spells"),
            coverage=_folded_rows(coverage, "coverage"),
            extract_dates=extract_dates or {},
            findings=findings or Findings(),
            closers=_tidy(folded[void])[list(VERSION_COLUMNS)],
        )

    @property
    def versions(self) -> pd.DataFrame:
        """Every stored version, closers included, before folding."""
        rows = pd.concat([self.frame[list(VERSION_COLUMNS)].astype(_PLAIN), self.closers.astype(_PLAIN)])
        return _in_order(rows)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over events, spells, coverage and extract dates (not over findings)."""
        frames = [digest_frame(f, index=False) for f in (self.frame, self.spells, self.coverage)]
        return digest_json([*frames, {name: date.isoformat() for name, date in self.extract_dates.items()}])

    def as_known(self, date: Any) -> Events:
        """What was known on a date (``known_date < date <= known_until``), as if extracted then."""
        day = as_day(date)
        dates = {name: min(taken, day.item()) for name, taken in self.extract_dates.items()}
        spells, coverage = as_known(self.spells, day), as_known(self.coverage, day)
        return Events(_tidy(as_known(self.frame, day)), spells, coverage, dates, self.findings)

    def save(self, folder: str | Path) -> None:
        """Write a Parquet store, bucketed by person; the same events give the same bytes. A taken place is refused."""
        store.save(
            folder,
            versions=self.versions,
            rows={"spells": self.spells, "coverage": self.coverage},
            extract_dates=self.extract_dates,
            findings=self.findings,
        )

    @classmethod
    def open(cls, folder: str | Path) -> Events:
        """Events from what :meth:`save` wrote, folded again.

        Raises
        ------
        StorageError
            When the folder is missing or unreadable.
        DataError
            When it is not an event store, or not what was written.
        """
        held = store.load(folder)
        try:
            return cls.from_frame(
                held.versions,
                spells=held.rows["spells"],
                coverage=held.rows["coverage"],
                extract_dates=held.extract_dates,
                findings=held.findings,
            )
        except ValueError:
            raise DataError.at("event store", "its columns are not those of a store", then="Record again") from None

    def describe(self) -> pd.DataFrame:
        """One row per indicator: indicator, rows, median_lag_days, p95_lag_days, share_late (first known > 31 days on).

        Lags are of each event's first version. Counts are not protected: this table is for those who hold the data.
        """
        first = self.frame.sort_values("known_date", kind="stable").drop_duplicates("event_id")
        lag = (first["known_date"] - first["event_date"]).dt.days
        by = lag.groupby(first["indicator"].astype("str"))
        table = pd.DataFrame(
            {
                "rows": self.frame["indicator"].astype("str").value_counts(),
                "median_lag_days": by.median().astype("float64"),
                "p95_lag_days": by.quantile(0.95).astype("float64"),
                "share_late": (lag > _LATE_DAYS).groupby(first["indicator"].astype("str")).mean().astype("float64"),
            }
        )
        return table.sort_index().rename_axis("indicator").reset_index()

    def __repr__(self) -> str:
        people = self.frame["person_id"].nunique()
        return (
            f"Events({len(self.frame):,} rows of {people:,} people, {self.frame['indicator'].nunique()} indicators, "
            f"{len(self.closers):,} withdrawn; findings: {self.findings.worst})"
        )


_PLAIN: Mapping[str, str] = dict.fromkeys(_CATEGORIES, "str")
_VERSION_TYPES: Mapping[str, str] = (
    dict.fromkeys((*_TEXTS, *_CATEGORIES), "str") | dict.fromkeys(_DATES, "datetime64[s]") | {"value": "float64"}
)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The version columns in the house types; what may be left out is filled with its documented default."""
    if frame.empty and not len(frame.columns):
        frame = pd.DataFrame(columns=list(VERSION_COLUMNS))
    needed = ("person_id", "indicator", "event_date", "known_date")
    if missing := [c for c in needed if c not in frame]:
        raise ValueError(f"a frame of events lacks {', '.join(missing)}. Expected: at least {', '.join(needed)}.")
    rows = frame.reset_index(drop=True)
    for name, default in _DEFAULTS.items():
        if name not in rows:
            rows[name] = default
    if "event_id" not in rows:
        rows["event_id"] = digest_rows([rows["person_id"], rows["indicator"], range(len(rows))])
    types = (
        dict.fromkeys((*_TEXTS, *_CATEGORIES), "str") | dict.fromkeys(_DATES, "datetime64[s]") | {"value": "float64"}
    )
    return rows[list(VERSION_COLUMNS)].astype(types)


def _withdrawals(versions: pd.DataFrame, known_until: pd.Series[Any]) -> pd.DataFrame:
    """Closers for the rows whose given ``known_until`` is not the known date of another version."""
    until = pd.to_datetime(known_until).astype("datetime64[s]").reset_index(drop=True)
    explained = pd.MultiIndex.from_frame(versions[["event_id", "known_date"]])
    asked = pd.MultiIndex.from_arrays([versions["event_id"], until])
    closing = until.notna().to_numpy() & ~asked.isin(explained)
    return versions.assign(known_date=until, status="withdrawn")[closing]


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Sorted by person_id, event_date, known_date, event_id."""
    person = pd.factorize(rows["person_id"], sort=True)[0]
    event, known = (rows[c].to_numpy().astype(np.int64) for c in _DATES)
    order = np.lexsort((known, event, person))
    level = np.flatnonzero(
        (person[order][1:] == person[order][:-1])
        & (event[order][1:] == event[order][:-1])
        & (known[order][1:] == known[order][:-1])
    )
    if len(level):
        tied = np.unique(np.concatenate([level, level + 1]))
        among = order[tied]
        ids = pd.factorize(rows["event_id"].iloc[among], sort=True)[0]
        order[tied] = among[np.lexsort((ids, known[among], event[among], person[among]))]
    return rows.iloc[order].reset_index(drop=True)


def _tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Categories that occur, in alphabetical order, and a fresh index."""
    held = {c: pd.Categorical(rows[c].astype("str")) for c in _CATEGORIES}
    return rows.assign(**held).reset_index(drop=True)


def _folded_rows(rows: pd.DataFrame | None, kind: Any) -> pd.DataFrame:
    """Spells or coverage, folded by their key and sorted by key and known date."""
    needed = REQUIRED_COLUMNS[kind]
    frame = pd.DataFrame(columns=list(needed)) if rows is None else rows
    if missing := [c for c in needed if c not in frame]:
        raise ValueError(f"a frame of {kind} lacks {', '.join(missing)}. Expected: at least {', '.join(needed)}.")
    dates = [c for c in ("birth_month", "start_date", "end_date", "known_date") if c in needed]
    ages = [c for c in ("age_from", "age_to") if c in needed]
    texts = [c for c in needed if c not in (*dates, *ages)]
    types = dict.fromkeys(dates, "datetime64[s]") | dict.fromkeys(ages, "Int64") | dict.fromkeys(texts, "str")
    typed = frame.drop(columns="known_until", errors="ignore").astype(types)
    folded = fold(typed.reset_index(drop=True), needed[0])
    if "known_until" in frame and len(folded) == len(frame):
        given = pd.to_datetime(frame["known_until"]).astype("datetime64[s]").reset_index(drop=True)
        if not folded["known_until"].equals(given):
            raise ValueError(f"known_until of {kind} is not what the versions say. Leave it out: it is folded.")
    return folded.sort_values([needed[0], "known_date"], ignore_index=True)
