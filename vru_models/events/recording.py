"""Rows of feeds to events: the rule of each indicator, when it was known, and what closes an earlier version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from vru_models.events.events import Events
from vru_models.feeds.feeds import Feeds
from vru_models.findings import Finding, Findings, Status
from vru_models.frames import text_of
from vru_models.spec import Span, Spec
from vru_models.spec.calendar import as_days
from vru_models.spec.digest import digest_rows
from vru_models.spec.sources import NEVER_ROLES, Indicator

LEAST_LINKED = 0.5
"""Share of a feed's people below which VRU108 fails."""


def record_events(feeds: Feeds, spec: Spec) -> Events:
    """The events of every declared indicator, with spells and coverage and when each was known.

    A row becomes an event when, for every column in ``where``, its value is among those given. A row that comes again
    under its primary key with a later known date corrects the event; when it no longer matches, or its status is
    disproved or withdrawn, it closes it. Role and status are the row's own where the schema names their columns, else
    the indicator's. A row about a suspect or an associate makes no event of an indicator with use = "score".

    Where known dates are assumed, they are the event date plus the declared median, never after the extract date.

    Notes
    -----
    Findings beside those of the gate: VRU104, the share of a feed's known dates that is assumed; VRU105, coverage made
    from the agreements because no coverage feed is declared (it cannot tell whether a feed was really delivered);
    VRU106, rows about suspects and associates that made no event; VRU107, a feed about which the coverage feed has no
    row (everything from it is then missing); VRU108, a feed fewer than half of whose people have a spell, as when two
    agencies pseudonymised with different keys; VRU109, an indicator of which no row of its feed makes an event.
    """
    parts, findings = [], list(feeds.findings)
    for name, indicator in spec.indicators.items():
        rows, never = _versions(name, indicator, feeds, spec)
        parts.append(rows)
        findings += [] if len(rows) or not len(feeds.accepted[indicator.feed]) else [_never(name, indicator)]
        if never:
            message = f"{never:,} rows about a suspect or an associate made no event"
            findings.append(Finding("VRU106", "pass", name, message, {"rows": never}))
    versions = pd.concat(parts, ignore_index=True)
    findings += _assumed(versions, spec)
    covered = spec.feed_of_kind("coverage")
    if covered is None:
        message = "no coverage feed is declared: agreements stand in, which cannot tell what was delivered"
        findings.append(Finding("VRU105", "cannot tell", "coverage", message))
    people = spec.feed_of_kind("spells")
    if covered:
        findings += _uncovered(feeds.accepted[covered], spec)
    if people:
        findings += _linked(versions, feeds.accepted[people]["person_id"], spec)
    return Events.from_frame(
        versions,
        spells=feeds.accepted[people] if people else None,
        coverage=feeds.accepted[covered] if covered else agreed_coverage(spec),
        extract_dates=feeds.extract_dates,
        findings=Findings(findings),
    )


def _never(name: str, indicator: Indicator) -> Finding:
    where = ", ".join(f"{column} in {len(codes)} codes" for column, codes in indicator.where.items())
    message = f"no row of {indicator.feed} makes an event of it ({where or 'every row counts'})"
    return Finding("VRU109", "cannot tell", name, message)


def _versions(name: str, indicator: Indicator, feeds: Feeds, spec: Spec) -> tuple[pd.DataFrame, int]:
    """The versions of one indicator's events, closers included, and how many rows were refused for their role."""
    frame, table = feeds.accepted[indicator.feed], spec.table_of(indicator.feed)
    vru = table.x_vru
    matched = _matched(frame, indicator)
    role = frame[vru.role] if vru.role else pd.Series(indicator.role, index=frame.index, dtype="str")
    never = matched & role.isin(NEVER_ROLES).to_numpy() if indicator.use == "score" else np.zeros(len(frame), bool)
    matched = matched & ~never
    happened = frame[indicator.event_date or str(vru.event_date)]
    known = _known(frame, indicator, spec, extract_date=feeds.extract_dates[indicator.feed])
    closing = _closing(frame, matched, known, key=table.primary_key)
    rows = np.flatnonzero(matched | closing)
    status = frame[vru.status] if vru.status else pd.Series(indicator.status, index=frame.index, dtype="str")
    key = [text_of(frame[c].iloc[rows]).to_list() for c in table.primary_key]
    versions = {
        "event_id": digest_rows([[indicator.feed] * len(rows), *key, [name] * len(rows)]),
        "person_id": text_of(frame[str(vru.person)].iloc[rows]).to_numpy(),
        "indicator": name,
        "event_date": happened.to_numpy()[rows],
        "known_date": known[rows],
        "value": _values(frame, indicator)[rows],
        "role": role.to_numpy()[rows],
        "status": np.where(closing[rows], "withdrawn", status.to_numpy()[rows]),
        "feed": indicator.feed,
    }
    return pd.DataFrame(versions), int(never.sum())


