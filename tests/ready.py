"""Extracts of the small spec with as many people as small numbers ask for, and what readiness says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import small

from vru_models.disclosure.protect import Protected
from vru_models.disclosure.shares import shares
from vru_models.events import record_events
from vru_models.events.checks import until_found
from vru_models.events.description import lags
from vru_models.fairness.readiness import readiness
from vru_models.findings import Finding
from vru_models.quality.calendar import calendar
from vru_models.quality.feeds import Membership, completeness, joins, reach, repeats
from vru_models.quality.tables import Readiness
from vru_models.spec import Spec

PROFILE = "opensafely"


def frames(
    people: Iterable[int] = range(100), *, suspended: Iterable[int] = range(60), gone: Iterable[int] = range(40, 90)
) -> dict[str, Any]:
    """People p000, p001, ... with a spell; of numbers suspended and gone missing once each; sex F and M by turns."""
    held = list(people)
    return {
        "exclusions": small.rows(
            "exclusion_id,person_id,kind,start_date,known_date,sessions,status",
            *(f"x{i},p{i:03d},S,2022-01-10,2022-01-12,3,recorded" for i in suspended),
        ),
        "missing": small.rows(
            "episode_id,person_id,start_date,known_date", *(f"m{i},p{i:03d},2022-06-01,2022-08-01" for i in gone)
        ),
        "people": small.rows(
            "spell_id,person_id,area,birth_month,start_date,end_date,known_date",
            *(f"s{i},p{i:03d},E01,2010-01,2021-09-01,,2021-09-01" for i in held),
        ),
        "cover": small.extracts()["cover"],
        "audit": small.rows("person_id,sex,ethnicity", *(f"p{i:03d},{'FM'[i % 2]},WBRI" for i in held)),
    }


def made(given: dict[str, Any] | None = None, declared: Spec | None = None) -> Readiness:
    """Readiness of frames of the small spec, by group."""
    chosen, given = declared or small.spec(), frames() if given is None else given
    feeds = small.admitted(given, chosen)
    return readiness(feeds, record_events(feeds, chosen), chosen)


def one(name: str, given: dict[str, Any] | None = None, declared: Spec | None = None) -> Protected:
    """One table alone, which is quicker than all."""
    chosen, given = declared or small.spec(), frames() if given is None else given
    feeds = small.admitted(given, chosen)
    events = record_events(feeds, chosen)
    if name in ("reach", "joins"):
        return {"reach": reach, "joins": joins}[name](Membership.of(feeds, events, chosen), chosen)
    if name == "lags":
        return lags(events.frame, until=until_found(events.findings), profile=PROFILE)
    if name == "repeats":
        return repeats(feeds, chosen)
    return {"calendar": calendar, "completeness": completeness}[name](feeds, events, chosen)


def table(ready: Readiness | Protected, name: str = "", **where: str) -> dict[str, Any]:
    """The one row of a table that has these labels."""
    rows = ready.table if isinstance(ready, Protected) else ready.tables[name].table
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return row


def protected(rows: dict[str, list[Any]], *, counts: list[str], rates: dict[str, tuple[str, str]]) -> Any:
    """A literal table, protected."""
    return shares(pd.DataFrame(rows), counts=counts, rates=rates, profile=PROFILE)


def of(findings: Iterable[Finding], code: str) -> dict[str, str]:
    """Status by what a finding of the code is about."""
    return {f.where: f.status for f in findings if f.code == code}
