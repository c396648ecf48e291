"""Whether the extracts can carry the purpose, before any model: what is there, how late, and about whom."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pandas as pd

from vru_models.disclosure.protect import Protected
from vru_models.events.checks import until_found
from vru_models.events.description import composition, lags
from vru_models.events.events import Events
from vru_models.feeds.feeds import Feeds
from vru_models.findings import Findings
from vru_models.quality.calendar import calendar
from vru_models.quality.feeds import Membership, completeness, held_back, joins, reach, repeats
from vru_models.quality.findings import as_may_leave, complete_columns, in_time, joined, no_copies, no_silence
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import write_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Readiness:
    """Protected tables and findings about a set of extracts; nothing on it is a true count of people or rows.

    Made by :func:`~vru_models.fairness.readiness.readiness`, or without groups by :func:`feed_readiness`.

    Parameters
    ----------
    purpose, spec_digest
        What for, and by which declaration.
    extract_dates
        The day on which each feed was extracted.
    told
        Whether a coverage feed told what was shared; otherwise the agreements stand in.
    tables
        ``calendar, reach, joins, completeness, lags, repeats, composition`` and, where there is an audit file,
        ``groups, attributes``; see :meth:`frame`.
    findings
        Those of the gate and of recording, with protected shares for their counts, then VRU111 and up.
    """

    purpose: str
    spec_digest: str
    extract_dates: Mapping[str, dt.date] = field(repr=False)
    told: bool
    tables: Mapping[str, Protected] = field(repr=False)
    findings: Findings = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("tables", "extract_dates"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def frame(self, table: str = "reach") -> pd.DataFrame:
        """A table as numbers: what may not be shown is NaN, with the reason in ``<column>_note``.

        ``<share>_low, <share>_high`` hold a share that is only known to be at most or at least so much.
        """
        if table not in self.tables:
            raise ValueError(f"no table '{table}'. Expected: one of {', '.join(self.tables)}.")
        return self.tables[table].frame()

    def plot(self) -> Figure:
        """The calendar of coverage, one row per feed: three shades, and bars for the records of each month."""
        from vru_models.quality.plot import plot_calendar  # noqa: PLC0415  matplotlib is loaded only to draw

        return plot_calendar(self.tables["calendar"], told=self.told)

    def files(self) -> dict[str, bytes]:
        """What :meth:`save` writes: ``readiness.html``, a CSV file per table, ``findings.json``."""
        from vru_models.quality.page import files_of  # noqa: PLC0415  and jinja2 only to write

        return files_of(self)

    def save(self, folder: str | Path) -> dict[str, str]:
        """Write the page, the tables and the findings to a new folder; the SHA-256 of each file by its name."""
        files = self.files()
        write_folder(folder, files, role="readiness")
        return {name: digest_bytes(content) for name, content in files.items()}

    def __repr__(self) -> str:
        counts = [f"{len(self.findings.with_status(s))} {s}" for s in ("fail", "cannot tell", "not applicable", "pass")]
        groups = "by group too" if "groups" in self.tables else "not by group"
        feeds = self.tables["calendar"].table["feed"].nunique()
        months = self.tables["calendar"].table["month"].nunique()
        return f"Readiness({self.purpose}: {feeds} feeds, {months} months, {groups}; findings: {', '.join(counts)})"


def feed_readiness(feeds: Feeds, events: Events, spec: Spec) -> Readiness:
    """What the extracts are, without protected groups; :func:`~vru_models.fairness.readiness.readiness` adds these.

    Parameters
    ----------
    feeds, events
        What the gate let in, and :func:`record_events` of it.

    Notes
    -----
    Findings: VRU111 completeness of the columns that make events, VRU112 silent months, VRU113 joins between feeds,
    VRU114 lag against the schema's, VRU115 copies. They are drawn from the protected tables, so a figure that is not
    shown is not behind one either.
    """
    profile, known = spec.disclosure.profile, Membership.of(feeds, events, spec)
    tables = {
        "calendar": calendar(feeds, events, spec),
        "reach": reach(known, spec),
        "joins": joins(known, spec),
        "completeness": completeness(feeds, events, spec),
        "lags": lags(events.frame, until=until_found(events.findings), profile=profile),
        "held_back": held_back(feeds, spec),
        "repeats": repeats(feeds, spec),
        "composition": composition(events.frame, profile=profile),
    }
    found = [
        *(as_may_leave(finding, spec) for finding in events.findings),
        *complete_columns(tables["completeness"]),
        *no_silence(tables["calendar"], spec, feeds.extract_dates),
        *joined(tables["joins"], tables["reach"], spec),
        *in_time(events, spec),
        *no_copies(tables["repeats"], spec),
    ]
    return Readiness(
        purpose=spec.purpose.name,
        spec_digest=spec.digest,
        extract_dates=feeds.extract_dates,
        told=spec.feed_of_kind("coverage") is not None,
        tables=tables,
        findings=Findings(found),
    )
