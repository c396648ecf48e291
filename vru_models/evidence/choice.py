"""Choosing a candidate by its distance from the best on splits that are not sealed, and the regret of choosing so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from vru_models.evaluation.calibration import auc
from vru_models.evidence.candidates import Labelled
from vru_models.findings import Finding, Findings
from vru_models.models.base import CardClassifier

ENOUGH_SPLITS = 3
"""With fewer splits, the sealed one included, the choice is by cross-validation inside the training rows."""


@dataclass(frozen=True)
class Choice:
    """The winner, what each candidate reached, and what choosing so would have cost at each next split."""

    winner: str
    table: pd.DataFrame
    regret: pd.DataFrame
    findings: Findings


def by_regret(precision: pd.DataFrame) -> Choice:
    """The candidate with the smallest mean distance from the best precision at capacity over the splits.

    ``precision`` has one row per split that is not sealed, ascending, and one column per candidate in declared order,
    nothing missing; the first declared wins a tie. ``regret`` is the distance at each split of the candidate that the
    same rule would have picked from the earlier splits alone (the next-time distance of audition).

    Examples
    --------
    >>> table = pd.DataFrame({"card": [0.40, 0.30], "flags": [0.30, 0.35]}, index=["2024-08-01", "2025-02-01"])
    >>> by_regret(table).winner
    'card'
    >>> by_regret(table).regret.round(2).to_dict("records")
    [{'split': '2025-02-01', 'picked': 'card', 'regret': 0.05}]
    """
    distance = precision.rsub(precision.max(axis=1), axis=0)
    rows = []
    for i in range(1, len(precision)):
        picked = _first_least(distance.iloc[:i].mean())
        rows.append((precision.index[i], picked, float(distance[picked].iloc[i])))
    regret = pd.DataFrame(rows, columns=["split", "picked", "regret"])
    table = pd.DataFrame({"mean_precision": precision.mean(), "mean_distance": distance.mean()})
    winner = _first_least(table["mean_distance"])
    table = table.rename_axis("candidate").reset_index()
    mean = float(regret["regret"].mean()) if len(regret) else float("nan")
    if np.isnan(mean):
        return Choice(winner, table, regret, _no_regret("one split beside the sealed one"))
    message = f"choosing {winner}: mean regret {mean:.3f} in precision at the next of {len(regret)} splits"
    return Choice(
        winner, table, regret, Findings([Finding("VRU405", "pass", "choice", message, {"regret": round(mean, 6)})])
    )


def _first_least(mean_distance: pd.Series[float]) -> str:
    """The name with the least mean; of equals (to 12 decimals, sums differ in their last bits) the first."""
    return str(mean_distance.index[int(mean_distance.round(12).to_numpy().argmin())])


def by_cross_validation(candidates: Mapping[str, CardClassifier], train: Labelled, household: np.ndarray) -> Choice:
    """The candidate with the highest mean AUC over five folds of the training rows, households kept together.

    Fewer folds where fewer households have, or lack, the outcome; the first declared candidate where there is no fold
    with both kinds of label on both sides, or on a tie.
    """
    folds = _folds(train.X, train.y, household)
    means = {}
    for name, model in candidates.items():
        fits = ((train.take(a).fitted(model), train.take(b)) for a, b in folds)
        reached = [auc(held.y, card.points(held.X), sample_weight=held.weight) for card, held in fits]
        means[name] = float(np.mean(reached)) if reached else float("nan")
    table = pd.DataFrame({"candidate": list(means), "mean_auc": list(means.values())})
    winner = _first_least(-table.set_index("candidate")["mean_auc"].fillna(0.0))
    regret = pd.DataFrame(columns=["split", "picked", "regret"])
    reason = f"fewer than {ENOUGH_SPLITS} splits with labels on the lists: chosen by "
    return Choice(winner, table, regret, _no_regret(reason + ("cross-validation" if folds else "declared order")))


def _folds(X: pd.DataFrame, y: pd.Series[float], household: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    label = y.to_numpy().astype(int)
    n = min(5, *(len(np.unique(household[label == side])) for side in (0, 1)))
    if n < 2:
        return []
    folds = StratifiedGroupKFold(n, shuffle=True, random_state=0).split(X, label, household)
    return [(a, b) for a, b in folds if len(np.unique(label[a])) == 2 == len(np.unique(label[b]))]


def _no_regret(reason: str) -> Findings:
    message = f"regret cannot be known with {reason}"
    return Findings([Finding("VRU405", "cannot tell", "choice", message)])
