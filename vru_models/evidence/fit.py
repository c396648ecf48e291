"""Fitting: bars first, then every candidate on every split, then the winner on everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, cpu_count, delayed

from vru_models.dataset import Dataset
from vru_models.errors import DataError
from vru_models.evaluation.listing import random_places
from vru_models.evaluation.ranking import capacity_table
from vru_models.evidence.candidates import PROBABILITY, Labelled, comparator_scores, releasable
from vru_models.evidence.choice import (
    ENOUGH_SPLITS,
    Choice,
    apart_finding,
    by_cross_validation,
    by_regret,
    kept_apart,
)
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
    the training rows. Where ``splits.groups`` says so, households or areas are kept apart in choosing; VRU409 says how
    many rows that leaves out. ``run.model`` is then fitted to every labelled row.

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
    model = Labelled.of(data, every).fitted(candidates[choice.winner])
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
    train = Labelled.of(data, _labelled_on(data, split.train))
    y = train.y
    if y.nunique() < 2:
        what = f"{len(y):,} labelled training rows, {int(y.sum()):,} positive, for the split tested on {split.name}"
        raise DataError.at(
            "fit", what, expected="labels of both kinds", then="Start splits later or lengthen the horizon"
        )
    fitted = {name: train.fitted(model) for name, model in candidates.items()}
    test = _rows(data, (split.test,))
    X, area = data.X[test], data.rows["area"][test]
    scores = {name: model.points(X).astype(float) for name, model in fitted.items()}
    return fitted, pd.DataFrame(scores | comparator_scores(spec, train, (X, area)), index=X.index)


def _rows(data: Dataset, dates: tuple[np.datetime64, ...]) -> np.ndarray:
    as_of = data.X.index.get_level_values("as_of").to_numpy().astype("datetime64[D]")
    return np.isin(as_of, np.array(dates, dtype="datetime64[D]"))


def _labelled_on(data: Dataset, dates: tuple[np.datetime64, ...]) -> np.ndarray:
    return np.asarray(_rows(data, dates) & data.labelled.to_numpy())


def _choose(
    spec: Spec, data: Dataset, scores: Mapping[str, pd.DataFrame], candidates: Mapping[str, CardClassifier]
) -> Choice:
    """By regret where enough splits beside the sealed one have somebody labelled on every candidate's list."""
    before, by = list(data.splits)[:-1], spec.splits.groups
    if by is None:
        return _by_lists(spec, data, {split.name: scores[split.name] for split in before}, candidates)
    apart = kept_apart(data, before, candidates, by=by)
    choice = _by_lists(spec, data, {name: part.scores for name, part in apart.items()}, candidates)
    return replace(choice, findings=choice.findings + Findings([apart_finding(apart, by=by)]))


def _by_lists(
    spec: Spec,
    data: Dataset,
    scores: Mapping[str, pd.DataFrame | None],
    candidates: Mapping[str, CardClassifier],
) -> Choice:
    k = places_by_points(spec)
    precision: dict[str, dict[str, float]] = {}
    for split, held in scores.items():
        tables = {} if held is None else {c: capacity_table(data.y.loc[held.index], held[c], k=k) for c in candidates}
        precision[split] = {name: table["precision"].iloc[0] for name, table in tables.items()}
    usable = pd.DataFrame(precision, index=list(candidates)).T.dropna()
    if len(usable) + 1 >= ENOUGH_SPLITS:
        return by_regret(usable)
    train = Labelled.of(data, _labelled_on(data, data.splits.sealed.train))
    together = train.area.to_numpy() if spec.splits.groups == "area" else first_household(data, train.X.index)
    return by_cross_validation(candidates, train, together)


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