def _matched(frame: pd.DataFrame, indicator: Indicator) -> np.ndarray:
    rows = np.ones(len(frame), dtype=bool)
    for column, codes in indicator.where.items():
        rows &= text_of(frame[column]).isin(codes).to_numpy()
    return rows


def _values(frame: pd.DataFrame, indicator: Indicator) -> np.ndarray:
    if indicator.value is None:
        return np.full(len(frame), np.nan)
    return frame[indicator.value].to_numpy(dtype="float64", na_value=np.nan)


def _known(frame: pd.DataFrame, indicator: Indicator, spec: Spec, *, extract_date: dt.date) -> np.ndarray:
    vru, rule = spec.table_of(indicator.feed).x_vru, spec.feeds[indicator.feed].known
    if rule.kind == "assumed_lag":
        happened = frame[indicator.event_date or str(vru.event_date)].to_numpy()
        assumed = Span(int(rule.median or 0), "D").after(happened)
        return np.asarray(np.where(np.isnat(assumed), assumed, np.minimum(assumed, as_days(extract_date))))
    known = frame[str(indicator.known_date or vru.known_date)]
    if indicator.known_date and vru.known_date:
        known = known.fillna(frame[vru.known_date])
    return known.to_numpy().astype("datetime64[D]")


def _closing(frame: pd.DataFrame, matched: np.ndarray, known: np.ndarray, *, key: tuple[str, ...]) -> np.ndarray:
    """Versions that no longer match while the version of the same record just before them did."""
    closing = np.zeros(len(frame), dtype=bool)
    repeated = np.flatnonzero(frame.duplicated(list(key), keep=False))
    record = frame.iloc[repeated].groupby(list(key), sort=False).ngroup().to_numpy()
    order = np.lexsort((known[repeated], record))
    at, record = repeated[order], record[order]
    closing[at[1:]] = (record[1:] == record[:-1]) & matched[at[:-1]] & ~matched[at[1:]]
    return closing


def _assumed(versions: pd.DataFrame, spec: Spec) -> list[Finding]:
    findings = []
    for name in _event_feeds(spec):
        feed = spec.feeds[name]
        rows = int((versions["feed"] == name).sum())
        assumed = rows if feed.known.kind == "assumed_lag" else 0
        figures = {"rows": rows, "assumed": assumed}
        if assumed:
            message = f"{assumed:,} of {rows:,} known dates are assumed: event date + {feed.known.median} days"
            findings.append(Finding("VRU104", "cannot tell", name, message, figures))
        else:
            findings.append(Finding("VRU104", "pass", name, f"0 of {rows:,} known dates are assumed", figures))
    return findings


def _event_feeds(spec: Spec) -> list[str]:
    return [name for name in spec.feeds if spec.table_of(name).x_vru.kind == "events"]


def _uncovered(coverage: pd.DataFrame, spec: Spec) -> list[Finding]:
    findings = []
    for name in _event_feeds(spec):
        rows = int((coverage["feed"] == name).sum())
        message = f"{rows:,} rows of coverage say from when, for which areas and ages it was shared"
        if not rows:
            message = "the coverage feed has no row about it: nothing says that it was shared, so all of it is missing"
        findings.append(Finding("VRU107", "pass" if rows else "fail", name, message, {"rows": rows}))
    return findings


def _linked(versions: pd.DataFrame, in_view: pd.Series[str], spec: Spec) -> list[Finding]:
    findings = []
    for name in _event_feeds(spec):
        people = versions["person_id"][(versions["feed"] == name).to_numpy()].drop_duplicates()
        linked = int(people.isin(in_view).sum())
        figures = {"people": len(people), "linked": linked}
        if not len(people):
            findings.append(Finding("VRU108", "not applicable", name, "it has events of nobody", figures))
            continue
        message = f"{linked / len(people):.0%} of its people have a spell (at least {LEAST_LINKED:.0%})"
        status: Status = "pass" if linked >= LEAST_LINKED * len(people) else "fail"
        findings.append(Finding("VRU108", status, name, message, figures))
    return findings


def agreed_coverage(spec: Spec) -> pd.DataFrame:
    """Coverage as the agreements have it: each feed, each of its areas, from the first day to the last, all ages.

    Known from the agreement's first day; ``end_date`` is the day after its last.
    """
    columns: Mapping[str, str] = {"age_from": "Int64", "age_to": "Int64"}
    rows = [
        {
            "coverage_id": f"{name}:{area}",
            "feed": name,
            "area": area,
            "age_from": pd.NA,
            "age_to": pd.NA,
            "start_date": pd.Timestamp(feed.agreement.start),
            "end_date": pd.Timestamp(Span(1, "D").after(feed.agreement.to)),
            "known_date": pd.Timestamp(feed.agreement.start),
        }
        for name, feed in spec.feeds.items()
        if spec.table_of(name).x_vru.kind != "audit"
        for area in feed.agreement.areas
    ]
    return pd.DataFrame(rows).astype(dict(columns))
