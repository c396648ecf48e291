"""A later extract onto what is held: in order, without the people who were purged, history untouched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import DataError
from vru_models.events import checks
from vru_models.events.arriving import Delivery, added
from vru_models.events.events import Events
from vru_models.events.folding import ROW_KINDS
from vru_models.events.tombstones import Tombstones
from vru_models.events.versions import event_ids
from vru_models.feeds.feeds import Feeds
from vru_models.findings import Finding
from vru_models.frames import text_of
from vru_models.spec import Span, Spec
from vru_models.spec.calendar import as_day, as_days
from vru_models.spec.sources import VOID_STATUSES
from vru_models.spec.tables import REQUIRED_COLUMNS, Kind

HISTORY = Span(3, "M")
"""Under ``first_seen``, what happened longer than this before a first extract is history that was known long since."""

MOST_HISTORY = 0.05
"""Share of a first extract's events that may be history under ``first_seen``."""


def require_in_order(feeds: Feeds, spec: Spec, held: Events) -> None:
    """Refuse an extract that is older than the one held, and events that other indicators made."""
    held.require_recorded_by(spec.recording)
    dates = feeds.extract_dates.items()
    if older := [name for name, day in dates if name in held.extract_dates and day < held.extract_dates[name]]:
        what = f"older than the extract that is held: {', '.join(older)}"
        raise DataError.at("extracts", what, expected="extracts in order of their dates", then="Check extracts.toml")


def without_purged(
    accepted: Mapping[str, pd.DataFrame], spec: Spec, tombstones: Tombstones, *, key: bytes | None
) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """The rows of everybody who was not purged, and how many others there were.

    What a record said before it was about somebody who was purged does not come in again either: it was corrected.
    """
    if not len(tombstones):
        return dict(accepted), []
    left = {}
    for name, frame in accepted.items():
        table = spec.table_of(name)
        named = [c for c in {table.x_vru.person, "person_id", "other_id"} if c in frame]
        theirs = [tombstones.hide(frame[str(c)].astype("str"), key=key) for c in named]
        hidden = np.logical_or.reduce([np.zeros(len(frame), dtype=bool), *theirs])
        if table.x_vru.kind == "events" and spec.feeds[name].known.kind == "column":
            hidden |= _corrected_to(hidden, frame, list(table.primary_key), str(table.x_vru.known_date))
        left[name] = frame[~hidden].reset_index(drop=True)
    n = sum(len(frame) - len(left[name]) for name, frame in accepted.items())
    return left, [checks.kept_out(n)]


def _corrected_to(rows: np.ndarray, frame: pd.DataFrame, key: list[str], known: str) -> np.ndarray:
    """Rows that one of the given rows, of the same record and known later, corrects."""
    last = frame[rows].groupby(key, sort=False)[known].max().rename("last").reset_index()
    after = frame[[*key, known]].merge(last, on=key, how="left")
    return (after[known] <= after["last"]).to_numpy()


def extended(
    held: Events,
    arriving: pd.DataFrame,
    rows: Mapping[Kind, pd.DataFrame],
    spec: Spec,
    *,
    feeds: Feeds,
) -> tuple[Events, list[Finding]]:
    """The events held with what arrived, and what arrived of each feed that was held before."""
    parts, findings, dates = [held.versions], [], feeds.extract_dates
    for feed in checks.event_feeds(spec):
        of_feed = arriving[arriving["feed"] == feed]
        if feed not in held.extract_dates:
            refuse_history(history_in(of_feed, dates[feed]), len(of_feed), spec, feed)
            findings += _began_later(of_feed, held, feed)
            parts.append(of_feed)
            continue
        new, found = _new_versions(of_feed, held, feed=feed, delivery=_delivery(spec, feed, held, feeds))
        parts.append(new)
        findings += found
    kept: dict[str, Any] = {kind: held.rows[kind] for kind in ROW_KINDS}
    for kind, frame in rows.items():
        feed = str(spec.feed_of_kind(kind))
        if feed in held.extract_dates:
            kept[kind], found = _new_rows(
                frame, held, kind=kind, feed=feed, delivery=_delivery(spec, feed, held, feeds)
            )
            findings += found
        else:
            kept[kind] = frame
            findings += _began_later(frame, held, feed)
    versions = pd.concat(parts, ignore_index=True)
    events = Events.from_frame(versions, extract_dates={**held.extract_dates, **dates}, **kept)
    return replace(events, tombstones=held.tombstones), findings


