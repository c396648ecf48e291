"""Figures of every group with their intervals, and whether each gap is within its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vru_models.evaluation.arrays import Codes, Floats, coded, outcome_codes, outcomes
from vru_models.evaluation.intervals import rate_interval
from vru_models.evaluation.resampling import RandomState, cells_of, distinct_units, resampled_counts
from vru_models.fairness.conclusions import findings_of
from vru_models.fairness.measures import MEASURES, Measure, Selection, by_group, rest_of, row_parts
from vru_models.fairness.sensitive import recorded
from vru_models.fairness.verdict import Side, judge
from vru_models.findings import Findings

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class FairnessAudit:
    """What :func:`audit_groups` found: figures, verdicts and findings.

    Parameters
    ----------
    groups
        What :meth:`frame` gives.
    comparisons
        What :meth:`verdicts` gives.
    findings
        One for each limit and attribute: VRU301 selection rate, VRU302 recall, VRU303 precision, VRU304 false omission.
    """

    groups: pd.DataFrame
    comparisons: pd.DataFrame
    findings: Findings = field(default_factory=Findings)

    def frame(self) -> pd.DataFrame:
        """One row per attribute and group.

        ``attribute, group, n, n_units, n_labelled, positives, selected, selected_labelled, selected_positives``, and
        for each measure ``m`` out of selection_rate, recall, precision, false_omission_rate: ``m, m_denominator, m_low,
        m_high`` (95 %), ``m_method``. A rate without a denominator is NaN.
        """
        return self.groups.copy()

    def verdicts(self) -> pd.DataFrame:
        """One row per limit, attribute and group: the group against everyone else.

        ``measure, attribute, group, n_units, rate, rest, gap`` (above 0 where the group is worse off), ``limit, upper``
        (one-sided 95 % bound), ``p`` (gap at most limit), ``p_adjusted`` (Holm), ``method, status, units_needed`` (the
        size of the group at which such a gap would be settled).
        """
        return self.comparisons.copy()

    def plot(self, measure: str = "recall") -> Figure:
        """Each group's figure with its 95 % interval, one panel per attribute; reads in black and white."""
        from vru_models.fairness.plot import plot_groups  # noqa: PLC0415  matplotlib is loaded only to draw

        return plot_groups(self.frame(), measure)


def audit_groups(
    y_true: Any,
    selected: Any,
    *,
    sensitive_features: pd.DataFrame,
    unit: Any,
    limits: Mapping[str, float],
    min_group: int = 30,
    n_replicates: int = 1000,
    random_state: RandomState,
) -> FairnessAudit:
    """Who the list works for: every group's figures, and each group against everyone else under the declared limits.

    The list is one of support, so gaps are signed toward harm: lower selection rate, lower recall, lower precision, or
    a higher false omission rate than everyone else's. A gap fails when it is above its limit with a Holm-adjusted
    one-sided p below .05, the family being every limit and group. An attribute passes when every group's one-sided 95 %
    upper bound is under the limit. Everything else is ``cannot tell``, with the group size that would tell.

    Parameters
    ----------
    y_true
        1, 0, or missing for the unlabelled, who count in selection rates only.
    selected
        What was decided: 1, 0, or a share of a place for those level at the cut. Or the ranking itself
        (:func:`~vru_models.evaluation.ranking.rank`), which reselects the top k of each date in every replicate.
    sensitive_features
        One attribute a column, aligned by position; a missing value is the group ``not recorded``.
    unit
        The person, or better the household, of each row: what is resampled and what effective numbers count.
    limits
        The largest gap that is acceptable, by measure, as a difference of shares: ``{"recall": 0.10}``.
    min_group
        Distinct units that a group, and everyone else, must have; below it nothing can be told.

    Examples
    --------
    >>> audit = audit_groups([1, 0] * 40, [1, 0] * 20 + [0, 0] * 20, sensitive_features=pd.DataFrame({"sex": ["F"] * 40
    ...     + ["M"] * 40}), unit=range(80), limits={"recall": 0.10}, random_state=0)
    >>> audit.findings
    Findings: 1 fail
      VRU302 fail           sex: recall of 'M' is 1.00 lower than everyone else's (0.00 against 1.00; limit 0.10,
      adjusted p < 0.001)
    """
    y = outcomes(y_true)
    units, _ = coded("unit", unit, len(y))
    rows = _Rows(y, Selection.of(selected, units), units)
    tested = {MEASURES[name]: limits[name] for name in _checked(limits)}
    groupings = _groupings(sensitive_features, len(y))
    figures: list[pd.DataFrame] = []
    sides: list[Side] = []
    for grouping, replicates in zip(groupings, _replicates(rows, groupings, n_replicates, random_state), strict=True):
        figures.append(_figures(rows, grouping, replicates))
        sides.extend(_sides(rows, grouping, replicates, tested))
    verdicts = judge(sides, min_group)
    return FairnessAudit(pd.concat(figures, ignore_index=True), verdicts, findings_of(verdicts))


@dataclass(frozen=True, eq=False)
class _Rows:
    y: Floats
    selection: Selection
    unit: Codes

    def figures(self, grouping: _Grouping) -> tuple[Floats, Floats]:
        """People and listed as group x outcome, as observed."""
        people, listed = row_parts(self.y, self.selection.row_shares())
        shape = (len(grouping.names), 3)
        sums = np.zeros((2, *shape))
        np.add.at(sums[0], grouping.code, people)
        np.add.at(sums[1], grouping.code, listed)
        return sums[0], sums[1]

    def denominator(self, measure: Measure) -> Floats:
        """How much of each row is in the measure's denominator."""
        return measure.parts(*row_parts(self.y, self.selection.row_shares()))[1]


