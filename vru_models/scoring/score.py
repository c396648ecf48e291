"""The monthly run: gate, score, list, reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.audit.answers import ADVICE, hold_a_pseudonym, names_somebody, unanswered
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release, refuse_expired, refuse_future
from vru_models.dataset.rows import Day, day_of, day_volumes
from vru_models.dataset.volume import volume_frame
from vru_models.errors import DataError, RefusedError
from vru_models.evaluation.listing import choose, random_places
from vru_models.events import Events
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.findings import Finding, Findings, Status
from vru_models.scoring.outage import linked, outages, unexplained
from vru_models.scoring.reasons import data_gaps, explain
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day, as_days
from vru_models.spec.digest import digest_frame

STALE_DAYS: Final = 45
"""An extract this many days older than the as-of date, or more, is taken for a feed outage."""

_ADMISSION: Final = ("VRU101", "VRU102", "VRU103", "VRU107", "VRU108", "VRU110", "VRU121", "VRU124")


@dataclass(frozen=True)
class Scores:
    """A support-priority list: a proposal to a panel, never a decision.

    Parameters
    ----------
    list
        One row per place: ``person_id`` (or ``area_id``), ``place, kind`` (points or random), ``points, band,
        reason_1..3, protective, data_gaps, inclusion_probability``. Who is not listed is not in it, and is stored
        nowhere.
    as_of
        The date of the list; nothing known on or after it was used.
    counts
        In view, eligible, routed (left off, because statutory support is recorded), objecting to being scored, listed.
    findings
        The gates. Per feed that was used: what the gate of the feeds found (VRU101, 102, 103, 107, 108, 110), VRU501
        (how old its extract is) and, against training, VRU502 (how much it told, by indicator), VRU503 (how much of it
        of late), VRU506 (about how many it is not known), VRU507 (whether some areas are missing), VRU508 (links).
        Of the list: VRU504 (people on it though nothing recorded raised their points) and VRU505 (a date before the
        outcomes that the card learnt from).
    overrides, overridden_by
        Gates that did not pass, by code, each with the reason given, and who gave it; in the ledger with the list.
    release
        The release that scored.
    events_digest
        The events that were scored.
    """

    list: pd.DataFrame
    as_of: np.datetime64
    counts: Mapping[str, int]
    findings: Findings
    overrides: Mapping[str, str]
    overridden_by: str
    release: Release
    extract_dates: Mapping[str, Any]
    events_digest: str
    list_digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "list_digest", digest_frame(self.list, index=False))

    def refuse_if_changed(self) -> None:
        """Refuse a list that is no longer the one that was scored."""
        if digest_frame(self.list, index=False) != self.list_digest:
            raise RefusedError.at("scores: list", "was changed after it was scored", then="Score again")

    def frame(self) -> pd.DataFrame:
        """The list."""
        return self.list.copy()

    def save(self, out: str | Path, *, ledger: Ledger) -> None:
        """Record the list in the ledger, then publish it as a new folder, whole or not at all."""
        from vru_models.scoring.output import save_scores  # noqa: PLC0415  the page templates are loaded only to write

        save_scores(self, out, ledger)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {n:,}" for name, n in self.counts.items())
        return f"Scores({self.release.purpose} version {self.release.version}, as of {self.as_of}: {numbers})"


def score(
    release: Release,
    events: Events,
    *,
    as_of: Any,
    ledger: Ledger,
    overrides: Mapping[str, str] | None = None,
    by: str = "",
) -> Scores:
    """The support-priority list of one as-of date, by an approved release.

    ``k`` places: most by points, ties at the cut broken by lottery, the declared share drawn at random from below it.
    Who meets a ``routed`` rule goes to statutory services, not onto the list.

    Parameters
    ----------
    ledger
        Must be the ledger that the release was approved in, intact, and hold no approval of a later version.
    overrides
        ``{code: reason}``, or ``{"code:where": reason}`` for one finding alone, for gates that do not pass
        (:class:`Scores` has the codes). One that nothing needs is refused.
    by
        Name and role of whoever overrides; required with ``overrides``, and in the ledger with the list.

    Raises
    ------
    RefusedError
        The signer is not pinned, the release expired or superseded or not in the ledger, an agreement ended or does not
        allow scoring, or a gate does not pass.
    DataError
        Nobody is eligible, an extract is dated after today, or other indicators made the events.
    """
    if not isinstance(events, Events):
        raise TypeError(f"events: a {type(events).__name__} is given. Expected: Events, from record_events.")
    day, given = as_day(as_of), dict(overrides or {})
    refuse_unapproved(release, ledger, day)
    refuse_future(events.extract_dates)
    events.require_recorded_by(release.spec.recording)
    gates = _admitted(release.spec, events) + Findings([*_stale(release.spec, events, day), _learnt(release, day)])
    coded = encode(release.spec, events)
    rows = day_of(Layout.of(release.spec), coded, day)
    if not len(rows.X):
        _pass_gates(gates, given, by)
        raise DataError.at(
            f"as-of date {day}", "nobody is eligible", expected=f"{release.spec.whom} in view", then="Check the date"
        )
    listed, whom = _listed(release, rows), release.spec.whom
    gates += Findings(
        [
            *outages(release.volumes, volume_frame(day_volumes(coded, rows)), whom=whom),
            *linked(release.linked, gates, whom=whom),
            *unexplained(listed, whom=whom),
        ]
    )
    _pass_gates(gates, given, by)
    people = (events.spells["person_id"], events.frame["person_id"]) if release.spec.unit == "person" else ()
    if hold_a_pseudonym([by, *given.values()], *people):
        raise RefusedError.at("overrides", "hold a pseudonym", then="Write reasons without naming anybody")
    counts = {**rows.cohort.counts, "listed": len(listed)}
    return Scores(listed, day, counts, gates, given, by.strip(), release, dict(events.extract_dates), events.digest)


def refuse_unapproved(release: Release, ledger: Ledger, day: np.datetime64) -> None:
    """Refuse a release by which no list of the day may be made: signer, dates, ledger, agreements."""
    if not release.pinned:
        then = "Load it with trusted=, the trust file kept outside the release"
        raise RefusedError.at("release", "its signer is not pinned", then=then)
    refuse_expired(str(release.expires_on))
    refuse_expired(str(release.expires_on), day.astype(object))
    approvals = ledger.find("approval", purpose=release.purpose)
    said = {"release": release.digest, "version": release.version, "expires_on": str(release.expires_on)}
    if not any(said.items() <= dict(entry.body).items() for entry in approvals):
        raise RefusedError.at(
            "ledger",
            "does not hold the approval of this release",
            then="Give the ledger that approve wrote to (--ledger)",
        )
    if fault := ledger.verify(checkpoint=release.checkpoint).with_status("fail"):
        what = f"is not the one the release was approved in, or not intact ({next(iter(fault)).message.rstrip('.')})"
        raise RefusedError.at("ledger", what, then="Restore it from a backup; do not score meanwhile")
    latest = max(int(entry.body["version"]) for entry in approvals)
    if latest > release.version:
        what = f"version {release.version} is superseded by version {latest}"
        raise RefusedError.at("release", what, then="Score with the later one")
    _refuse_agreements(release.spec, day)


def _refuse_agreements(spec: Spec, day: np.datetime64) -> None:
    for feed in sorted(spec.feeds_behind):
        agreement = spec.feeds[feed].agreement
        if "score" not in agreement.purposes:
            raise RefusedError.at(f"feeds.{feed}.agreement", "does not allow scoring", then="Leave the feed out")
        if as_days(agreement.to) < day:
            what = f"ended on {agreement.to}, before the as-of date {day}"
            raise RefusedError.at(f"feeds.{feed}.agreement", what, then="Renew the agreement, or leave the feed out")


def _stale(spec: Spec, events: Events, day: np.datetime64) -> list[Finding]:
    found = []
    for feed in sorted(spec.feeds_behind):
        if feed not in events.extract_dates:
            found.append(Finding("VRU501", "cannot tell", feed, "nobody knows when it was extracted"))
            continue
        age = int((day - as_days(events.extract_dates[feed])).astype(np.int64))
        status: Status = "fail" if age >= STALE_DAYS else "pass"
        side = "before" if age >= 0 else "after"
        message = f"extracted {abs(age)} days {side} the as-of date (limit {STALE_DAYS} before)"
        found.append(Finding("VRU501", status, feed, message, {"days": age}))
    return found


def _learnt(release: Release, day: np.datetime64) -> Finding:
    """VRU505: fails for a date before the end of the last outcome window that the card learnt from."""
    spec, dates = release.spec, release.volumes["as_of"]
    if not len(dates):
        return Finding("VRU505", "cannot tell", "as-of date", "the release does not say which dates it was trained on")
    last = spec.after(spec.outcome.horizon, spec.after(spec.outcome.embargo, as_days(dates.max())))
    message = f"the card learnt from outcomes up to {last}"
    status: Status = "pass" if day >= last else "fail"
    return Finding("VRU505", status, "as-of date", f"{message}, {'before' if day >= last else 'after'} this date")


def _admitted(spec: Spec, events: Events) -> Findings:
    """What the gate and recording concluded about the rows of each feed that is used."""
    used = spec.feeds_behind
    return events.findings.where(lambda f: f.code in _ADMISSION and f.where in used)


def _pass_gates(gates: Findings, given: Mapping[str, str], by: str) -> None:
    """Every gate that does not pass is answered for, and every answer is to a gate that does not pass."""
    lines = unanswered(gates, given)
    if given and not names_somebody(by):
        lines.append("by: names nobody; give name and role of who overrides, in one line (by=, or --by)")
    if lines:
        then = f"Nothing was listed. Bring whole and recent extracts. {ADVICE}"
        raise RefusedError("\n".join(["score: refused.", *(f"  {line}" for line in lines), then]))


def _listed(release: Release, rows: Day) -> pd.DataFrame:
    spec, card = release.spec, release.card
    people = rows.X.index.get_level_values(0)
    chosen = choose(
        card.points(rows.X),
        list(people),
        k=spec.capacity.k,
        n_random=random_places(spec.capacity.k, spec.capacity.random_share),
        card_digest=release.card_digest,
        as_of=rows.as_of,
    )
    where = people.get_indexer(pd.Index(chosen["key"], dtype=people.dtype))
    X, status = rows.X.iloc[where].reset_index(drop=True), rows.status.iloc[where]
    listed = chosen.rename(columns={"key": spec.key}).assign(points=card.points(X))
    listed["band"] = _bands(listed)
    listed = pd.concat([listed, explain(spec, card, X)], axis=1).assign(data_gaps=data_gaps(spec, status))
    order = [spec.key, "place", "kind", "points", "band"]
    return listed[[*order, *(c for c in listed if c not in order)]]


def _bands(listed: pd.DataFrame) -> np.ndarray:
    """Thirds of the places that go by points, A first, equal points in the same band; places drawn at random say so."""
    by_points = int((listed["kind"] == "points").sum())
    best_place = listed.groupby(["kind", "points"])["place"].transform("min").to_numpy()
    third = np.array(["A", "B", "C"])[np.minimum((best_place - 1) * 3 // max(by_points, 1), 2)]
    return np.where(listed["kind"] == "random", "random", third)
