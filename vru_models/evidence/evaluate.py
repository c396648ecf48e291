"""Evaluating a run: open the sealed split, measure at capacity, hold against the simple rules, examine by group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset import Dataset
from vru_models.dataset.exits import exit_weights
from vru_models.errors import DataError
from vru_models.evaluation.arrays import Floats
from vru_models.evaluation.calibration import auc, brier_score, calibration, reliability
from vru_models.evaluation.capacity_intervals import capacity_intervals, paired_precision_difference
from vru_models.evaluation.decision import decision_curve
from vru_models.evaluation.ranking import capacity_table, rank
from vru_models.evidence.candidates import PROBABILITY, flag_count_name
from vru_models.evidence.evidence import Evidence
from vru_models.evidence.fit import first_household, places_by_points
from vru_models.evidence.missing_labels import exits_told, reviews, sensitivity, unseen, without_unseen
from vru_models.evidence.performance import bars_met, beats_simple_rule, calibrated, opened, supported
from vru_models.evidence.recorder import Recorder
from vru_models.evidence.run import Run
from vru_models.fairness.audit import audit_groups
from vru_models.fairness.measures import MEASURES
from vru_models.fairness.sensitive import join_sensitive
from vru_models.findings import Finding, Findings
from vru_models.spec.calendar import as_day

N_REPLICATES: Final = 1000
_CAPACITY = ["n", "n_labelled", "k", "positives", "listed_labelled", "listed_positives", "missed"]
_THRESHOLDS = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5]


def evaluate(
    run: Run, data: Dataset, *, sensitive: pd.DataFrame | None = None, ledger: Recorder | None = None
) -> Evidence:
    """What the sealed split shows of a run: at capacity, calibrated, against simple rules, and by group.

    Figures at capacity are of the ``k`` less the random places that go by points, each card trained on its split's own
    rows. Intervals resample households (people where none is known). Opening the sealed split is recorded; a second
    opening is shown as a finding.

    Parameters
    ----------
    sensitive
        The audit file: ``person_id`` and the attributes that the spec's ``fairness`` names. Used for nothing else.
        Without it every fairness finding is "cannot tell"; of a spec with ``unit = "area"``, which has none, VRU302 is
        "not applicable".

    Raises
    ------
    DataError
        The dataset is not the one that the run was fitted to, or the audit file lacks an attribute or repeats a person.
        The sealed split is then not opened.
    """
    if data.digest != run.data_digest:
        raise DataError.at(
            "dataset", "is not the one the run was fitted to", then="Evaluate with the dataset of the run"
        )
    sealed = _Sealed(run, data)
    groups = _groups(sealed, sensitive)
    times = _open(run, ledger)
    comparison, paired, missing = sealed.comparison(), sealed.paired(), sealed.sensitivity()
    tables = {
        "comparison": comparison,
        "by_split": by_split(run, data),
        "paired": paired,
        "reliability": reliability(sealed.y, sealed.probability, unit=sealed.unit),
        "decision_curve": decision_curve(sealed.y, sealed.probability, thresholds=_THRESHOLDS),
        "choice": run.choice,
        "regret": run.regret,
        "labels": data.frame().reset_index(),
        "sensitivity": missing,
    }
    fairness, verdicts = _fairness(sealed, groups)
    headline = sealed.headline(comparison)
    left = exits_told(missing, low=headline["precision_low"], high=headline["precision_high"])
    findings = (
        run.findings + _performance(sealed, headline, paired, times) + Findings([left]) + reviews(run.spec) + verdicts
    )
    evidence = Evidence(headline, tables | fairness, findings, run.digest, run.spec.digest)
    if ledger is not None:
        ledger.append("evidence", run=run.digest, evidence=evidence.digest, **findings.counts)
    return evidence


def _open(run: Run, ledger: Recorder | None) -> int | None:
    """How often the outcomes of this date have been looked at, this time included, by whatever model or dataset."""
    if ledger is None:
        return None
    opening = {"sealed": run.sealed, "question": run.spec.question}
    ledger.append("sealed_split_opened", run=run.digest, data=run.data_digest, **opening)
    return openings(run, ledger)


def openings(run: Run, ledger: Recorder) -> int:
    """How often the outcomes of the sealed split were looked at, in whole or in part, by whatever model or dataset."""
    looks = ledger.find("sealed_split_opened", question=run.spec.question)
    return sum(shares_outcomes(run, look.body["sealed"]) for look in looks)


def shares_outcomes(run: Run, date: str) -> bool:
    """Whether the outcome windows of the sealed split and of another as-of date overlap, or by their lengths might."""
    horizon, calendar = run.spec.outcome.horizon, run.spec.calendar
    starts = (run.spec.after(run.spec.outcome.embargo, as_day(day)) for day in (run.sealed, date))
    earlier, later = sorted(starts)
    if calendar and horizon.of_school and earlier >= calendar.school.first[0]:
        return bool(later < calendar.after(horizon, earlier))
    return bool(later - earlier < np.timedelta64(horizon.longest_days, "D"))


class _Sealed:
    """The sealed split's rows with labels, scores and resampling units."""

    def __init__(self, run: Run, data: Dataset) -> None:
        self.run, self.spec, self.k = run, run.spec, places_by_points(run.spec)
        self.scores = run.scores.xs(pd.Timestamp(run.sealed), level="as_of", drop_level=False)
        self.rows = data.rows.loc[self.scores.index]
        self.y = self.rows["y"].to_numpy()
        self.probability = self.scores[PROBABILITY].to_numpy()
        self.unit = first_household(data, self.scores.index)
        self.weight = exit_weights(self.rows)

    @property
    def models(self) -> list[str]:
        return [name for name in self.scores.columns if name != PROBABILITY]

    def comparison(self) -> pd.DataFrame:
        """Every model at capacity with its intervals: one row each."""
        rows = []
        for name in self.models:
            score = self.scores[name].to_numpy()
            table: Any = capacity_table(self.y, score, k=self.k).iloc[0]
            both = capacity_intervals(
                self.y, score, k=self.k, unit=self.unit, n_replicates=N_REPLICATES, random_state=0
            ).set_index("metric")
            row: dict[str, Any] = {"model": name, "role": self._role(name), **table[_CAPACITY].to_dict()}
            for metric in ("precision", "recall"):
                row |= {metric: table[metric]}
                row |= {f"{metric}_{end}": both.loc[metric, end] for end in ("low", "high", "method")}
            row |= {
                name: table[name] for name in ("number_needed_to_review", "lift", "precision_worst", "precision_best")
            }
            rows.append(row | {"auc": auc(self.y, score)})
        return without_unseen(pd.DataFrame(rows), self.spec)

    def sensitivity(self) -> pd.DataFrame:
        """The chosen list's figures on other bases: with those who left, and with the treated."""
        return without_unseen(sensitivity(self.rows, self.weight, self._shares()), self.spec)

    def _shares(self) -> Floats:
        return rank(self.scores[self.run.winner].to_numpy(), k=self.k).row_shares()

    def listed_in_embargo(self) -> float:
        """How many of those listed by points had the need found before the outcome window began: left out of figures.

        A share of a place that is shared at the cut counts in parts.
        """
        return float(self._shares()[(self.rows["why_missing"] == "in_embargo").to_numpy()].sum())

    def _role(self, name: str) -> str:
        if name == self.run.winner:
            return "chosen"
        return "candidate" if name in set(self.run.choice["candidate"]) else "comparator"

    def paired(self) -> pd.DataFrame:
        """The chosen model's precision less each other's, on the same resampled households: one row each."""
        chosen = self.scores[self.run.winner].to_numpy()
        rows = []
        for name in (m for m in self.models if m != self.run.winner):
            difference = paired_precision_difference(
                self.y,
                chosen,
                against=self.scores[name].to_numpy(),
                k=self.k,
                unit=self.unit,
                n_replicates=N_REPLICATES,
                random_state=0,
            )
            rows.append(difference.assign(against=name))
        return pd.concat(rows, ignore_index=True)[["against", "estimate", "low", "high", "method"]]

    def headline(self, comparison: pd.DataFrame) -> dict[str, Any]:
        """The figures that are quoted first; those of the chosen model unless named otherwise."""
        table: Any = comparison.set_index("model")
        chosen, simple = table.loc[self.run.winner], table.loc[flag_count_name(self.spec)]
        line = calibration(self.y, self.probability)
        return {
            "model": self.run.winner,
            "as_of": self.run.sealed,
            "people_ranked": int(chosen["n"]),
            "people_labelled": int(chosen["n_labelled"]),
            "places_by_points": self.k,
            "positives": int(chosen["positives"]),
            "listed_in_embargo": self.listed_in_embargo(),
            "precision": chosen["precision"],
            "precision_low": chosen["precision_low"],
            "precision_high": chosen["precision_high"],
            "recall": chosen["recall"],
            "missed": float(chosen["missed"]),
            "number_needed_to_review": chosen["number_needed_to_review"],
            "lift": chosen["lift"],
            "precision_simple_rule": simple["precision"],
            "auc": chosen["auc"],
            "auc_ceiling": table.loc["boosting", "auc"],
            "brier": brier_score(self.y, self.probability),
            "calibration_slope": line.slope,
            "calibration_in_the_large": line.in_the_large,
        }


