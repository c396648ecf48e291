"""Alarms on what is too good to be true, counted part by part: one feature that ranks the labels, crowding events."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pandas as pd

from vru_models.features.coded import Coded
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec

TOO_GOOD: Final = 0.95
"""A single feature with an AUC above this is an alarm."""

WEEKS: Final = 13
"""Weeks before an as-of date that are looked at; the last one is held against all of them."""

TIMES: Final = 3
"""The share of the last week among rows with the outcome is to be this many times that of the rest, or more."""

CHANCE: Final = 1e-6
"""And is to come about by chance less often than this."""

LEAST: Final = 10
"""With fewer weeks on either side an indicator is not tested: eight of ten would be needed for an alarm."""

_SMALL: Final = 1 << 12


def tally(cells: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """How often each feature has each value among rows labelled 0 and 1: columns ``feature, value, zeros, ones``.

    ``cells`` are features x rows; missing cells and rows without a label are left out. Tallies of several parts add up.
    """
    labelled = ~np.isnan(y)
    cells = cells if labelled.all() else cells[:, labelled]
    positive = y[labelled] == 1
    at = np.flatnonzero(positive)
    parts = [_tally_of(i, row, positive, at) for i, row in enumerate(cells)]
    columns = ("feature", "value", "zeros", "ones")
    return pd.DataFrame({name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(columns)})


def _tally_of(feature: int, cells: np.ndarray, positive: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, ...]:
    """The tally of one feature; ``at`` are the positions of the positive rows."""
    given = ~np.isnan(cells)
    if not given.all():
        cells = cells[given]
        at = np.flatnonzero(positive[given])
    if len(cells) and cells.min() >= 0 and cells.max() < _SMALL:
        whole = cells.astype(np.intp)
        if (whole.astype(cells.dtype) == cells).all():
            every, ones = np.bincount(whole), np.bincount(whole[at], minlength=int(cells.max()) + 1)
            value = np.flatnonzero(every)
            return _columns(feature, value.astype(np.float64), every[value], ones[value])
    value, place = np.unique(cells.astype(np.float64), return_inverse=True)
    every, ones = (np.bincount(places, minlength=len(value)) for places in (place, place[at]))
    return _columns(feature, value, every, ones)


def _columns(feature: int, value: np.ndarray, every: np.ndarray, ones: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.full(len(value), feature), value, every - ones, ones


def alarms(tallies: Iterable[pd.DataFrame], names: Sequence[str]) -> Findings:
    """VRU202: whether any one feature ranks the labels suspiciously well (AUC above 0.95 either way round).

    A feature that is missing or constant where labels are known is not tested.
    """
    held = pd.concat(list(tallies), ignore_index=True).groupby(["feature", "value"]).sum().reset_index()
    of_feature = [held[held["feature"] == i] for i in range(len(names))]
    aucs = [_auc(rows["zeros"].to_numpy(), rows["ones"].to_numpy()) for rows in of_feature]
    tested = {name: auc for name, auc in zip(names, aucs, strict=True) if not np.isnan(auc)}
    if too_good := [name for name, auc in tested.items() if max(auc, 1 - auc) > TOO_GOOD]:
        which = f"{len(too_good)} of {len(tested)} features alone"
        message = f"{which} rank the labels with AUC above {TOO_GOOD}: {', '.join(too_good)}"
        return Findings([Finding("VRU202", "fail", "features", message, {"features": too_good})])
    message = f"none of {len(tested)} features alone has AUC above {TOO_GOOD}"
    return Findings([Finding("VRU202", "pass", "features", message)])


def _auc(zeros: np.ndarray, ones: np.ndarray) -> float:
    """The chance that a 1 has the larger value than a 0, ties counted half; by values in ascending order."""
    if not zeros.sum() or not ones.sum():
        return float("nan")
    below = np.cumsum(zeros) - zeros
    return float((ones * (below + zeros / 2)).sum() / (zeros.sum() * ones.sum()))


def indicators_of(spec: Spec) -> tuple[str, ...]:
    """The indicators that features are made of, in order of the features."""
    return tuple(dict.fromkeys(feature.indicator for feature in spec.columns))


def weeks_on(spec: Spec, coded: Coded, *, as_of: np.datetime64, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    """In how many weeks before a date rows have an event of each indicator: indicators x (0, 1) x (earlier, last).

    A row and week counts once, however many events are in it, where one was known on the date. The second axis is the
    label; rows without one are left out. Counts of several parts and dates add up.

    Parameters
    ----------
    coded
        The store as it may be read on the date (:func:`~vru_models.features.people.on_day`).
    rows, y
        The person of each row, by number, and the label: 1, 0 or NaN.
    """
    names, n_people, events = indicators_of(spec), len(coded.people), coded.events
    number = np.array([names.index(name) if name in names else -1 for name in coded.indicators])
    label = np.full(n_people, -1)
    label[rows[~np.isnan(y)]] = y[~np.isnan(y)].astype(np.intp)
    day = int(as_of.astype(np.int64))
    lo, hi = np.searchsorted(events.start, (day - 7 * WEEKS, day))
    within = slice(lo, hi)
    of_feature, labelled = number[coded.indicator[within]] >= 0, label[events.person[within]] >= 0
    use = lo + np.flatnonzero(events.known_at(day, within) & of_feature & labelled)
    week = (day - 1 - events.start[use].astype(np.int64)) // 7
    once = np.unique((number[coded.indicator[use]] * WEEKS + week) * n_people + events.person[use])
    (which, week), person = np.divmod(once // max(n_people, 1), WEEKS), once % max(n_people, 1)
    at = 4 * which + 2 * label[person] + (week == 0)
    return np.bincount(at, minlength=4 * len(names)).reshape(-1, 2, 2)


def clustering(weeks: Iterable[np.ndarray | Sequence[object]], names: Sequence[str]) -> Findings:
    """VRU206: whether an indicator's events crowd into the last week before the dates of rows with the outcome.

    Such an indicator may be recorded because of the outcome, or entered late under an earlier date. Of the weeks with
    an event that was known (each row and week counted once, 13 weeks before the as-of date), the share that is the
    last week is compared: rows labelled 1 against rows labelled 0. At an even rate it is 1 in 13, however high the rate
    is. An alarm is a share at least 3 times that of the rest, and by chance (Fisher's exact test, one-sided)
    rarer than 1 in a million; a row counts at most once in the last week, so people with bursts of events do not make
    it so. An indicator with fewer than 10 such weeks on either side is named and not tested. It cannot be told
    where none was tested. A real need may also build up within days: the alarm asks for a look, and can be answered.

    Examples
    --------
    >>> even, crowded, few = [[1200, 100], [240, 20]], [[1200, 100], [140, 60]], [[20, 1], [2, 2]]
    >>> print(clustering([[even, crowded, few]], ["absence", "arrest", "missing"]).items[0].message)
    1 of 2 indicators in the last 7 days of 13 weeks at least 3 times as often before outcomes as otherwise (p below
    1e-06): arrest (60 of 200 weeks with an event, 100 of 1,300 otherwise). Are they recorded because of the outcome?
    Not tested, fewer than 10 weeks on a side: missing
    """
    held = np.sum([np.asarray(part, dtype=np.int64).reshape(-1, 2, 2) for part in weeks], axis=0)
    figures = {name: counts.ravel().tolist() for name, counts in zip(names, held, strict=True)}
    few = [name for name, counts in zip(names, held, strict=True) if counts.sum(axis=1).min() < LEAST]
    tested = {name: counts for name, counts in zip(names, held, strict=True) if name not in few}
    rule = f"in the last 7 days of {WEEKS} weeks at least {TIMES} times as often before outcomes as otherwise"
    rule += f" (p below {CHANCE:g})"
    untested = f"fewer than {LEAST} weeks on a side: {', '.join(few)}"
    if not tested:
        message = f"whether indicators crowd just before outcomes cannot be told, {untested}"
        return Findings([Finding("VRU206", "cannot tell", "indicators", message, figures)])
    alarmed = {name: counts for name, counts in tested.items() if _crowds(counts)}
    rest = f"Not tested, {untested}" if few else ""
    if alarmed:
        which = ", ".join(f"{name} ({_shares(counts)})" for name, counts in alarmed.items())
        message = f"{len(alarmed)} of {len(tested)} indicators {rule}: {which}. "
        message += "Are they recorded because of the outcome? " + rest
        return Findings([Finding("VRU206", "fail", "indicators", message.strip(), figures)])
    message = f"none of {len(tested)} indicators {rule}" + (f". {rest}" if few else "")
    return Findings([Finding("VRU206", "pass", "indicators", message, figures)])


def _crowds(counts: np.ndarray) -> bool:
    from scipy.stats import hypergeom  # noqa: PLC0415  half a second to load, in every process

    (earlier, last), (before, just_before) = counts.tolist()
    rest, mine = earlier + last, before + just_before
    if just_before * rest < TIMES * last * mine or not just_before:
        return False
    return bool(hypergeom.sf(just_before - 1, rest + mine, last + just_before, mine) < CHANCE)


def _shares(counts: np.ndarray) -> str:
    (earlier, last), (before, just_before) = counts.tolist()
    return f"{just_before:,} of {before + just_before:,} weeks with an event, {last:,} of {earlier + last:,} otherwise"
