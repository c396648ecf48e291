"""The base of every declared section, and the types that sections share."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from vru_models.spec.calendar import Span


class Section(BaseModel):
    """A frozen part of a declaration; a key that is not declared is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, ser_json_inf_nan="constants")


def _positive(span: Span) -> Span:
    if span.n < 1:
        raise ValueError("a length of zero holds nothing; write at least '1 day'")
    return span


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""Lower-case letters, digits and underscores, starting with a letter."""

Prose = Annotated[str, Field(min_length=10, max_length=2000)]
"""A sentence for a reviewer: part of the declaration, hashed and printed."""

Length = Annotated[
    Span,
    BeforeValidator(Span.parse),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["12 months", "90 days"]}),
]
"""A length of time as text, zero allowed."""

Window = Annotated[Length, AfterValidator(_positive)]
"""A length of time as text, at least one day."""