def by_split(run: Run, data: Dataset) -> pd.DataFrame:
    """Every model on every split's test date: counts at capacity, precision, recall and AUC."""
    y, as_of = data.y.loc[run.scores.index].to_numpy(), run.scores.index.get_level_values("as_of")
    parts = []
    for name in (c for c in run.scores.columns if c != PROBABILITY):
        score = run.scores[name].to_numpy()
        table = capacity_table(y, score, as_of=as_of, k=places_by_points(run.spec))
        ranks = [auc(y[as_of == date], score[as_of == date]) for date in table["as_of"]]
        parts.append(table.assign(split=[str(date)[:10] for date in table["as_of"]], model=name, auc=ranks))
    table = pd.concat(parts).sort_values("split", kind="stable", ignore_index=True)
    return without_unseen(table[["split", "model", *_CAPACITY, "precision", "recall", "auc"]], run.spec)


def _performance(sealed: _Sealed, headline: dict[str, Any], paired: pd.DataFrame, times: int | None) -> Findings:
    simple = flag_count_name(sealed.spec)
    against: Any = paired.set_index("against")
    listed = min(sealed.k, headline["people_ranked"])
    reached = {"precision_at_k": headline["precision"], "recall_at_k": headline["recall"], "auc": headline["auc"]}
    difference = dict.fromkeys(("low", "estimate", "high"), np.nan)
    if simple in against.index:
        difference = {end: float(against.loc[simple, end]) for end in difference}
    return Findings(
        [
            supported(headline["precision"] * listed, sealed.spec.unit),
            beats_simple_rule(sealed.run.winner, simple, **difference),
            *bars_met(sealed.spec.success.bars, reached),
            calibrated(calibration(sealed.y, sealed.probability)),
            opened(times),
        ]
    )


