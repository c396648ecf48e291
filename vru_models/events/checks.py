"""What recording found: known dates, coverage, links between agencies, indicators that never fire, late arrivals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from vru_models.findings import Finding, Status
from vru_models.frames import is_in
from vru_models.spec import Spec
from vru_models.spec.sources import Indicator

LEAST_LINKED = 0.5
"""Share of a feed's people below which VRU108 fails."""

MOST_GONE = 0.1
"""Share of the records in force that may vanish from one snapshot to the next before VRU121 fails."""


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


def assumed(rows_of: Mapping[str, int], spec: Spec) -> Iterator[Finding]:
    """VRU104: the share of each feed's known dates that is assumed, of so many rows in force at some time."""
    for name in event_feeds(spec):
        known, rows = spec.feeds[name].known, rows_of.get(name, 0)
        n_assumed = rows if known.kind == "assumed_lag" else 0
        figures = {"rows": rows, "assumed": n_assumed}
        if n_assumed:
            message = f"{n_assumed:,} of {rows:,} known dates are assumed: event date + {known.median} days"
            yield Finding("VRU104", "cannot tell", name, message, figures)
        else:
            yield Finding("VRU104", "pass", name, f"0 of {rows:,} known dates are assumed", figures)


def uncovered(coverage: pd.DataFrame, spec: Spec) -> Iterator[Finding]:
    """VRU107: a feed about which the coverage feed has no row; everything from it is then missing."""
    for name in event_feeds(spec):
        rows = int((coverage["feed"] == name).sum())
        message = f"{rows:,} rows of coverage say from when, for which areas and ages it was shared"
        if not rows:
            message = "the coverage feed has no row about it: nothing says that it was shared, so all of it is missing"
        yield Finding("VRU107", "pass" if rows else "fail", name, message, {"rows": rows})


def with_spell(spells: pd.DataFrame, links: pd.DataFrame) -> pd.Series[str]:
    """Who has a spell, by their pseudonym or by a linked one, each once."""
    found = spells["person_id"].drop_duplicates()
    for this, other in (("person_id", "other_id"), ("other_id", "person_id")):
        found = pd.concat([found, links[this][is_in(links[other], found)]]).drop_duplicates()
    return found


def people_of(events: pd.DataFrame, feeds: Iterable[str], have_spell: pd.Series[str]) -> pd.DataFrame:
    """By feed, how many ``people`` have events, and how many of them a spell (``linked``)."""
    people = events[["feed", "person_id"]].drop_duplicates().astype({"feed": "str"})
    counted = people.assign(linked=is_in(people["person_id"], have_spell)).groupby("feed")["linked"]
    table = counted.agg(["size", "sum"]).reindex(list(feeds), fill_value=0).astype("int64")
    return table.set_axis(["people", "linked"], axis=1)


def linked(reached: pd.DataFrame) -> Iterator[Finding]:
    """VRU108: a feed fewer than half of whose people (as from :func:`people_of`) have a spell."""
    for name, people, n_linked in reached.itertuples():
        figures = {"people": people, "linked": n_linked}
        if not people:
            yield Finding("VRU108", "not applicable", name, "it has events of nobody", figures)
            continue
        message = f"{n_linked / people:.0%} of its people have a spell (at least {LEAST_LINKED:.0%})"
        status: Status = "pass" if n_linked >= LEAST_LINKED * people else "fail"
        yield Finding("VRU108", status, name, message, figures)


def arrived(feed: str, *, new: int, late: int, gone: int, standing: int) -> Iterator[Finding]:
    """VRU121: records that vanished from a snapshot; VRU122: versions that arrived later than they say."""
    if standing:
        message = f"{gone:,} of {standing:,} records in force are not in the snapshot (at most {MOST_GONE:.0%})"
        status: Status = "pass" if gone <= MOST_GONE * standing else "fail"
        yield Finding("VRU121", status, feed, message, {"gone": gone, "standing": standing})
    message = f"{new:,} new versions, {late:,} of them known by the previous extract and not in it: known from this one"
    yield Finding("VRU122", "pass", feed, message, {"new": new, "late": late})


def kept_out(rows: int) -> Finding:
    """VRU123: rows of people who were purged, which did not come in again."""
    return Finding("VRU123", "pass", "purged", f"{rows:,} rows of people who were purged were kept out", {"rows": rows})
