"""The gate: identifiers, then schema, code lists, agreement, dates, duplicates. Nothing passes it uncounted."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd
import pyarrow as pa

from vru_models.errors import DataError
from vru_models.feeds.batches import Batch
from vru_models.feeds.dates import in_iso_dates
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.passing import OBJECTED, Passage, joined_quarantine, passed
from vru_models.feeds.validate import cut
from vru_models.findings import Finding, Findings, Status
from vru_models.frames import arrow_table, to_frame
from vru_models.spec import Spec

_MOST_REASONS = 3
_EVERY_ROW = ("links", "objections")
"""Kinds of which no row may be quarantined: an objection that is lost is somebody's right."""

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
        One frame per declared feed. Columns are text as in a CSV file, dates in the format that the feed's ``source``
        declares, or typed.
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
    the rows were quarantined (of links and objections: any), and cannot tell of a feed without rows (links aside);
    VRU103 fails when the agreement lacks a purpose for which the feed is declared. Rows of the audit file about who
    objects to equality monitoring are held back as ``objected``, which is no fault.
    """
    _every_feed_once(frames, spec, extract_dates)
    numbers = malformed or {}
    sources = {name: cut([_table(frames[name], spec, name)], sorted(numbers.get(name, ()))) for name in spec.feeds}
    return feeds_of(through_gate(sources, spec, extract_dates=extract_dates), spec, extract_dates)


def _table(frame: pd.DataFrame | pa.Table, spec: Spec, feed: str) -> pa.Table:
    return in_iso_dates(arrow_table(frame), spec.table_of(feed), form=spec.feeds[feed].source.date_format)


def _every_feed_once(frames: Mapping[str, object], spec: Spec, extract_dates: Mapping[str, dt.date]) -> None:
    for name in (*frames, *extract_dates):
        if name not in spec.feeds:
            raise DataError.unknown("extracts", name, spec.feeds)
    for what, given in (("no extract of", frames), ("no extract date for", extract_dates)):
        if absent := [name for name in spec.feeds if name not in given]:
            raise DataError.at("extracts", f"{what} {', '.join(absent)}", expected="one per declared feed")


def through_gate(
    sources: Mapping[str, Iterable[Batch]],
    spec: Spec,
    *,
    extract_dates: Mapping[str, dt.date],
    take: Mapping[str, Callable[[pa.Table], None]] | None = None,
) -> dict[str, Passage]:
    """Every declared feed through the gate of :func:`admit`, in order of the spec, each from its batches.

    Parameters
    ----------
    take
        By feed, what is given the accepted rows of each batch instead of their being kept; events only. When this
        raises, nothing of what was taken may stand.
    """
    passages, faults = {}, []
    for name in spec.feeds:
        taker = (take or {}).get(name)
        passage = passed(sources[name], spec, feed=name, extract_date=extract_dates[name], take=taker)
        passages[name] = passage
        faults += [f"  {name}: {fault}" for fault in passage.faults]
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        then = "Nothing was let in. Correct the extracts at their source and run again."
        raise DataError("\n".join([f"extracts: {count} of whole files.", *faults, then]))
    audit, objections = spec.feed_of_kind("audit"), spec.feed_of_kind("objections")
    if audit and objections:
        objecting = _who_object(to_frame(passages[objections].table), "audit", on=extract_dates[objections])
        passages[audit] = passages[audit].without(objecting)
    return passages


def feeds_of(passages: Mapping[str, Passage], spec: Spec, extract_dates: Mapping[str, dt.date]) -> Feeds:
    """The feeds whose rows were all kept."""
    frames = {name: to_frame(passage.table) for name, passage in passages.items()}
    audit = spec.feed_of_kind("audit")
    sensitive = frames.pop(audit) if audit else None
    return Feeds(
        accepted=frames,
        quarantine=quarantine_of(passages).astype({"feed": "str", "reasons": "str"}),
        findings=gate_findings(passages, spec),
        extract_dates={name: extract_dates[name] for name in spec.feeds},
        rows_in={name: passage.rows_in for name, passage in passages.items()},
        sensitive=sensitive,
        held_keys={name: to_frame(passages[name].held_keys) for name in spec.feeds if _is_snapshot(spec, name)},
    )


def _is_snapshot(spec: Spec, feed: str) -> bool:
    return spec.feeds[feed].delivery == "snapshot"


def counts_of(passages: Mapping[str, Passage]) -> pd.DataFrame:
    """One row per feed: feed, rows_in, accepted, quarantined."""
    rows = [(name, p.rows_in, p.accepted, len(p.held)) for name, p in passages.items()]
    return pd.DataFrame(rows, columns=["feed", "rows_in", "accepted", "quarantined"])


def quarantine_of(passages: Mapping[str, Passage]) -> pd.DataFrame:
    """``feed, row, reasons`` of every row held back, feeds and reasons as categories."""
    held = [passage.held for passage in passages.values()]
    feed = pd.Categorical(list(passages)).repeat([len(frame) for frame in held])
    return joined_quarantine(held).assign(feed=feed)[["feed", "row", "reasons"]]


def gate_findings(passages: Mapping[str, Passage], spec: Spec) -> Findings:
    """VRU110, VRU101, VRU102 and VRU103 of every feed."""
    return Findings(
        finding
        for name, passage in passages.items()
        for finding in (*_renamed(passage.scan, name), *_counted(name, passage, spec), _purposes(name, spec))
    )


def _who_object(objections: pd.DataFrame, purpose: str, *, on: dt.date) -> set[str]:
    """Who objects to a purpose on a day, by the last version of each objection, to whatever feed."""
    last = objections.sort_values("known_date", kind="stable").drop_duplicates("objection_id", keep="last")
    day = pd.Timestamp(on)
    stands = last["purpose"].isin([purpose, "all"]) & (last["start_date"] <= day) & ~(last["end_date"] <= day)
    return set(last["person_id"][stands])


def _renamed(scan: Findings, feed: str) -> list[Finding]:
    return [Finding(f.code, f.status, feed, f.message, f.figures) for f in scan]


def _counted(feed: str, passage: Passage, spec: Spec) -> tuple[Finding, Finding]:
    rows, accepted, held = passage.rows_in, passage.accepted, len(passage.held)
    figures = {"rows_in": rows, "accepted": accepted, "quarantined": held}
    conserved = f"{rows:,} rows in = {accepted:,} accepted + {held:,} quarantined"
    first = Finding("VRU101", "pass" if rows == accepted + held else "fail", feed, conserved, figures)
    if not rows:
        status: Status = "pass" if spec.table_of(feed).x_vru.kind == "links" else "cannot tell"
        return first, Finding("VRU102", status, feed, "the extract has no rows", figures)
    held -= int((passage.held["reasons"] == OBJECTED).sum())
    share, most = held / rows, most_quarantined(spec, feed)
    message = f"{held:,} of {rows:,} rows quarantined ({share:.1%}; at most {most:.0%})"
    message += _why(passage, spec.feeds[feed].source.date_format)
    return first, Finding("VRU102", "fail" if share > most else "pass", feed, message, figures)


def most_quarantined(spec: Spec, feed: str) -> float:
    """Largest share of a feed's rows that may be quarantined before VRU102 fails."""
    return 0.0 if spec.table_of(feed).x_vru.kind in _EVERY_ROW else MOST_QUARANTINED


def _why(passage: Passage, form: str) -> str:
    """The reasons that hold back the most rows, with their counts; of dates, the format they are read in."""
    combined = passage.held["reasons"].value_counts()
    counts: Counter[str] = Counter()
    for reasons, n in combined.items():
        counts.update(dict.fromkeys(str(reasons).split("; "), n))
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_REASONS]
    read_as = f"; dates are read as {form} (source.date_format)" if any("not_a_date" in r for r, _ in most) else ""
    return "".join(f"; {reason} {n:,}" for reason, n in most) + read_as


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
