"""A tiny valid spec and literal extracts for it, for the tests of every room.

Feeds: ``exclusions`` and ``missing`` (events), ``people`` (spells), ``cover`` (coverage), ``audit``.
Indicators: ``suspension`` (raises), ``missing_episode`` (raises), ``permanent_exclusion`` (context: the outcome).
Everything is a plain dict: ``spec(**changes)`` merges dotted changes, e.g. ``spec(**{"capacity.k": 5})``.
"""

from __future__ import annotations

import copy
import datetime as dt
from functools import cache
from typing import Any

import pandas as pd

from vru_models.events import Events, record_events
from vru_models.feeds import Feeds, admit
from vru_models.spec import CodeList, Spec, TableSchema

EXTRACT_DATE = dt.date(2024, 9, 1)
PURPOSE = {
    "name": "small",
    "statement": "Offer support early to children who are missing school.",
    "not_for": ["enforcement"],
    "lawful_basis": "Public task; Serious Violence Duty.",
    "owner": "A. Name",
    "dpia": {"reference": "DPIA-1", "review_by": dt.date(2027, 1, 1)},
    "equality_assessment": {"reference": "EQIA-1", "review_by": dt.date(2027, 1, 1)},
}
BECAUSE = "Written down before it was looked at."


def agreement(*purposes: str) -> dict[str, Any]:
    return {
        "id": "DSA-1",
        "gateway": "Crime and Disorder Act 1998 s115",
        "from": dt.date(2020, 1, 1),
        "to": dt.date(2026, 12, 31),
        "purposes": list(purposes),
    }


def column(name: str, kind: str = "string", **constraints: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "constraints": constraints}


def schema(name: str, fields: list[dict[str, Any]], key: str, **vru: Any) -> dict[str, Any]:
    return {"name": name, "fields": fields, "primaryKey": [key], "x-vru": {"agency": "council", **vru}}


CODES = "code,label,valid_from,valid_to,source\nS,Suspension,,,DfE\nP,Permanent,,,DfE\nL,Lunchtime,,2022-08-31,DfE\n"
SCHEMAS = {
    "exclusions": schema(
        "exclusions",
        [
            column("exclusion_id"),
            column("person_id", pattern="[a-z][0-9a-z]*"),
            column("kind"),
            column("start_date", "date"),
            column("known_date", "date"),
            column("sessions", "integer", minimum=1, maximum=90),
            column("status"),
        ],
        "exclusion_id",
        event_date="start_date",
        known_date="known_date",
        status="status",
        codelists={"kind": "kinds"},
    ),
    "missing": schema(
        "missing",
        [column("episode_id"), column("person_id"), column("start_date", "date"), column("known_date", "date")],
        "episode_id",
        event_date="start_date",
        known_date="known_date",
    ),
    "people": schema(
        "people",
        [
            column("spell_id"),
            column("person_id"),
            column("area"),
            column("birth_month", "yearmonth"),
            column("start_date", "date"),
            column("end_date", "date"),
            column("known_date", "date"),
        ],
        "spell_id",
        kind="spells",
    ),
    "cover": schema(
        "cover",
        [
            column("coverage_id"),
            column("feed"),
            column("area"),
            column("age_from", "integer"),
            column("age_to", "integer"),
            column("start_date", "date"),
            column("end_date", "date"),
            column("known_date", "date"),
        ],
        "coverage_id",
        kind="coverage",
    ),
    "audit": schema("audit", [column("person_id"), column("sex"), column("ethnicity")], "person_id", kind="audit"),
}
MORE_SCHEMAS = {
    "links": schema(
        "links",
        [
            column("link_id"),
            column("person_id"),
            column("other_id"),
            column("kind", enum=["merge", "split"]),
            column("confidence", "number", minimum=0, maximum=1),
            column("known_date", "date"),
        ],
        "link_id",
        kind="links",
    ),
    "objections": schema(
        "objections",
        [
            column("objection_id"),
            column("person_id"),
            column("purpose", enum=["train", "score", "audit", "all"]),
            column("start_date", "date"),
            column("end_date", "date"),
            column("known_date", "date"),
        ],
        "objection_id",
        kind="objections",
    ),
}
DECLARED: dict[str, Any] = {
    "purpose": PURPOSE,
    "feeds": {
        name: {"schema": name, "agreement": agreement("audit") if name == "audit" else agreement("train", "score")}
        for name in SCHEMAS
    },
    "indicators": {
        "suspension": {
            "feed": "exclusions",
            "where": {"kind": ["S", "L"]},
            "value": "sessions",
            "direction": "raises",
            "activity_driver": "agency_decision",
            "reason": "Suspended from school",
            "rationale": BECAUSE,
        },
        "missing_episode": {
            "feed": "missing",
            "direction": "raises",
            "activity_driver": "child_event",
            "reason": "Went missing",
            "rationale": BECAUSE,
        },
        "permanent_exclusion": {
            "feed": "exclusions",
            "where": {"kind": ["P"]},
            "use": "context",
            "activity_driver": "agency_decision",
            "rationale": BECAUSE,
        },
    },
    "cohort": {"age_from": 10, "age_to": 17, "rationale": BECAUSE},
    "outcome": {
        "name": "excluded",
        "statement": "Permanently excluded from school in the horizon.",
        "not_a_measure_of": "Need, or what a child did.",
        "indicators": ["permanent_exclusion"],
        "horizon": "6 months",
        "embargo": "0 days",
        "reporting_lag": "1 month",
    },
    "features": [
        {
            "indicators": ["suspension", "missing_episode"],
            "measures": ["count"],
            "windows": ["12 months"],
            "rationale": BECAUSE,
        }
    ],
    "splits": {"as_of": [dt.date(2022, 9, 1), dt.date(2023, 9, 1)]},
    "model": {"candidates": [{"name": "card", "kind": "scorecard"}]},
    "capacity": {"k": 2},
    "fairness": {"sensitive": ["sex"], "limits": {"recall": 0.1}},
    "success": {"bars": [{"metric": "precision_at_k", "at_least": 0.1}]},
    "retention": {"release": "1 year"},
}


