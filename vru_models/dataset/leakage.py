"""The proof that nothing in X came from the future, on the user's own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from vru_models.dataset.coded import OPEN, Coded, Timeline, encode
from vru_models.dataset.rows import Day, data_end, day_of
from vru_models.dataset.splits import splits_of
from vru_models.errors import LeakageError
from vru_models.feeds import Events
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec
from vru_models.spec.calendar import as_days
from vru_models.spec.digest import lottery_numbers

SAMPLE = 500
"""People on whom the proof is run, drawn by lottery."""

TOO_GOOD = 0.95
"""A single feature with an AUC above this is an alarm."""


def prove_no_leakage(spec: Spec, events: Events, *, as_of: Sequence[Any] = (), n_people: int = SAMPLE) -> Findings:
    """A finding (VRU201) that X and the cohort do not change when everything later is changed.

    On each as-of date, for a sample of people, everything known on or after the date is deleted; then, instead, its
    event dates, values and ends are altered and events are added, inside the outcome window and inside the feature
    window but known too late. Cohort, X and status must be byte-identical each time.

    Parameters
    ----------
    as_of
        The dates to prove; by default every as-of date of the spec's splits.
    n_people
        Size of the sample; drawn by a lottery on the store's digest, not by order.

    Raises
    ------
    LeakageError
        When a changed future changes a row.
    """
    dates = [as_days(d) for d in as_of] or list(splits_of(spec, data_end(spec, events)).required().dates)
    coded = _sample(encode(spec, events), events.digest, n_people)
    for date in dates:
        before = _print(day_of(spec, coded, date))
        for name, changed in _futures(coded, int(date.astype(np.int64))).items():
            if _print(day_of(spec, changed, date)) != before:
                what = f"rows change when the future is changed ({name})"
                raise LeakageError.at(
                    f"as-of date {date}", what, expected="identical rows", then="Report this as a defect"
                )
    n = len(coded.people)
    rows = f"{n:,} people on {len(dates)} as-of dates"
    message = f"{rows}: identical when everything known later is deleted, altered or added to"
    return Findings([Finding("VRU201", "pass", "leakage", message, {"people": n, "dates": len(dates)})])


def _print(day: Day) -> tuple[bytes, ...]:
    """Every byte of a day's rows: who is in the cohort or routed, their features, statuses, areas and households."""
    rows = "\x1f".join([*day.rows["area"], *day.rows["household_id"]])
    arrays = (day.chosen, day.cohort.routed, day.X.to_numpy(), day.status.to_numpy())
    return (rows.encode(), *(a.tobytes() for a in arrays))


def _sample(coded: Coded, seed: str, n: int) -> Coded:
    draw = lottery_numbers("random", seed, "leakage", coded.people.tolist())
    kept = np.sort(np.argsort(draw, kind="stable")[:n])
    number = np.full(len(coded.people), -1)
    number[kept] = np.arange(len(kept))
    events, spells = number[coded.events.person] >= 0, number[coded.spells.person] >= 0
    return replace(
        coded,
        people=coded.people[kept],
        events=_renumber(coded.events, events, number),
        indicator=coded.indicator[events],
        value=coded.value[events],
        spells=_renumber(coded.spells, spells, number),
        area=coded.area[spells],
        birth_month=coded.birth_month[spells],
        household=coded.household[spells],
    )


def _renumber(rows: Timeline, keep: np.ndarray, number: np.ndarray) -> Timeline:
    return Timeline(number[rows.person[keep]], rows.start[keep], rows.end[keep], rows.known[keep], rows.until[keep])


def _futures(coded: Coded, day: int) -> dict[str, Coded]:
    """The store as it could have come to be, had the future been otherwise."""
    return {"deleted": _deleted(coded, day), "altered": _altered(coded, day), "added to": _added(coded, day)}


