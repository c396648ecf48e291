"""What the protected tables of readiness say: VRU111 to VRU115. Nothing that is not shown is used or told.

What the gate and recording found of true counts leaves as protected shares, or without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.disclosure.protect import WITHHELD, Protected
from vru_models.disclosure.shares import shares
from vru_models.events.checks import LEAST_LINKED, until_found
from vru_models.events.description import first_known
from vru_models.events.events import Events
from vru_models.feeds.gate import most_quarantined
from vru_models.findings import Finding, Status
from vru_models.quality.calendar import DAY, MONTH, SHARED
from vru_models.quality.feeds import EVERY_ROW, event_feeds, person_column
from vru_models.spec import Span, Spec
from vru_models.spec.tables import Vru

LEAST_COMPLETE: Final = 0.95
"""Share of rows in which a column that makes events must be there (VRU111).

A row without it makes no event that should have been one; below this more than one event in twenty may be lost, and
seldom evenly among people. A convention, as 95 % is elsewhere here: what matters is that it was fixed beforehand.
"""

ENOUGH: Final = 40
"""Records of a month from which silence is told from chance (VRU112), and people whom two feeds should share (VRU113).

Five times the eight that are shown at all: a Poisson count with mean 40 is 7 or fewer less than once in a billion, and
20 or fewer once in two thousand.
"""

STEADY: Final = 0.9
"""Share of the months with enough records from which a feed is taken to have them every month (VRU112)."""

OTHER_YEARS: Final = 2
"""In how many other years, and all there are, a month must have had enough, where a feed has its seasons (VRU112)."""

LEAST_JOINED: Final = 0.5
"""How many of the people whom two feeds would share by chance they must share (VRU113).