def spec(*, without: tuple[str, ...] = (), schemas: dict[str, Any] | None = None, **changes: Any) -> Spec:
    """The small spec; ``without`` leaves feeds out, dotted ``changes`` set values."""
    return _spec() if not (without or schemas or changes) else _changed(without, schemas, changes)


@cache
def _spec() -> Spec:
    return _changed((), None, {})


def _changed(without: tuple[str, ...], schemas: dict[str, Any] | None, changes: dict[str, Any]) -> Spec:
    declared = copy.deepcopy(DECLARED)
    for name in without:
        del declared["feeds"][name]
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        at = declared
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    tables = {name: TableSchema.model_validate(s) for name, s in (SCHEMAS | (schemas or {})).items()}
    lists = {"kinds": CodeList.parse(CODES, "kinds")}
    return Spec.model_validate(declared | {"tables": tables, "codelists": lists})


def also(kind: str) -> dict[str, Any]:
    """A change of the spec that declares a feed of :data:`MORE_SCHEMAS` (give them as ``schemas=``)."""
    return {f"feeds.{kind}": {"schema": kind, "agreement": agreement("train", "score")}}


def rows(header: str, *lines: str) -> pd.DataFrame:
    """A frame of text from ``"a,b"`` and ``"1,2"`` lines; an empty field is an empty text."""
    return pd.DataFrame([line.split(",") for line in lines], columns=header.split(","), dtype="str")


def extracts() -> dict[str, pd.DataFrame]:
    """Five literal extracts, all of whose rows are good: persons a, b and c."""
    return {
        "exclusions": rows(
            "exclusion_id,person_id,kind,start_date,known_date,sessions,status",
            "x1,a,S,2022-01-10,2022-01-12,3,recorded",
            "x2,a,S,2022-05-03,2022-05-20,1,recorded",
            "x3,b,L,2022-03-01,2022-03-02,1,recorded",
            "x4,b,P,2022-11-15,2022-11-30,,recorded",
            "x2,a,S,2022-05-03,2022-07-01,,withdrawn",
        ),
        "missing": rows("episode_id,person_id,start_date,known_date", "m1,c,2022-06-01,2022-06-02"),
        "people": rows(
            "spell_id,person_id,area,birth_month,start_date,end_date,known_date",
            "s1,a,E01,2010-01,2021-09-01,,2021-09-01",
            "s2,b,E01,2008-06,2021-09-01,2023-09-01,2021-09-01",
            "s3,c,E02,,2021-09-01,,2021-09-01",
        ),
        "cover": rows(
            "coverage_id,feed,area,age_from,age_to,start_date,end_date,known_date",
            "c1,exclusions,*,,,2020-09-01,,2020-09-01",
            "c2,missing,E02,10,17,2021-01-01,2024-01-01,2021-01-01",
        ),
        "audit": rows("person_id,sex,ethnicity", "a,F,WBRI", "b,M,BCRB", "c,F,"),
    }


def admitted(frames: dict[str, Any] | None = None, declared: Spec | None = None) -> Feeds:
    """The literal extracts, some replaced, through the gate."""
    chosen = declared or spec()
    given = {name: frame for name, frame in (extracts() | (frames or {})).items() if name in chosen.feeds}
    return admit(given, chosen, extract_dates=dict.fromkeys(chosen.feeds, EXTRACT_DATE))


def events(frames: dict[str, Any] | None = None, declared: Spec | None = None) -> Events:
    """The events of :func:`admitted`; with nothing replaced, the same object each time: do not change its frames."""
    return _recorded(frames, declared) if frames or declared else _events()


@cache
def _events() -> Events:
    return _recorded(None, None)


def _recorded(frames: dict[str, Any] | None, declared: Spec | None) -> Events:
    chosen = declared or spec()
    return record_events(admitted(frames, chosen), chosen)
