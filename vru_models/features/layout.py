"""What a spec's features need counted, worked out once for all dates and people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vru_models.features.status import status_column
from vru_models.spec import Spec
from vru_models.spec.calendar import Span
from vru_models.spec.question import Feature, Measure


@dataclass(frozen=True)
class Group:
    """The columns of X with one measure; per column the number of its indicator, its window, and how far it looks back.

    ``longest`` is the most days that each window can span.
    """

    measure: Measure
    columns: np.ndarray
    slots: np.ndarray
    windows: tuple[Span, ...]
    looks_back: tuple[Span, ...]
    longest: np.ndarray

    @classmethod
    def of(cls, measure: Measure, columns: np.ndarray, layout: Layout) -> Group:
        """The group of some columns of a layout."""
        features = [layout.features[i] for i in columns]
        windows = tuple(feature.window for feature in features)
        return cls(
            measure,
            columns,
            np.array([layout.places[i][1] for i in columns]),
            windows,
            tuple(feature.looks_back for feature in features),
            np.array([window.longest_days for window in windows]),
        )


@dataclass(frozen=True)
class Layout:
    """The columns of X and of the statuses, and the numbers under which indicators are counted.

    ``slot`` is that number per indicator of the spec, of those whose feed has a feature; -1 is not counted.
    """

    spec: Spec
    features: tuple[Feature, ...]
    slot: np.ndarray

    @classmethod
    def of(cls, spec: Spec) -> Layout:
        """The layout of a spec."""
        features = tuple(spec.columns)
        feeds = {spec.indicators[feature.indicator].feed for feature in features}
        counted = np.array([indicator.feed in feeds for indicator in spec.indicators.values()])
        return cls(spec, features, np.where(counted, np.cumsum(counted) - 1, -1))

    @cached_property
    def places(self) -> tuple[tuple[str, int], ...]:
        """The feed of each feature, and the number under which its indicator is counted."""
        number = dict(zip(self.spec.indicators, self.slot.tolist(), strict=True))
        return tuple((self.spec.indicators[f.indicator].feed, number[f.indicator]) for f in self.features)

    @cached_property
    def slots_of(self) -> Mapping[str, np.ndarray]:
        """The numbers of the indicators of each feed with a feature, whether or not they have one themselves."""
        feeds = np.array([indicator.feed for indicator in self.spec.indicators.values()], dtype=object)
        return {feed: self.slot[feeds == feed] for feed, _ in self.places}

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The features of each measure."""
        measures = np.array([feature.measure for feature in self.features], dtype=object)
        found = [(measure, np.flatnonzero(measures == measure)) for measure in dict.fromkeys(measures)]
        return tuple(Group.of(measure, columns, self) for measure, columns in found)

    @cached_property
    def columns_of(self) -> Mapping[tuple[str, Span], np.ndarray]:
        """The columns of X that are missing where a feed was not observed in a window."""
        asked = [(feed, f.looks_back) for (feed, _), f in zip(self.places, self.features, strict=True)]
        return {key: np.array([i for i, other in enumerate(asked) if other == key]) for key in dict.fromkeys(asked)}

    @cached_property
    def windows(self) -> tuple[Span, ...]:
        """Every window in which events are counted."""
        return tuple(dict.fromkeys(window for feature in self.features for window in feature.spans))

    def starts(self, as_of: np.datetime64) -> Mapping[Span, int]:
        """The first day of every window on a date, worked out once per date."""
        day = int(as_of.astype(np.int64))
        if day not in self._starts:
            before = {window: self.spec.before(window, as_of) for window in self.windows}
            self._starts[day] = {window: int(first.astype(np.int64)) for window, first in before.items()}
        return self._starts[day]

    def sessions(self, as_of: np.datetime64) -> Mapping[Span, int]:
        """The sessions that were possible on a date in the window of each feature that is a rate."""
        calendar, starts = self.spec.calendar, self.starts(as_of)
        rates = {feature.window for feature in self.features if feature.measure == "rate"}
        return {window: calendar.school.sessions(starts[window], as_of) for window in rates} if calendar else {}

    @cached_property
    def _starts(self) -> dict[int, Mapping[Span, int]]:
        return {}

    @cached_property
    def statuses(self) -> tuple[tuple[str, Span], ...]:
        """The feed and window of each column of statuses: shorter windows first, feeds in the order of the features."""
        used = dict.fromkeys((f.window, feed) for (feed, _), f in zip(self.places, self.features, strict=True))
        return tuple((feed, window) for window, feed in sorted(used, key=lambda pair: pair[0]))

    @property
    def names(self) -> list[str]:
        """The columns of X."""
        return [feature.name for feature in self.features]

    @property
    def status_names(self) -> list[str]:
        """The columns of the statuses."""
        return [status_column(feed, window) for feed, window in self.statuses]

    def measures(self, *names: str) -> bool:
        """Whether any feature has one of these measures."""
        return any(feature.measure in names for feature in self.features)
