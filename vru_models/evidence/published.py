"""What leaves: every table under the declared small-number profile, every figure from protected counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from vru_models.disclosure.protect import protect
from vru_models.evidence.evidence import Evidence
from vru_models.evidence.run import Run
from vru_models.findings import Finding
from vru_models.spec import Spec
from vru_models.spec.digest import canonical_json

_PARTS: Final = ["n", "n_labelled", "positives", "listed_labelled", "listed_positives"]
_AT_CAPACITY: Final = {
    "precision": ("listed_positives", "listed_labelled"),
    "recall": ("listed_positives", "positives"),
}
_BY_GROUP: Final = {
    "selection_rate": ("selected", "n"),
    "recall": ("selected_positives", "positives"),
    "precision": ("selected_positives", "selected_labelled"),
    "false_omission_rate": ("missed", "unlisted_labelled"),
}


def published(run: Run, evidence: Evidence) -> dict[str, Any]:
    """Everything that a report or a release may show, as JSON types: no count or rate that is not protected.

    ``about`` (the declaration in words), ``headline``, ``card``, ``findings`` and the tables, each with ``columns`` and
    ``rows`` of text. Raises ValueError when run and evidence do not belong together.
    """
    if evidence.run_digest != run.digest:
        raise ValueError("evidence is of another run")
    tables = _tables(run.spec, evidence)
    comparison = tables["comparison"]
    return {
        "about": about(run),
        "headline": _headline(run, evidence, comparison),
        "card": {"text": run.card.text(), "digest": run.card_digest, "table": _rows(run.card.frame())},
        "findings": [_public(f).record() for f in evidence.findings],
        "tables": {name: _rows(frame) for name, frame in tables.items()},
        "digests": {
            "spec": run.spec.digest,
            "run": run.digest,
            "evidence": evidence.digest,
            "data": run.data_digest,
            "events": run.events_digest,
        },
    }


def about(run: Run) -> dict[str, Any]:
    """The declaration in words: purpose, outcome, cohort, capacity, sources and features with their rationale."""
    spec = run.spec
    plain = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {
        "purpose": plain["purpose"],
        "cohort": plain["cohort"],
        "outcome": plain["outcome"],
        "capacity": plain["capacity"],
        "fairness": plain["fairness"],
        "success": plain["success"],
        "disclosure": plain["disclosure"],
        "model": run.winner,
        "agreements": [{"feed": name, **feed["agreement"]} for name, feed in plain["feeds"].items()],
        "indicators": [
            {"indicator": name, **{k: v for k, v in indicator.items() if k != "where"}}
            for name, indicator in plain["indicators"].items()
        ],
        "features": [f.name for f in spec.columns],
    }


def _tables(spec: Spec, evidence: Evidence) -> dict[str, pd.DataFrame]:
    profile, tables = spec.disclosure.profile, dict(evidence.tables)
    safe = {
        "comparison": _capacity(tables["comparison"], profile),
        "by_split": _capacity(tables["by_split"], profile),
        "reliability": _reliability(tables["reliability"], profile),
        "labels": _labels(tables["labels"], profile),
        "choice": tables["choice"].round(3).astype(str),
        "regret": tables["regret"].round(3).astype(str),
        "against": _against(tables["paired"]),
    }
    return safe | ({"groups": _groups(tables, profile)} if "groups" in tables else {})


def _capacity(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    names = [c for c in ("split", "model", "role") if c in table]
    kept = table[[*names, *_PARTS]].copy()
    kept.insert(len(names), "places", table["k"].astype(int).astype(str))
    shown = protect(kept, counts=_PARTS, rates=_AT_CAPACITY, profile=profile).text()
    for rate in _AT_CAPACITY:
        if f"{rate}_low" in table:
            interval = [_interval(a, b) for a, b in zip(table[f"{rate}_low"], table[f"{rate}_high"], strict=True)]
            shown[f"{rate}_95"] = pd.Series(interval, index=shown.index).where(_is_shown(shown[rate]), "")
    shown["auc"] = [_number(v) for v in table["auc"]]
    return shown


def _reliability(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    kept = pd.DataFrame(
        {
            "band": [f"{a:.3f} to {b:.3f}" for a, b in zip(table["band_from"], table["band_to"], strict=True)],
            "mean_probability": [_number(v) for v in table["mean_probability"]],
        }
    )
    counts = ["n", "n_labelled", "positives"]
    kept[counts] = table[counts].to_numpy()
    return protect(kept, counts=counts, rates={"observed": ("positives", "n_labelled")}, profile=profile).text()


def _labels(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    counts = [c for c in table.columns if c != "as_of"]
    kept = table.assign(as_of=[str(d)[:10] for d in table["as_of"]])
    return protect(kept, counts=counts, profile=profile).text()


def _against(table: pd.DataFrame) -> pd.DataFrame:
    interval = [_interval(a, b) for a, b in zip(table["low"], table["high"], strict=True)]
    difference = [_number(v, "+.2f") for v in table["estimate"]]
    return pd.DataFrame({"against": table["against"], "difference_in_precision": difference, "interval_95": interval})


def _groups(tables: Mapping[str, pd.DataFrame], profile: str) -> pd.DataFrame:
    table = tables["groups"]
    counts = ["n", "n_labelled", "positives", "selected", "selected_labelled", "selected_positives"]
    kept = table[["attribute", "group", *counts]].copy()
    kept["unlisted_labelled"] = table["n_labelled"] - table["selected_labelled"]
    kept["missed"] = table["positives"] - table["selected_positives"]
    verdicts = tables["verdicts"].pivot_table(
        index=["attribute", "group"], columns="measure", values="status", aggfunc="first"
    )
    judged = {f"{measure}_verdict": str(measure) for measure in verdicts.columns}
    for column, measure in judged.items():
        keys = pd.MultiIndex.from_frame(kept[["attribute", "group"]])
        kept[column] = verdicts[measure].reindex(keys).to_numpy()
    rates = dict(_BY_GROUP)
    shown = protect(
        kept, counts=[*counts, "unlisted_labelled", "missed"], rates=rates, verdicts=judged, profile=profile
    ).text()
    for rate in rates:
        interval = [_interval(a, b) for a, b in zip(table[f"{rate}_low"], table[f"{rate}_high"], strict=True)]
        shown[f"{rate}_95"] = pd.Series(interval, index=shown.index).where(_is_shown(shown[rate]), "")
    return shown


def _headline(run: Run, evidence: Evidence, comparison: pd.DataFrame) -> dict[str, str]:
    chosen = comparison.set_index("model").loc[run.winner]
    raw = evidence.headline
    return {
        "model": run.winner,
        "as_of": str(raw["as_of"]),
        "people_ranked": chosen["n"],
        "places_by_points": chosen["places"],
        "precision": chosen["precision"],
        "precision_95": chosen["precision_95"],
        "recall": chosen["recall"],
        "recall_95": chosen["recall_95"],
        "positives": chosen["positives"],
        "number_needed_to_review": _number(raw["number_needed_to_review"], ".1f"),
        "lift": _number(raw["lift"], ".1f"),
        "auc": _number(raw["auc"]),
        "auc_ceiling": _number(raw["auc_ceiling"]),
        "calibration_slope": _number(raw["calibration_slope"], ".2f"),
    }


def _public(finding: Finding) -> Finding:
    """A finding about groups without its figures: those are in the protected table, or nowhere."""
    if not finding.code.startswith("VRU3"):
        return Finding(finding.code, finding.status, finding.where, finding.message)
    return Finding(
        finding.code, finding.status, finding.where, f"{finding.status}; the figures are in the table of groups"
    )


def _is_shown(column: pd.Series[Any]) -> pd.Series[bool]:
    return column.str.fullmatch(r"[\d.,]+")


def _interval(low: Any, high: Any) -> str:
    undefined = low is None or high is None or math.isnan(low) or math.isnan(high)
    return "" if undefined else f"{low:.2f} to {high:.2f}"


def _number(value: Any, form: str = ".3f") -> str:
    return "undefined" if value is None or math.isnan(value) else format(value, form)


def _rows(frame: pd.DataFrame) -> dict[str, Any]:
    text = frame.astype(object).where(frame.notna(), "")
    return {
        "columns": [str(c) for c in frame.columns],
        "rows": [[str(v) for v in row] for row in text.to_numpy().tolist()],
    }


def published_json(run: Run, evidence: Evidence) -> bytes:
    """:func:`published` as canonical JSON."""
    return canonical_json(published(run, evidence))
