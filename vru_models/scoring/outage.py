"""Whether this month's delivery is whole: held against what the feeds told when the card was trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any, Final

import pandas as pd

from vru_models.dataset.volume import EVERYWHERE, QUARTER, unnamed
from vru_models.findings import Finding, Findings, Status

BAND: Final = 1.25
"""How many times above the most, or below the least, of the training dates a volume may lie."""

PEOPLE_BAND: Final = 1.1
"""The same of the number of people in the cohort and in view."""

LEAST_RECENT: Final = 0.5
"""Share of the least of the training dates below which a feed is taken to have fallen silent."""

MORE_UNKNOWN: Final = 0.05
"""How much larger than on any training date the share of people about whom a feed is not known may be."""

LESS_LINKED: Final = 0.05
"""How much smaller than in training the share of a feed's people with a spell may be."""

_OWN_OUTAGE: Final = 1 / 3
_DEVIATIONS: Final = 3
_MANY: Final = 5
_FEW: Final = 20
"""A most below this is taken for so many: counts so small are redacted in a release, and chance makes more of them."""


def outages(trained: pd.DataFrame, now: pd.DataFrame, *, whom: str = "people") -> list[Finding]:
    """VRU502, VRU503, VRU506 and VRU507: what this delivery tells, held against the training dates.

    VRU502: events of the last year, per person of the cohort and indicator, not below the least of the training dates
    divided by 1.25, nor above the most times 1.25, by more than three standard deviations of a Poisson count; people in
    the cohort and in view likewise, by 1.1. VRU503: events that became known in the last 91 days, per feed, not below
    half of the least. VRU506: the share of eligible people about whom a feed is not known, at most .05 above the most.
    VRU507: no area's events of a feed below the bound of VRU502.

    Not applicable where so little is expected that none at all may be chance. Training dates on which a count was
    itself below a third of its median do not count. Nothing can be told of a feed that the release says nothing of.

    Parameters
    ----------
    trained, now
        ``Run.volumes`` of the training dates (areas unnamed), and ``Dataset.volumes`` of the as-of date.
    whom
        What the spec's rows are about, in words.
    """
    if not len(trained) or not len(now):
        return [Finding("VRU502", "cannot tell", "feeds", "the release does not say what the feeds told before")]
    before, after = (frame[frame["area"] == EVERYWHERE] for frame in (trained, now))
    found = [_cohort(before, after, whom)]
    for row in after.itertuples(index=False):
        same = before[(before["feed"] == row.feed) & (before["name"] == row.name)]
        found.append(_volume(same, str(row.name), int(str(row.events)), int(str(row.people)), whom))
    for feed, rows in after.groupby("feed", sort=False):
        same = before[before["feed"] == feed]
        found += [_silence(same, rows, str(feed)), _unknown(same, rows, str(feed), whom)]
    return found + _areas(trained, now)


def linked(trained: Mapping[str, int], findings: Findings, *, whom: str = "people") -> Iterator[Finding]:
    """VRU508: the share of a feed's people with a spell (VRU108), not more than .05 below its share in training."""
    for finding in findings.where(lambda f: f.code == "VRU108" and f.status != "not applicable" and f.where in trained):
        share = finding.figures["linked"] / finding.figures["people"]
        before = trained[finding.where] / 100
        status: Status = "fail" if share < before - LESS_LINKED else "pass"
        message = f"{share:.0%} of its {whom} have a spell; {before:.0%} when the card was trained"
        yield Finding("VRU508", status, finding.where, message)


def unexplained(listed: pd.DataFrame, *, whom: str = "people") -> Iterator[Finding]:
    """VRU504: fails when most people listed by points are there though nothing that was recorded raised theirs."""
    by_points = listed[listed["kind"] == "points"]
    bare = int((by_points["reason_1"] == "").sum())
    if len(by_points):
        message = f"nothing recorded raised the points of {bare} of the {len(by_points)} {whom} listed by points"
        yield Finding("VRU504", "fail" if bare > len(by_points) / 2 else "pass", "list", message, {"people": bare})


def _cohort(before: pd.DataFrame, after: pd.DataFrame, whom: str) -> Finding:
    least, most = before["people"].min(), before["people"].max()
    people = int(after["people"].iloc[0])
    message = f"{people:,} {whom}; {least:,} to {most:,} on the training dates"
    return Finding("VRU502", _within(people, least, most, PEOPLE_BAND), "cohort", message, {"people": people})


