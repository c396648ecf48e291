"""What recording found: known dates, coverage, links between agencies, indicators that never fire, late arrivals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from vru_models.events.arriving import Added, Delivery
from vru_models.findings import Finding, Findings, Status
from vru_models.frames import is_in
from vru_models.spec import Spec
from vru_models.spec.sources import Indicator

LEAST_LINKED = 0.5
"""Share of a feed's people below which VRU108 fails."""

LEAST_CAME = 10
"""People in a later extract below which VRU108 does not judge it by itself."""

MOST_GONE = 0.1
"""Share of the records in force that may vanish from one snapshot to the next before VRU121 fails, and of those that
come again that may be about somebody else before VRU124 does."""

REMEMBERED = ("VRU102", "VRU108", "VRU121", "VRU124")
"""What fails of an extract is told with every later one, by VRU125."""


def event_feeds(spec: Spec) -> list[str]:
    """The feeds that hold events."""
    return [name for name in spec.feeds if spec.table_of(name).x_vru.kind == "events"]


def never_fires(name: str, indicator: Indicator) -> Finding:
    """VRU109: an indicator of which no row of its feed makes an event."""
    where = ", ".join(f"{column} in {len(codes)} codes" for column, codes in indicator.where.items())
    message = f"no row of {indicator.feed} makes an event of it ({where or 'every row counts'})"
    return Finding("VRU109", "cannot tell", name, message)


def refused_roles(name: str, rows: int) -> Finding:
    """VRU106: rows about suspects and associates, which make no event."""
    message = f"{rows:,} rows about a suspect or an associate made no event"
    return Finding("VRU106", "pass", name, message, {"rows": rows})


def assumed_until(spec: Spec, dates: Mapping[str, dt.date], earlier: Findings) -> dict[str, dt.date]:
    """By feed, the date of the last extract whose known dates were assumed, by this spec or an earlier recording."""
    until = until_found(earlier)
    return until | {f: day for f, day in dates.items() if spec.feeds[f].known.kind == "assumed_lag"}


def until_found(findings: Findings) -> dict[str, dt.date]:
    """The same as VRU104 has it: no event of a feed that became known later has a known date that is assumed."""
    found = findings.where(lambda f: f.code == "VRU104" and bool(f.figures.get("until")))
    return {f.where: dt.date.fromisoformat(f.figures["until"]) for f in found}


def tally(
    events: pd.DataFrame, spec: Spec, *, until: Mapping[str, dt.date], have_spell: pd.Series[str]
) -> pd.DataFrame:
    """By feed of events: ``rows``, those ``assumed``, the ``people`` they are about, and ``linked``: with a spell.

    The tallies of events that share no person add up.
    """
    feed = events["feed"].astype("str")
    last = feed.map({name: pd.Timestamp(day) for name, day in until.items()})
    rows = pd.DataFrame({"rows": 1, "assumed": events["known_date"] <= pd.to_datetime(last)}).groupby(feed).sum()
    people = pd.DataFrame({"feed": feed, "person_id": events["person_id"]}).drop_duplicates()
    person_linked = is_in(people["person_id"], have_spell)
    reached = people[["feed"]].assign(people=1, linked=person_linked).groupby("feed").sum()
    names = event_feeds(spec)
    return pd.concat([part.reindex(names, fill_value=0) for part in (rows, reached)], axis=1).astype("int64")


def assumed(tallied: pd.DataFrame, spec: Spec, until: Mapping[str, dt.date]) -> Iterator[Finding]:
    """VRU104: the share of each feed's known dates that is assumed, of its rows in force at some time."""
    for name in event_feeds(spec):
        known = spec.feeds[name].known
        rows, n_assumed = (int(tallied[column][name]) for column in ("rows", "assumed"))
        figures = {"rows": rows, "assumed": n_assumed, "until": until[name].isoformat() if name in until else ""}
        if n_assumed:
            how = f"event date + {known.median} days" if known.kind == "assumed_lag" else f"up to {figures['until']}"
            message = f"{n_assumed:,} of {rows:,} known dates are assumed: {how}"
            yield Finding("VRU104", "cannot tell", name, message, figures)
        else:
            yield Finding("VRU104", "pass", name, f"0 of {rows:,} known dates are assumed", figures)


def uncovered(coverage: pd.DataFrame, spec: Spec) -> Iterator[Finding]:
    """VRU107: a feed of which no row in force covers any day and age; everything from it is then missing."""
    never = (coverage["end_date"] <= coverage["start_date"]) | (coverage["age_to"] < coverage["age_from"]).fillna(False)
    of_somebody = coverage[coverage["known_until"].isna() & ~never]
    for name in event_feeds(spec):
        rows = int((of_somebody["feed"] == name).sum())
        message = f"{rows:,} rows of coverage say from when, for which areas and ages it was shared"
        if not rows:
            message = "the coverage feed covers no day and age of it"
            message += ": nothing says that it was shared, so all of it is missing"
        yield Finding("VRU107", "pass" if rows else "fail", name, message, {"rows": rows})