@dataclass(frozen=True, eq=False)
class _Grouping:
    attribute: str
    code: Codes
    names: list[str]


def _checked(limits: Mapping[str, float]) -> list[str]:
    unknown = sorted(set(limits) - set(MEASURES))
    if unknown or not limits:
        raise ValueError(f"limits: {', '.join(unknown) or 'none'} given. Expected: some of {', '.join(MEASURES)}.")
    outside = [name for name, limit in limits.items() if not 0 <= limit < 1]
    if outside:
        raise ValueError(f"limits: {', '.join(outside)} is not a difference of shares from 0 to below 1")
    return [name for name in MEASURES if name in limits]


def _groupings(sensitive_features: pd.DataFrame, n: int) -> list[_Grouping]:
    if not isinstance(sensitive_features, pd.DataFrame) or not len(sensitive_features.columns):
        raise TypeError("sensitive_features is a DataFrame with one attribute a column, at least one")
    groupings = []
    for attribute, column in recorded(sensitive_features).items():
        code, names = coded(str(attribute), column, n)
        groupings.append(_Grouping(str(attribute), code, list(names)))
    return groupings


def _replicates(
    rows: _Rows, groupings: list[_Grouping], n_replicates: int, random_state: RandomState
) -> Iterator[tuple[Floats, Floats]]:
    """For each attribute, people and listed as replicate x group x outcome, all from the same draws."""
    codes = (rows.selection.level, outcome_codes(rows.y), *(g.code for g in groupings))
    cell, (level_of, outcome_of, *group_of) = cells_of(*codes)
    sums: list[list[tuple[Floats, Floats]]] = [[] for _ in groupings]
    for counts in resampled_counts(cell, rows.unit, n_replicates=n_replicates, random_state=random_state):
        listed = counts * rows.selection.cell_shares(counts, level_of)
        for kept, grouping, group in zip(sums, groupings, group_of, strict=True):
            code, size = 3 * group + outcome_of, len(grouping.names)
            kept.append((by_group(counts, code, size), by_group(listed, code, size)))
    return ((np.concatenate([p for p, _ in kept]), np.concatenate([s for _, s in kept])) for kept in sums)


def _figures(rows: _Rows, grouping: _Grouping, replicates: tuple[Floats, Floats]) -> pd.DataFrame:
    people, listed = rows.figures(grouping)
    columns: dict[str, Any] = {
        "attribute": [grouping.attribute] * len(grouping.names),
        "group": grouping.names,
        "n": people.sum(axis=1).astype(np.int64),
        "n_units": _units_in(rows, grouping, np.ones(len(rows.y)))[0].astype(np.int64),
        "n_labelled": people[:, :2].sum(axis=1).astype(np.int64),
        "positives": people[:, 1].astype(np.int64),
        "selected": listed.sum(axis=1),
        "selected_labelled": listed[:, :2].sum(axis=1),
        "selected_positives": listed[:, 1],
    }
    for name, measure in MEASURES.items():
        rate, size = measure.rate(people, listed), measure.parts(people, listed)[1]
        n_units, _ = _units_in(rows, grouping, rows.denominator(measure))
        drawn = measure.rate(*replicates).T
        low, high, method = zip(
            *(
                rate_interval(p, denominator=d, n_units=u, replicates=r)
                for p, d, u, r in zip(rate, size, n_units, drawn, strict=True)
            ),
            strict=True,
        )
        columns |= {name: rate, f"{name}_denominator": size}
        columns |= {f"{name}_low": low, f"{name}_high": high, f"{name}_method": method}
    return pd.DataFrame(columns)


def _sides(
    rows: _Rows, grouping: _Grouping, replicates: tuple[Floats, Floats], tested: Mapping[Measure, float]
) -> Iterator[Side]:
    """Each group beside everyone else, one comparison for each limit."""
    (people, listed), units = rows.figures(grouping), _units_in(rows, grouping, np.ones(len(rows.y)))
    for measure, limit in tested.items():
        rate, rest = measure.rate(people, listed), measure.rate(rest_of(people), rest_of(listed))
        size, rest_size = measure.parts(people, listed)[1], measure.parts(rest_of(people), rest_of(listed))[1]
        effective = _units_in(rows, grouping, rows.denominator(measure))
        drawn = measure.gap(measure.rate(*replicates), measure.rate(*(rest_of(r) for r in replicates)))
        for g, name in enumerate(grouping.names):
            yield Side(
                measure=measure,
                limit=limit,
                attribute=grouping.attribute,
                group=name,
                units=(units[0][g], units[1][g]),
                rates=(rate[g], rest[g]),
                sizes=(size[g], rest_size[g]),
                effective=(effective[0][g], effective[1][g]),
                spread=_spread(drawn[:, g]),
            )


def _units_in(rows: _Rows, grouping: _Grouping, part: Floats) -> tuple[Floats, Floats]:
    """Distinct units of a denominator in each group and in everyone else."""
    inside = [grouping.code == g for g in range(len(grouping.names))]
    return (
        np.array([distinct_units(rows.unit, part * mask) for mask in inside]),
        np.array([distinct_units(rows.unit, part * ~mask) for mask in inside]),
    )


def _spread(drawn: Floats) -> float:
    """The bootstrap standard error; NaN with fewer than two replicates in which the gap is defined."""
    defined = drawn[~np.isnan(drawn)]
    return float(defined.std(ddof=1)) if len(defined) > 1 else float("nan")
