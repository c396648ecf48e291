"""Building a dataset: assemble the rows of every as-of date, prove them, name what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.dataset.dataset import Dataset
from vru_models.dataset.leakage import alarms, prove_no_leakage
from vru_models.dataset.rows import assemble, data_end, known_at_last
from vru_models.errors import DataError
from vru_models.events import Events
from vru_models.features.coded import encode
from vru_models.features.people import left_out
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
    agreed = _training_use(spec)
    end = data_end(spec, events)
    splits = splits_of(spec, end).required()
    coded = encode(spec, events)
    refused = left_out(coded, "train", known_at_last(spec, events))
    parts = assemble(spec, coded, splits.dates, end=end, refused=refused)
    _require_labels(parts["rows"]["y"])
    proof = prove_no_leakage(spec, events, as_of=splits.dates)
    return Dataset(
        **parts,
        splits=splits,
        findings=events.findings + agreed + _objections(refused) + proof + alarms(parts["X"], parts["rows"]["y"]),
        extract_dates=dict(events.extract_dates),
        spec_digest=spec.digest,
        events_digest=events.digest,
    )


def _require_labels(y: pd.Series[float]) -> None:
    positives, labelled = int(np.nansum(y)), int(y.notna().sum())
    if positives in (0, labelled):
        what = f"{labelled:,} labelled rows, {positives:,} of them positive"
        raise DataError.at(
            "outcome", what, expected="labels of both kinds", then="Check the outcome's indicators and dates"
        )


def _objections(refused: np.ndarray) -> Findings:
    message = "no row is made of who objects to training, as known at the last extract"
    return Findings([Finding("VRU205", "pass", "objections", message, {"people": int(refused.sum())})])


def _training_use(spec: Spec) -> Findings:
    """A feed whose agreement does not allow training may not stand behind a row, a feature or a label."""
    outcome = spec.outcome
    names = {f.indicator for f in spec.columns} | {*outcome.indicators, *outcome.treated_by, *outcome.exits}
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
