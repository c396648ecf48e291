"""Temporal splits: which as-of dates train, which test, no outcome window crossing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vru_models.errors import DataError
from vru_models.spec import Span, Spec
from vru_models.spec.calendar import SchoolDays, anchored_dates, as_day, steady

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class SchoolSpan:
    """A horizon in terms or school days, and the calendar that it is counted on."""

    span: Span
    school: SchoolDays

    def after(self, date: Any) -> Any:
        """The day after the last of it, when it begins on a date; see :meth:`SchoolDays.after`."""
        return self.school.after(self.span, date)

    def before(self, end: Any) -> Any:
        """The day from which the last one is over by a date; see :meth:`SchoolDays.latest`."""
        return self.school.latest(self.span, end)


Horizon = Span | SchoolSpan


@dataclass(frozen=True)
class Split:
    """One test as-of date and the as-of dates whose labels were complete by then (``complete <= test``)."""

    train: tuple[np.datetime64, ...]
    test: np.datetime64

    def __post_init__(self) -> None:
        if not self.train or max(self.train) >= self.test:
            raise ValueError("a split needs training dates, all before its test date")

    @property
    def name(self) -> str:
        """The test as-of date in ISO form."""
        return str(self.test)


@dataclass(frozen=True)
class Splits:
    """Splits in ascending order of test date, and the test dates that were dropped, each with its reason.

    The last split is sealed: it takes no part in choosing. Usable as scikit-learn's ``cv=`` on frames whose index has
    a level ``as_of``.
    """

    items: tuple[Split, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[Split]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def on_dates(
        cls,
        dates: Sequence[Any],
        *,
        label_end: Any,
        horizon: str | Horizon,
        embargo: str | Span = "0 days",
        reporting_lag: str | Span = "0 days",
    ) -> Splits:
        """Splits on listed as-of dates, each trained on every earlier one whose label was complete by then.

        Examples
        --------
        >>> dates = ["2022-09-01", "2023-03-01", "2023-09-01"]
        >>> [(s.name, len(s.train)) for s in Splits.on_dates(dates, label_end="2024-09-01", horizon="1 year")]
        [('2023-09-01', 1)]
        """
        spans = _spans(embargo, horizon, reporting_lag)
        tests: list[np.datetime64] = sorted({as_day(date) for date in dates})
        pools = {test: [d for d in tests if _complete(d, spans) <= test] for test in tests}
        return _kept(pools, spans, as_day(label_end))

    def required(self) -> Splits:
        """These splits, or a :class:`DataError` that says why there are none."""
        if not self.items:
            reasons = "; ".join(f"{date}: {reason}" for date, reason in self.dropped) or "no as-of date fits"
            raise DataError.at(
                "splits", f"none is possible ({reasons})", then="Declare earlier dates or a shorter horizon"
            )
        return self

    @property
    def sealed(self) -> Split:
        """The last split."""
        return self.required().items[-1]

    @property
    def dates(self) -> tuple[np.datetime64, ...]:
        """Every as-of date used, ascending."""
        return tuple(sorted({d for s in self.items for d in (*s.train, s.test)}))

    def most_recent(self, n: int) -> Splits:
        """Only the last ``n`` splits; the earlier ones are among the dropped, with that reason."""
        earlier = tuple((s.name, f"only the {n} most recent splits were asked for") for s in self.items[:-n])
        return Splits(self.items[-n:], (*self.dropped, *earlier))

    def frame(self) -> pd.DataFrame:
        """One row per split and as-of date: split (test date), kind (train or test), as_of, sealed."""
        rows = [
            (s.name, kind, pd.Timestamp(str(date)), s is self.items[-1])
            for s in self.items
            for kind, dates in (("train", s.train), ("test", (s.test,)))
            for date in dates
        ]
        return pd.DataFrame(rows, columns=["split", "kind", "as_of", "sealed"])

    def plot(
        self, *, horizon: str | Horizon, embargo: str | Span = "0 days", reporting_lag: str | Span = "0 days"
    ) -> Figure:
        """A picture for a panel: training dates, dates of the lists, outcome windows, embargo and lag, per split."""
        from vru_models.splits.plot import plot_splits  # noqa: PLC0415  matplotlib is loaded only to draw

        return plot_splits(self, _spans(embargo, horizon, reporting_lag))

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Train and test row positions per split, for scikit-learn.

        Parameters
        ----------
        groups
            One per row, such as its household: who shares a group with a test row is left out of training.
        """
        for train, test in self._rows(X):
            if groups is None:
                yield train, test
            else:
                group = np.asarray(groups)
                yield train[~np.isin(group[train], group[test])], test

    def leave_one_out(self, X: Any, groups: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Train and test row positions per split and group, ascending: trained on all others, tested on this one.

        With the areas as groups: would the model have served an area that it had never seen? A group without a row on
        the test date or with nobody else to learn from is left out. Give scikit-learn ``cv=list(...)`` of it.
        """
        group = np.asarray(groups)
        for train, test in self._rows(X):
            for one in np.unique(group[test]):
                others = train[group[train] != one]
                if len(others):
                    yield others, test[group[test] == one]

    def _rows(self, X: Any) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        as_of = X.index.get_level_values("as_of").to_numpy().astype("datetime64[D]")
        for item in self.items:
            yield np.flatnonzero(np.isin(as_of, item.train)), np.flatnonzero(as_of == item.test)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Number of splits, for scikit-learn."""
        return len(self.items)


def temporal_splits(
    *,
    label_end: Any,
    horizon: str | Horizon,
    first: Any,
    update_every: str | Span,
    train_every: str | Span | None = None,
    max_history: str | Span | None = None,
    embargo: str | Span = "0 days",
    reporting_lag: str | Span = "0 days",
) -> Splits:
    """Splits whose training labels were complete on the test date, and whose test labels are by ``label_end``.

    Test dates step back by ``update_every`` from the last date whose label is complete by ``label_end`` (inclusive) to
    ``first`` (inclusive). Steps are multiples counted from that last date, so month ends do not drift. Training dates
    step back by ``train_every`` (default: ``update_every``) from the last one complete on the test date, as far as
    ``max_history`` before it, and never before ``first``. For dates of your own see :meth:`Splits.on_dates`.

    Of a horizon in terms (of a spec with a calendar) the last date is the first day of a term, less the embargo, so
    that whole terms are asked about: on a later day of the term the same label would be complete, and ask less.

    Examples
    --------
    >>> rule = dict(horizon="6 months", embargo="2 months", reporting_lag="1 month", update_every="6 months")
    >>> splits = temporal_splits(label_end="2026-11-01", first="2023-11-01", **rule)
    >>> [(s.name, len(s.train)) for s in splits]
    [('2024-08-01', 1), ('2025-02-01', 2), ('2025-08-01', 3), ('2026-02-01', 4)]
    """
    spans, end, earliest = _spans(embargo, horizon, reporting_lag), as_day(label_end), as_day(first)
    step = steady(Span.parse(update_every))
    every = steady(Span.parse(train_every)) if train_every else step
    reach = steady(Span.parse(max_history)) if max_history else None
    tests = anchored_dates(last=_latest(end, spans), first=earliest, step=step)
    return _kept({test: _history(test, spans, earliest, every, reach) for test in tests}, spans, end)


def _spans(embargo: str | Span, horizon: str | Horizon, reporting_lag: str | Span) -> tuple[Span, Horizon, Span]:
    """What passes between an as-of date and its complete label, in order."""
    until = horizon if isinstance(horizon, SchoolSpan) else Span.parse(horizon)
    if isinstance(until, Span) and until.n == 0:
        raise ValueError("a horizon of zero holds no outcome. Expected: at least 1 day.")
    return steady(Span.parse(embargo)), until, steady(Span.parse(reporting_lag))


def _kept(
    pools: Mapping[np.datetime64, Sequence[np.datetime64]], spans: Sequence[Horizon], end: np.datetime64
) -> Splits:
    """The splits of test dates and their training dates, and the reasons why others are dropped."""
    kept, dropped = [], []
    for test, train in pools.items():
        if _complete(test, spans) > end:
            dropped.append((str(test), f"its labels are complete only on {_complete(test, spans)}, after the data end"))
        elif not train:
            dropped.append((str(test), "no earlier as-of date had complete labels by then"))
        else:
            kept.append(Split(tuple(train), test))
    return Splits(tuple(kept), tuple(dropped))


def _complete(as_of: np.datetime64, spans: Sequence[Horizon]) -> np.datetime64:
    for span in spans:
        as_of = span.after(as_of)
    return as_of


def _latest(end: np.datetime64, spans: Sequence[Horizon]) -> np.datetime64:
    """``end`` less the spans: complete by ``end``, because clipping at month ends only ever moves a date back.

    Terms and school days never end earlier for beginning later, so that a date moved back is complete with them, too.
    """
    for span in reversed(spans):
        end = span.before(end)
    return end


def _history(
    test: np.datetime64, spans: Sequence[Horizon], first: np.datetime64, every: Span, reach: Span | None
) -> list[np.datetime64]:
    last = _latest(test, spans)
    earliest = max(first, reach.before(last)) if reach else first
    return list(anchored_dates(last=last, first=earliest, step=every)) if last >= earliest else []


def horizon_of(spec: Spec) -> Horizon:
    """The horizon of a spec's outcome, as splits and their plot take it."""
    span, calendar = spec.outcome.horizon, spec.calendar
    return SchoolSpan(span, calendar.school) if calendar and span.of_school else span


def splits_of(spec: Spec, label_end: Any) -> Splits:
    """The splits that a spec's rule gives with data up to ``label_end``."""
    rule, outcome = spec.splits, spec.outcome
    spans: dict[str, Any] = {"embargo": outcome.embargo, "reporting_lag": outcome.reporting_lag}
    spans["horizon"] = horizon_of(spec)
    if rule.update_every is None:
        splits = Splits.on_dates(rule.as_of, label_end=label_end, **spans)
    else:
        splits = temporal_splits(
            label_end=label_end,
            first=rule.first,
            update_every=rule.update_every,
            train_every=rule.train_every,
            max_history=rule.max_history,
            **spans,
        )
    return splits.most_recent(rule.most_recent) if rule.most_recent else splits