def with_spell(spells: pd.DataFrame, links: pd.DataFrame) -> pd.Series[str]:
    """Who has a spell, by their pseudonym or by a linked one, each once."""
    found = spells["person_id"].drop_duplicates()
    for this, other in (("person_id", "other_id"), ("other_id", "person_id")):
        found = pd.concat([found, links[this][is_in(links[other], found)]]).drop_duplicates()
    return found


def linked(tallied: pd.DataFrame, came: pd.DataFrame | None, spec: Spec) -> Iterator[Finding]:
    """VRU108: a feed fewer than half of whose people have a spell; or of whom an extract after the first is.

    Parameters
    ----------
    tallied, came
        By :func:`tally`, of all events and of those in the extract; None where they are the same.
    """
    for name, people, n_linked in tallied[["people", "linked"]].itertuples():
        figures: dict[str, Any] = {"people": people, "linked": n_linked, **spec.said_of_areas}
        if not people:
            yield Finding("VRU108", "not applicable", name, "it has events of nobody", figures)
            continue
        message = f"{_share(n_linked, people)} of its {spec.whom} have a spell (at least {LEAST_LINKED:.0%})"
        enough = n_linked >= LEAST_LINKED * people
        if came is not None and (arrived := int(came.loc[name, "people"])):
            known = int(came.loc[name, "linked"])
            figures |= {"came": arrived, "came_linked": known}
            message += f"; {_share(known, arrived)} of the {arrived:,} in this extract"
            enough &= arrived < LEAST_CAME or known >= LEAST_LINKED * arrived
        yield Finding("VRU108", "pass" if enough else "fail", name, message, figures)


def _share(part: int, whole: int) -> str:
    """In whole per cent downward: what does not reach a limit does not read as if it did."""
    return f"{100 * part // whole}%"


def moved(feed: str, *, elsewhere: int, again: int) -> Iterator[Finding]:
    """VRU124: records that are about somebody else than before, as when another key made the pseudonyms."""
    if again:
        message = (
            f"{elsewhere:,} of {again:,} records that came again are about somebody else (at most {MOST_GONE:.0%})"
        )
        status: Status = "pass" if elsewhere <= MOST_GONE * again else "fail"
        yield Finding("VRU124", status, feed, message, {"elsewhere": elsewhere, "again": again})


def began_later(feed: str, *, old: int, rows: int) -> Iterator[Finding]:
    """VRU126: a feed that begins after others: what it says was known before, no earlier list could know."""
    if old:
        message = f"its first extract says of {old:,} of {rows:,} rows that they were known before the extracts held"
        yield Finding("VRU126", "cannot tell", feed, f"{message}: earlier lists did not know them", {"old": old})


def arrived(feed: str, new: Added, delivery: Delivery, *, standing: int) -> Iterator[Finding]:
    """VRU121: records that vanished from a snapshot; VRU122: versions that arrived later than they say."""
    yield _vanished(feed, new, delivery, standing)
    figures = {"new": len(new.versions), "late": new.late}
    late = f"{new.late:,} of them known by the previous extract and not in it: known from this one"
    yield Finding("VRU122", "pass", feed, f"{len(new.versions):,} new versions, {late}", figures)


def _vanished(feed: str, new: Added, delivery: Delivery, standing: int) -> Finding:
    figures = {"gone": len(new.gone), "standing": standing, "held_back": new.held_back}
    if not delivery.snapshot:
        message = "it delivers additions: what is not among them was not withdrawn"
        return Finding("VRU121", "not applicable", feed, message, figures)
    if delivery.unreadable:
        message = f"{delivery.unreadable:,} rows are held back whose key cannot be read: nothing was withdrawn"
        return Finding("VRU121", "cannot tell", feed, message, figures)
    message = f"{len(new.gone):,} of {standing:,} records in force are not in the snapshot (at most {MOST_GONE:.0%})"
    if new.held_back:
        message += f"; {new.held_back:,} are in it in rows that were held back: they stand as they were"
    return Finding("VRU121", "pass" if len(new.gone) <= MOST_GONE * standing else "fail", feed, message, figures)


def remembered(earlier: Findings, held: Mapping[str, dt.date], now: Mapping[str, dt.date]) -> Iterator[Finding]:
    """VRU125: what failed of earlier extracts, until one of the same day is recorded in their place."""
    for finding in earlier:
        told = _told(finding, held)
        if told is not None and told.figures["extract"] != str(now.get(told.where, "")):
            yield told


def _told(finding: Finding, held: Mapping[str, dt.date]) -> Finding | None:
    """What failed of the last extract, or of one before it, as it is told with later ones."""
    if finding.code == "VRU125":
        return finding
    if finding.code not in REMEMBERED or finding.status != "fail" or finding.where not in held:
        return None
    day = held[finding.where].isoformat()
    message = f"in the extract of {day}: {finding.message} ({finding.code})"
    return Finding("VRU125", "cannot tell", finding.where, message, {"extract": day})


def kept_out(rows: int) -> Finding:
    """VRU123: rows of people who were purged, which did not come in again."""
    return Finding("VRU123", "pass", "purged", f"{rows:,} rows of people who were purged were kept out", {"rows": rows})
