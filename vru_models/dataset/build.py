"""Building a dataset: assemble the rows of every as-of date, prove them, name what is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from vru_models.dataset.alarms import alarms, clustering, indicators_of, tally
from vru_models.dataset.dataset import Dataset, frames_of
from vru_models.dataset.leakage import prove_no_leakage
from vru_models.dataset.rows import Question, assemble, data_end, weeks_before
from vru_models.dataset.volume import added_up
from vru_models.errors import DataError
from vru_models.events import Events
from vru_models.events.store import bucket_count
from vru_models.features.coded import encode
from vru_models.features.parts import linked_apart, part_of
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec
from vru_models.splits import splits_of


def build_dataset(spec: Spec, events: Events) -> Dataset:
    """X, y and the status of every cell, with the proof that nothing in X came from the future.

    One row per eligible person and as-of date of the spec's splits. A cell sees only events with ``known_date < as_of
    <= known_until`` and ``event_date`` in ``[as_of - window, as_of)``. No row is made of who objects to training, as
    known at the last extract; who objects to being scored is not eligible while that stands. Raises
    :class:`DataError` where no split is possible, no label is positive or an agreement does not allow training,
    :class:`LeakageError` where the proof fails.

    Examples
    --------
    >>> spec = Spec.example("early_help")
    >>> from vru_models import synthetic_feeds, record_events
    >>> data = build_dataset(spec, record_events(synthetic_feeds(spec, n_people=2_000, random_state=0), spec))
    >>> data.findings.worst
    'pass'
    """
    events.require_recorded_by(spec.recording)
    agreed = training_use(spec)
    splits = splits_of(spec, data_end(spec, events)).required()
    question = Question.of(spec, splits.dates, events)
    made = assemble(question, encode(spec, events), part=_parts_in(events))
    y = made.rows["y"]
    require_labels(int(np.nansum(y)), int(y.notna().sum()))
    proof = prove_no_leakage(spec, events, as_of=splits.dates)
    odd = alarms([tally(made.cells, y.to_numpy())], question.layout.names)
    odd += clustering([made.weeks], indicators_of(spec))
    return Dataset(
        **frames_of(made, question.layout.names, question.layout.status_names),
        counts=made.counts,
        volumes=added_up([made.volumes]),
        splits=splits,
        findings=events.findings + agreed + objections(made.refused) + proof + odd,
        extract_dates=dict(events.extract_dates),
        spec_digest=spec.digest,
        events_digest=events.digest,
    )


def crowding(spec: Spec, events: Events) -> Findings:
    """VRU206 before anything is built (see :func:`~vru_models.dataset.alarms.clustering`); none without a split."""
    dates = splits_of(spec, data_end(spec, events)).dates
    if not dates:
        return Findings()
    return clustering([weeks_before(Question.of(spec, dates, events), encode(spec, events))], indicators_of(spec))


def _parts_in(events: Events) -> Callable[[pd.Series[str]], np.ndarray]:
    """In which part of the events' store people are, were they saved."""
    n_buckets = bucket_count(len(events.frame) + len(events.closers))
    return partial(part_of, apart=linked_apart(events.rows["links"], n_buckets), n_buckets=n_buckets)


def require_labels(positives: int, labelled: int) -> None:
    """Refuse rows that nothing could be learnt from."""
    if positives in (0, labelled):
        what = f"{labelled:,} labelled rows, {positives:,} of them positive"
        raise DataError.at(
            "outcome", what, expected="labels of both kinds", then="Check the outcome's indicators and dates"
        )


def objections(refused: int) -> Findings:
    """VRU205: how many people no row is made of."""
    message = "no row is made of who objects to training, as known at the last extract"
    return Findings([Finding("VRU205", "pass", "objections", message, {"people": refused})])


def training_use(spec: Spec) -> Findings:
    """A feed whose agreement does not allow training may not stand behind a row, a feature or a label."""
    names = {f.indicator for f in spec.columns} | {name for outcome in spec.outcomes for name in outcome.named}
    names |= {rule.indicator for rule in (*spec.cohort.entry, *spec.cohort.routed)}
    used = {spec.indicators[name].feed for name in names}
    used |= {name for name in map(spec.feed_of_kind, ("spells", "links")) if name}
    barred = sorted(feed for feed in used if "train" not in spec.feeds[feed].agreement.purposes)
    if barred:
        where = ", ".join(f"feeds.{feed}.agreement" for feed in barred)
        raise DataError.at(
            where, "does not allow training", expected="purposes with 'train'", then="Leave the feed out"
        )
    return Findings([Finding("VRU204", "pass", "agreements", f"all {len(used)} feeds used may be used for training")])
