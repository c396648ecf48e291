"""The declared question: who is eligible, what counts as the outcome, which features, which splits; the calendar."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from vru_models.spec.calendar import SchoolDays, Span
from vru_models.spec.section import Count, Day, Length, Name, Prose, SchoolWindow, Section, Window

Measure = Literal["count", "any", "days_since_last", "sum", "mean", "max", "distinct", "trend", "rate"]
NEEDS_VALUE = ("sum", "mean", "max", "distinct", "rate")
"""Measures of the values of events."""

NEEDS_COUNT = ("mean", "max", "trend")
"""Measures that are NaN without events, so that the card must also hold whether there were any."""


class Stretch(Section):
    """Days from a first to a last one, both inclusive."""

    start: Annotated[Day, Field(alias="from")]
    to: Day


def _stretch(value: Any) -> Any:
    """A day alone is a stretch of one day."""
    return value if isinstance(value, Stretch | dict) else {"from": value, "to": value}


class Calendar(Section):
    """The school calendar: what lengths in terms and school days are counted on, and how many sessions were possible.

    ``terms`` ascend and do not overlap, from their first day to their last, both inclusive. ``closed`` holds days, or
    stretches of days within a term, on which schools were closed: half-terms, bank holidays, INSET days. Weekends are
    no school days and need not be said. Every day from the first term to the last is declared by that; see
    :class:`~vru_models.spec.calendar.SchoolDays` for how windows are counted, and what is refused. Declare the terms to
    come, too: a release carries its calendar.

    Examples
    --------
    >>> autumn = {"from": "2025-09-03", "to": "2025-12-19"}
    >>> calendar = Calendar(terms=[autumn], closed=["2025-09-03", {"from": "2025-10-27", "to": "2025-10-31"}])
    >>> calendar.after(Span.parse("1 school day"), "2025-09-03")
    np.datetime64('2025-09-05')
    """

    terms: Annotated[tuple[Stretch, ...], Field(min_length=1)]
    closed: tuple[Annotated[Stretch, BeforeValidator(_stretch)], ...] = ()

    @model_validator(mode="after")
    def _can_be_counted_on(self) -> Calendar:
        _ = self.school
        return self

    @property
    def school(self) -> SchoolDays:
        """Its terms and school days."""
        return _school_days(self.terms, self.closed)

    def before(self, span: Span, date: Any) -> Any:
        """The first day of a window of this length, in whatever unit, that ends before a date (or dates)."""
        return self.school.before(span, date) if span.of_school else span.before(date)

    def after(self, span: Span, date: Any) -> Any:
        """The day after the last of a span, in whatever unit, that begins on a date (or dates)."""
        return self.school.after(span, date) if span.of_school else span.after(date)


@cache
def _school_days(terms: Sequence[Stretch], closed: Sequence[Stretch]) -> SchoolDays:
    return SchoolDays.of(*([(days.start, days.to) for days in stretches] for stretches in (terms, closed)))


class Rule(Section):
    """At least so many events of an indicator, known on the as-of date, in ``[as_of - window, as_of)``."""

    indicator: Name
    at_least: Annotated[Count, Field(ge=1)] = 1
    window: SchoolWindow


class Cohort(Section):
    """Who is eligible on an as-of date: in view, of these ages (completed years, inclusive), in these areas.

    ``entry`` rules must all hold. Whoever meets a ``routed`` rule is already in statutory services: counted and routed
    there, never scored. Pseudonyms that a ``links`` feed merges with a confidence of ``same_person_from`` or more are
    one person, as known on the date.
    """

    age_from: Annotated[int | None, Field(ge=0, le=25)] = None
    age_to: Annotated[int | None, Field(ge=0, le=25)] = None
    areas: tuple[str, ...] = ("*",)
    entry: tuple[Rule, ...] = ()
    routed: tuple[Rule, ...] = ()
    same_person_from: Annotated[float, Field(gt=0, le=1)] = 0.9
    rationale: Prose

    @model_validator(mode="after")
    def _bounds(self) -> Cohort:
        if (self.age_from is None) != (self.age_to is None):
            raise ValueError("give both age_from and age_to, or neither")
        if self.age_from is not None and self.age_to is not None and self.age_to < self.age_from:
            raise ValueError("age_to is below age_from")
        return self


class Outcome(Section):
    """What a row's label says; with ``start = as_of + embargo`` and ``end = start + horizon``.

    y is 1 when at least ``at_least`` outcome events have their event date in ``[start, end)``, as known
    ``reporting_lag`` after ``end``. ``treated_by`` names the events that say an offer was accepted; ``exits`` those
    that say a person left for good, beside the end of their spell. With ``ascertainment = "reviewed"`` an outcome is
    seen only for those of whom an event of ``reviewed_by`` in ``[start, end)`` says that somebody looked.
    """

    name: Name
    statement: Prose
    not_a_measure_of: Prose
    indicators: Annotated[tuple[Name, ...], Field(min_length=1)]
    at_least: Annotated[Count, Field(ge=1)] = 1
    horizon: SchoolWindow
    embargo: Length
    reporting_lag: Length
    ascertainment: Literal["all", "reviewed"] = "all"
    reviewed_by: Annotated[tuple[Name, ...], Field(exclude_if=operator.not_)] = ()
    treated_by: tuple[Name, ...] = ()
    exits: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _says_who_was_reviewed(self) -> Outcome:
        if (self.ascertainment == "reviewed") != bool(self.reviewed_by):
            raise ValueError("ascertainment = 'reviewed' and reviewed_by belong together: give both, or neither")
        return self

    @property
    def named(self) -> tuple[Name, ...]:
        """The indicators that its labels are read from."""
        return (*self.indicators, *self.treated_by, *self.exits, *self.reviewed_by)


class Feature(Section):
    """One column of X: a measure of one indicator's events in ``[as_of - window, as_of)``.

    ``count`` of events; ``any``: whether there was one; ``sum``, ``mean`` and ``max`` of their values and how many
    ``distinct`` ones; ``days_since_last``: days from the last event to the date; ``trend``: the count less that of the
    window of the same length before (of ``n`` terms, the ``n`` terms before those). ``rate``: the sum of the values,
    which are sessions, over the sessions that were possible in the window: two on every school day of the declared
    calendar. Who was not in view on every day of the window has no cell, so that these are the sessions of each
    person's own time in view. A register that leaves sessions out for one child (a site that was shut, an age at which
    school is not compulsory) divides by fewer. Events without a value add nothing.
    """

    indicator: Name
    measure: Measure
    window: SchoolWindow

    @property
    def name(self) -> str:
        """``suspension_count_12m``."""
        return f"{self.indicator}_{self.measure}_{self.window.short}"

    @property
    def needs_value(self) -> bool:
        """Whether it is a measure of the values of events."""
        return self.measure in NEEDS_VALUE

    @property
    def looks_back(self) -> Span:
        """How far back it has to see: its window, or twice that for a trend."""
        return Span(2 * self.window.n, self.window.unit) if self.measure == "trend" else self.window

    @property
    def spans(self) -> tuple[Span, ...]:
        """The windows in which its events are counted."""
        return tuple(dict.fromkeys((self.window, self.looks_back)))


class FeatureGrid(Section):
    """Every combination of these indicators, measures and windows."""

    indicators: Annotated[tuple[Name, ...], Field(min_length=1)]
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]
    windows: Annotated[tuple[SchoolWindow, ...], Field(min_length=1)]
    rationale: Prose

    def expand(self) -> list[Feature]:
        """The grid's features, indicator outermost, window innermost."""
        return [
            Feature(indicator=indicator, measure=measure, window=window)
            for indicator in self.indicators
            for measure in self.measures
            for window in self.windows
        ]