def _within(n: int, least: float, most: float, band: float) -> Status:
    low, high = least / band, most * band
    return "pass" if low - _DEVIATIONS * sqrt(low) <= n <= high + _DEVIATIONS * sqrt(high) else "fail"


def _rates(before: pd.DataFrame, counted: str = "events") -> pd.Series[float]:
    """Per person of the cohort on each training date, but for the dates on which the count was itself in an outage."""
    rates = before.groupby("as_of")[counted].sum() / before.groupby("as_of")["people"].first().clip(lower=1)
    return rates[rates >= _OWN_OUTAGE * rates.median()]


def _volume(before: pd.DataFrame, name: str, events: int, people: int, whom: str) -> Finding:
    if not len(before):
        return Finding("VRU502", "cannot tell", name, "the release does not say how much of it there was before")
    rates = _rates(before)
    low, high = rates.min() * people, max(rates.max() * people, _FEW)
    if not events and low / BAND <= _DEVIATIONS**2:
        message = "so few events are to be expected that none at all may be chance"
        return Finding("VRU502", "not applicable", name, message, {"events": events})
    message = (
        f"{_per_100(events / people)} in the last year per 100 {whom} of the cohort; "
        f"{_per_100(rates.min())} to {_per_100(rates.max())} on the training dates"
    )
    band = PEOPLE_BAND if name == "in view" else BAND
    return Finding("VRU502", _within(events, low, high, band), name, message, {"events": events})


def _per_100(rate: float) -> str:
    return f"{100 * rate:.1f}"


def _silence(before: pd.DataFrame, after: pd.DataFrame, feed: str) -> Finding:
    if not len(before):
        return Finding("VRU503", "cannot tell", feed, "the release does not say how much it told before")
    recent, people = int(after["recent"].sum()), int(after["people"].iloc[0])
    low = LEAST_RECENT * _rates(before, "recent").min() * people
    if low <= _DEVIATIONS**2:
        message = f"so little is to be expected in {QUARTER} days that none at all may be chance"
        return Finding("VRU503", "not applicable", feed, message, {"recent": recent})
    message = f"{recent:,} events became known in the last {QUARTER} days; at least {2 * low:,.0f} were to be expected"
    status: Status = "fail" if recent < low - _DEVIATIONS * sqrt(low) else "pass"
    return Finding("VRU503", status, feed, message, {"recent": recent})


def _unknown(before: pd.DataFrame, after: pd.DataFrame, feed: str, whom: str) -> Finding:
    if not len(before):
        return Finding("VRU506", "cannot tell", feed, "the release does not say about how many it was not known before")
    most, share = (float((f["not_known"] / f["people"].clip(lower=1)).max()) for f in (before, after))
    message = f"not known about {share:.0%} of the {whom} in some window; at most {most:.0%} on the training dates"
    status: Status = "fail" if share > most + MORE_UNKNOWN else "pass"
    return Finding("VRU506", status, feed, message, {"not_known": int(after["not_known"].max())})


def _areas(trained: pd.DataFrame, now: pd.DataFrame) -> list[Finding]:
    here = now[now["area"] != EVERYWHERE]
    here = here.assign(named=here["area"], area=unnamed(here)["area"])
    return [_areas_of(trained[trained["feed"] == feed], rows, str(feed)) for feed, rows in here.groupby("feed")]


def _areas_of(before: pd.DataFrame, rows: pd.DataFrame, feed: str) -> Finding:
    low = [row["named"] for _, row in rows.iterrows() if _is_low(before[before["area"] == row["area"]], row)]
    shown = ", ".join(low[:_MANY]) + (f" and {len(low) - _MANY} more" if len(low) > _MANY else "")
    message = (
        f"too little from {len(low)} of {len(rows)} areas: {shown}" if low else f"all {len(rows)} areas told enough"
    )
    return Finding("VRU507", "fail" if low else "pass", feed, message, {"areas": len(low)})


def _is_low(before: pd.DataFrame, row: pd.Series[Any]) -> bool:
    if not len(before):
        return False
    low = _rates(before).min() / BAND * int(row["people"])
    return bool(row["events"] < low - _DEVIATIONS * sqrt(low))
