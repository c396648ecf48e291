"""Readiness by protected group: whom each feed knows about, joins, has complete rows of and hears of in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from vru_models.disclosure.protect import Protected
from vru_models.disclosure.shares import shares
from vru_models.evaluation.intervals import newcombe_p_value, newcombe_upper
from vru_models.events.description import LATE_DAYS, first_known
from vru_models.events.events import Events
from vru_models.fairness.sensitive import NOT_RECORDED, join_sensitive
from vru_models.fairness.verdict import ALPHA, holm
from vru_models.feeds.feeds import Feeds
from vru_models.findings import Finding, Findings
from vru_models.quality.feeds import Membership, event_feeds, person_column, used_columns
from vru_models.quality.tables import Readiness, feed_readiness
from vru_models.spec import Spec
from vru_models.spec.bars import Fairness

LARGEST_GAP: Final = 0.10
"""Largest difference between a group's share and everyone else's where the spec sets no limit on selection rates.

Who is known about decides who can be listed, so the spec's own limit on who is listed is used where there is one; ten
points is the limit that the examples set on figures of other kinds.
"""

LEAST_RECORDED: Final = 0.95
"""Share of the people in view whose protected characteristic is recorded (VRU118).

A gap of five points can hide among one in twenty people whose group nobody knows.
"""

MEASURES: Final = {
    "reach": "of the people in view, those about whom the feed knows anything",
    "joined": "of the feed's people, those with a spell",
    "missing": "of the cells from which events are made, those that are empty",
    "late": f"of the feed's events, those first known more than {LATE_DAYS} days on",
}
"""What is compared between groups, feed by feed."""

_CODES: Final = {"reach": "VRU116"}
_OTHER_CODE: Final = "VRU117"
_COUNTS: Final = ["people", "part", "whole"]


def readiness(feeds: Feeds, events: Events, spec: Spec) -> Readiness:
    """Whether the extracts can carry the purpose, before any model: everything, by protected group too.

    Every table is protected under the spec's profile: small counts are redacted, the rest rounded, and a share whose
    count may not be shown is known only to be at most, or at least, so much.

    Parameters
    ----------
    feeds, events
        What the gate let in, and :func:`record_events` of it. The audit file is ``feeds.sensitive``.

    Notes
    -----
    Findings beside those of :func:`~vru_models.quality.tables.feed_readiness`, of each attribute. VRU116 fails where
    the share of a group about whom a feed knows differs from everyone else's, either way, by more than the spec's limit
    on selection rates (10 points where it sets none), with p below .05 after Holm's (1979) adjustment over its groups
    and feeds; it passes where every group's one-sided 95 % bounds (Newcombe 1998) are within the limit. VRU117: the
    same of joins to the spells and, over the people in view, of empty cells and late events. VRU118: it is recorded of
    95 % of the people in view. A group too small to be shown or judged, or no audit file, is never a pass.

    Examples
    --------
    >>> from vru_models.events import record_events
    >>> from vru_models.synthetic import synthetic_feeds
    >>> spec = Spec.example("early_help")
    >>> feeds = synthetic_feeds(spec, n_people=500, random_state=0)
    >>> ready = readiness(feeds, record_events(feeds, spec), spec)
    >>> list(ready.tables)  # doctest: +NORMALIZE_WHITESPACE
    ['calendar', 'reach', 'joins', 'completeness', 'lags', 'held_back', 'repeats', 'composition', 'groups',
    'attributes']
    """
    ready = feed_readiness(feeds, events, spec)
    if spec.fairness is None:
        none = Finding("VRU116", "not applicable", "areas", "an area has no protected characteristics")
        return replace(ready, findings=ready.findings + Findings([none]))
    declared = list(spec.fairness.sensitive)
    held = [] if feeds.sensitive is None else [name for name in declared if name in feeds.sensitive]
    absent = [_not_held(name) for name in declared if name not in held]
    if not held or feeds.sensitive is None:
        return replace(ready, findings=ready.findings + Findings(absent))
    known = Membership.of(feeds, events, spec)
    attributes = join_sensitive(pd.DataFrame({"person_id": known.ids}), feeds.sensitive)[held]
    groups = _groups(list(_tallies(known, feeds, events, spec)), attributes, known, profile=spec.disclosure.profile)
    recorded = _recorded(attributes[known.seen], spec.disclosure.profile)
    found = [*absent, *_gaps(groups.table, spec.fairness), *_enough_recorded(recorded)]
    tables = {**ready.tables, "groups": groups, "attributes": recorded}
    return replace(ready, tables=tables, findings=ready.findings + Findings(found))


def _not_held(attribute: str) -> Finding:
    return Finding("VRU116", "cannot tell", attribute, "no audit file holds it, so nobody can tell whom the feeds miss")


@dataclass(frozen=True, eq=False)
class _Tally:
    """One measure of one feed: part and whole of every person, by number."""

    measure: str
    feed: str
    part: np.ndarray
    whole: np.ndarray


def _tallies(known: Membership, feeds: Feeds, events: Events, spec: Spec) -> Iterator[_Tally]:
    first = first_known(events.frame)
    first = first.assign(number=known.ids.get_indexer(pd.Index(first["person_id"])), late=first["lag"] > LATE_DAYS)
    for feed in (name for name in event_feeds(spec) if name in known.holds):
        theirs = known.holds[feed]
        yield _Tally("reach", feed, theirs & known.seen, known.seen)
        yield _Tally("joined", feed, theirs & known.seen, theirs)
        frame, used = feeds.accepted[feed], list(used_columns(spec, feed))
        number = known.ids.get_indexer(pd.Index(frame[str(person_column(spec, feed))], dtype="str"))
        yield _of_rows(
            "missing", feed, number, frame[used].isna().sum(axis=1).to_numpy(), each=len(used), seen=known.seen
        )
        if spec.feeds[feed].known.kind == "column":
            mine = first[first["feed"] == feed]
            yield _of_rows("late", feed, mine["number"].to_numpy(), mine["late"].to_numpy(), each=1, seen=known.seen)


def _of_rows(measure: str, feed: str, number: np.ndarray, part: np.ndarray, *, each: int, seen: np.ndarray) -> _Tally:
    """Parts of rows, each a whole of ``each``, summed by the number of their person, over the people in view."""
    within = number >= 0
    n = len(seen)
    parts = np.bincount(number[within], weights=part[within], minlength=n) * seen
    return _Tally(measure, feed, parts, each * np.bincount(number[within], minlength=n) * seen)


def _groups(tallies: list[_Tally], attributes: pd.DataFrame, known: Membership, *, profile: str) -> Protected:
    """One row per attribute, group, measure and feed: ``people, part, whole, share`` with its bounds, protected.

    People are those in the whole. A group of which nobody is in view has no row but of joins.
    """
    parts, behind = [], []
    for attribute, column in attributes.items():
        code, names = pd.factorize(column, sort=True)
        viewed = np.bincount(code[known.seen], minlength=len(names)) > 0
        for tally in tallies:
            kept = viewed | (tally.measure == "joined")
            weights = {"people": tally.whole > 0, "part": tally.part, "whole": tally.whole, "behind": tally.part > 0}
            sums = {k: np.bincount(code, weights=w, minlength=len(names))[kept] for k, w in weights.items()}
            behind.append(sums.pop("behind"))
            labels = {"attribute": attribute, "group": names[kept], "measure": tally.measure, "feed": tally.feed}
            parts.append(pd.DataFrame(labels | {name: n.astype(np.int64) for name, n in sums.items()}))
    empty = pd.DataFrame(columns=["attribute", "group", "measure", "feed"], dtype=object)
    empty = pd.concat([empty, pd.DataFrame(columns=_COUNTS, dtype="int64")], axis=1)
    table = pd.concat(parts, ignore_index=True) if parts else empty
    people = {"part": np.concatenate(behind) if behind else np.array([]), "whole": table["people"]}
    return shares(table, counts=_COUNTS, rates={"share": ("part", "whole")}, people=people, profile=profile)


def _recorded(attributes: pd.DataFrame, profile: str) -> Protected:
    """One row per attribute: of how many people in view it is recorded."""
    rows = [(name, len(attributes), int((attributes[name] != NOT_RECORDED).sum())) for name in attributes]
    table = pd.DataFrame(rows, columns=["attribute", "in_view", "recorded"])
    rates = {"recorded_share": ("recorded", "in_view")}
    return shares(table, counts=["in_view", "recorded"], rates=rates, profile=profile)


def _enough_recorded(recorded: Protected) -> Iterator[Finding]:
    for row in recorded.table.to_dict("records"):
        low, high = row["recorded_share_low"], row["recorded_share_high"]
        need = f"of at least {LEAST_RECORDED:.0%} is needed"
        if np.isnan(low):
            yield Finding("VRU118", "cannot tell", row["attribute"], "too few people in view to be shown")
        elif low >= LEAST_RECORDED:
            yield Finding("VRU118", "pass", row["attribute"], f"recorded of enough people in view; {need}")
        elif high < LEAST_RECORDED:
            message = f"recorded of at most {high:.1%} of the people in view; {need}"
            yield Finding("VRU118", "fail", row["attribute"], message)
        else:
            message = "too few people in view to say of what share of them it is recorded"
            yield Finding("VRU118", "cannot tell", row["attribute"], message)


def _gaps(groups: pd.DataFrame, declared: Fairness) -> Iterator[Finding]:
    """VRU116 and VRU117: one finding per attribute and measure, from the protected table alone.

    Of joins, whoever is in no audit file is left out: a pseudonym that is wrong joins neither the spells nor that file.
    """
    limit = declared.limits.get("selection_rate", LARGEST_GAP)
    for (attribute, measure), rows in groups.groupby(["attribute", "measure"], sort=False):
        asked = rows[(rows["group"] != NOT_RECORDED) | (measure != "joined")].reset_index(drop=True)
        tests = [_tested(mine, limit, declared.min_group) for _, mine in asked.groupby("feed", sort=False)]
        if not tests:
            continue
        judged = asked.join(pd.concat(tests))
        judged["p"] = holm(judged["p"].to_numpy(dtype=np.float64))
        yield _gap(_CODES.get(str(measure), _OTHER_CODE), f"{attribute}, {measure}", judged, limit)


def _tested(groups: pd.DataFrame, limit: float, min_group: int) -> pd.DataFrame:
    """For each group of one feed: the larger upper bound of its gap from everyone else, and p of a gap at most limit.

    A share known only within bounds is taken at the end that is worst for the claim. The effective number is people.
    """
    low, high, n, whole = (groups[c].to_numpy(dtype=np.float64) for c in ("share_low", "share_high", "people", "whole"))
    usable = ~np.isnan(low) & (n >= min_group)
    rows = []
    for at in range(len(groups)):
        rest = usable & (np.arange(len(groups)) != at)
        if not usable[at] or n[rest].sum() < min_group:
            rows.append((float("nan"), float("nan")))
            continue
        lower, upper = (float(np.average(ends[rest], weights=whole[rest])) for ends in (low, high))
        mine, others = (low[at], high[at], n[at]), (lower, upper, n[rest].sum())
        ends = max(newcombe_upper(a[1], a[2], p2=b[0], n2=b[2]) for a, b in ((mine, others), (others, mine)))
        p = min(_p_beyond(a, b, limit) for a, b in ((mine, others), (others, mine)))
        rows.append((ends, min(1.0, 2 * p)))
    return pd.DataFrame(rows, columns=["upper", "p"], index=groups.index)


def _p_beyond(a: tuple[float, float, float], b: tuple[float, float, float], limit: float) -> float:
    """The p of ``a - b`` being at most the limit, each (low, high, n); 1 where it is half or more."""
    if a[0] - b[1] <= limit:
        return 1.0
    return newcombe_p_value(a[0], a[2], p2=b[1], n2=b[2], limit=limit)


def _gap(code: str, where: str, judged: pd.DataFrame, limit: float) -> Finding:
    points = f"{100 * limit:g} points"
    if judged["group"].nunique() == 1:
        return Finding(code, "not applicable", where, "there is one group, and nobody to compare it with")
    beyond, unsure = judged["p"] < ALPHA, ~(judged["upper"] < limit)
    if beyond.any():
        message = f"differs from everyone else's by more than {points}: {_named(judged[beyond])}"
        return Finding(code, "fail", where, message, {"groups": int(beyond.sum())})
    if unsure.any():
        message = f"too few, or too near {points} from everyone else's, to tell: {_named(judged[unsure])}"
        return Finding(code, "cannot tell", where, message, {"groups": int(unsure.sum())})
    return Finding(code, "pass", where, f"no group's differs from everyone else's by more than {points}")


def _named(rows: pd.DataFrame) -> str:
    """Feeds with their groups: ``housing (F, M); offers (F)``."""
    return "; ".join(f"{feed} ({', '.join(mine['group'])})" for feed, mine in rows.groupby("feed", sort=False))