class SplitRule(Section):
    """Which as-of dates train and which test.

    Either ``as_of`` lists the dates, each a test date trained on every earlier one whose labels were complete, or
    ``update_every`` steps back from the last date whose label is complete, and training goes back in steps of
    ``train_every`` (default: ``update_every``) as far as ``max_history`` (default: to ``first``).

    With ``groups``, candidates are chosen by how well they rank people of whose ``household``, or of whose ``area``,
    they have seen nobody; left out, people who were seen on earlier dates may be on the list, as in use.
    """

    as_of: tuple[Day, ...] = ()
    first: Day | None = None
    update_every: Window | None = None
    train_every: Window | None = None
    max_history: Window | None = None
    most_recent: Annotated[Count, Field(ge=1)] | None = None
    groups: Literal["household", "area"] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> SplitRule:
        if bool(self.as_of) == (self.update_every is not None):
            raise ValueError("give either as_of (dates) or update_every (a rule)")
        if self.as_of and any((self.first, self.train_every, self.max_history)):
            raise ValueError("first, train_every and max_history belong to a rule, not to explicit as_of dates")
        if self.update_every is not None and self.first is None:
            raise ValueError("a rule needs 'first', the earliest as-of date")
        if list(self.as_of) != sorted(set(self.as_of)):
            raise ValueError("as_of dates must ascend, each once")
        return self
