"""Feed schemas (Table Schema with one ``x-vru`` extension) and year-versioned code lists."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from vru_models.errors import SpecError
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import canonical_json
from vru_models.spec.problems import json_of, spec_error
from vru_models.spec.section import Count, Days, Name, Section

FieldType = Literal["string", "integer", "number", "date", "yearmonth", "boolean"]
Kind = Literal["events", "spells", "coverage", "audit", "links", "objections", "area"]
Driver = Literal["child_event", "help_seeking", "agency_decision", "enforcement"]
Use = Literal["score", "context", "audit", "refuse"]

REQUIRED_COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "events": (),
    "spells": ("spell_id", "person_id", "area", "birth_month", "start_date", "end_date", "known_date"),
    "coverage": ("coverage_id", "feed", "area", "age_from", "age_to", "start_date", "end_date", "known_date"),
    "audit": ("person_id",),
    "links": ("link_id", "person_id", "other_id", "kind", "confidence", "known_date"),
    "objections": ("objection_id", "person_id", "purpose", "start_date", "end_date", "known_date"),
    "area": ("area_record_id", "area", "start_date", "end_date", "known_date"),
}
_TYPES: Mapping[str, FieldType] = {
    "birth_month": "yearmonth",
    "age_from": "integer",
    "age_to": "integer",
    "start_date": "date",
    "end_date": "date",
    "known_date": "date",
    "confidence": "number",
}
_OF_PERSONS = frozenset({"birth_month", "household_id", "other_id", "age_from", "age_to"})
_NOT_OF_AREAS: Mapping[str, str] = {
    "audit": "an area has no protected characteristics",
    "links": "two codes of one area are no matter of confidence: deliver every feed in the codes of one year",
    "objections": "an objection is a person's right, and no row is about one",
}
LONGEST_AREA = 20
"""Characters of the code of an area, at most: too few for a pseudonym of 128 bits to pass for one."""

Reasons = Mapping[str, Annotated[str, Field(min_length=10, max_length=400)]]
"""Why not, per code; ``"*"`` stands for the column as a whole."""


class Constraints(Section):
    """The Table Schema constraints that are checked; see https://specs.frictionlessdata.io/table-schema/."""

    required: bool = False
    unique: bool = False
    minimum: float | None = None
    maximum: float | None = None
    pattern: Annotated[str | None, Field(max_length=1000)] = None
    enum: tuple[str, ...] | None = None
    max_length: Annotated[Count | None, Field(alias="maxLength", ge=0)] = None

    @model_validator(mode="after")
    def _can_be_used(self) -> Constraints:
        try:
            re.compile(self.pattern or "")
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"pattern is not a regular expression ({error})") from None
        return self


class Column(Section):
    """One declared column of a feed."""

    name: Name
    type: FieldType
    title: str = ""
    description: str = ""
    format: str = "default"
    constraints: Constraints = Constraints()


class Lag(Section):
    """Days from an event to this partnership's knowing of it."""

    median: Days
    p95: Days


