"""What a spec's features need counted, worked out once for all dates and people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vru_models.features.status import status_column
from vru_models.spec import Spec
from vru_models.spec.calendar import Span
from vru_models.spec.question import Feature


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
    def looks_back(self) -> Mapping[str, tuple[Span, ...]]:
        """The windows of each feed for which somebody's status is needed."""
        asked = [(feed, w) for (feed, _), f in zip(self.places, self.features, strict=True) for w in f.spans]
        return {feed: tuple(dict.fromkeys(w for name, w in asked if name == feed)) for feed in self.slots_of}

    @cached_property
    def windows(self) -> tuple[Span, ...]:
        """Every window in which events are counted."""
        return tuple(dict.fromkeys(window for feature in self.features for window in feature.spans))

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
