"""One question a row: a literal table of people and as-of dates, and the answers of the dataset room beside it.

The spec is the small one with an offer (``treated_by``), a departure (``exits``) and a plan. Unless told otherwise,
everybody with an event has been in view in E01 since 2015, was born in January 2010, and every feed is shared.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import small
from tables import table

from vru_models.dataset.outcome import WHY_MISSING, labels_on
from vru_models.dataset.rows import Day, data_end, day_of
from vru_models.events import Events
from vru_models.features import STATUS
from vru_models.features.coded import Coded, encode
from vru_models.features.layout import Layout
from vru_models.spec import Spec
from vru_models.spec.calendar import as_days

CONTEXT = {"feed": "missing", "use": "context", "activity_driver": "agency_decision", "rationale": small.BECAUSE}
EXTRACTED = dt.date(2025, 6, 1)
ALL_SHARED = """
    coverage_id | feed       | area | age_from | age_to | start_date | end_date | known_date
    c1          | exclusions | *    |          |        | 2015-01-01 |          | 2015-01-01
    c2          | missing    | *    |          |        | 2015-01-01 |          | 2015-01-01
"""


def spec(**changes: Any) -> Spec:
    context = {f"indicators.{name}": CONTEXT for name in ("offer", "departure", "plan")}
    declared = {**context, "outcome.treated_by": ["offer"], "outcome.exits": ["departure"]}
    return small.spec(**{**declared, **changes})


def grid(*measures: str, of: tuple[str, ...] = ("suspension",), windows: tuple[str, ...] = ("12 months",)) -> list[Any]:
    return [
        {"indicators": list(of), "measures": list(measures), "windows": list(windows), "rationale": small.BECAUSE},
    ]


def events(
    said: str | pd.DataFrame,
    *,
    spells: str | None = None,
    coverage: str = ALL_SHARED,
    extracted: dt.date | None = None,
    **more: str,
) -> Events:
    versions = table(said) if isinstance(said, str) else said
    return Events.from_frame(
        versions,
        spells=table(spells) if spells else _always_in_view(versions),
        coverage=table(coverage),
        **{kind: table(text) for kind, text in more.items()},
        extract_dates=dict.fromkeys(("exclusions", "missing", "people"), extracted or EXTRACTED),
    )


def nothing() -> pd.DataFrame:
    return table("event_id | person_id | indicator | event_date | known_date")


def _always_in_view(versions: pd.DataFrame) -> pd.DataFrame:
    people = sorted(set(versions["person_id"]))
    spell = {"area": "E01", "birth_month": "2010-01-01", "start_date": "2015-01-01", "known_date": "2015-01-01"}
    rows = [{"spell_id": f"s_{p}", "person_id": p, "end_date": None, **spell} for p in people]
    return pd.DataFrame(rows)


def answered(asked: str, held: Events, declared: Spec | None = None) -> list[dict[str, str]]:
    """Each row of the table with its cells worked out anew, as text; compare with :func:`rows`."""
    chosen = declared or spec()
    coded = encode(chosen, held)
    answers = []
    for row in rows(asked):
        day = day_of(Layout.of(chosen), coded, as_days(row["as_of"]))
        answers.append(
            {name: row[name] if name in _KEYS else _answer(name, row, day, (chosen, held, coded)) for name in row}
        )
    return answers


_KEYS = ("person_id", "as_of")


def rows(asked: str) -> list[dict[str, str]]:
    """A literal table as a list of rows of text; an empty cell is ``""``."""
    header, *lines = [[cell.strip() for cell in line.split("|")] for line in asked.strip().splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def _answer(name: str, row: dict[str, str], day: Day, behind: tuple[Spec, Events, Coded]) -> str:
    spec, held, coded = behind
    number = int(np.flatnonzero(coded.people == row["person_id"])[0])
    eligible = bool(day.cohort.eligible[number])
    if name == "cohort":
        others = [who for who in ("routed", "objecting") if getattr(day.cohort, who)[number]]
        return "eligible" if eligible else others[0] if others else "no"
    if not eligible:
        return "not eligible"
    key = (row["person_id"], pd.Timestamp(row["as_of"]))
    if name in day.X:
        cell = day.X.loc[key, name]
        return "" if np.isnan(cell) else f"{cell:g}"
    if name in day.status:
        return STATUS[day.status.loc[key, name]]
    if name in day.rows:
        return str(day.rows.loc[key, name])
    labels = labels_on(spec, spec.outcome, coded, day.cohort, as_of=day.as_of, data_end=data_end(spec, held))
    if name == "why_missing":
        return WHY_MISSING[labels.why[number]]
    value = getattr(labels, name)[number]
    return "" if np.isnan(value) else f"{value:g}"
