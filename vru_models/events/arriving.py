"""What a later extract adds to what is held: nothing twice, corrections beside what they correct, history untouched."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Delivery:
    """How the rows of one feed came: as a snapshot of all that stands, or as additions; when, and after what.

    Parameters
    ----------
    previous
        The date of the extract before it.
    held_back
        Keys of rows that came and could not be let in: what they name is there, whatever they say.
    unreadable
        How many rows came of which not even the key can be read.
    """

    snapshot: bool
    extracted: np.datetime64
    previous: np.datetime64
    held_back: pd.Index[str] = field(default_factory=lambda: pd.Index([], dtype="str"))
    unreadable: int = 0


@dataclass(frozen=True)
class Added:
    """What is new among arriving versions, each with the date from which it counts as known.

    ``late`` of them were not in the previous extract although they say they were known by then: they count from their
    own extract's date. ``gone`` are the keys in force that a snapshot no longer holds, ``held_back`` how many of those
    in force it holds in no other row than one that could not be let in: they stand as they were.
    """

    versions: pd.DataFrame
    late: int
    gone: pd.Index[str]
    held_back: int


def added(arriving: pd.DataFrame, held: pd.DataFrame, *, key: str, void: np.ndarray, delivery: Delivery) -> Added:
    """The versions that an extract adds to those held of the same feed.

    What was known on or before the date of the previous extract never changes. Nothing is gone from a snapshot while
    one of its rows cannot be told from any other. Versions known since then are new where
    they say other than the version before them. Of a key that is held, an older version is new only if it is the
    extract's last of it, says other than the last one held, and was never held before; a record that a snapshot had
    lost, and that is in one again, is new too. What is new and says it was known by the previous extract counts from
    the date of its own.

    Parameters
    ----------
    arriving, held
        Versions with ``known_date``, columns alike; of two known on one day the later row stands.
    void
        Which of the held versions say that the record does not stand (withdrawn, disproved).
    """
    arriving = arriving.sort_values("known_date", kind="stable", ignore_index=True)
    held, void = _in_time(held, void)
    said, before = _contents(arriving, held)
    last_held = np.flatnonzero(~held[key].duplicated(keep="last"))
    held_keys = pd.Index(held[key].iloc[last_held])
    at = held_keys.get_indexer(pd.Index(arriving[key]))
    known = arriving["known_date"].to_numpy().astype("datetime64[D]")
    recent = known > delivery.previous
    changed = said != _said_before(arriving[key], said, recent, np.append(before[last_held], -1)[at])
    returning = ~_repeats(arriving, held, said, before) | delivery.snapshot
    is_last = ~arriving[key].duplicated(keep="last").to_numpy()
    new = changed & (recent | (at < 0) | (is_last & returning))
    late = new & ~recent
    from_when = np.where(late, delivery.extracted, known).astype("datetime64[s]")
    versions = arriving.assign(known_date=from_when)[new]
    standing = held_keys[~void[last_held]]
    absent = standing.difference(pd.Index(arriving[key]), sort=False) if delivery.snapshot else standing[:0]
    gone = absent[:0] if delivery.unreadable else absent.difference(delivery.held_back, sort=False)
    return Added(versions, int(late.sum()), gone, int(absent.isin(delivery.held_back).sum()))


def _in_time(held: pd.DataFrame, void: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    order = np.argsort(held["known_date"].to_numpy(), kind="stable")
    return held.iloc[order].reset_index(drop=True), void[order]


def _said_before(keys: pd.Series[str], said: np.ndarray, recent: np.ndarray, held: np.ndarray) -> np.ndarray:
    """What was said of each arriving version's key just before it: by the recent version before it, else what is held.

    Rows are in order of time; -1 where nothing was said before.
    """
    frame = pd.DataFrame({"key": keys.to_numpy()[recent], "said": said[recent]})
    earlier = frame.groupby("key", sort=False)["said"].shift(1)
    answer = held.copy()
    answer[recent] = np.where(earlier.notna(), earlier.fillna(-1), held[recent])
    return answer


def _contents(arriving: pd.DataFrame, held: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """One number per row, equal where everything but the dates of knowledge is equal."""
    columns = [c for c in arriving if c not in ("known_date", "known_until")]
    both = pd.concat([arriving[columns], held.reindex(columns=columns)], ignore_index=True)
    coded = pd.DataFrame({c: pd.factorize(both[c])[0] for c in columns})
    numbers = coded.groupby(columns, sort=False).ngroup().to_numpy()
    return numbers[: len(arriving)], numbers[len(arriving) :]


def _repeats(arriving: pd.DataFrame, held: pd.DataFrame, said: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Which arriving versions are held already, word for word and from the same date."""
    now = pd.MultiIndex.from_arrays([said, arriving["known_date"]])
    return np.asarray(now.isin(pd.MultiIndex.from_arrays([before, held["known_date"]])))
