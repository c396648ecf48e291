"""The gate: identifiers, then schema, code lists, agreement, dates, duplicates. Nothing passes it uncounted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.errors import DataError
from vru_models.feeds.batches import Verdict
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.validate import header_faults, validate
from vru_models.findings import Finding, Findings, Status
from vru_models.frames import arrow_table
from vru_models.identifiers.scan import scan_identifiers
from vru_models.spec import Spec

_MOST_REASONS = 3
OBJECTED = "objected"
"""Why a row of the audit file is held back whose person objects to equality monitoring; no fault of the extract."""

MOST_QUARANTINED = 0.01
"""Largest share of a feed's rows that may be quarantined before VRU102 fails."""


def admit(
    frames: Mapping[str, pd.DataFrame | pa.Table],
    spec: Spec,
    *,
    extract_dates: Mapping[str, dt.date],
    malformed: Mapping[str, Sequence[int]] | None = None,
) -> Feeds:
    """The feeds of a spec after the gate, each row accepted or quarantined with its reasons.

    A fault of a whole file (columns missing, undeclared or there twice, or a column that looks like a direct
    identifier) refuses everything, in one error that lists every such fault; nothing is let in by halves.

    Parameters
    ----------
    frames
        One frame per declared feed. Columns are text as in a CSV file, or typed.
    extract_dates
        The day on which each feed was extracted: nothing in it can have been known later.
    malformed
        Per feed, the 1-based data rows that could not be split into columns; they are quarantined.

    Raises
    ------
    DataError
        When a feed is missing or not declared, has no extract date, or has a fault of a whole file.

    Notes
    -----
    Findings per feed: VRU110 identifiers; VRU101 rows in = accepted + quarantined; VRU102 fails when more than 1 % of
    the rows were quarantined (objections aside) and cannot tell of a feed without rows (links aside); VRU103 fails when
    the agreement lacks a purpose for which the feed is declared. Rows of the audit file about who objects to equality
    monitoring are held back as ``objected``.
    """
    _every_feed_once(frames, spec, extract_dates)
    tables = {name: arrow_table(frames[name]) for name in spec.feeds}
    faults, scans = [], {}
    for name, table in tables.items():
        wrong = header_faults(table.column_names, spec.table_of(name))
        headed = bool(set(table.column_names) & set(spec.table_of(name).columns))
        scans[name] = scan_identifiers(table, at=extract_dates[name]) if headed else Findings()
        wrong += [f"column {f.where}: {f.message} (VRU110)" for f in scans[name].with_status("fail")]
        faults += [f"  {name}: {fault}" for fault in wrong]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        then = "Nothing was let in. Correct the extracts at their source and run again."
        raise DataError("\n".join([f"extracts: {count} of whole files.", *faults, then]))
    verdicts = {
        name: validate(
            table, spec, feed=name, extract_date=extract_dates[name], malformed=(malformed or {}).get(name, ())
        )
        for name, table in tables.items()
    }
    return _feeds(verdicts, scans, spec, extract_dates)


def _every_feed_once(frames: Mapping[str, object], spec: Spec, extract_dates: Mapping[str, dt.date]) -> None:
    for name in (*frames, *extract_dates):
        if name not in spec.feeds:
            raise DataError.unknown("extracts", name, spec.feeds)
    for what, given in (("no extract of", frames), ("no extract date for", extract_dates)):
        if absent := [name for name in spec.feeds if name not in given]:
            raise DataError.at("extracts", f"{what} {', '.join(absent)}", expected="one per declared feed")


def _feeds(
    verdicts: Mapping[str, Verdict], scans: Mapping[str, Findings], spec: Spec, extract_dates: Mapping[str, dt.date]
) -> Feeds:
    audit, objections = spec.feed_of_kind("audit"), spec.feed_of_kind("objections")
    if audit and objections:
        objecting = _who_object(verdicts[objections].accepted, "audit", on=extract_dates[objections])
        verdicts = {**verdicts, audit: _without(verdicts[audit], objecting)}
    findings = Findings(
        finding
        for name, verdict in verdicts.items()
        for finding in (*_renamed(scans[name], name), *_counted(name, verdict, spec), _purposes(name, spec))
    )
    quarantine = pd.concat([v.quarantine.assign(feed=name) for name, v in verdicts.items()], ignore_index=True)
    return Feeds(
        accepted={name: v.accepted for name, v in verdicts.items() if name != audit},
        quarantine=quarantine[["feed", "row", "reasons"]],
        findings=findings,
        extract_dates={name: extract_dates[name] for name in spec.feeds},
        rows_in={name: v.rows_in for name, v in verdicts.items()},
        sensitive=verdicts[audit].accepted if audit else None,
    )


