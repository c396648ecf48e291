"""The as-of dates that triage 6.0.0 would choose, for those who come from it or hold their results against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vru_models.spec.calendar import Span, as_day


@dataclass(frozen=True)
class TriageSplit:
    """The as-of dates of one training and one test matrix, ascending; the first test date is the split time."""

    train: tuple[np.datetime64, ...]
    test: tuple[np.datetime64, ...]

    @property
    def time(self) -> np.datetime64:
        """The split time: every training label ended by then."""
        return self.test[0]


def triage_splits(
    *,
    label_start: Any,
    label_end: Any,
    feature_start: Any = None,
    feature_end: Any = None,
    model_update_frequency: str | Span = "100 years",
    training_label_timespan: str | Span,
    test_label_timespan: str | Span,
    **timing: str | Span,
) -> tuple[TriageSplit, ...]:
    """The splits of triage's ``temporal_config``, date for date, month ends that drift included.

    For a spec use :func:`temporal_splits`, which counts multiples from one date instead, knows embargo and reporting
    lag, and drops with a reason what triage stops at. Keys and defaults are triage's. Where it takes lists it makes the
    splits of every combination: call this for each.

    Parameters
    ----------
    label_start, label_end, feature_start, feature_end
        The first day and the day after the last; features by default as labels.
    timing
        ``max_training_history`` and ``test_duration`` (default 0 days), ``training_as_of_date_frequency`` and
        ``test_as_of_date_frequency`` (default 100 years).

    Raises
    ------
    ValueError
        Where triage raises one: dates out of order, features that end before the last test date, no split that fits, a
        split without training dates. Also for a frequency of zero, with which triage never ends.

    Notes
    -----
    Dates step back from the last split, and from the last training date, one after the other, so that a step to the end
    of February is felt by every earlier one (dssg/triage 6.0.0, timechop).

    Examples
    --------
    >>> splits = triage_splits(
    ...     label_start="2014-06-01", label_end="2018-06-01", model_update_frequency="1 year",
    ...     training_label_timespan="1 month", test_label_timespan="1 month", max_training_history="5 years",
    ...     training_as_of_date_frequency="1 month")
    >>> [(str(s.time), len(s.train)) for s in splits]
    [('2015-05-01', 11), ('2016-05-01', 23), ('2017-05-01', 35), ('2018-05-01', 47)]
    """
    labels = as_day(label_start), as_day(label_end)
    features = as_day(feature_start or label_start), as_day(feature_end or label_end)
    for name, (first, last) in (("label", labels), ("feature", features)):
        if first > last:
            raise ValueError(f"{name}_start {first} is after {name}_end {last}")
    rule = _Rule.of(timing)
    update, earliest = _step(model_update_frequency), max(labels[0], features[0])
    span = Span.parse(training_label_timespan)
    last_test = Span.parse(test_label_timespan).before(labels[1])
    if last_test > features[1]:
        raise ValueError(f"the last test date {last_test} is after feature_end {features[1]}")
    times = list(_back(rule.duration.before(last_test), update, until=span.after(earliest)))
    if not times:
        raise ValueError(f"no split fits: the first label ends on {span.after(earliest)}, the last test is {last_test}")
    return tuple(TriageSplit(rule.train(span.before(time), earliest), rule.test(time)) for time in times[::-1])


@dataclass(frozen=True)
class _Rule:
    """How far back training goes, how long a model is used, and in what steps."""

    history: Span
    train_step: Span
    duration: Span
    test_step: Span

    @classmethod
    def of(cls, timing: dict[str, str | Span]) -> _Rule:
        given = dict(timing)
        rule = cls(
            Span.parse(given.pop("max_training_history", "0 days")),
            _step(given.pop("training_as_of_date_frequency", "100 years")),
            Span.parse(given.pop("test_duration", "0 days")),
            _step(given.pop("test_as_of_date_frequency", "100 years")),
        )
        if given:
            raise TypeError(f"{', '.join(sorted(given))} not known. See the parameters of triage_splits.")
        return rule

    def train(self, last: np.datetime64, earliest: np.datetime64) -> tuple[np.datetime64, ...]:
        """The training dates up to one, no further back than the history and the data go (inclusive)."""
        dates = tuple(_back(last, self.train_step, until=max(self.history.before(last), earliest)))
        if not dates:
            raise ValueError(f"no training date: a label that ends with the split begins on {last}, before the data")
        return dates[::-1]

    def test(self, time: np.datetime64) -> tuple[np.datetime64, ...]:
        """The test dates of a split: its time, then on while a model is used."""
        dates, end = [time], self.duration.after(time)
        while (later := self.test_step.after(dates[-1])) < end:
            dates.append(later)
        return tuple(dates)


def _step(text: str | Span) -> Span:
    step = Span.parse(text)
    if step.n == 0:
        raise ValueError("a frequency of zero never arrives. Expected: at least 1 day.")
    return step


def _back(last: np.datetime64, step: Span, *, until: np.datetime64) -> Iterator[np.datetime64]:
    """Dates from the last one back, each a step before the one after it."""
    while last >= until:
        yield last
        last = step.before(last)
