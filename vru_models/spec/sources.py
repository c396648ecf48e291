"""Declared sources: whose extracts come in under which agreement, and which rows of them become which event."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Mapping
from encodings.aliases import aliases
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

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

ISO_DATE: Final = "%Y-%m-%d"
"""The date format of a feed that declares none: the one that the gate reads."""

_CODEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_NOT_OF_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DIRECTIVE = re.compile(r"%(.?)")
_DAY_PARTS = ("d", "mbB", "yY")
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_OF_FILES, _OF_QUERIES = ("encoding", "delimiter"), ("query", "url_from")


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


class Source(Section):
    r"""What one feed is read from: a file in the extracts folder, or the rows of one query.

    Parameters
    ----------
    kind
        ``file``: ``<feed>.csv`` or ``<feed>.parquet``. ``sql``: the rows of ``query``, through SQLAlchemy.
    encoding
        Of a CSV file: any text encoding that Python knows (``cp1252``, ``utf-16``). A byte-order mark is no data.
    delimiter
        Of a CSV file: one ASCII character between fields, no letter, digit, quotation mark or line end.
    date_format
        How text in the declared date columns says a day, in :func:`time.strftime`'s terms: a day (``%d``), a month
        (``%m``, ``%b``, ``%B``, in English) and a year (``%Y``, or ``%y`` for 1969 to 2068), each once, with any text
        between. A text is a date only if the date, written back, is that text. Months and typed dates are as ever.
    query
        One ``SELECT`` (or ``WITH ... SELECT``), without a semicolon, that gives the declared columns by name.
    url_from
        The environment variable that holds the SQLAlchemy URL. The URL itself has no place in a spec.

    Examples
    --------
    >>> Source(encoding="cp1252", delimiter=";", date_format="%d/%m/%Y").kind
    'file'
    >>> Source(encoding="cp-1252")
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for Source
    encoding
      Value error, 'cp-1252' is not a text encoding that Python knows. Did you mean 'cp1252'? ...
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    kind: Literal["file", "sql"] = "file"
    encoding: str = "utf-8"
    delimiter: str = ","
    date_format: Annotated[str, Field(max_length=60)] = ISO_DATE
    query: Annotated[str, Field(max_length=20_000)] | None = None
    url_from: str = "VRU_SQL_URL"

    @field_validator("encoding")
    @classmethod
    def _is_an_encoding(cls, name: str) -> str:
        if not _is_encoding(name):
            known = sorted({*aliases, *aliases.values()})
            near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1)
            hint = f" Did you mean '{near[0].replace('_', '-')}'?" if near else ""
            raise ValueError(f"'{name[:40]}' is not a text encoding that Python knows.{hint}")
        return name

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, character: str) -> str:
        if len(character) != 1 or not character.isascii() or character.isalnum() or character in '"\r\n\0':
            raise ValueError("is not one ASCII character that is no letter, digit, quotation mark or line end")
        return character

    @field_validator("date_format")
    @classmethod
    def _says_a_day(cls, form: str) -> str:
        directives = _DIRECTIVE.findall(form.replace("%%", ""))
        if len(directives) != len(_DAY_PARTS) or any(sum(d in part for d in directives) != 1 for part in _DAY_PARTS):
            raise ValueError(
                "does not say one day, one month and one year. Expected: %d, one of %m %b %B, one of %Y %y, and text "
                "between, such as %d/%m/%Y"
            )
        return form

    @field_validator("query")
    @classmethod
    def _is_one_select(cls, query: str | None) -> str | None:
        if query is not None:
            _refuse_url(query)
            if not _SELECT.match(query) or ";" in query:
                raise ValueError("is not one SELECT (or WITH ... SELECT) without a semicolon")
        return query

    @field_validator("url_from")
    @classmethod
    def _names_a_variable(cls, name: str) -> str:
        _refuse_url(name)
        if not _VARIABLE.fullmatch(name):
            raise ValueError("is not the name of an environment variable (letters, digits and underscores)")
        return name

    @model_validator(mode="after")
    def _options_fit(self) -> Source:
        others = _OF_FILES if self.kind == "sql" else _OF_QUERIES
        if given := [name for name in others if getattr(self, name) != type(self).model_fields[name].default]:
            raise ValueError(f"kind = '{self.kind}' has no {' and no '.join(given)}")
        if self.kind == "sql" and self.query is None:
            raise ValueError("kind = 'sql' needs a query")
        return self


def _is_encoding(name: str) -> bool:
    if not _CODEC.fullmatch(name):
        return False
    try:
        known = codecs.lookup(name).name
        "".encode(name)
    except (LookupError, UnicodeError):
        return False
    return known.replace("_", "-") not in _NOT_OF_FILES


def _refuse_url(text: str) -> None:
    if "://" in text:
        raise ValueError(
            "holds a URL, and a spec is no place for one. Name the environment variable that holds it in url_from, and "
            "change its password if this file was stored"
        )


class Feed(Section):
    """One agency's extract: ``<feed>.csv`` or ``<feed>.parquet`` in the extracts folder, or a query.

    ``delivery``: whether an extract holds what was added or corrected since the one before (``append``; it may hold
    more), or all that stands on its date (``snapshot``: a row that is no longer there was withdrawn).
    """

    table: Annotated[Name, Field(alias="schema")]
    agreement: Agreement
    delivery: Literal["append", "snapshot"] = "append"
    known: Known = Known()
    source: Source = Source()


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
