"""Declared sources: whose extracts come in under which agreement, and which rows of them become which event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vru_models.spec.section import Day, Days, Name, Prose, Section, Window
from vru_models.spec.tables import Driver

Audience = Literal["panel", "practitioner", "child", "parent"]
Direction = Literal["raises", "lowers", "either"]
Role = Literal["subject", "victim", "witness", "suspect", "associate", "household_member"]
EventStatus = Literal["alleged", "recorded", "assessed", "confirmed", "disproved", "withdrawn"]

VOID_STATUSES = ("disproved", "withdrawn")
"""An event with one of these statuses closes the earlier version and never counts itself."""

NEVER_RECIPIENTS = frozenset({"police", "enforcement", "immigration", "probation", "court", "employer", "insurer"})
NEVER_ROLES = frozenset({"associate", "suspect"})


class Review(Section):
    """A signed assessment and the date by which it must be looked at again."""

    reference: Annotated[str, Field(min_length=3)]
    review_by: Day


class Purpose(Section):
    """Why this exists, for whom, on what basis; printed on page one."""

    name: Name
    statement: Prose
    not_for: Annotated[tuple[str, ...], Field(min_length=1)]
    lawful_basis: Prose
    owner: Annotated[str, Field(min_length=3)]
    dpia: Review
    equality_assessment: Review


class Agreement(Section):
    """The legal gateway under which one feed is shared.

    ``areas`` holds area codes, or ``"*"`` for all. ``from`` is the first day and ``to`` the last day, both inclusive.
    """

    id: Annotated[str, Field(min_length=3)]
    gateway: Prose
    areas: tuple[str, ...] = ("*",)
    start: Annotated[Day, Field(alias="from")]
    to: Day
    purposes: Annotated[tuple[Literal["train", "score", "audit"], ...], Field(min_length=1)]
    recipients: tuple[Name, ...] = ("panel",)
    opt_out: bool = False

    @model_validator(mode="after")
    def _allowed(self) -> Agreement:
        if self.to < self.start:
            raise ValueError("'to' is before 'from'")
        if refused := sorted(NEVER_RECIPIENTS & set(self.recipients)):
            raise ValueError(
                f"recipients {', '.join(refused)} are refused: a list of children offered support is not for them"
            )
        return self


class Known(Section):
    """How the date is had on which this partnership could first have known of a row.

    ``column``: the schema's known-date column. ``first_seen``: the date of the extract in which the row, as it says,
    first came. ``assumed_lag``: the event date plus ``median`` days, because the extract does not record it; the share
    of such dates is printed.
    """

    kind: Literal["column", "first_seen", "assumed_lag"] = "column"
    median: Days | None = None
    p95: Days | None = None

    @model_validator(mode="after")
    def _lag_is_given(self) -> Known:
        given = self.median is not None and self.p95 is not None
        if (self.kind == "assumed_lag") != given:
            raise ValueError("'median' and 'p95' (days) are needed for assumed_lag, and for nothing else")
        if self.median is not None and self.p95 is not None and self.p95 < self.median:
            raise ValueError("'p95' is below 'median'")
        return self


class Feed(Section):
    """One agency's extract: ``<feed>.csv`` or ``<feed>.parquet`` in the extracts folder.

    ``delivery``: whether an extract holds what was added or corrected since the one before (``append``; it may hold
    more), or all that stands on its date (``snapshot``: a row that is no longer there was withdrawn).
    """

    table: Annotated[Name, Field(alias="schema")]
    agreement: Agreement
    delivery: Literal["append", "snapshot"] = "append"
    known: Known = Known()


class Indicator(Section):
    """The rule by which rows of a feed become one coded event.

    A row becomes an event when, for every column in ``where``, its value is among those given. ``use = "context"`` is
    for outcomes, offers and rules of entry: never a feature.
    """

    feed: Name
    where: Mapping[str, tuple[str, ...]] = {}
    event_date: str | None = None
    known_date: str | None = None
    value: str | None = None
    role: Role = "subject"
    status: EventStatus = "recorded"
    use: Literal["score", "context"] = "score"
    direction: Direction | None = None
    activity_driver: Driver
    expires_after: Window | None = None
    disclose_to: tuple[Audience, ...] = ("panel",)
    reason: str = ""
    rationale: Prose

    @model_validator(mode="after")
    def _allowed(self) -> Indicator:
        if (self.use == "score") != (self.direction is not None):
            raise ValueError("'direction' (raises, lowers, either) is needed for use = 'score', and for nothing else")
        if self.direction == "raises" and self.activity_driver == "help_seeking":
            raise ValueError("'raises' with help_seeking is refused: asking for help must never raise a score")
        if self.use == "score" and self.activity_driver == "enforcement":
            raise ValueError(
                "an enforcement-driven indicator is refused as a feature: it measures agencies, not children"
            )
        if self.use == "score" and self.role in NEVER_ROLES:
            raise ValueError(
                f"role '{self.role}' is refused as a feature: it is about somebody else, or not established"
            )
        if self.use == "score" and not self.reason:
            raise ValueError("'reason' is needed: the plain sentence a panel reads when this indicator counted")
        return self