def _groups(sealed: _Sealed, sensitive: pd.DataFrame | None) -> pd.DataFrame | None:
    """The declared attributes of the sealed split's people."""
    if sensitive is None:
        return None
    if sealed.spec.fairness is None:
        what = "is given, but an area has no protected characteristics"
        raise DataError.at("sensitive", what, then="Leave it out")
    declared = list(sealed.spec.fairness.sensitive)
    absent = [name for name in declared if name not in sensitive]
    if absent:
        raise DataError.unknown(
            "fairness.sensitive", absent[0], [str(c) for c in sensitive.columns if c != "person_id"]
        )
    return join_sensitive(sealed.rows, sensitive)[declared]


def _fairness(sealed: _Sealed, groups: pd.DataFrame | None) -> tuple[dict[str, pd.DataFrame], Findings]:
    declared = sealed.spec.fairness
    if declared is None:
        message = "an area has no protected characteristics: whom a list of areas disadvantages was not examined"
        return {}, Findings([Finding("VRU302", "not applicable", "areas", message)])
    if groups is None:
        message = "no audit file was given: nobody knows whom the list misses"
        return {}, _cannot_tell(declared.sensitive, "recall", message)
    limits = {str(measure): limit for measure, limit in declared.limits.items()}
    hidden = unseen(limits, sealed.spec)
    message = "the outcome is seen only for those reviewed"
    told = Findings(f for measure in hidden for f in _cannot_tell(declared.sensitive, measure, message))
    audit = audit_groups(
        sealed.y,
        rank(sealed.scores[sealed.run.winner].to_numpy(), k=sealed.k),
        sensitive_features=groups,
        unit=sealed.unit,
        limits={measure: limit for measure, limit in limits.items() if measure not in hidden},
        min_group=declared.min_group,
        n_replicates=N_REPLICATES,
        random_state=0,
    )
    figures = without_unseen(audit.frame(), sealed.spec)
    return {"groups": figures, "verdicts": audit.verdicts()}, audit.findings + told


def _cannot_tell(attributes: Iterable[str], measure: str, message: str) -> Findings:
    return Findings(Finding(MEASURES[measure].code, "cannot tell", name, message) for name in attributes)