def _began_later(rows: pd.DataFrame, held: Events, feed: str) -> list[Finding]:
    if not held.extract_dates:
        return []
    old = int((rows["known_date"] <= pd.Timestamp(max(held.extract_dates.values()))).sum())
    return list(checks.began_later(feed, old=old, rows=len(rows)))


def _delivery(spec: Spec, feed: str, held: Events, feeds: Feeds) -> Delivery:
    when = as_days(feeds.extract_dates[feed]), as_days(held.extract_dates[feed])
    if spec.feeds[feed].delivery != "snapshot":
        return Delivery(False, *when)
    table, keys = spec.table_of(feed), feeds.held_keys[feed]
    unreadable = int((feeds.quarantine["feed"] == feed).sum()) - len(keys)
    key = [keys[c] for c in table.primary_key] if len(keys) else []
    if table.x_vru.kind != "events":
        return Delivery(True, *when, pd.Index(text_of(key[0]) if key else [], dtype="str"), unreadable)
    names = [name for name, indicator in spec.indicators.items() if indicator.feed == feed and key]
    ids = [event_ids(feed, name, key, len(keys)) for name in names]
    return Delivery(True, *when, pd.Index(np.concatenate(ids) if ids else [], dtype="str"), unreadable)


def history_in(versions: pd.DataFrame, extracted: dt.date) -> int:
    """How many versions are of what happened long before the extract."""
    happened = versions["event_date"].to_numpy().astype("datetime64[D]")
    return int((happened < HISTORY.before(as_day(extracted))).sum())


def refuse_history(old: int, versions: int, spec: Spec, feed: str) -> None:
    """A bulk extract arrives on one day; under ``first_seen`` years of it would be known from that day only."""
    if spec.feeds[feed].known.kind == "first_seen" and old > MOST_HISTORY * versions:
        what = f"the first extract holds {old:,} events ({old / versions:.0%}) from more than {HISTORY} before it"
        then = (
            f"Declare feeds.{feed}.known as assumed_lag with the median and the 95th percentile of the lag in days; "
            "later extracts can be first_seen"
        )
        raise DataError.at(
            f"feeds.{feed}.known: first_seen", what, expected="recent events, as arrive monthly", then=then
        )


def _new_versions(
    arriving: pd.DataFrame, held: Events, *, feed: str, delivery: Delivery
) -> tuple[pd.DataFrame, list[Finding]]:
    versions = held.versions
    mine = versions[versions["feed"] == feed]
    void = mine["status"].isin(VOID_STATUSES).to_numpy()
    new = added(arriving, mine, key="event_id", void=void, delivery=delivery)
    last = mine.sort_values("known_date", kind="stable").drop_duplicates("event_id", keep="last")
    withdrawn = last[last["event_id"].isin(new.gone)].assign(
        known_date=pd.Timestamp(delivery.extracted), status="withdrawn"
    )
    standing = len(last) - int(last["status"].isin(VOID_STATUSES).sum())
    newest = arriving.sort_values("known_date", kind="stable").drop_duplicates("event_id", keep="last")
    again = pd.merge(last[["event_id", "person_id"]], newest[["event_id", "person_id"]], on="event_id")
    elsewhere = int((again["person_id_x"] != again["person_id_y"]).sum())
    found = [
        *checks.arrived(feed, new, delivery, standing=standing),
        *checks.moved(feed, elsewhere=elsewhere, again=len(again)),
    ]
    return pd.concat([new.versions, withdrawn], ignore_index=True), found


def _new_rows(
    arriving: pd.DataFrame, held: Events, *, kind: Kind, feed: str, delivery: Delivery
) -> tuple[pd.DataFrame, list[Finding]]:
    key, mine = REQUIRED_COLUMNS[kind][0], held.rows[kind]
    typed = arriving.astype({c: mine[c].dtype for c in REQUIRED_COLUMNS[kind]}).assign(void=False)
    void = mine["known_until"].notna().to_numpy()
    new = added(typed, mine.assign(void=void), key=key, void=void, delivery=delivery)
    gone = mine[key].isin(new.gone) & ~void
    until = mine["known_until"].mask(gone, pd.Timestamp(delivery.extracted).as_unit("s"))
    standing = int((~void).sum())
    found = checks.arrived(feed, new, delivery, standing=standing)
    rows = pd.concat([mine.assign(known_until=until), new.versions.drop(columns="void")], ignore_index=True)
    return rows, list(found)
