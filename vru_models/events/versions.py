"""Versions of events as a frame in the house types, in the one order, with what may be left out filled in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from vru_models.frames import text_of
from vru_models.spec.digest import digest_rows

VERSION_COLUMNS = (
    "event_id", "person_id", "indicator", "event_date", "known_date", "value", "role", "status", "feed",
)  # fmt: skip
FRAME_COLUMNS = (*VERSION_COLUMNS[:5], "known_until", *VERSION_COLUMNS[5:])
_TEXTS, _DATES = ("event_id", "person_id"), ("event_date", "known_date")
CATEGORIES = ("indicator", "role", "status", "feed")
_DEFAULTS: Mapping[str, Any] = {"value": np.nan, "role": "subject", "status": "recorded", "feed": "unnamed"}
PLAIN: Mapping[str, str] = dict.fromkeys(CATEGORIES, "str")
_VERSION_TYPES: Mapping[str, str] = (
    dict.fromkeys((*_TEXTS, *CATEGORIES), "str") | dict.fromkeys(_DATES, "datetime64[s]") | {"value": "float64"}
)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
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
    return rows[list(VERSION_COLUMNS)].astype(_VERSION_TYPES)


def event_ids(feed: str, indicator: str, key: Iterable[pd.Series[Any]], rows: int) -> np.ndarray:
    """The identity of the event that each row makes of an indicator, from the columns of the feed's primary key."""
    texts = [text_of(column).to_list() for column in key]
    return np.array(digest_rows([[feed] * rows, *texts, [indicator] * rows]), dtype=object)


def no_versions() -> pd.DataFrame:
    """A frame of versions without rows."""
    return tidy(typed(pd.DataFrame()))


def withdrawals(versions: pd.DataFrame, known_until: pd.Series[Any]) -> pd.DataFrame:
    """Closers for the rows whose given ``known_until`` is not the known date of another version."""
    until = pd.to_datetime(known_until).astype("datetime64[s]").reset_index(drop=True)
    explained = pd.MultiIndex.from_frame(versions[["event_id", "known_date"]])
    asked = pd.MultiIndex.from_arrays([versions["event_id"], until])
    closing = until.notna().to_numpy() & ~asked.isin(explained)
    return versions.assign(known_date=until, status="withdrawn")[closing]


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
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


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Categories that occur, in alphabetical order, and a fresh index."""
    held = {c: pd.Categorical(rows[c].astype("str")) for c in CATEGORIES}
    return rows.assign(**held).reset_index(drop=True)
