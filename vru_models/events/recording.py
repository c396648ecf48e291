"""Rows of feeds to events: the rule of each indicator, when it was known, and what closes an earlier version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from vru_models.events import checks
from vru_models.events.events import Events
from vru_models.events.extending import extended, require_in_order, without_purged
from vru_models.events.folding import ROW_KINDS, as_kept
from vru_models.events.versions import event_ids, no_versions, typed
from vru_models.feeds.feeds import Feeds
from vru_models.findings import Finding, Findings
from vru_models.frames import is_in, text_of
from vru_models.spec import Span, Spec
from vru_models.spec.calendar import as_days
from vru_models.spec.sources import NEVER_ROLES, Indicator
from vru_models.spec.tables import Kind


def record_events(feeds: Feeds, spec: Spec, *, earlier: Events | None = None, key: bytes | None = None) -> Events:
    """The events of every declared indicator, with spells, coverage, links and objections and when each was known.

    A row becomes an event when, for every column in ``where``, its value is among those given. A row that comes again
    under its primary key with a later known date corrects the event; when it no longer matches, or its status is
    disproved or withdrawn, it closes it. Role and status are the row's own where the schema names their columns, else
    the indicator's. A row about a suspect or an associate makes no event of an indicator with use = "score".

    Known dates are those of the declared column, or (``first_seen``) the date of the extract, or (``assumed_lag``) the
    event date plus the declared median, never after the extract date.

    Parameters
    ----------
    earlier
        What was recorded from earlier extracts by the same indicators. Nothing that was known by the date of a feed's
        earlier extract changes: what this one adds or corrects, and says was known by then, is known from this one's
        date. What a feed with ``delivery = "snapshot"`` no longer holds is withdrawn from that date on.
    key
        The key of the tombstones in ``earlier``, where there are any: rows of people who were purged stay out.

    Raises
    ------
    DataError
        When an extract is older than the earlier one of its feed, ``earlier`` was recorded by other indicators, or a
        first extract under ``first_seen`` holds history.
    RefusedError
        When there are tombstones, and no key or another than theirs.

    Notes
    -----
    Findings beside those of the gate: VRU104, the share of a feed's known dates that is assumed; VRU105, coverage made
    from the agreements because no coverage feed is declared (it cannot tell whether a feed was really delivered);
    VRU106, rows about suspects and associates that made no event; VRU107, a feed about which the coverage feed has no
    row that covers any day and age (everything from it is then missing); VRU108, a feed fewer than half of whose people
    have a spell, in all or in this extract, as when two agencies pseudonymised with different keys; VRU109, an
    indicator of which no row of its feed makes an event. With ``earlier``: VRU121, the share of records in force that
    vanished from a snapshot (one that is in it in a row that was held back stands as it was); VRU122, versions that
    arrived later than they say; VRU123, rows of purged people that were kept out; VRU124, records that are about
    somebody else than before; VRU125, what failed of earlier extracts; VRU126, a feed that begins after others with
    what was known before.
    """
    held = earlier or Events.from_frame(no_versions())
    require_in_order(feeds, spec, held)
    accepted, kept_out = without_purged(feeds.accepted, spec, held.tombstones, key=key)
    arriving, findings = _arriving(accepted, feeds.extract_dates, spec, held)
    rows: dict[Kind, pd.DataFrame] = {
        kind: as_kept(accepted[feed], kind, key=spec.key)
        for kind in ROW_KINDS
        if (feed := spec.feed_of_kind(kind)) is not None
    }
    events, arrived = extended(held, arriving, rows, spec, feeds=feeds)
    if "coverage" not in rows:
        events = events.with_coverage(agreed_coverage(spec))
    until = checks.assumed_until(spec, feeds.extract_dates, held.findings)
    have_spell = checks.with_spell(events.spells, events.rows["links"])
    tallied, came = (checks.tally(rows, spec, until=until, have_spell=have_spell) for rows in (events.frame, arriving))
    of_all = found_of(events.coverage, tallied, spec, until=until, came=came if held.extract_dates else None)
    before = checks.remembered(held.findings, held.extract_dates, feeds.extract_dates)
    found = [*feeds.findings, *findings, *kept_out, *arrived, *before, *of_all]
    return events.recorded(Findings(found), under=spec.recording)


def _arriving(
    accepted: Mapping[str, pd.DataFrame], dates: Mapping[str, dt.date], spec: Spec, held: Events
) -> tuple[pd.DataFrame, list[Finding]]:
    """The versions that the rows make, and what is to be said of the indicators."""
    parts, findings = [no_versions()], []
    for name, indicator in spec.indicators.items():
        frame, standing = accepted[indicator.feed], held.frame[held.frame["indicator"] == name]
        rows, never = versions_of(name, frame, spec, extract_date=dates[indicator.feed], standing=standing)
        parts.append(rows)
        findings += [] if len(rows) or len(standing) or not len(frame) else [checks.never_fires(name, indicator)]
        findings += [checks.refused_roles(name, never)] if never else []
    return typed(pd.concat(parts, ignore_index=True)), findings


def found_of(
    coverage: pd.DataFrame,
    tallied: pd.DataFrame,
    spec: Spec,
    *,
    until: Mapping[str, dt.date],
    came: pd.DataFrame | None = None,
) -> list[Finding]:
    """What is found of the events as a whole, from their tally and that of what came in a later extract."""
    findings = list(checks.assumed(tallied, spec, until))
    if spec.feed_of_kind("coverage"):
        findings += checks.uncovered(coverage, spec)
    else:
        message = "no coverage feed is declared: agreements stand in, which cannot tell what was delivered"
        findings.append(Finding("VRU105", "cannot tell", "coverage", message))
    if spec.feed_of_kind("spells"):
        findings += checks.linked(tallied, came, spec)
    return findings


def versions_of(
    name: str, frame: pd.DataFrame, spec: Spec, *, extract_date: dt.date, standing: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """The versions of one indicator's events, closers included, and how many rows were refused for their role.

    ``standing`` are its events from earlier extracts: a row that no longer matches closes the one it made, whoever it
    is about now.
    """
    indicator = spec.indicators[name]
    table = spec.table_of(indicator.feed)
    vru = table.x_vru
    matched = _matched(frame, indicator)
    role = frame[vru.role] if vru.role else pd.Series(indicator.role, index=frame.index, dtype="str")
    never = matched & role.isin(NEVER_ROLES).to_numpy() if indicator.use == "score" else np.zeros(len(frame), bool)
    matched = matched & ~never
    happened = frame[indicator.event_date or str(vru.event_date)]
    known = _known(frame, indicator, spec, extract_date=extract_date)
    closing = _closing(frame, matched, known, key=table.primary_key)
    person = text_of(frame[str(vru.person)])
    rows = np.flatnonzero(matched | closing | (len(standing) > 0))
    ids = event_ids(indicator.feed, name, [frame[c].iloc[rows] for c in table.primary_key], len(rows))
    closing[rows] |= ~matched[rows] & is_in(pd.Series(ids, dtype="str"), standing["event_id"])
    made = (matched | closing)[rows]
    rows, ids = rows[made], ids[made]
    status = frame[vru.status] if vru.status else pd.Series(indicator.status, index=frame.index, dtype="str")
    versions = {
        "event_id": ids,
        "person_id": person.to_numpy()[rows],
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
    if rule.kind == "first_seen":
        return np.full(len(frame), as_days(extract_date))
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
