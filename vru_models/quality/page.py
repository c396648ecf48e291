"""Readiness as files: one self-contained page, its tables, and its findings.

The page stands here and not in ``audit/``: it renders one object of this room, computes nothing, and is no part of the
account of a model. By group it shows what ``fairness/`` put on that object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import jinja2
import pandas as pd
from markupsafe import Markup

from vru_models.disclosure.protect import Protected
from vru_models.disclosure.shares import said
from vru_models.disclosure.spreadsheet import spreadsheet_safe
from vru_models.events.description import BY, LATE_DAYS
from vru_models.findings import Finding
from vru_models.quality.findings import ENOUGH, LEAST_COMPLETE, LEAST_JOINED, MOST_AFTER_P95, MOST_COPIES
from vru_models.quality.plot import svg_of
from vru_models.spec.digest import canonical_json

if TYPE_CHECKING:
    from vru_models.quality.tables import Readiness

PAGE: Final = "readiness.html"
_NEVER: Final = "–"
_LIMITS: Final = {
    "complete": LEAST_COMPLETE, "joined": LEAST_JOINED, "after": MOST_AFTER_P95, "copies": MOST_COPIES,
    "enough": ENOUGH, "late_days": LATE_DAYS,
}  # fmt: skip


def files_of(ready: Readiness) -> dict[str, bytes]:
    """``readiness.html``, ``<table>.csv`` for each table, ``findings.json``; the same bytes for the same readiness."""
    about = {"purpose": ready.purpose, "spec": ready.spec_digest, "extract_dates": _dates(ready)}
    files = {
        PAGE: page(ready).encode(),
        "findings.json": canonical_json(about | {"findings": ready.findings.records()}),
    }
    return files | {f"{name}.csv": _csv(table) for name, table in ready.tables.items()}


def _csv(table: Protected) -> bytes:
    whole = table.frame().astype(dict.fromkeys(table.counts, "Int64"))
    return spreadsheet_safe(whole).to_csv(index=False, lineterminator="\n").encode()


def page(ready: Readiness) -> str:
    """The page as text. No script, no address outside the page; everything from the tables is escaped."""
    shown = {name: said(table) for name, table in ready.tables.items()}
    used = shown["completeness"]
    calls = (used["used_by"] != "") | (used["of"] != "every row")
    return _template().render(
        ready=ready,
        dates=_together(_dates(ready)),
        picture=Markup(svg_of(ready.plot())),  # noqa: S704  drawn, escaped
        tables={name: frame.to_dict("records") for name, frame in shown.items()},
        used=used[calls].to_dict("records"),
        unused=used[~calls].to_dict("records"),
        joins=_matrix(shown["joins"], "feed", column="other", cell="join"),
        composition={by: _composed(shown["composition"], by) for by in BY},
        groups=_by_group(shown["groups"]) if "groups" in shown else {},
        findings=_alike(f for f in ready.findings if f.status != "pass"),
        passed=_alike(ready.findings.with_status("pass")),
        profile=ready.tables["calendar"].profile,
        limits=_LIMITS,
    )


def _template() -> jinja2.Template:
    text = resources.files("vru_models.quality").joinpath("readiness.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"words": _words}
    return environment.from_string(text)


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _dates(ready: Readiness) -> dict[str, str]:
    return {feed: date.isoformat() for feed, date in ready.extract_dates.items()}


def _together(dates: Mapping[str, str]) -> dict[str, list[str]]:
    """The feeds of each date."""
    feeds: dict[str, list[str]] = {}
    for feed, date in sorted(dates.items(), key=lambda pair: pair[1]):
        feeds.setdefault(date, []).append(feed)
    return feeds


def _composed(frame: pd.DataFrame, by: str) -> dict[str, Any]:
    return _matrix(frame[frame["by"] == by], "feed", column="value", cell="events")


def _matrix(frame: pd.DataFrame, row: str, *, column: str, cell: str) -> dict[str, Any]:
    """Heads, and for each row its name and one cell per head; a dash where there is no such pair."""
    names, heads = dict.fromkeys(frame[row]), dict.fromkeys(frame[column])
    if set(names) == set(heads):
        heads = names
    cells = {(r, c): text for r, c, text in zip(frame[row], frame[column], frame[cell], strict=True)}
    return {"heads": list(heads), "rows": [(name, [cells.get((name, c), _NEVER) for c in heads]) for name in names]}


def _by_group(frame: pd.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """For each attribute and measure, groups by feeds."""
    return {
        str(attribute): {
            str(measure): _matrix(rows, "group", column="feed", cell="share")
            for measure, rows in mine.groupby("measure", sort=False)
        }
        for attribute, mine in frame.groupby("attribute", sort=False)
    }


def _alike(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings with the same code, status and message as one, failures first, with all they are about."""
    about: dict[tuple[str, str, str], list[str]] = {}
    for f in findings:
        about.setdefault((f.status, f.code, f.message), []).append(f.where)
    order = {"fail": 0, "cannot tell": 1, "not applicable": 2, "pass": 3}
    keys = sorted(about, key=lambda key: (order[key[0]], key[1]))
    return [{"status": s, "code": c, "message": m, "about": about[s, c, m]} for s, c, m in keys]
