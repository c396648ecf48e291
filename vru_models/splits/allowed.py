"""What splits a spec's rule and the data at hand allow, and what would give more."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import numpy as np

from vru_models.errors import SpecError
from vru_models.findings import Finding, Status
from vru_models.spec import Spec
from vru_models.splits.splits import Splits, splits_of

_FURTHEST: Final = 1 << 13
"""Days of later data that are thought of: some 22 years."""

_SHOWN: Final = 6


def data_needed(spec: Spec, label_end: np.datetime64, *, n: int) -> np.datetime64 | None:
    """Until when data would have to go for at least ``n`` splits; None where no later data gives as many.

    Examples
    --------
    >>> spec = Spec.example("early_help")
    >>> end = np.datetime64("2026-11-01")
    >>> len(splits_of(spec, end)), data_needed(spec, end, n=5)
    (4, np.datetime64('2027-05-01'))
    """

    def later(days: int) -> np.datetime64:
        return label_end + np.timedelta64(days, "D")

    def enough(days: int) -> bool:
        count = _count(spec, later(days))
        return count is None or count >= n

    if spec.splits.most_recent is not None and spec.splits.most_recent < n:
        return None
    short, long = 0, 1
    while not enough(long):
        short, long = long, 2 * long
        if long > _FURTHEST:
            return None
    while long - short > 1:
        middle = (short + long) // 2
        short, long = (short, middle) if enough(middle) else (middle, long)
    return None if _count(spec, later(long)) is None else later(long)


def _count(spec: Spec, label_end: np.datetime64) -> int | None:
    """How many splits there are; None where they are made of more dates than are taken."""
    try:
        return len(splits_of(spec, label_end))
    except SpecError:
        return None


def allowed(spec: Spec, label_end: np.datetime64, *, enough: int) -> Finding:
    """VRU203: how many splits are possible, on which dates, why others are not, and what would give more.

    Fails where none is possible; with fewer than ``enough`` it cannot be told how the choice of a model holds up.
    """
    splits = splits_of(spec, label_end)
    n = len(splits)
    status: Status = "pass" if n >= enough else "cannot tell" if n else "fail"
    parts = [f"{n or 'none'} possible with data until {label_end}{_dates(splits)}", *_dropped(splits)]
    if not n and not splits.dropped:
        parts.append(f"No as-of date from {spec.splits.first} on has complete labels by then")
    if n < enough:
        parts.append(f"{enough} are needed to see how choosing a model holds up")
    return Finding("VRU203", status, "splits", ". ".join([*parts, _more(spec, label_end, max(n + 1, enough))]))


def _dates(splits: Splits) -> str:
    """Test dates with how many training dates each has; of many the first and the last."""
    items = list(splits)
    told = [f"{split.name} ({len(split.train)}{', sealed' if split is items[-1] else ''})" for split in items]
    if not told:
        return ""
    return f", tested on (training dates): {', '.join(told) if len(told) <= _SHOWN else f'{told[0]} to {told[-1]}'}"


def _dropped(splits: Splits) -> list[str]:
    """Why dates are not tested on, those in a row with one reason together."""
    told = []
    for reason, group in groupby(splits.dropped, key=lambda dropped: dropped[1]):
        dates = [date for date, _ in group]
        which = ", ".join(dates) if len(dates) <= _SHOWN else f"{len(dates)} dates from {dates[0]} to {dates[-1]}"
        told.append(f"Not {which}: {reason}")
    return told if len(told) <= _SHOWN else [*told[:_SHOWN], f"{len(told) - _SHOWN} more reasons are not listed"]


def _more(spec: Spec, label_end: np.datetime64, n: int) -> str:
    until = data_needed(spec, label_end, n=n)
    if until is not None:
        return f"With data until {until} there would be {len(splits_of(spec, until))}"
    if spec.splits.most_recent is not None:
        return f"No later data gives {n}: splits.most_recent asks for {spec.splits.most_recent}"
    if spec.splits.update_every is not None:
        return f"No later data gives {n} from as many dates as are taken: take longer steps"
    return f"No later data gives {n}: list more dates in splits.as_of, earlier ones too where feeds go back so far"
