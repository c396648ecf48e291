"""Choosing a candidate by its distance from the best on splits that are not sealed, and the regret of choosing so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.model_selection import StratifiedGroupKFold

from vru_models.dataset import Dataset
from vru_models.evaluation.calibration import auc
from vru_models.evidence.candidates import Labelled
from vru_models.findings import Finding, Findings
from vru_models.models.base import CardClassifier
from vru_models.spec.digest import buckets_of
from vru_models.splits import Split, Splits

Groups = Literal["household", "area"]
ENOUGH_SPLITS = 3
"""With fewer splits, the sealed one included, the choice is by cross-validation inside the training rows."""

HOUSEHOLD_PARTS: Final = 4
"""The households of a test date are scored in so many parts, by cards that learnt from others."""


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


@dataclass(frozen=True)
class Apart:
    """Scores of a test date by cards that had seen nobody of the household, or area, of those they score.

    ``scores`` has a chance per candidate, since several cards are ranked together; None where there were labels of one
    kind only to learn from. ``left_out`` of ``rows`` labelled training rows were left out, over the ``parts``.
    """

    scores: pd.DataFrame | None
    left_out: int
    rows: int
    parts: int


def kept_apart(
    data: Dataset, splits: Sequence[Split], candidates: Mapping[str, CardClassifier], *, by: Groups
) -> dict[str, Apart]:
    """:class:`Apart` of each split, by the name of its test date."""
    work = (delayed(_apart)(data, split, candidates, by) for split in splits)
    done = Parallel(n_jobs=max(min(cpu_count(), len(splits)), 1))(work)
    return {split.name: part for split, part in zip(splits, done, strict=True)}


def apart_finding(apart: Mapping[str, Apart], *, by: Groups) -> Finding:
    """VRU409: how many training rows were left out so that households, or areas, are on one side of a split only.

    It cannot be told for splits on which too little was left to learn from; these take no part in choosing.
    """
    left, rows, parts = (sum(getattr(part, name) for part in apart.values()) for name in ("left_out", "rows", "parts"))
    figures = {"left_out": left, "rows": rows, "parts": parts}
    kind = {"household": "households", "area": "areas"}[by]
    if not parts:
        message = f"{kind} are kept apart in cross-validation: there is no split beside the sealed one to do it on"
        return Finding("VRU409", "cannot tell", "choice", message, figures)
    message = f"{kind} kept apart in choosing: {left:,} of {rows:,} labelled training rows left out ({left / rows:.0%})"
    message += f", counted in each of {parts} parts of {len(apart)} test dates"
    if few := [name for name, part in apart.items() if part.scores is None]:
        message += f"; too little is then left to learn from for {', '.join(few)}, on which nothing was chosen"
        return Finding("VRU409", "cannot tell", "choice", message, figures)
    return Finding("VRU409", "pass", "choice", message, figures)


def _apart(data: Dataset, split: Split, candidates: Mapping[str, CardClassifier], by: Groups) -> Apart:
    pairs = list(_by_household(data, split) if by == "household" else _by_area(data, split))
    known = data.labelled.to_numpy()
    everybody = int((_on(data, split.train) & known).sum())
    learn = [train[known[train]] for train, _ in pairs]
    told = len(pairs) * everybody - sum(map(len, learn)), len(pairs) * everybody, len(pairs)
    if not pairs or any(data.y.iloc[rows].nunique() < 2 for rows in learn):
        return Apart(None, *told)
    parts = []
    for rows, (_, test) in zip(learn, pairs, strict=True):
        labelled, X = Labelled.of(data, np.isin(np.arange(len(known)), rows)), data.X.iloc[test]
        chances = {name: labelled.fitted(model).predict_proba(X)[:, 1] for name, model in candidates.items()}
        parts.append(pd.DataFrame(chances, index=X.index))
    return Apart(pd.concat(parts), *told)


def _on(data: Dataset, dates: Sequence[np.datetime64]) -> np.ndarray:
    as_of = data.X.index.get_level_values("as_of").to_numpy().astype("datetime64[D]")
    return np.isin(as_of, np.array(dates, dtype="datetime64[D]"))


def _by_area(data: Dataset, split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    return Splits((split,)).leave_one_out(data.X, data.rows["area"].to_numpy())


def _by_household(data: Dataset, split: Split) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row positions: per part of the test rows, who shares neither household nor pseudonym with any of them.

    Whose household is not known is one alone. Everybody scored was there on earlier dates, as a rule: to leave out at
    once all who share a household with the test date would leave next to nobody to learn from.
    """
    household = data.rows["household_id"].to_numpy(dtype=object).astype(str)
    person = data.X.index.get_level_values(0).to_numpy(dtype=object).astype(str)
    train, test = np.flatnonzero(_on(data, split.train)), np.flatnonzero(_on(data, (split.test,)))
    part = buckets_of(household[test].tolist(), HOUSEHOLD_PARTS)
    for number in np.unique(part):
        mine = test[part == number]
        near = np.isin(household[train], household[mine]) | np.isin(person[train], person[mine])
        yield train[~near], mine


def _no_regret(reason: str) -> Findings:
    message = f"regret cannot be known with {reason}"
    return Findings([Finding("VRU405", "cannot tell", "choice", message)])
