"""The one fold: versions of a record to what was known from when until when. For events, spells and coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vru_models.spec.calendar import as_day, known_on


def fold(versions: pd.DataFrame, key: str) -> pd.DataFrame:
    """The versions with ``known_until``: the ``known_date`` of the next version of the same key, NaT for the last.

    Of two versions of a key known on the same day, the later row stands and the earlier is dropped: it was never in
    force.

    Examples
    --------
    >>> known = pd.to_datetime(["2024-03-01", "2024-01-01", "2024-02-01"])
    >>> versions = pd.DataFrame({"event_id": ["a", "a", "b"], "known_date": known})
    >>> fold(versions, "event_id")["known_until"].dt.date.tolist()
    [NaT, datetime.date(2024, 3, 1), NaT]
    """
    known = versions["known_date"].to_numpy()
    until = np.full(len(versions), np.datetime64("NaT", "s"), dtype="datetime64[s]")
    repeated = np.flatnonzero(versions[key].duplicated(keep=False))
    keys = pd.factorize(versions[key].iloc[repeated])[0]
    by_time = np.lexsort((known[repeated], keys))
    order = repeated[by_time]
    superseded = keys[by_time][1:] == keys[by_time][:-1]
    until[order[:-1][superseded]] = known[order[1:][superseded]]
    folded: pd.DataFrame = versions.assign(known_until=until).loc[until != known]
    return folded


def as_known(frame: pd.DataFrame, date: Any) -> pd.DataFrame:
    """The rows known on a date, ``known_date < date <= known_until``, each still open: how it ends was learnt later."""
    known, until = (frame[c].to_numpy().astype("datetime64[D]") for c in ("known_date", "known_until"))
    rows = frame[known_on(known, until, as_day(date))].reset_index(drop=True)
    return rows.assign(known_until=np.full(len(rows), np.datetime64("NaT", "s"), dtype="datetime64[s]"))
