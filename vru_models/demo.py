"""The demonstration: from synthetic agencies to a scored list, every step the one that a real partnership takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from vru_models.audit.approve import approve
from vru_models.audit.ledger import Ledger
from vru_models.audit.trust import new_key
from vru_models.errors import StorageError
from vru_models.evidence import Evidence, Run, evaluate, fit
from vru_models.feeds import write_extracts
from vru_models.scoring import Scores, score
from vru_models.spec import Spec
from vru_models.spec.storage import write_file
from vru_models.synthetic.extracts import synthetic_extracts
from vru_models.workflow import build

APPROVER: Final = "A. Name, Senior Responsible Owner (demonstration)"
REASON: Final = "Demonstration on made-up people: nobody is offered anything on the strength of it"


@dataclass
class Demo:
    """What the steps of a demonstration leave to the next one, and to the summary."""

    out: Path
    n_people: int
    seed: int
    made: dict[str, Any] = field(default_factory=dict)


class Step(NamedTuple):
    """A step about to run, and what those before it made."""

    name: str
    demo: Demo


def demo_steps(out: Path, *, n_people: int, seed: int) -> Iterator[Step]:
    """The steps in order, each named before it runs; the last one, ``done``, carries everything made."""
    if out.exists():
        raise StorageError.at(out, "is already there", expected="a new folder", then="Name another with --out")
    demo = Demo(out, n_people, seed)
    for name, step in _STEPS.items():
        yield Step(name, demo)
        step(demo)
    yield Step("done", demo)


def _extract(demo: Demo) -> None:
    spec = Spec.example("early_help")
    extracts = synthetic_extracts(spec, n_people=demo.n_people, random_state=demo.seed)
    write_extracts(demo.out / "extracts", extracts.frames, extract_date=extracts.extract_date)
    write_file(demo.out / "truth.csv", extracts.truth.to_csv(index=False).encode())
    demo.made |= {"spec": spec, "ledger": Ledger(demo.out / "ledger.jsonl")}


def _build(demo: Demo) -> None:
    made = demo.made
    made["built"] = build(made["spec"], demo.out / "extracts", out=demo.out, ledger=made["ledger"])


def _fit(demo: Demo) -> None:
    run = fit(demo.made["spec"], demo.made["built"].data, ledger=demo.made["ledger"])
    run.save(demo.out / "run")
    demo.made["run"] = run


def _evaluate(demo: Demo) -> None:
    made = demo.made
    evidence = evaluate(made["run"], made["built"].data, sensitive=made["built"].feeds.sensitive, ledger=made["ledger"])
    evidence.save(demo.out / "evidence")
    made["evidence"] = evidence


def _approve(demo: Demo) -> None:
    made = demo.made
    key, trust = demo.out / "keys" / "approver.pem", demo.out / "trust.toml"
    new_key(key, name=APPROVER.partition(",")[0], trust=trust)
    open_codes = sorted({f.code for f in made["evidence"].findings.with_status("fail", "cannot tell")})
    made["overridden"] = open_codes
    made["release"] = approve(
        made["run"],
        made["evidence"],
        made["ledger"],
        by=APPROVER,
        key=key,
        trusted=trust,
        overrides=dict.fromkeys(open_codes, REASON),
        out=demo.out / "release",
    )
    write_file(demo.out / "report.html", (demo.out / "release" / "report.html").read_bytes())


def _score(demo: Demo) -> None:
    made = demo.made
    events = made["built"].events
    as_of = max(np.datetime64(d, "D") for d in events.extract_dates.values()) + np.timedelta64(1, "D")
    made["scores"] = score(made["release"], events, as_of=as_of, ledger=made["ledger"])
    made["scores"].save(demo.out / "scores", ledger=made["ledger"])


_STEPS: Final = {
    "synthetic agencies deliver their extracts": _extract,
    "read, record and build; prove no leakage": _build,
    "fit every candidate on every split": _fit,
    "evaluate on the sealed split": _evaluate,
    "approve and sign a release": _approve,
    "score the list": _score,
}


def summary(demo: Demo) -> list[str]:
    """The ten lines a person needs."""
    run: Run = demo.made["run"]
    evidence: Evidence = demo.made["evidence"]
    scores: Scores = demo.made["scores"]
    head, out = evidence.headline, demo.out
    random = int((scores.list["kind"] == "random").sum())
    fairness = evidence.findings.where(lambda f: f.code.startswith("VRU3"))
    verdicts = "; ".join(f"{f.where} {f.code} {f.status}" for f in fairness)
    overridden = demo.made["overridden"]
    known = float(evidence.frame().set_index("model")["listed_labelled"][run.winner])
    return [
        f"Listed: {len(scores.list)} of {scores.counts['eligible']:,} eligible as of {scores.as_of}, {random} of them "
        f"drawn at random; {scores.counts['routed']:,} left off, because statutory support is recorded.",
        f"Model: {run.winner}, {len(run.card.features)} features, the whole of it: {out / 'release' / 'card.txt'}",
        f"Good at capacity? On {head['as_of']}, of {known:.0f} listed by points whose outcome is known "
        f"{head['precision']:.0%} had the need (counting flags: {head['precision_simple_rule']:.0%}).",
        f"Missed: {head['missed']:,.0f} of {head['positives']:,} people with the need were not on the list "
        f"(recall {head['recall']:.0%}).",
        f"Fairness: {verdicts}.",
        f"Override: {', '.join(overridden) or 'none'}" + (f", by {APPROVER}." if overridden else "."),
        f"Report for reviewers: {out / 'report.html'}",
        f"List and reason sheets: {out / 'scores'}",
        f"Everything that happened: {out / 'ledger.jsonl'}",
        f"Next: vru-models verify {out}",
    ]
