"""What leaves: every table under the declared small-number profile, every figure from protected counts.

Precision, recall and what is made from them come from the rounded counts; an interval is laid around the protected
rate with the widths that were measured, or its middle would give the true rate away. Rate and interval have the same
decimals: two, and three only where one person more or fewer moves the rate by no more than the third.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from vru_models.disclosure.protect import NOT_TESTABLE, protect
from vru_models.evidence.candidates import flag_count_name
from vru_models.evidence.evidence import Evidence
from vru_models.evidence.missing_labels import unseen, without_unseen
from vru_models.evidence.public_findings import public
from vru_models.evidence.run import Run
from vru_models.fairness.conclusions import too_wide
from vru_models.spec import Spec

_PARTS: Final = ["n", "n_labelled", "positives", "listed_labelled", "listed_positives", "missed"]
_AT_CAPACITY: Final = {
    "precision": ("listed_positives", "listed_labelled"),
    "recall": ("listed_positives", "positives"),
    "base_rate": ("positives", "n_labelled"),
}
_PEOPLE_PER_THIRD_DECIMAL: Final = 1_000
_BY_GROUP: Final = {
    "selection_rate": ("selected", "n"),
    "recall": ("selected_positives", "positives"),
    "precision": ("selected_positives", "selected_labelled"),
    "false_omission_rate": ("missed", "unlisted_labelled"),
}


def published(run: Run, evidence: Evidence) -> dict[str, Any]:
    """Everything that a report or a release may show, as JSON types: no count or rate that is not protected.

    ``about`` (the declaration in words), ``headline``, ``trained_on`` (rows, people and dates behind the card),
    ``limits`` (each fairness limit beside everyone's figure), ``card``, ``findings`` and the tables, each with
    ``columns`` and ``rows`` of text. Evidence as it was made and as it was stored give the same record. Raises
    ValueError when run and evidence do not belong together.
    """
    if evidence.run_digest != run.digest:
        raise ValueError("evidence is of another run")
    evidence = Evidence.from_json(evidence.to_json())
    tables = _tables(run.spec, evidence)
    groups, profile = tables.get("groups"), run.spec.disclosure.profile
    return {
        "about": about(run),
        "headline": _headline(run, evidence, tables),
        "trained_on": _trained_on(run.trained_on, profile),
        "limits": _limits(run, tables["comparison"]),
        "card": {"text": run.card.text(), "digest": run.card_digest, "table": _rows(run.card.frame())},
        "findings": [public(f, groups=groups, profile=profile).record() for f in evidence.findings],
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
        "success": plain["success"],
        "disclosure": plain["disclosure"],
        "model": run.winner,
        "agreements": [
            {"feed": name, "extracted": str(run.extract_dates.get(name, "not stated")), **feed["agreement"]}
            for name, feed in plain["feeds"].items()
        ],
        "indicators": [
            {"indicator": name, **{k: v for k, v in indicator.items() if k != "where"}}
            for name, indicator in plain["indicators"].items()
        ],
        "features": [f.name for f in spec.columns],
        **({"unit": spec.unit} if spec.fairness is None else {"fairness": plain["fairness"]}),
    }


def _tables(spec: Spec, evidence: Evidence) -> dict[str, pd.DataFrame]:
    profile, tables = spec.disclosure.profile, dict(evidence.tables)
    comparison, by_split = (
        without_unseen(_capacity(tables[name], profile), spec, instead=NOT_TESTABLE)
        for name in ("comparison", "by_split")
    )
    before = by_split[by_split["split"] != by_split["split"].max()]
    precision = before.assign(value=_ratio(before, *_AT_CAPACITY["precision"])).pivot(
        index="split", columns="model", values="value"
    )
    precision = precision.reindex(columns=tables["choice"]["candidate"])
    safe = {
        "comparison": comparison,
        "by_split": by_split,
        "reliability": _reliability(tables["reliability"], profile),
        "labels": _labels(tables["labels"], profile),
        "choice": _choice(tables["choice"], precision),
        "regret": _regret(tables["regret"], precision),
        "against": _against(tables["paired"], comparison),
    }
    if "groups" in tables and spec.fairness is not None:
        hidden = [f"{measure}_verdict" for measure in unseen(map(str, spec.fairness.limits), spec)]
        groups = _groups(tables, profile).assign(**dict.fromkeys(hidden))
        safe["groups"] = without_unseen(groups, spec, instead=NOT_TESTABLE)
    return safe


def _capacity(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    names = [c for c in ("split", "model", "role") if c in table]
    kept = table[[*names, *_PARTS]].copy()
    kept["missed"] = kept["missed"].fillna(kept["positives"] - kept["listed_positives"])
    kept.insert(len(names), "places", table["k"].astype(int).astype(str))
    kept = _hidden_together(kept, found="listed_positives", counts=_PARTS, rates=_AT_CAPACITY, profile=profile)
    shown = protect(kept, counts=_PARTS, rates=_AT_CAPACITY, profile=profile).text()
    shown = _with_intervals(shown, table, _AT_CAPACITY)
    auc = pd.Series([_number(v) for v in table["auc"]], index=shown.index)
    shown["auc"] = auc.where(_is_shown(shown["positives"]), NOT_TESTABLE)
    return shown


def _hidden_together(
    table: pd.DataFrame, *, found: str, counts: list[str], rates: Mapping[str, tuple[str, str]], profile: str
) -> pd.DataFrame:
    """The table with both who was found and who was missed at 0 where either is hidden: one would give the other."""
    hidden = protect(table, counts=counts, rates=rates, profile=profile).notes[[found, "missed"]] != ""
    return table.assign(**{name: table[name].where(~hidden.any(axis=1), 0) for name in (found, "missed")})


def _with_intervals(shown: pd.DataFrame, table: pd.DataFrame, rates: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    """Each rate again with the decimals that it bears, and its interval, as wide on either side as the true one."""
    for rate, (part, whole) in rates.items():
        value, places = _ratio(shown, part, whole), shown[whole].map(_decimals)
        cells = zip(shown[rate], value, places, strict=True)
        shown[rate] = [text if math.isnan(v) else f"{v:.{d}f}" for text, v, d in cells]
        if f"{rate}_low" in table:
            low, high = (table[f"{rate}_{end}"] - table[rate] for end in ("low", "high"))
            ends = zip(value, low, high, places, strict=True)
            shown[f"{rate}_95"] = [_interval(v, (v + a, v + b), f".{d}f", least=0.0) for v, a, b, d in ends]
    return shown


def _ratio(shown: pd.DataFrame, part: str, whole: str) -> pd.Series[float]:
    """The rate of protected counts, unrounded; NaN where either is not shown."""
    parts, wholes = (shown[name].map(_value).astype(float) for name in (part, whole))
    return parts / wholes


def _decimals(whole: str) -> int:
    return 3 if _value(whole) >= _PEOPLE_PER_THIRD_DECIMAL else 2


def _reliability(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    kept = pd.DataFrame(
        {
            "band": [f"{a:.3f} to {b:.3f}" for a, b in zip(table["band_from"], table["band_to"], strict=True)],
            "mean_probability": [_number(v) for v in table["mean_probability"]],
        }
    )
    counts = ["n", "n_labelled", "positives"]
    kept[counts] = table[counts].to_numpy()
    shown = protect(kept, counts=counts, rates={"observed": ("positives", "n_labelled")}, profile=profile).text()
    shown["mean_probability"] = shown["mean_probability"].where(_is_shown(shown["n_labelled"]), NOT_TESTABLE)
    return shown


def _labels(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    counts = [c for c in table.columns if c != "as_of"]
    kept = table.assign(as_of=[str(d)[:10] for d in table["as_of"]])
    return protect(kept, counts=counts, profile=profile).text()


def _choice(table: pd.DataFrame, precision: pd.DataFrame) -> pd.DataFrame:
    """What the choice went by, from protected precision: precision and distance from the best, or AUC in folds."""
    distance = precision.rsub(precision.max(axis=1), axis=0)
    by_auc = "mean_auc" in table
    means = {
        "mean_precision": precision.mean(skipna=False),
        "mean_distance": distance.mean(skipna=False),
    }
    shown = pd.DataFrame({"candidate": table["candidate"]})
    for name, mean in means.items():
        shown[name] = "undefined" if by_auc else [_testable(v) for v in mean]
    return shown.assign(mean_auc=[_number(v, ".2f") for v in table["mean_auc"]]) if by_auc else shown


def _regret(table: pd.DataFrame, precision: pd.DataFrame) -> pd.DataFrame:
    best = precision.max(axis=1, skipna=False)
    cost = [
        best[split] - precision.loc[split, picked]
        for split, picked in zip(table["split"], table["picked"], strict=True)
    ]
    return table[["split", "picked"]].assign(regret=[_testable(v) for v in cost])


def _against(table: pd.DataFrame, comparison: pd.DataFrame) -> pd.DataFrame:
    precision = _ratio(comparison, *_AT_CAPACITY["precision"]).set_axis(comparison["model"])
    form = f"+.{min(comparison['listed_labelled'].map(_decimals))}f"
    chosen = comparison.loc[comparison["role"] == "chosen", "model"].iloc[0]
    difference = (precision[chosen] - precision.reindex(table["against"])).to_numpy()
    low, high = (table[end] - table["estimate"] for end in ("low", "high"))
    ends = zip(difference, low, high, strict=True)
    interval = [_interval(d, (d + a, d + b), form, least=-1.0) for d, a, b in ends]
    shown = [_testable(d, form) for d in difference]
    return pd.DataFrame({"against": table["against"], "difference_in_precision": shown, "interval_95": interval})


def _groups(tables: Mapping[str, pd.DataFrame], profile: str) -> pd.DataFrame:
    table = tables["groups"]
    counts = ["n", "n_labelled", "positives", "selected", "selected_labelled", "selected_positives"]
    kept = table[["attribute", "group", *counts]].copy()
    kept["unlisted_labelled"] = (table["n_labelled"] - table["selected_labelled"]).clip(lower=0)
    kept["missed"] = (table["positives"] - table["selected_positives"]).clip(lower=0)
    verdicts = tables["verdicts"].pivot_table(
        index=["attribute", "group"], columns="measure", values="status", aggfunc="first"
    )
    judged = {f"{measure}_verdict": str(measure) for measure in verdicts.columns}
    for column, measure in judged.items():
        keys = pd.MultiIndex.from_frame(kept[["attribute", "group"]])
        kept[column] = verdicts[measure].reindex(keys).to_numpy()
    counts += ["unlisted_labelled", "missed"]
    kept = _hidden_together(kept, found="selected_positives", counts=counts, rates=_BY_GROUP, profile=profile)
    shown = protect(kept, counts=counts, rates=_BY_GROUP, verdicts=judged, profile=profile).text()
    return _with_intervals(shown, table, _BY_GROUP)


def _trained_on(counts: Mapping[str, int], profile: str) -> dict[str, str]:
    """Rows, distinct people and rows with the need behind the card, protected, and the as-of dates."""
    people = ["rows", "people", "positives"]
    table = pd.DataFrame({name: [counts[name]] for name in people})
    needs = {"base_rate": ("positives", "rows")}
    shown = protect(table, counts=people, rates=needs, profile=profile).text().iloc[0]
    return {**{name: str(shown[name]) for name in people}, "dates": str(counts["dates"])}


def _count(n: float, profile: str) -> str:
    return str(protect(pd.DataFrame({"n": [round(n)]}), counts=["n"], profile=profile).text()["n"].iloc[0])


def _limits(run: Run, comparison: pd.DataFrame) -> list[dict[str, str]]:
    """Each fairness limit beside everyone's protected figure, with a warning where the limit is no smaller."""
    if run.spec.fairness is None:
        return []
    row: Any = comparison.set_index("model").loc[run.winner]
    listed, found = _value(row["listed_labelled"]), _value(row["listed_positives"])
    everyone = {
        "selection_rate": _value(row["places"]) / _value(row["n"]),
        "recall": found / _value(row["positives"]),
        "precision": found / listed,
        "false_omission_rate": _value(row["missed"]) / (_value(row["n_labelled"]) - listed),
    }
    everyone |= dict.fromkeys(unseen(everyone, run.spec), math.nan)
    return [
        {
            "measure": str(measure),
            "limit": f"{limit:g}",
            "everyone": _testable(everyone[str(measure)], ".2f"),
            "warning": too_wide(str(measure), limit, everyone[str(measure)]),
        }
        for measure, limit in run.spec.fairness.limits.items()
    ]


def _headline(run: Run, evidence: Evidence, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    comparison = tables["comparison"]
    auc: Any = comparison.set_index("model")["auc"]
    chosen: Any = comparison.set_index("model").loc[run.winner]
    raw = evidence.headline
    slope = NOT_TESTABLE if chosen["auc"] == NOT_TESTABLE else _number(raw["calibration_slope"], ".2f")
    found, need = _value(chosen["listed_positives"]), _value(chosen["positives"]) / _value(chosen["n_labelled"])
    precision = found / _value(chosen["listed_labelled"])
    return {
        "model": run.winner,
        "simple_rule": flag_count_name(run.spec),
        "as_of": str(raw["as_of"]),
        "people_ranked": chosen["n"],
        "places_by_points": chosen["places"],
        "precision": chosen["precision"],
        "precision_95": chosen["precision_95"],
        "recall": chosen["recall"],
        "recall_95": chosen["recall_95"],
        "positives": chosen["positives"],
        "listed_in_embargo": _count(raw["listed_in_embargo"], run.spec.disclosure.profile),
        "missed": chosen["missed"],
        "number_needed_to_review": _testable(_value(chosen["listed_labelled"]) / found, ".1f"),
        "lift": _testable(precision / need, ".1f"),
        "auc": chosen["auc"],
        "auc_ceiling": auc["boosting"],
        "ceiling": _ceiling(tables["against"]),
        "calibration_slope": slope,
        "mean_chance": _testable(100 * _mean_chance(tables["reliability"]), ".1f", " %"),
        "base_rate": _testable(100 * need, ".1f", " %"),
    }


def _ceiling(against: pd.DataFrame) -> str:
    """Whether the unrestricted model is better or worse at capacity, by the interval as it is shown."""
    interval = str(against.set_index("against").loc["boosting", "interval_95"])
    if not interval:
        return NOT_TESTABLE
    low, high = (float(end) for end in interval.split(" to "))
    return "worse" if low > 0 else "better" if high < 0 else "not told apart"


def _mean_chance(reliability: pd.DataFrame) -> float:
    """The mean chance stated to people whose outcome is known, over the bands that are shown; NaN where none is."""
    people, chance = (reliability[name].map(_value).astype(float) for name in ("n_labelled", "mean_probability"))
    return float((people * chance).sum(min_count=1) / people.sum(min_count=1))


def _is_shown(column: pd.Series[Any]) -> pd.Series[bool]:
    return column.map(_value).notna()


def _value(shown: Any) -> float:
    """The number in a cell as it is shown; NaN where it is not shown."""
    text = str(shown).replace(",", "")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else float("nan")


def _interval(value: float, ends: tuple[float, float], form: str, *, least: float) -> str:
    """An interval in the form of its figure, from ``least`` to 1, that holds the figure; blank where undefined."""
    if math.isnan(value + sum(ends)):
        return ""
    low, high = max(min(value, ends[0]), least), min(max(value, ends[1]), 1.0)
    return f"{_testable(low, form)} to {_testable(high, form)}"


def _testable(value: Any, form: str = ".3f", unit: str = "") -> str:
    """The number in its form, never a zero below zero."""
    text = format(value, form)
    return NOT_TESTABLE if math.isnan(value) else (text if text.strip("+-0.") else format(0.0, form)) + unit


def _number(value: Any, form: str = ".3f") -> str:
    return "undefined" if value is None or math.isnan(value) else format(value, form)


def _rows(frame: pd.DataFrame) -> dict[str, Any]:
    text = frame.astype(object).where(frame.notna(), "")
    return {
        "columns": [str(c) for c in frame.columns],
        "rows": [[str(v) for v in row] for row in text.to_numpy().tolist()],
    }
