"""What is fixed before fitting: candidates, capacity, fairness limits, success bars, disclosure, retention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vru_models.spec.section import Count, Name, Section, Window

FairnessMetric = Literal["selection_rate", "recall", "precision", "false_omission_rate"]
SuccessMetric = Literal["precision_at_k", "recall_at_k", "auc"]
Share = Annotated[float, Field(gt=0, lt=1)]


class Candidate(Section):
    """One releasable kind of card to compare."""

    name: Name
    kind: Literal["scorecard", "flag_count", "single_indicator"]
    max_points: Annotated[int, Field(ge=1, le=100)] = 10
    max_bins: Annotated[int, Field(ge=2, le=20)] = 8
    l2: Annotated[float, Field(gt=0, le=1e6)] = 20.0


class Model(Section):
    """The candidates. Flag count and single indicator are always compared with, declared or not."""

    candidates: Annotated[tuple[Candidate, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_once(self) -> Model:
        names = [c.name for c in self.candidates]
        if len(set(names)) != len(names):
            raise ValueError("two candidates have the same name")
        return self


class Capacity(Section):
    """Places for new offers per as-of date; ``random_share`` of them (at least one) drawn from below the cut."""

    k: Annotated[Count, Field(ge=2)]
    random_share: Annotated[float, Field(ge=0.05, le=0.5)] = 0.05


class Fairness(Section):
    """Protected characteristics to examine, the largest gap tolerated for each metric, the smallest group judged."""

    sensitive: Annotated[tuple[Name, ...], Field(min_length=1)]
    limits: Annotated[Mapping[FairnessMetric, Share], Field(min_length=1)]
    min_group: Annotated[Count, Field(ge=10)] = 30


class Bar(Section):
    """One success bar, on the sealed split."""

    metric: SuccessMetric
    at_least: Share


class Success(Section):
    """Bars fixed before fitting and written to the ledger first."""

    bars: Annotated[tuple[Bar, ...], Field(min_length=1)]


class Disclosure(Section):
    """The small-number profile under which tables leave."""

    profile: Literal["opensafely"] = "opensafely"


class Retention(Section):
    """How long a release may be used before it must be approved again, and how long each kind of artefact is kept.

    Every window but ``release`` is counted from the day on which the ledger says that the artefact was written, and its
    last day is still inside. None: kept until somebody removes it, and ``expire`` says so.

    Parameters
    ----------
    release
        How long a release may be used. Nothing is removed by it.
    extracts
        The copy of the agencies' files that the partnership keeps.
    quarantine
        Which rows were held back, and why.
    events
        The event store. One that is kept from month to month goes as a whole, counted from what was last recorded into
        it; a purge does not renew it.
    audit_file
        Protected characteristics, kept apart.
    dataset
        Features and outcomes by row.
    run
        The fit, with every row's points. Kept in any case while a release in use was approved on it.
    evidence
        What was measured. Kept in any case while a release in use was approved on it.
    old_release
        A release that is superseded or past its last day. Kept in any case while a list that was made from it is here.
    scores
        A list with its reason sheets.
    report
        A page for reviewers; a copy of a release's own page goes with that release at the latest.
    """

    release: Window
    extracts: Window | None = None
    quarantine: Window | None = None
    events: Window | None = None
    audit_file: Window | None = None
    dataset: Window | None = None
    run: Window | None = None
    evidence: Window | None = None
    old_release: Window | None = None
    scores: Window | None = None
    report: Window | None = None
