"""Six people, a card worked by hand and a release around it, for the tests of scoring.

Places: k = 4, of which 1 by lot. Points: a suspension 3, a missing episode 4, from 1 October 2023 on.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any

import pandas as pd
import small
import world as worlds
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.audit.trust import Signer
from vru_models.dataset.rows import day_of, day_volumes
from vru_models.dataset.volume import unnamed, volume_frame
from vru_models.events import Events
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.models import Card, CardFeature
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day

AS_OF = "2024-09-15"
CARD = Card(
    (
        CardFeature("suspension_count_12m", (0.0,), (0, 3), 1, 0, "count"),
        CardFeature("missing_episode_count_12m", (0.0,), (0, 4), 2, 0, "count"),
    ),
    slope=0.5,
    intercept=-3.0,
)
TRAINED = "2024-03-01"
PLAN = {"feed": "exclusions", "where": {"kind": ["P"]}, "use": "context", "activity_driver": "agency_decision",
        "rationale": small.BECAUSE}  # fmt: skip


def spec(**changes: Any) -> Spec:
    routed = [{"indicator": "plan", "window": "12 months"}]
    return worlds.spec(**{"capacity.k": 4, "indicators.plan": PLAN, "cohort.routed": routed} | changes)


def extracts(ids: str = "abcdef", **replaced: Any) -> dict[str, Any]:
    """a: suspended and missing; b: missing; c and d: suspended; e: nothing; f: permanently excluded, so routed."""
    a, b, c, d, e, f = ids
    frames = {
        "exclusions": small.rows(
            "exclusion_id,person_id,kind,start_date,known_date,sessions,status",
            f"x1,{a},S,2024-01-10,2024-01-12,3,recorded",
            f"x2,{c},S,2024-05-03,2024-05-20,1,recorded",
            f"x3,{d},S,2024-06-03,2024-06-20,1,recorded",
            f"x4,{f},P,2024-03-01,2024-03-02,1,recorded",
            f"x5,{f},S,2024-03-01,2024-03-02,1,recorded",
        ),
        "missing": small.rows(
            "episode_id,person_id,start_date,known_date",
            f"m1,{a},2024-06-01,2024-06-02",
            f"m2,{b},2024-07-01,2024-07-02",
        ),
        "people": small.rows(
            "spell_id,person_id,area,birth_month,start_date,end_date,known_date",
            *(f"s{i},{p},E01,2010-0{i + 1},2021-09-01,,2021-09-01" for i, p in enumerate((a, b, c, d, e, f))),
        ),
        "cover": small.rows(
            "coverage_id,feed,area,age_from,age_to,start_date,end_date,known_date",
            "c1,exclusions,*,,,2020-09-01,,2020-09-01",
            "c2,missing,*,,,2020-09-01,,2020-09-01",
        ),
        "audit": small.rows("person_id,sex,ethnicity", *(f"{p},F,WBRI" for p in ids)),
    }
    return frames | replaced


def events(declared: Spec | None = None, **changes: Any) -> Events:
    return small.events(extracts(**changes), declared or spec())


def volumes(known: Events, declared: Spec) -> pd.DataFrame:
    """What a release would hold that was trained when the feeds told what these events tell on the date of the list."""
    coded = encode(declared, known)
    return unnamed(
        volume_frame(day_volumes(coded, day_of(Layout.of(declared), coded, as_day(AS_OF)))).assign(as_of=TRAINED)
    )


@cache
def _plain_volumes() -> pd.DataFrame:
    return volumes(events(), spec())


def release(declared: Spec | None = None, **changes: Any) -> Release:
    given: dict[str, Any] = {
        "purpose": "small",
        "version": 1,
        "card": CARD,
        "spec": declared or spec(),
        "approved_by": worlds.APPROVER,
        "approved_on": dt.date(2024, 9, 1),
        "expires_on": dt.date(2090, 1, 1),
        "overrides": {},
        "signers": (Signer("f" * 64, worlds.APPROVER, "approver"),),
        "pinned": True,
        "digest": "d" * 64,
        "known_rows": 64,
        "volumes": _plain_volumes(),
        "linked": {"exclusions": 100, "missing": 100},
        "checkpoint": Ledger("nowhere/empty.jsonl").checkpoint(Ed25519PrivateKey.from_private_bytes(bytes(32))),
    }
    return Release(**given | changes)


def ledger(path: Any, *releases: Release) -> Ledger:
    """A ledger that holds the approval of these releases."""
    book = Ledger(path)
    for made in releases or (release(),):
        said = {"purpose": made.purpose, "version": made.version, "release": made.digest}
        book.append("approval", **said, expires_on=str(made.expires_on))
    return book
