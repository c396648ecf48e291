"""The one fold: versions of a record to what was known from when until when. For events and for every other row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.spec.calendar import as_day, known_on
from vru_models.spec.tables import REQUIRED_COLUMNS, Kind

ROW_KINDS: Final[tuple[Kind, ...]] = ("spells", "coverage", "links", "objections")
"""What is known beside events, under the same two dates; each has a frame of its own in :class:`Events`."""

_TYPES: Mapping[str, str] = (
    dict.fromkeys(("birth_month", "start_date", "end_date", "known_date"), "datetime64[s]")
    | dict.fromkeys(("age_from", "age_to"), "Int64")
    | {"confidence": "float64"}
)


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


def as_kept(rows: pd.DataFrame, kind: Kind, *, key: str) -> pd.DataFrame:
    """The rows of a feed as a store has them: by ``person_id`` whatever the unit, what its unit lacks missing.

    Parameters
    ----------
    key
        What the feed calls the column that says whom a row is about.
    """
    kept = rows.rename(columns={key: "person_id"})
    return kept.assign(**{name: None for name in REQUIRED_COLUMNS[kind] if name not in kept})


def folded_rows(rows: pd.DataFrame | None, kind: Kind) -> pd.DataFrame:
    """Spells, coverage, links or objections, folded by their key and sorted by key and known date.

    A given ``known_until`` that is earlier than the next version is kept: the row was withdrawn then.

    Raises
    ------
    ValueError
        When a needed column is missing.
    """
    needed = REQUIRED_COLUMNS[kind]
    frame = pd.DataFrame(columns=list(needed)) if rows is None else rows
    if missing := [c for c in needed if c not in frame]:
        raise ValueError(f"a frame of {kind} lacks {', '.join(missing)}. Expected: at least {', '.join(needed)}.")
    typed = frame.astype({c: _TYPES.get(c, "str") for c in needed}).reset_index(drop=True)
    given = typed.pop("known_until") if "known_until" in typed else pd.Series(pd.NaT, index=typed.index)
    folded = fold(typed, needed[0])
    withdrawn = pd.to_datetime(given).astype("datetime64[s]").loc[folded.index]
    until = np.fmin(folded["known_until"].to_numpy(), withdrawn.to_numpy())
    in_force = folded.assign(known_until=until)[until != folded["known_date"].to_numpy()]
    ordered: pd.DataFrame = in_force.sort_values([needed[0], "known_date"], ignore_index=True)
    return ordered


def as_known(frame: pd.DataFrame, date: Any) -> pd.DataFrame:
    """The rows known on a date, ``known_date < date <= known_until``, each still open: how it ends was learnt later."""
    known, until = (frame[c].to_numpy().astype("datetime64[D]") for c in ("known_date", "known_until"))
    rows = frame[known_on(known, until, as_day(date))].reset_index(drop=True)
    return rows.assign(known_until=np.full(len(rows), np.datetime64("NaT", "s"), dtype="datetime64[s]"))