People known to one agency are more often known to another, so chance is a low bar; half of it leaves room for feeds of
different ages and areas. Different keys give none at all.
"""

MOST_AFTER_P95: Final = 0.10
"""Share of events that may become known after the lag that the schema states for 95 % of them (VRU114): twice 5 %."""

MOST_COPIES: Final = 0.01
"""Share of rows that may be the same as another in all but the key (VRU115): as much as may be quarantined (VRU102)."""

_AUGUST: Final = 7
_WITHOUT_COUNTS: Final = {
    ("VRU103", "fail"),
    ("VRU105", "cannot tell"),
    ("VRU107", "fail"),
    ("VRU109", "cannot tell"),
    ("VRU121", "not applicable"),
}
_SHARES: Final = {
    "VRU102": ("quarantined", "rows_in", "of its rows were held back; at most {most:.0%} may be, objections aside"),
    "VRU108": ("linked", "people", f"of its people have a spell; at least {LEAST_LINKED:.0%} is needed"),
}
_COUNTED: Final = "vru-models check gives them"


def as_may_leave(finding: Finding, spec: Spec) -> Finding:
    """A finding of the gate or of recording, whose message and figures hold true counts, as it may leave.

    What did not pass says its share, protected, where it is one of rows in or of people.
    """
    return Finding(finding.code, finding.status, finding.where, _leaving(finding, spec))


def _leaving(finding: Finding, spec: Spec) -> str:
    if finding.status == "pass":
        return f"found on taking in from true counts; {_COUNTED}"
    if (finding.code, finding.status) in _WITHOUT_COUNTS:
        return finding.message
    if finding.code == "VRU104":
        known = spec.feeds[finding.where].known
        assumed = known.kind == "assumed_lag"
        how = f"event date + {known.median} days" if assumed else f"up to the extract of {finding.figures['until']}"
        return f"its known dates are assumed: {how}"
    if finding.code not in _SHARES:
        return f"true counts may not stand here; {_COUNTED}"
    part, whole, what = _SHARES[finding.code]
    table = pd.DataFrame({name: [finding.figures[name]] for name in (whole, part)})
    safe = shares(table, counts=[whole, part], rates={"share": (part, whole)}, profile=spec.disclosure.profile).table
    low, high = (float(safe[f"share_{end}"].iloc[0]) for end in ("low", "high"))
    if np.isnan(low):
        return f"true counts are too small for a share to be shown; {_COUNTED}"
    return f"{_between(low, high)} {what.format(most=most_quarantined(spec, finding.where))}"


def complete_columns(table: Protected) -> Iterator[Finding]:
    """VRU111: each column that events are made from is there in at least 95 % of its rows."""
    rows = table.table
    judged = rows[(rows["used_by"] != "") | (rows["of"] != EVERY_ROW)]
    for row in judged.to_dict("records"):
        of = "" if row["of"] == EVERY_ROW else f", rows of {row['of']}"
        low, high = 1 - row["missing_share_high"], 1 - row["missing_share_low"]
        need = f"at least {LEAST_COMPLETE:.0%} is needed"
        yield _held(
            "VRU111", f"{row['feed']}.{row['column']}{of}", (low, high), at_least=LEAST_COMPLETE,
            what=f"there in {_between(low, high)} of rows; {need}", passes=f"there in enough rows; {need}",
            unknown="too few rows, or too few people in them, to tell",
        )  # fmt: skip


def no_silence(table: Protected, spec: Spec, ends: Any) -> Iterator[Finding]:
    """VRU112: no month in which a feed was shared is silent where it should have told something.

    A month is judged when it was wholly shared, lies between the first and the last month with records that are shown,
    its records were not withheld for the sake of another, and its last event could have arrived (the schema's 95 % lag)
    by the extract; August is not, for a feed of term time. It is silent when its records are too few to be shown
    although the same month of every other year, of two at least, has 40 or more; or, unless that month is so in all
    years, although nine months of ten have.
    """
    for feed, rows in table.table.groupby("feed", sort=False):
        notes = table.notes["records"].loc[rows.index]
        yield _silence(str(feed), rows, notes, spec.table_of(str(feed)).x_vru, ends[feed])


def _silence(feed: str, rows: pd.DataFrame, notes: pd.Series[str], vru: Vru, extracted: Any) -> Finding:
    months = rows["month"].to_numpy().astype("datetime64[M]")
    season = months.astype(np.int64) % 12
    arrived = Span(vru.typical_lag.p95, "D").before(extracted)
    records, withheld = rows["records"].fillna(0).to_numpy(), (notes == WITHHELD).to_numpy()
    shown = np.flatnonzero(records > 0)
    judged = (rows["state"] == SHARED).to_numpy() & ((months + MONTH).astype("datetime64[D]") - DAY <= arrived)
    judged &= ~withheld & (season != _AUGUST) | (vru.calendar != "term_time")
    if not len(shown) or not judged[shown[0] : shown[-1] + 1].any():
        return Finding("VRU112", "cannot tell", feed, "no month that was wholly shared has records that may be shown")
    judged[: shown[0]] = judged[shown[-1] + 1 :] = False
    enough = records >= ENOUGH
    steady = enough[judged].mean() >= STEADY
    silent = []
    for at in np.flatnonzero(judged & (records == 0)):
        others = judged & (season == season[at])
        others[at] = False
        years = others.sum() >= OTHER_YEARS
        if (years and enough[others].all()) or (steady and not (years and not enough[others].any())):
            silent.append(str(months[at]))
    if silent:
        message = f"too few records to be shown in {', '.join(silent)}, where other months or years have many"
        return Finding("VRU112", "fail", feed, message, {"months": len(silent)})
    if not steady and not _seasons(judged, enough, season):
        return Finding("VRU112", "cannot tell", feed, "too few records in most months to tell silence from chance")
    return Finding("VRU112", "pass", feed, "no month of its coverage is silent")


def _seasons(judged: np.ndarray, enough: np.ndarray, season: np.ndarray) -> bool:
    """Whether some month of the year has enough records in as many years as a silence would be told by."""
    return bool((np.bincount(season[judged & enough], minlength=12) > OTHER_YEARS).any())


def joined(joins: Protected, reach: Protected, spec: Spec) -> Iterator[Finding]:
    """VRU113: two feeds share at least half as many people as they would if each knew about people in view by chance.

    By chance they share ``known x known / in view``; where that is below 40 people nothing can be told. It is also so
    where one of the two does not join the spells (VRU108 says so).
    """
    known = {row["feed"]: row for row in reach.table.to_dict("records")}
    pairs = {(row["feed"], row["other"]): row for row in joins.table.to_dict("records")}
    for a, b in combinations([name for name in event_feeds(spec) if name in known], 2):
        by_chance = known[a]["known"] * known[b]["known"] / known[a]["in_view"]
        pair = pairs[a, b]
        ends = (pair["join_low"] * pair["people"], pair["join_high"] * pair["people"])
        yield _joined(f"{a} and {b}", ends, by_chance)


def _joined(pair: str, ends: tuple[float, float], by_chance: float) -> Finding:
    if not by_chance >= ENOUGH:
        return Finding("VRU113", "cannot tell", pair, "too few people of both would be shared by chance to tell")
    least = LEAST_JOINED * by_chance
    return _held(
        "VRU113", pair, (ends[0] / least, ends[1] / least), at_least=1.0,
        what="they share less than half of the people whom they would share by chance: their pseudonyms may be made "
        "with different keys, or they are about different people",
        passes="they share at least half of the people whom they would share by chance", unknown="too few people",
    )  # fmt: skip


def in_time(events: Events, spec: Spec) -> Iterator[Finding]:
    """VRU114: at most a tenth of a feed's events become known after the lag within which 95 % should, by its schema.

    Known dates that are assumed say nothing about lag.
    """
    first = first_known(events.frame, until_found(events.findings))
    first = first[~first["assumed"]]
    for feed in event_feeds(spec):
        declared = spec.table_of(feed).x_vru.typical_lag.p95
        if spec.feeds[feed].known.kind == "assumed_lag":
            yield Finding("VRU114", "cannot tell", feed, "its known dates are assumed, so nobody knows the lag")
            continue
        rows = first[first["feed"] == feed]
        later = rows["lag"] > declared
        table = pd.DataFrame({"events": [len(rows)], "later": [int(later.sum())]})
        people = {"events": [rows["person_id"].nunique()], "later": [rows["person_id"][later].nunique()]}
        safe = shares(
            table, counts=["events", "later"], rates={"share": ("later", "events")}, people=people,
            profile=spec.disclosure.profile,
        )  # fmt: skip
        low, high = (1 - float(safe.table[f"share_{end}"].iloc[0]) for end in ("high", "low"))
        within = f"known within {declared} days, the schema's lag of 95 %"
        yield _held(
            "VRU114", feed, (low, high), at_least=1 - MOST_AFTER_P95,
            what=f"{_between(low, high)} of its events are {within}; at least {1 - MOST_AFTER_P95:.0%} is needed",
            passes="enough of its events are known within the schema's lag of 95 %",
            unknown="too few events, or too few people in them, to tell",
        )  # fmt: skip


def no_copies(table: Protected, spec: Spec) -> Iterator[Finding]:
    """VRU115: at most 1 % of the rows of a feed of people are the same as another in everything but the key."""
    for row in table.table.to_dict("records"):
        if person_column(spec, row["feed"]) is None:
            continue
        low, high = 1 - row["copied_share_high"], 1 - row["copied_share_low"]
        most = f"at most {MOST_COPIES:.0%} may be"
        yield _held(
            "VRU115", row["feed"], (low, high), at_least=1 - MOST_COPIES,
            what=f"{_between(1 - high, 1 - low)} of its rows are the same as another in all but the key; {most}",
            passes=f"hardly any row is the same as another in all but the key; {most}",
            unknown="too few rows, or too few people in them, to tell",
        )  # fmt: skip


def _held(
    code: str, where: str, ends: tuple[float, float], *, at_least: float, what: str, passes: str, unknown: str
) -> Finding:
    """A share known to lie between two ends against the least that is needed (inclusive)."""
    low, high = (round(end, 9) for end in ends)
    if np.isnan(low):
        return Finding(code, "cannot tell", where, unknown)
    if high < at_least:
        return Finding(code, "fail", where, what)
    status: Status = "pass" if low >= at_least else "cannot tell"
    return Finding(code, status, where, passes if status == "pass" else unknown)


def _between(low: float, high: float) -> str:
    if low == high:
        return f"{low:.1%}"
    return f"at least {low:.0%}" if high >= 1 else f"at most {high:.0%}"
