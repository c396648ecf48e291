"""Fitting: bars first, then every candidate on every split, then the winner on everything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed
from sklearn.base import clone

from vru_models.dataset import Dataset
from vru_models.errors import DataError
from vru_models.evaluation.listing import random_places
from vru_models.evaluation.ranking import capacity_table
from vru_models.evidence.candidates import PROBABILITY, comparator_scores, releasable
from vru_models.evidence.choice import ENOUGH_SPLITS, Choice, by_cross_validation, by_regret
from vru_models.evidence.recorder import Recorder
from vru_models.evidence.run import Run
from vru_models.findings import Finding, Findings, Status
from vru_models.models.base import CardClassifier
from vru_models.spec import Spec
from vru_models.splits import Split


def bars_body(spec: Spec, test_dates: list[str]) -> dict[str, object]:
    """What is fixed before fitting, as it goes into the ledger: for which question, on which dates, which bars."""
    bars = [f"{bar.metric} >= {bar.at_least}" for bar in spec.success.bars]
    return {"question": spec.question, "test_dates": test_dates, "bars": bars, "spec": spec.digest}


def places_by_points(spec: Spec) -> int:
    """The places that go by points: k less the random ones."""
    return spec.capacity.k - random_places(spec.capacity.k, spec.capacity.random_share)


def fit(spec: Spec, data: Dataset, *, ledger: Recorder | None = None) -> Run:
    """A run: the declared candidates and the simple rules over temporal splits, the winner fitted to all of them.

    The success bars go into the ledger before anything is fitted. Every candidate is trained on each split's own
    labelled rows and scores its test date. The winner has the smallest mean distance from the best precision at
    capacity on the splits before the sealed one; with fewer than three splits it is chosen by cross-validation inside
    the training rows. ``run.model`` is then fitted to every labelled row.

    Parameters
    ----------
    ledger
        Where the bars and the fit are recorded. ``approve`` refuses a run whose bars were not there first.

    Raises
    ------
    DataError
        The dataset was built under another declaration, or a split has training labels of one kind only.
    SpecError
        A candidate has a name that is taken, or no flag can be counted.
    """
    if data.spec_digest != spec.digest:
        raise DataError.at("dataset", "was built under another declaration", then="Run build again with this spec")
    candidates = releasable(spec)
    if ledger is not None:
        ledger.append("bars", **bars_body(spec, [split.name for split in data.splits]))
    work = (delayed(_on_split)(spec, data, split, candidates) for split in data.splits)
    done = Parallel(n_jobs=min(cpu_count(), len(data.splits)))(work)
    fitted, scores = ({split.name: part[i] for split, part in zip(data.splits, done, strict=True)} for i in (0, 1))
    choice = _choose(spec, data, scores, candidates)
    for name, frame in scores.items():
        card = fitted[name][choice.winner].card_
        frame[PROBABILITY] = card.probability(frame[choice.winner].to_numpy(dtype=np.int64))
    every = data.labelled.to_numpy()
    model = _fresh(candidates[choice.winner], data.X[every], data.y[every])
    run = Run(
        spec=spec,
        model=model,
        winner=choice.winner,
        split_cards={split: models[choice.winner].card_ for split, models in fitted.items()},
        scores=pd.concat(list(scores.values())),
        choice=choice.table,
        regret=choice.regret,
        trained_on=_trained_on(data),
        volumes=data.volumes,
        findings=data.findings + choice.findings + Findings([_splits_finding(data)]),
        extract_dates=data.extract_dates,
        data_digest=data.digest,
        events_digest=data.events_digest,
    )
    if ledger is not None:
        ledger.append(
            "fit", run=run.digest, spec=spec.digest, data=data.digest, winner=run.winner, card=run.card_digest
        )
    return run


def _on_split(
    spec: Spec, data: Dataset, split: Split, candidates: Mapping[str, CardClassifier]
) -> tuple[dict[str, CardClassifier], pd.DataFrame]:
    """Every candidate fitted to a split's own training rows, and every model's scores of its test date."""
    rows = _labelled_on(data, split.train)
    y = data.y[rows]
    if y.nunique() < 2:
        what = f"{len(y):,} labelled training rows, {int(y.sum()):,} positive, for the split tested on {split.name}"
        raise DataError.at(
            "fit", what, expected="labels of both kinds", then="Start splits later or lengthen the horizon"
        )
    fitted = {name: _fresh(model, data.X[rows], y) for name, model in candidates.items()}
    return fitted, _scores(spec, data, split, fitted)


def _rows(data: Dataset, dates: tuple[np.datetime64, ...]) -> np.ndarray:
    as_of = data.X.index.get_level_values("as_of").to_numpy().astype("datetime64[D]")
    return np.isin(as_of, np.array(dates, dtype="datetime64[D]"))


def _labelled_on(data: Dataset, dates: tuple[np.datetime64, ...]) -> np.ndarray:
    return np.asarray(_rows(data, dates) & data.labelled.to_numpy())


def _fresh(model: CardClassifier, X: pd.DataFrame, y: pd.Series[float]) -> CardClassifier:
    fitted: CardClassifier = clone(model).fit(X, y.astype(int))
    return fitted


def _scores(spec: Spec, data: Dataset, split: Split, models: Mapping[str, CardClassifier]) -> pd.DataFrame:
    train, test = _labelled_on(data, split.train), _rows(data, (split.test,))
    X, area = data.X[test], data.rows["area"][test]
    scores = {name: model.points(X).astype(float) for name, model in models.items()}
    scores |= comparator_scores(spec, (data.X[train], data.y[train], data.rows["area"][train]), (X, area))
    return pd.DataFrame(scores, index=X.index)


def _choose(
    spec: Spec, data: Dataset, scores: Mapping[str, pd.DataFrame], candidates: Mapping[str, CardClassifier]
) -> Choice:
    """By regret where enough splits beside the sealed one have somebody labelled on every candidate's list."""
    k = places_by_points(spec)
    precision = {}
    for split in list(data.splits)[:-1]:
        y = data.y.loc[scores[split.name].index]
        tables = {name: capacity_table(y, scores[split.name][name], k=k) for name in candidates}
        precision[split.name] = {name: table["precision"].iloc[0] for name, table in tables.items()}
    usable = pd.DataFrame(precision, index=list(candidates)).T.dropna()
    if len(usable) + 1 >= ENOUGH_SPLITS:
        return by_regret(usable)
    rows = _labelled_on(data, data.splits.sealed.train)
    return by_cross_validation(candidates, data.X[rows], data.y[rows], first_household(data, data.X.index[rows]))


def first_household(data: Dataset, rows: pd.Index[Any]) -> np.ndarray:
    """The resampling unit of each row: the household known at the person's first as-of date."""
    people = data.rows["household_id"].groupby(level=0, sort=False).first()
    return people.reindex(rows.get_level_values(0)).to_numpy()


def _trained_on(data: Dataset) -> dict[str, int]:
    index = data.X.index[data.labelled.to_numpy()]
    return {
        "rows": len(index),
        "people": index.get_level_values(0).nunique(),
        "positives": int(data.y.sum()),
        "dates": index.get_level_values("as_of").nunique(),
    }


def _splits_finding(data: Dataset) -> Finding:
    n = len(data.splits)
    message = f"{n} splits, the last one ({data.splits.sealed.name}) sealed"
    status: Status = "pass" if n >= ENOUGH_SPLITS else "cannot tell"
    return Finding("VRU203", status, "splits", message, {"splits": n, "dropped": len(data.splits.dropped)})
