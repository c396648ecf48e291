"""The base of every declared section, and the types that sections share."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from vru_models.spec.calendar import Span, as_day, steady


class Section(BaseModel):
    """A frozen part of a declaration; a key that is not declared is refused, as is a number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


def _positive(span: Span) -> Span:
    if span.n < 1:
        raise ValueError("a length of zero holds nothing; write at least '1 day'")
    return span


def _date(value: Any) -> dt.date:
    return dt.date.fromisoformat(str(as_day(value)))


_NAME = r"^[a-z][a-z0-9_]*$"
_LONGEST_NAME = 60

Name = Annotated[str, Field(pattern=_NAME, max_length=_LONGEST_NAME)]
"""Lower-case letters, digits and underscores, starting with a letter."""


def is_name(text: object) -> bool:
    """Whether it is a :data:`Name`, so that a file may be looked for under it."""
    return isinstance(text, str) and len(text) <= _LONGEST_NAME and re.fullmatch(_NAME, text) is not None


Prose = Annotated[str, Field(min_length=10, max_length=2000)]
"""A sentence for a reviewer: part of the declaration, hashed and printed."""

Day = Annotated[dt.date, BeforeValidator(_date)]
"""A date from 1900 to 2200, without a time."""

Days = Annotated[int, Field(ge=0, le=36_525)]
"""A number of days, at most a hundred years."""

Count = Annotated[int, Field(le=1_000_000)]
"""A number of people or places, at most a million."""

_Text = Annotated[
    Span,
    BeforeValidator(Span.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["12 months", "90 days"]}),
]

Length = Annotated[_Text, AfterValidator(steady)]
"""A length of time as text, in days or months, zero allowed."""

Window = Annotated[Length, AfterValidator(_positive)]
"""A length of time as text, in days or months, at least one day."""

SchoolWindow = Annotated[_Text, AfterValidator(_positive)]
"""A length of time as text, at least one day: in days or months, or in terms or school days of the calendar."""
