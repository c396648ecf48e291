"""What is compared between groups, in which direction a gap is a harm, and the figures of every group at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from vru_models.evaluation.arrays import Codes, Floats, complete, outcome_codes, ratio
from vru_models.evaluation.ranking import Ranked
from vru_models.evaluation.resampling import sum_by

Parts = tuple[Floats, Floats]


@dataclass(frozen=True)
class Measure:
    """A share of people that is compared between groups.

    Parameters
    ----------
    code
        The finding's code.
    harm
        Whether a ``lower`` or a ``higher`` value than everyone else's harms the group.
    why
        The reason for that direction, in a sentence.
    parts
        Numerator and denominator from the people and the listed, each counted by outcome (last axis: 0, 1, unlabelled).
    """

    name: str
    code: str
    harm: Literal["lower", "higher"]
    why: str
    parts: Callable[[Floats, Floats], Parts]

    @property
    def title(self) -> str:
        """The name as prose."""
        return self.name.replace("_", " ")

    def rate(self, people: Floats, listed: Floats) -> Floats:
        """The share; NaN where its denominator is empty."""
        return ratio(*self.parts(people, listed))

    def gap(self, group: Any, rest: Any) -> Any:
        """How far the group is worse off than everyone else, above 0 where it is."""
        return rest - group if self.harm == "lower" else group - rest


def _selected(people: Floats, listed: Floats) -> Parts:
    return listed.sum(axis=-1), people.sum(axis=-1)


def _found(people: Floats, listed: Floats) -> Parts:
    return listed[..., 1], people[..., 1]


def _right(people: Floats, listed: Floats) -> Parts:  # noqa: ARG001
    return listed[..., 1], listed[..., 0] + listed[..., 1]


def _omitted(people: Floats, listed: Floats) -> Parts:
    return _right(people, people - listed)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        m.name: m
        for m in (
            Measure(
                "selection_rate",
                "VRU301",
                "lower",
                "a group listed less often is offered support less often",
                _selected,
            ),
            Measure("recall", "VRU302", "lower", "more of a group's children in need are missed", _found),
            Measure(
                "precision",
                "VRU303",
                "lower",
                "more of a group's listed children are looked into without need; being under-listed, which raises a"
                " group's precision, is seen by recall and by the false omission rate",
                _right,
            ),
            Measure(
                "false_omission_rate",
                "VRU304",
                "higher",
                "more of those a group has left off the list are in need",
                _omitted,
            ),
        )
    }
)


@dataclass(frozen=True, eq=False)
class Selection:
    """Who was listed, on cells: fixed shares of a place, or a ranking that reselects whenever people are resampled."""

    level: Codes
    shares: Floats
    ranked: Ranked | None = None

    @classmethod
    def of(cls, selected: Any, unit: Codes) -> Selection:
        """From flags (0, 1, or a share of a place between) or from a ranking; ``unit`` is what will be resampled."""
        n = len(unit)
        if isinstance(selected, Ranked):
            if len(selected.level) != n:
                raise ValueError(f"the ranking has {len(selected.level)} rows, expected {n}")
            reach = selected.within_reach(unit)
            return cls(reach.level, np.empty(0), reach)
        share = complete("selected", selected, n)
        if ((share < 0) | (share > 1)).any():
            raise ValueError(f"selected: {int(((share < 0) | (share > 1)).sum())} of {n} lie outside 0 to 1")
        values, level = np.unique(share, return_inverse=True)
        return cls(level.astype(np.intp), values)

    def row_shares(self) -> Floats:
        """The share of a place that each row holds."""
        return self.shares[self.level] if self.ranked is None else self.ranked.row_shares()

    def cell_shares(self, counts: Floats, level_of: Codes) -> Floats:
        """The share that people of each cell hold, in every replicate of the cells' counts."""
        if self.ranked is None:
            return self.shares[level_of]
        shares: Floats = self.ranked.shares(sum_by(counts, level_of, len(self.ranked.date)))[:, level_of]
        return shares


def by_group(counts: Floats, group_outcome: Codes, n_groups: int) -> Floats:
    """Counts of cells as replicate x group x outcome; the code of a cell is ``3 x group + outcome``."""
    figures: Floats = sum_by(counts, group_outcome, 3 * n_groups).reshape(len(counts), n_groups, 3)
    return figures


def rest_of(figures: Floats) -> Floats:
    """For each group (next to last axis) the sum over everyone else."""
    everyone: Floats = figures.sum(axis=-2, keepdims=True)
    return everyone - figures


def row_parts(y: Floats, share: Floats) -> Parts:
    """Each row as people and as listed, by outcome: what the measures take, one row at a time."""
    people = np.eye(3)[outcome_codes(y)]
    return people, people * share[:, None]
