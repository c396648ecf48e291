"""Whether the feeds of this month are whole: held against how much they had to say when the card was trained."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Any, Final

import pandas as pd

from vru_models.dataset.volume import DAYS
from vru_models.findings import Finding, Status

BAND: Final = 1.5
"""How many times above the most, or below the least, of the training dates a volume may lie."""

LATE_DAYS: Final = 45
"""How many days longer than ever in training a feed may have been silent."""

_OWN_OUTAGE: Final = 1 / 3
_DEVIATIONS: Final = 3


def outages(trained: pd.DataFrame, now: pd.DataFrame) -> list[Finding]:
    """VRU502 and VRU503 of every feed behind a list, VRU502 of the cohort as well.

    VRU502 fails when a feed told less than two thirds of the least, or more than one and a half times the most, of what
    it told about a cohort of the same size on the training dates, by more than three standard deviations of a
    Poisson count; not applicable where so little is expected that chance alone could explain none at all. Training
    dates on which the feed was itself below a third of its median do not count. VRU503 fails when nothing has become
    known through a feed for 45 days longer than on any training date; not applicable to a feed that was once silent for
    more than a year then. Neither can tell of a feed that the release says nothing of.

    Parameters
    ----------
    trained, now
        Feed volumes (``Dataset.volumes``), of the training dates and of the as-of date.
    """
    if not len(trained) or not len(now):
        return [Finding("VRU502", "cannot tell", "feeds", "the release does not say how much the feeds told before")]
    found = [_people(trained.drop_duplicates("as_of")["people"], int(now["people"].iloc[0]))]
    for feed, now_of_feed in now.groupby("feed", sort=False):
        before, row = trained[trained["feed"] == feed], now_of_feed.iloc[0]
        found += [_volume(before, str(feed), int(row["events"]), int(row["people"]))]
        found += [_silence(before, str(feed), row["days_since_known"])]
    return found


def _people(before: pd.Series[int], people: int) -> Finding:
    low, high = before.min() / BAND, before.max() * BAND
    message = f"{people:,} people; {before.min():,} to {before.max():,} on the training dates"
    status: Status = "pass" if low <= people <= high else "fail"
    return Finding("VRU502", status, "cohort", message, {"people": people})


def _volume(before: pd.DataFrame, feed: str, events: int, people: int) -> Finding:
    if not len(before):
        return Finding("VRU502", "cannot tell", feed, "the release does not say how much it told before")
    rates = before["events"] / before["people"].clip(lower=1)
    rates = rates[rates >= _OWN_OUTAGE * rates.median()]
    low, high = rates.min() / BAND * people, rates.max() * BAND * people
    if not events and low <= _DEVIATIONS**2:
        message = "so few events are to be expected that none at all may be chance"
        return Finding("VRU502", "not applicable", feed, message, {"events": events})
    least, most = low - _DEVIATIONS * sqrt(low), high + _DEVIATIONS * sqrt(high)
    message = (
        f"{_per_100(events / people)} events of the last year per 100 people of the cohort; "
        f"{_per_100(rates.min())} to {_per_100(rates.max())} on the training dates"
    )
    return Finding("VRU502", "pass" if least <= events <= most else "fail", feed, message, {"events": events})


def _per_100(rate: float) -> str:
    return f"{100 * rate:.1f}"


def _silence(before: pd.DataFrame, feed: str, days: Any) -> Finding:
    longest = before["days_since_known"].max()
    if pd.isna(longest):
        return Finding("VRU503", "cannot tell", feed, "it had told nothing of anybody on any training date")
    if longest > DAYS:
        message = f"it was silent for {longest} days on a training date, so silence says nothing"
        return Finding("VRU503", "not applicable", feed, message)
    if pd.isna(days):
        return Finding("VRU503", "fail", feed, "it has told nothing of anybody")
    message = f"last told something {days} days before; at most {longest} on the training dates"
    status: Status = "fail" if days >= longest + LATE_DAYS else "pass"
    return Finding("VRU503", status, feed, message, {"days": int(days)})


def unexplained(listed: pd.DataFrame) -> Iterator[Finding]:
    """VRU504: fails when most people listed by points are there though nothing that was recorded raised theirs."""
    by_points = listed[listed["kind"] == "points"]
    bare = int((by_points["reason_1"] == "").sum())
    if len(by_points):
        message = f"nothing recorded raised the points of {bare} of the {len(by_points)} people listed by points"
        yield Finding("VRU504", "fail" if bare > len(by_points) / 2 else "pass", "list", message, {"people": bare})
