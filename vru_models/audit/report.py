"""The page that reviewers read: one self-contained HTML file that renders a published record and computes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from vru_models.disclosure.profiles import profile_named
from vru_models.evidence import Evidence, Run
from vru_models.evidence.plots import published_pictures
from vru_models.evidence.published import published
from vru_models.models.card_page import words
from vru_models.spec.storage import write_file

Rows = list[dict[str, str]]


def report(run: Run, evidence: Evidence, *, out: str | Path, approval: Mapping[str, Any] | None = None) -> None:
    """Write the page about a run and its evidence as one HTML file, whole or not at all.

    Without ``approval`` (what a release holds in ``approval.json``) the page says that nobody approved.
    """
    write_file(out, render(published(run, evidence), approval).encode(), role="report")


def render(record: Mapping[str, Any], approval: Mapping[str, Any] | None) -> str:
    """The page as text: the same record and approval give the same page.

    Every figure on it is in the record already, protected; what the record does not hold is not on the page. No script,
    no address outside the page. Everything from the record is escaped.

    Parameters
    ----------
    record
        What :func:`~vru_models.evidence.published.published` gives.
    approval
        Who approved, when, until when, and ``overrides`` (``{code: reason}``); None for evidence alone.
    """
    card = _by_feature(_rows(record["card"]["table"]))
    tables = {name: _rows(table) for name, table in record["tables"].items()}
    return _template().render(
        record=record,
        about=record["about"],
        headline=record["headline"],
        tables=tables,
        approval=approval,
        card=card,
        pointless=[name for name, lines in card.items() if all(line["points"] == "0" for line in lines)],
        findings=_together(record["findings"]),
        reckoner=_reckoner(record["card"]["text"]),
        not_testable=partial(_not_testable, tables.get("groups", [])),
        pictures={name: Markup(svg) for name, svg in published_pictures(record).items()},  # noqa: S704  drawn, escaped
        profile=profile_named(record["about"]["disclosure"]["profile"]),
    )


def _template() -> jinja2.Template:
    text = resources.files("vru_models.audit").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"words": _words, "feature": words, "breakable": _breakable, "zip": zip}
    return environment.from_string(text)


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _breakable(name: str) -> Markup:
    """A long name that may break after an underscore, escaped."""
    return Markup("_<wbr>").join(str(name).split("_"))


def _rows(table: Mapping[str, Any]) -> Rows:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _by_feature(rows: Rows) -> dict[str, Rows]:
    features: dict[str, Rows] = {}
    for row in rows:
        features.setdefault(row["feature"], []).append(row)
    return features


def _together(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings with the same code, status and message as one, in the order of their codes, with all they are about."""
    about: dict[tuple[str, str, str], list[str]] = {}
    for f in findings:
        about.setdefault((f["code"], f["status"], f["message"]), []).append(f["where"])
    order = sorted(about, key=lambda key: key[0])
    return [{"code": c, "status": s, "message": m, "about": about[c, s, m]} for c, s, m in order]


def _reckoner(text: str) -> list[Sequence[str]]:
    """The lines of score and chance that the card's text holds, without their heading; none where it holds none."""
    tables = [block.splitlines() for block in text.split("\n\n")]
    found = [lines[1:] for lines in tables if lines[0].split() == ["score", "chance"]]
    return [line.split(maxsplit=1) for lines in found for line in lines]


def _not_testable(groups: Rows, attribute: str, measure: str) -> list[str]:
    """The groups of an attribute whose verdict about a measure may not be shown."""
    verdict = f"{measure}_verdict"
    return [row["group"] for row in groups if row["attribute"] == attribute and row[verdict] == "not testable"]
