"""A small declaration about areas, and a small made-up store for it, for the tests of ``unit = "area"``.

Feeds: ``register`` (which ward lies in which district, from when to when), ``assaults`` (attendances at an emergency
department, with how many people) and ``cover``. The question: three assaults or more in the next three months.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import small
import tomli_w

from vru_models.feeds import Feeds, admit
from vru_models.spec import Spec, TableSchema

EXTRACT_DATE = dt.date(2024, 9, 1)
FIRST, LAST = np.datetime64("2021-01-01"), np.datetime64("2024-08-20")
DISTRICTS = ("north", "south", "west")


def _column(name: str = "area_id") -> dict[str, Any]:
    return small.column(name, maxLength=12)


SCHEMAS = {
    "register": small.schema(
        "register",
        [
            small.column("spell_id"), _column(), small.column("area"), small.column("start_date", "date"),
            small.column("end_date", "date"), small.column("known_date", "date"),
        ],
        "spell_id", kind="spells", unit="area", person="area_id",
    ),
    "assaults": small.schema(
        "assaults",
        [
            small.column("record_id"), _column("ward"), small.column("kind", enum=["weapon", "fight"]),
            small.column("happened_on", "date"), small.column("recorded_on", "date"),
            small.column("hurt", "integer", minimum=1),
        ],
        "record_id", unit="area", person="ward", event_date="happened_on", known_date="recorded_on",
    ),
    "cover": small.schema(
        "cover",
        [
            small.column("coverage_id"), small.column("feed"), small.column("area"),
            small.column("start_date", "date"), small.column("end_date", "date"), small.column("known_date", "date"),
        ],
        "coverage_id", kind="coverage", unit="area", person=None,
    ),
}  # fmt: skip
DECLARED: dict[str, Any] = {
    "unit": "area",
    "purpose": small.PURPOSE | {"name": "areas", "not_for": ["decisions about a person"]},
    "feeds": {name: {"schema": name, "agreement": small.agreement("train", "score")} for name in SCHEMAS},
    "indicators": {
        name: {
            "feed": "assaults",
            **({"where": {"kind": [name]}} if name != "assault" else {}),
            "value": "hurt",
            "direction": "raises",
            "activity_driver": "child_event",
            "reason": f"Attendances after {name} here",
            "rationale": small.BECAUSE,
        }
        for name in ("assault", "weapon")
    },
    "cohort": {"rationale": small.BECAUSE},
    "outcome": {
        "name": "many_assaults",
        "statement": "Three assaults or more in three months.",
        "not_a_measure_of": "How violent the people are who live there.",
        "indicators": ["assault"],
        "at_least": 3,
        "horizon": "3 months",
        "embargo": "0 days",
        "reporting_lag": "1 month",
    },
    "features": [
        {
            "indicators": ["assault", "weapon"],
            "measures": ["count", "sum"],
            "windows": ["3 months", "12 months"],
            "rationale": small.BECAUSE,
        }
    ],
    "splits": {"first": dt.date(2022, 2, 1), "update_every": "6 months", "train_every": "3 months"},
    "model": {"candidates": [{"name": "card", "kind": "scorecard"}]},
    "capacity": {"k": 20},
    "success": {"bars": [{"metric": "precision_at_k", "at_least": 0.1}]},
    "retention": {"release": "1 year"},
}


def declared(**changes: Any) -> dict[str, Any]:
    """The declaration with dotted changes; None takes away."""
    made = copy.deepcopy(DECLARED)
    for dotted, value in changes.items():
        *path, last = dotted.split(".")
        at = made
        for part in path:
            at = at.setdefault(part, {})
        at.pop(last, None)
        if value is not None:
            at[last] = value
    return made


def spec(*, schemas: dict[str, Any] | None = None, **changes: Any) -> Spec:
    tables = {name: TableSchema.model_validate(s) for name, s in (SCHEMAS | (schemas or {})).items()}
    return Spec.model_validate(declared(**changes) | {"tables": tables})


def frames(n_areas: int = 150, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Wards W000, W001, ...; some have many more assaults than others, all the time."""
    rng = np.random.default_rng(seed)
    wards = np.array([f"W{i:03d}" for i in range(n_areas)])
    each = rng.poisson(44 * rng.gamma(0.7, 1.0, n_areas))
    ward, n = np.repeat(wards, each), int(each.sum())
    happened = FIRST + rng.integers(0, int((LAST - FIRST).astype(int)), n)
    return {
        "register": pd.DataFrame(
            {
                "spell_id": [f"s-{w}" for w in wards], "area_id": wards,
                "area": [DISTRICTS[i % len(DISTRICTS)] for i in range(n_areas)],
                "start_date": "2020-01-01", "end_date": "", "known_date": "2020-01-01",
            }
        ),
        "assaults": pd.DataFrame(
            {
                "record_id": [f"r{i}" for i in range(n)], "ward": ward,
                "kind": np.where(rng.random(n) < 0.3, "weapon", "fight"),
                "happened_on": happened.astype(str), "recorded_on": (happened + rng.integers(0, 12, n)).astype(str),
                "hurt": (1 + rng.poisson(0.3, n)).astype(str),
            }
        ),
        "cover": small.rows(
            "coverage_id,feed,area,start_date,end_date,known_date",
            *(f"c-{d},assaults,{d},2021-01-01,,2021-01-01" for d in DISTRICTS),
        ),
    }  # fmt: skip


def admitted(given: dict[str, pd.DataFrame] | None = None, asked: Spec | None = None) -> Feeds:
    chosen = asked or spec()
    return admit(given or frames(), chosen, extract_dates=dict.fromkeys(chosen.feeds, EXTRACT_DATE))


def written(folder: Path, **changes: Any) -> tuple[Path, Path]:
    """A spec file with its schemas, and a folder of extracts, as somebody would keep them."""
    (folder / "schemas").mkdir(parents=True)
    (folder / "extracts").mkdir()
    for name, schema in SCHEMAS.items():
        (folder / "schemas" / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    for name, frame in frames().items():
        frame.to_csv(folder / "extracts" / f"{name}.csv", index=False)
    (folder / "extracts" / "extracts.toml").write_text(f"extract_date = {EXTRACT_DATE}\n", encoding="utf-8")
    (folder / "spec.toml").write_text(tomli_w.dumps(declared(**changes)), encoding="utf-8")
    return folder / "spec.toml", folder / "extracts"