def _deleted(coded: Coded, day: int) -> Coded:
    events, spells = coded.events.known < day, coded.spells.known < day
    same = np.arange(len(coded.people))
    coverage = coded.coverage.rows(coded.coverage.known < day)
    coverage = replace(coverage, until=np.where(coverage.until >= day, OPEN, coverage.until))
    return replace(
        coded,
        events=_reopened(_renumber(coded.events, events, same), day),
        indicator=coded.indicator[events],
        value=coded.value[events],
        spells=_reopened(_renumber(coded.spells, spells, same), day),
        area=coded.area[spells],
        birth_month=coded.birth_month[spells],
        household=coded.household[spells],
        coverage=coverage,
    )


def _reopened(rows: Timeline, day: int) -> Timeline:
    return replace(rows, until=np.where(rows.until >= day, OPEN, rows.until))


def _altered(coded: Coded, day: int) -> Coded:
    late = coded.events.known >= day
    later = coded.spells.known >= day
    coverage = coded.coverage
    coverage = replace(coverage, end=np.where(coverage.known >= day, coverage.start, coverage.end))
    start = np.where(late, day - 1 - (coded.events.start % 90), coded.events.start)
    return _sorted(
        replace(
            coded,
            events=replace(coded.events, start=start, end=start, until=_closed_later(coded.events, day)),
            value=np.where(late, -1e6, coded.value),
            spells=replace(coded.spells, end=np.where(later, day - 30, coded.spells.end)),
            birth_month=np.where(later, np.datetime64("1990-01", "M"), coded.birth_month),
            coverage=coverage,
        )
    )


def _closed_later(rows: Timeline, day: int) -> np.ndarray:
    return np.where(rows.until >= day, day, rows.until)


def _added(coded: Coded, day: int) -> Coded:
    """One more event of every indicator for every person: known on the day but just before it, and after it."""
    n_people, n = len(coded.people), len(coded.indicators)
    person = np.repeat(np.arange(n_people), 2 * n)
    start = np.tile(np.repeat([day - 1, day + 30], n), n_people)
    known = np.maximum(start, day)
    extra = Timeline(person, start, start, known, np.full(len(person), OPEN))
    events = Timeline(*(np.concatenate([getattr(coded.events, f), getattr(extra, f)]) for f in _COLUMNS))
    indicator = np.concatenate([coded.indicator, np.tile(np.arange(n), 2 * n_people)])
    return _sorted(
        replace(coded, events=events, indicator=indicator, value=np.append(coded.value, np.ones(len(person))))
    )


_COLUMNS = ("person", "start", "end", "known", "until")


def _sorted(coded: Coded) -> Coded:
    order = np.argsort(coded.events.start, kind="stable")
    events = Timeline(*(getattr(coded.events, f)[order] for f in _COLUMNS))
    return replace(coded, events=events, indicator=coded.indicator[order], value=coded.value[order])


def alarms(X: pd.DataFrame, y: pd.Series[float]) -> Findings:
    """VRU202: whether any one feature ranks the labels suspiciously well (AUC above 0.95 either way round).

    A feature that is missing or constant where labels are known is not tested.
    """
    labelled = y.notna().to_numpy()
    truth = y.to_numpy()[labelled]
    too_good, tested = [], 0
    for name in X.columns:
        cells = X[name].to_numpy()[labelled]
        given = ~np.isnan(cells)
        if len(np.unique(truth[given])) < 2:
            continue
        tested += 1
        auc = roc_auc_score(truth[given], cells[given])
        if max(auc, 1 - auc) > TOO_GOOD:
            too_good.append(name)
    if too_good:
        which = f"{len(too_good)} of {tested} features alone"
        message = f"{which} rank the labels with AUC above {TOO_GOOD}: {', '.join(too_good)}"
        return Findings([Finding("VRU202", "fail", "features", message, {"features": too_good})])
    return Findings(
        [Finding("VRU202", "pass", "features", f"none of {tested} features alone has AUC above {TOO_GOOD}")]
    )
