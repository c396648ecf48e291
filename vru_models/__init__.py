"""Auditable models that prioritise offers of support, for Violence Reduction Units.

The public names, in the order in which work goes: declare, take in, record, build, fit, evaluate, approve, score,
verify. Each is loaded when first used; importing this package reads, writes and prints nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from vru_models.audit.approve import approve
    from vru_models.audit.ledger import Ledger
    from vru_models.audit.release import Release
    from vru_models.audit.report import report
    from vru_models.audit.verify import verify
    from vru_models.dataset import Dataset, build_dataset, prove_no_leakage
    from vru_models.disclosure.protect import protect
    from vru_models.errors import VruError
    from vru_models.events import Events, record_events
    from vru_models.evidence import Evidence, Run, evaluate, fit
    from vru_models.fairness.readiness import readiness
    from vru_models.feeds import read_feeds
    from vru_models.findings import Finding, Findings
    from vru_models.identifiers import pseudonymise, scan_identifiers
    from vru_models.models import FlagCountClassifier, ScorecardClassifier
    from vru_models.scoring import score
    from vru_models.spec import Spec
    from vru_models.splits import temporal_splits
    from vru_models.synthetic import synthetic_feeds
    from vru_models.workflow import check

_HOME = {
    "Spec": "spec",
    "check": "workflow",
    "read_feeds": "feeds",
    "synthetic_feeds": "synthetic",
    "scan_identifiers": "identifiers",
    "pseudonymise": "identifiers",
    "record_events": "events",
    "Events": "events",
    "readiness": "fairness.readiness",
    "temporal_splits": "splits",
    "build_dataset": "dataset",
    "Dataset": "dataset",
    "prove_no_leakage": "dataset",
    "ScorecardClassifier": "models",
    "FlagCountClassifier": "models",
    "fit": "evidence",
    "evaluate": "evidence",
    "Run": "evidence",
    "Evidence": "evidence",
    "protect": "disclosure.protect",
    "Ledger": "audit.ledger",
    "approve": "audit.approve",
    "Release": "audit.release",
    "score": "scoring",
    "verify": "audit.verify",
    "report": "audit.report",
    "Finding": "findings",
    "Findings": "findings",
    "VruError": "errors",
}

__all__ = [
    "Dataset",
    "Events",
    "Evidence",
    "Finding",
    "Findings",
    "FlagCountClassifier",
    "Ledger",
    "Release",
    "Run",
    "ScorecardClassifier",
    "Spec",
    "VruError",
    "approve",
    "build_dataset",
    "check",
    "evaluate",
    "fit",
    "protect",
    "prove_no_leakage",
    "pseudonymise",
    "read_feeds",
    "readiness",
    "record_events",
    "report",
    "scan_identifiers",
    "score",
    "synthetic_feeds",
    "temporal_splits",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vru_models' has no attribute '{name}'")
    value = getattr(import_module(f"vru_models.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