def _who_object(objections: pd.DataFrame, purpose: str, *, on: dt.date) -> set[str]:
    """Who objects to a purpose on a day, by the last version of each objection, to whatever feed."""
    last = objections.sort_values("known_date", kind="stable").drop_duplicates("objection_id", keep="last")
    day = pd.Timestamp(on)
    stands = last["purpose"].isin([purpose, "all"]) & (last["start_date"] <= day) & ~(last["end_date"] <= day)
    return set(last["person_id"][stands])


def _without(verdict: Verdict, people: set[str]) -> Verdict:
    """The verdict with the rows of some people held back: they object."""
    theirs = np.asarray(pc.is_in(verdict.table["person_id"], value_set=pa.array(sorted(people), pa.string())))
    numbers = np.setdiff1d(np.arange(1, verdict.rows_in + 1), verdict.quarantine["row"])
    held = pd.DataFrame({"row": numbers[theirs], "reasons": pd.array([OBJECTED] * int(theirs.sum()), dtype="str")})
    quarantine = pd.concat([verdict.quarantine, held]).sort_values("row", ignore_index=True)
    return Verdict(verdict.table.filter(pa.array(~theirs)), quarantine, verdict.rows_in)


def _renamed(scan: Findings, feed: str) -> list[Finding]:
    return [Finding(f.code, f.status, feed, f.message, f.figures) for f in scan]


def _counted(feed: str, verdict: Verdict, spec: Spec) -> tuple[Finding, Finding]:
    rows, accepted, held = verdict.rows_in, verdict.table.num_rows, len(verdict.quarantine)
    figures = {"rows_in": rows, "accepted": accepted, "quarantined": held}
    conserved = f"{rows:,} rows in = {accepted:,} accepted + {held:,} quarantined"
    first = Finding("VRU101", "pass" if rows == accepted + held else "fail", feed, conserved, figures)
    if not rows:
        status: Status = "pass" if spec.table_of(feed).x_vru.kind == "links" else "cannot tell"
        return first, Finding("VRU102", status, feed, "the extract has no rows", figures)
    held -= int((verdict.quarantine["reasons"] == OBJECTED).sum())
    share = held / rows
    message = f"{held:,} of {rows:,} rows quarantined ({share:.1%}; at most {MOST_QUARANTINED:.0%}){_why(verdict)}"
    return first, Finding("VRU102", "fail" if share > MOST_QUARANTINED else "pass", feed, message, figures)


def _why(verdict: Verdict) -> str:
    """The reasons that hold back the most rows, with their counts."""
    counts = verdict.quarantine["reasons"].str.split("; ").explode().value_counts().head(_MOST_REASONS)
    return "".join(f"; {reason} {n:,}" for reason, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _purposes(feed: str, spec: Spec) -> Finding:
    held = spec.feeds[feed].agreement
    lacking = [p for p in _needed(feed, spec) if p not in held.purposes]
    figures = {"purposes": list(held.purposes), "lacking": lacking}
    if lacking:
        message = f"agreement {held.id} does not cover {' and '.join(lacking)}, for which the feed is declared"
        return Finding("VRU103", "fail", feed, message, figures)
    return Finding("VRU103", "pass", feed, f"agreement {held.id} covers {', '.join(held.purposes)}", figures)


def _needed(feed: str, spec: Spec) -> tuple[str, ...]:
    """The purposes a feed is declared for: an outcome's feed is needed to train, a feature's to score as well."""
    kind = spec.table_of(feed).x_vru.kind
    if kind == "audit":
        return ("audit",)
    scored = any(i.use == "score" for i in spec.indicators.values() if i.feed == feed)
    return ("train", "score") if kind != "events" or scored else ("train",)
