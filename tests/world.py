"""A small world for the tests of evidence, approval and scoring: random extracts of the small spec, and bare datasets.

``extracts`` goes through the whole gate; ``dataset`` is X and y without agencies, for cases that agencies never send.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import small

from vru_models.audit.approve import approve
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.audit.signing import create_key
from vru_models.audit.trust import Trust, TrustedKey
from vru_models.dataset import Dataset
from vru_models.dataset.volume import volume_frame
from vru_models.evidence import Evidence, Run, evaluate, fit
from vru_models.feeds import write_extracts
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec
from vru_models.splits import splits_of
from vru_models.workflow import Built, build

AS_OF = [dt.date(2021, 10, 1), dt.date(2022, 5, 1), dt.date(2022, 12, 1), dt.date(2023, 7, 1), dt.date(2024, 2, 1)]
SCORED = "2024-09-02"
APPROVER = "A. Name, Senior Responsible Owner"
BECAUSE = "looked at with the equality lead"
LATER = {"reference": "DPIA-1", "review_by": dt.date(2090, 1, 1)}


def spec(**changes: Any) -> Spec:
    """The small spec with five as-of dates (four splits), 20 places, and assessments that stay in date."""
    settled = {
        "splits": {"as_of": AS_OF},
        "capacity.k": 20,
        "purpose.dpia": LATER,
        "purpose.equality_assessment": LATER,
        "model.candidates": [
            {"name": "card", "kind": "scorecard", "l2": 1.0},
            {"name": "flags", "kind": "flag_count"},
        ],
    }
    return small.spec(**settled | changes)


def extracts(n: int = 400, seed: int = 0, prefix: str = "p", areas: tuple[str, ...] = ("E01", "E02")) -> dict[str, Any]:
    """Extracts in which need raises suspensions, missing episodes and, half a year on, permanent exclusion."""
    rng = np.random.default_rng(seed)
    people = np.array([f"{prefix}{i:04d}" for i in range(n)])
    need = rng.normal(size=n)
    kinds = {"S": np.exp(0.3 + 0.8 * need), "P": np.exp(-0.3 + 1.1 * need), "missing": np.exp(-0.5 + 0.6 * need)}
    rows = {kind: _events(rng, people, rate) for kind, rate in kinds.items()}
    exclusions = pd.concat([rows[kind].assign(kind=kind) for kind in "SP"], ignore_index=True)
    return {
        "exclusions": exclusions.assign(
            exclusion_id=[f"x{i}" for i in range(len(exclusions))], sessions="2", status="recorded"
        )[["exclusion_id", "person_id", "kind", "start_date", "known_date", "sessions", "status"]],
        "missing": rows["missing"].assign(episode_id=[f"m{i}" for i in range(len(rows["missing"]))])[
            ["episode_id", "person_id", "start_date", "known_date"]
        ],
        "people": pd.DataFrame(
            {
                "spell_id": [f"s{i}" for i in range(n)],
                "person_id": people,
                "area": rng.choice(areas, n),
                "birth_month": [f"{2007 + m // 12}-{m % 12 + 1:02d}" for m in rng.integers(0, 48, n)],
                "start_date": "2020-09-01",
                "end_date": "",
                "known_date": "2020-09-01",
            }
        ),
        "cover": small.rows(
            "coverage_id,feed,area,age_from,age_to,start_date,end_date,known_date",
            "c1,exclusions,*,,,2020-09-01,,2020-09-01",
            "c2,missing,*,,,2020-09-01,,2020-09-01",
        ),
        "audit": pd.DataFrame({"person_id": people, "sex": rng.choice(["F", "M"], n), "ethnicity": "WBRI"}),
    }


def _events(rng: Any, people: np.ndarray, rate: np.ndarray) -> pd.DataFrame:
    """Events spread evenly over the four years to the extract, each known two to twenty days later."""
    person = np.repeat(people, rng.poisson(rate))
    day = pd.Timestamp("2020-09-02") + pd.to_timedelta(rng.integers(0, 1440, len(person)), unit="D")
    known = day + pd.to_timedelta(rng.integers(2, 20, len(person)), unit="D")
    frame = pd.DataFrame({"person_id": person, "start_date": day, "known_date": known})
    frame = frame[frame["known_date"] < pd.Timestamp(small.EXTRACT_DATE)]
    return frame.assign(**{c: frame[c].dt.strftime("%Y-%m-%d") for c in ("start_date", "known_date")})


@dataclass(frozen=True)
class World:
    """A working folder from extracts to evidence, with a key, its trust file and, with ``approved``, a release."""

    place: Path
    spec: Spec
    built: Built
    run: Run
    evidence: Evidence

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.place / "ledger.jsonl")

    @property
    def key(self) -> Path:
        return self.place / "keys" / "approver.pem"

    @property
    def overrides(self) -> dict[str, str]:
        return {f.code: BECAUSE for f in self.evidence.findings.with_status("fail", "cannot tell")}

    def approved(self, **changes: Any) -> Release:
        given = {"by": APPROVER, "key": self.key, "out": self.place / "release", "overrides": self.overrides}
        return approve(self.run, self.evidence, self.ledger, **given | changes)


def made(place: Path, *, declared: Spec | None = None, **choices: Any) -> World:
    """Build, fit and evaluate in a folder; ``choices`` go to :func:`extracts`."""
    chosen = declared or spec()
    ledger = Ledger(place / "ledger.jsonl")
    write_extracts(place / "extracts", extracts(**choices), extract_date=small.EXTRACT_DATE)
    built = build(chosen, place / "extracts", out=place, ledger=ledger)
    run = fit(chosen, built.data, ledger=ledger)
    run.save(place / "run")
    evidence = evaluate(run, built.data, sensitive=built.feeds.sensitive, ledger=ledger)
    evidence.save(place / "evidence")
    public = create_key(place / "keys" / "approver.pem")
    Trust.of(TrustedKey.of(public, name=APPROVER, role="approver")).dump(place / "trust.toml")
    return World(place, chosen, built, run, evidence)


def dataset(
    declared: Spec | None = None, *, n: int = 300, seed: int = 0, y: Any = None, X: Any = None, household: Any = None
) -> Dataset:
    """A bare dataset of the small spec: ``n`` people on every as-of date, in need more often the more they have.

    ``y(as_of, drawn)``, ``X(as_of, drawn)`` and ``household(as_of, people)`` change what was drawn for one date.
    """
    chosen, rng = declared or spec(), np.random.default_rng(seed)
    people = [f"p{i:04d}" for i in range(n)]
    columns = [f.name for f in chosen.columns]
    splits = splits_of(chosen, "2024-09-01")
    parts: dict[str, list[Any]] = {"X": [], "rows": []}
    for date in splits.dates:
        counts = rng.poisson(0.7, (n, len(columns))).astype(np.float32)
        label = (rng.random(n) < 1 / (1 + np.exp(2.2 - counts.sum(axis=1)))).astype(float)
        counts, label = (X or _same)(str(date), counts), (y or _same)(str(date), label)
        index = pd.MultiIndex.from_product(
            [pd.array(people, dtype="str"), [pd.Timestamp(str(date)).as_unit("s")]], names=["person_id", "as_of"]
        )
        home = people if household is None else household(str(date), people)
        rows = {"area": ["E01", "E02"] * (n // 2), "household_id": home, "y": label, "why_missing": ""}
        parts["X"].append(pd.DataFrame(counts, index=index, columns=columns))
        frame = pd.DataFrame(rows, index=index).astype(dict.fromkeys(("area", "household_id", "why_missing"), "str"))
        told = {"why_missing": frame["why_missing"].where(frame["y"].notna(), "treated"), "with_treated": frame["y"]}
        parts["rows"].append(frame.assign(**told, followed=np.float32(182)))
    X_all, dates = pd.concat(parts["X"]), pd.DatetimeIndex([str(d) for d in splits.dates], name="as_of").as_unit("s")
    return Dataset(
        X=X_all,
        status=pd.DataFrame({"exclusions_12m": np.zeros(len(X_all), dtype=np.uint8)}, index=X_all.index),
        rows=pd.concat(parts["rows"]),
        counts=pd.DataFrame({"in_view": n, "eligible": n, "routed": 0, "objecting": 0}, index=dates),
        volumes=volume_frame([(str(d), "exclusions", "suspension", "*", n, n, n, 0) for d in splits.dates]),
        splits=splits,
        findings=Findings([Finding("VRU201", "pass", "leakage", "proved")]),
        extract_dates={"exclusions": small.EXTRACT_DATE},
        spec_digest=chosen.digest,
        events_digest="e" * 64,
    )


def _same(_: str, drawn: np.ndarray) -> np.ndarray:
    return drawn