class Vru(Section):
    """What Table Schema cannot say: whose data these are and which columns carry person and dates."""

    kind: Kind = "events"
    unit: Literal["person", "area"] = "person"
    agency: Name
    person: str | None = "person_id"
    event_date: str | None = None
    known_date: str | None = None
    role: str | None = None
    status: str | None = None
    sensitivity: Literal["P", "SC", "CO", "SV", "AREA"] = "P"
    activity_driver: Driver = "child_event"
    default_use: Use = "score"
    typical_lag: Lag = Lag(median=0, p95=0)
    due_after: Days = 0
    ages: tuple[int, int] = (0, 25)
    calendar: Literal["every_day", "term_time"] = "every_day"
    codelists: Mapping[str, Name] = {}
    refused: Mapping[str, Reasons] = {}
    context_only: Mapping[str, Reasons] = {}
    source: str = ""

    @property
    def key(self) -> str:
        """What the column is called that says whom a row is about, where the kind of feed decides it."""
        return f"{self.unit}_id"

    def called(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns of a kind of feed as one of this unit has them: an area has no age and no month of birth."""
        if self.unit == "person":
            return columns
        return tuple(self.key if c == "person_id" else c for c in columns if c not in _OF_PERSONS)


class TableSchema(Section):
    """One feed's columns, keys and meaning.

    Parameters
    ----------
    fields
        The declared columns, in order. A file may hold them in any order but must hold them all.
    primary_key
        The columns that name a record. A record that comes again with a later known date is a correction.
    x_vru
        Agency, person and date columns, sensitivity, activity driver, typical lag in days, ages, code lists. What no
        indicator may use is in ``refused``, what no feature may use in ``context_only``: reasons by column and code. A
        column that may not even arrive is refused as a whole and is not among the fields.
    """

    name: Name
    title: str = ""
    description: str = ""
    fields: tuple[Column, ...]
    missing_values: Annotated[tuple[str, ...], Field(alias="missingValues")] = ("",)
    primary_key: Annotated[tuple[str, ...], Field(alias="primaryKey")]
    x_vru: Annotated[Vru, Field(alias="x-vru")]

    @model_validator(mode="after")
    def _unit_fits(self) -> TableSchema:
        vru = self.x_vru
        if vru.unit == "person":
            return self
        if vru.kind in _NOT_OF_AREAS:
            raise ValueError(f"a feed of unit area holds no {vru.kind}: {_NOT_OF_AREAS[vru.kind]}")
        if vru.person == "person_id" or "person_id" in self.columns:
            raise ValueError("a feed of unit area holds no person_id: x-vru.person names the column with the area")
        if theirs := sorted(_OF_PERSONS.intersection(self.columns)):
            raise ValueError(f"a feed of unit area holds no {', '.join(theirs)}: only a person has one")
        keys = [vru.person if vru.kind == "events" else vru.key]
        for field in (f for f in self.fields if f.name in keys):
            if field.type != "string" or not 0 < (field.constraints.max_length or 0) <= LONGEST_AREA:
                needs = f"is not a string with constraints.maxLength of at most {LONGEST_AREA}"
                raise ValueError(f"field {field.name} {needs}: a code of an area is short, and a pseudonym is not")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> TableSchema:
        names = [f.name for f in self.fields]
        if len(set(names)) != len(names):
            raise ValueError("two fields have the same name")
        vru = self.x_vru
        if vru.kind == "events" and vru.event_date is None:
            raise ValueError("x-vru.event_date must name the column that says when it happened")
        dates = (vru.event_date, vru.known_date) if vru.kind == "events" else ()
        used = (*self.primary_key, *dates, vru.role, vru.status, *vru.codelists)
        missing = {c for c in (*used, *vru.called(REQUIRED_COLUMNS[vru.kind])) if c is not None and c not in names}
        if vru.kind == "events" and vru.person not in names:
            missing.add(str(vru.person))
        if missing:
            raise ValueError(f"not among the fields: {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _types_fit(self) -> TableSchema:
        vru = self.x_vru
        used = (vru.event_date, vru.known_date) if vru.kind == "events" else REQUIRED_COLUMNS[vru.kind]
        for field in self.fields:
            wanted = _TYPES.get(field.name, "date" if vru.kind == "events" else "string")
            if field.name in used and field.name not in self.primary_key and field.type != wanted:
                raise ValueError(f"field {field.name} is a {field.type}; expected: {wanted}")
        key = self.primary_key if vru.kind in ("events", "audit") else REQUIRED_COLUMNS[vru.kind][:1]
        if not self.primary_key or self.primary_key != key:
            raise ValueError(f"primaryKey is not {', '.join(key) or 'given'}")
        return self

    @model_validator(mode="after")
    def _reasons_fit(self) -> TableSchema:
        vru = self.x_vru
        absent = [c for c, reasons in vru.refused.items() if c not in self.columns and set(reasons) != {"*"}]
        absent += [c for c in vru.context_only if c not in self.columns]
        if absent:
            raise ValueError(f"codes are given of what is not among the fields: {', '.join(sorted(absent))}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the declared columns."""
        return tuple(f.name for f in self.fields)

    @classmethod
    def parse(cls, text: str, where: str) -> TableSchema:
        """A schema from JSON text; ``where`` names the file in errors."""
        try:
            return cls.model_validate(json_of(text, where, expected="a Table Schema file"))
        except ValidationError as error:
            raise spec_error(where, error, cls) from None

    def to_json(self) -> bytes:
        """Canonical JSON of the schema."""
        return canonical_json(self.model_dump(mode="json", by_alias=True, exclude_defaults=True))


class CodeList(Section):
    r"""Codes with the dates between which each may be used; both ends inclusive, an empty end is open.

    Examples
    --------
    >>> codes = CodeList.parse("code,label,valid_from,valid_to,source\nH,Holiday,,2024-08-18,DfE\n", "attendance")
    >>> codes.valid(np.array(["H", "H", "Z"]), np.array(["2024-08-18", "2024-08-19", "2024-01-01"], "datetime64[D]"))
    array([ True, False, False])
    """

    name: str
    text: str
    rows: tuple[tuple[str, str, str, str, str], ...]

    @classmethod
    def parse(cls, text: str, where: str) -> CodeList:
        """A code list from CSV text with the header ``code,label,valid_from,valid_to,source``."""
        try:
            rows = list(csv.reader(io.StringIO(text, newline="")))
        except csv.Error:
            rows = []
        header = ["code", "label", "valid_from", "valid_to", "source"]
        if not rows or rows[0] != header or any(len(r) != len(header) for r in rows):
            raise SpecError.at(where, "is not a code list", expected=f"CSV with the header {','.join(header)}")
        if any(not _is_open_or_date(end) for row in rows[1:] for end in row[2:4]):
            raise SpecError.at(
                where, "has a valid_from or valid_to that is not a date", expected="YYYY-MM-DD, or empty"
            )
        return cls(name=where, text=text, rows=tuple((r[0], r[1], r[2], r[3], r[4]) for r in rows[1:]))

    @property
    def codes(self) -> frozenset[str]:
        """Every code, whatever its dates."""
        return frozenset(r[0] for r in self.rows)

    def valid(self, codes: np.ndarray, dates: np.ndarray) -> np.ndarray:
        """Whether each code was valid on its own row's date; a missing date is not valid."""
        answer = np.zeros(len(codes), dtype=bool)
        for code, _, valid_from, valid_to, _ in self.rows:
            hit = codes == code
            if valid_from:
                hit &= dates >= np.datetime64(valid_from)
            if valid_to:
                hit &= dates <= np.datetime64(valid_to)
            answer |= hit
        return np.asarray(answer & ~np.isnat(dates))


def _is_open_or_date(text: str) -> bool:
    try:
        return not text or bool(as_day(text))
    except ValueError:
        return False
