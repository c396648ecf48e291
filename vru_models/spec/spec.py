"""The Spec: one frozen declaration of a whole piece of work, TOML in and out, with an identity."""

from __future__ import annotations

import difflib
import operator
import os
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import tomli_w
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from vru_models.errors import SpecError
from vru_models.spec.bars import Capacity, Disclosure, Fairness, Model, Retention, Success
from vru_models.spec.calendar import Span
from vru_models.spec.digest import digest_bytes, digest_json
from vru_models.spec.problems import spec_error, text_of, toml_of
from vru_models.spec.question import NEEDS_COUNT, Calendar, Cohort, Feature, FeatureGrid, Outcome, SplitRule
from vru_models.spec.refusals import (
    check_calendar,
    check_codes,
    check_default_use,
    check_feed_use,
    check_known,
    check_outcomes,
    check_refused,
    unit_fault,
)
from vru_models.spec.section import Name, Section, is_name
from vru_models.spec.sources import Feed, Indicator, Purpose
from vru_models.spec.storage import read_file, storage_errors
from vru_models.spec.tables import CodeList, TableSchema

_FOLDED = ("tables", "codelists")
_MOST_FEATURES = 5_000
_COUNTS = {"where", "event_date", "known_date", "value", "role", "status"}
_LONGEST_SPEC, _LONGEST_BESIDE = 1 << 20, 1 << 22


class Spec(Section):
    """Everything that is declared: purpose, sources, question, bars. Load one with :meth:`load` or :meth:`example`.

    Examples
    --------
    >>> spec = Spec.example("early_help")
    >>> spec.outcome.horizon
    Span(n=6, unit='M')
    >>> spec.diff(spec.model_copy(update={"unit": "person"})).empty
    True
    """

    unit: Literal["person", "area"] = "person"
    purpose: Purpose
    feeds: Annotated[Mapping[Name, Feed], Field(min_length=1)]
    indicators: Annotated[Mapping[Name, Indicator], Field(min_length=1)]
    calendar: Calendar | None = None
    cohort: Cohort
    outcome: Outcome
    further_outcomes: Annotated[tuple[Outcome, ...], Field(exclude_if=operator.not_)] = ()
    features: Annotated[tuple[FeatureGrid, ...], Field(min_length=1)]
    splits: SplitRule
    model: Model
    capacity: Capacity
    fairness: Annotated[Fairness | None, Field(validate_default=True)] = None
    success: Success
    disclosure: Disclosure = Disclosure()
    retention: Retention
    tables: Annotated[Mapping[str, TableSchema], Field(exclude=True, repr=False)] = {}
    codelists: Annotated[Mapping[str, CodeList], Field(exclude=True, repr=False)] = {}

    @field_validator("cohort", "fairness")
    @classmethod
    def _fits_the_unit(cls, declared: Cohort | Fairness | None, info: ValidationInfo) -> Cohort | Fairness | None:
        ages = isinstance(declared, Cohort) and declared.age_from is not None
        fairness = None if isinstance(declared, Cohort) else declared is not None
        if fault := unit_fault(info.data.get("unit", ""), ages=ages, fairness=fairness):
            raise ValueError(fault)
        return declared

    @model_validator(mode="after")
    def _names_are_declared(self) -> Spec:
        for name, feed in self.feeds.items():
            if feed.table not in self.tables:
                raise _no_schema(f"feeds.{name}.schema", feed.table, self.tables)
        for where, name, known in self._references():
            if name not in known:
                raise SpecError.unknown(where, name, known)
        self._check_features()
        self._check_feeds()
        self._check_tables()
        check_calendar(self)
        check_outcomes(self)
        return self

    def _references(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for name, indicator in self.indicators.items():
            yield f"indicators.{name}.feed", indicator.feed, self.feeds
        for i, grid in enumerate(self.features):
            for name in grid.indicators:
                yield f"features[{i}].indicators", name, self.indicators
        for i, outcome in enumerate(self.outcomes):
            where = f"further_outcomes[{i - 1}]" if i else "outcome"
            for part in ("indicators", "treated_by", "exits", "reviewed_by"):
                for name in getattr(outcome, part):
                    yield f"{where}.{part}", name, self.indicators
        for part in ("entry", "routed"):
            for rule in getattr(self.cohort, part):
                yield f"cohort.{part}", rule.indicator, self.indicators

    def _check_features(self) -> None:
        n = sum(len(g.indicators) * len(g.measures) * len(g.windows) for g in self.features)
        if n > _MOST_FEATURES:
            expected = f"at most {_MOST_FEATURES:,}"
            raise SpecError.at("features", f"the grids make {n:,}", expected=expected, then="Declare fewer")
        columns = self.columns
        names = [c.name for c in columns]
        if len(set(names)) != len(names):
            twice = sorted({n for n in names if names.count(n) > 1})
            raise SpecError.at(
                "features", f"{len(twice)} declared twice ({', '.join(twice[:5])})", then="Declare each once"
            )
        have = {(c.indicator, c.window) for c in columns if c.measure in ("count", "any")}
        for column in columns:
            if self.indicators[column.indicator].use != "score":
                raise SpecError.at(
                    "features", f"{column.indicator} has use = 'context'", expected="indicators of use = 'score'"
                )
            if column.measure in NEEDS_COUNT and (column.indicator, column.window) not in have:
                then = f"Add count or any of {column.indicator} over {column.window}"
                raise SpecError.at("features", f"{column.name} is missing where there were no events", then=then)
            if column.needs_value and self.indicators[column.indicator].value is None:
                raise SpecError.at(
                    "features", f"{column.name} needs a value", then=f"Name indicators.{column.indicator}.value"
                )

    def _check_tables(self) -> None:
        for name, indicator in self.indicators.items():
            table = self.table_of(indicator.feed)
            where = f"indicators.{name}"
            check_refused(where, indicator, table, codelists=self.codelists)
            used: dict[str | None, str] = {**dict.fromkeys(indicator.where, "where"), indicator.value: "value"}
            used |= {indicator.event_date: "event_date", indicator.known_date: "known_date"}
            for column, part in used.items():
                if column is not None and column not in table.columns:
                    raise SpecError.unknown(f"{where}.{part}", column, table.columns)
            if table.x_vru.kind != "events":
                raise SpecError.at(
                    where, f"feed {indicator.feed} holds {table.x_vru.kind}", expected="a feed of events"
                )
            check_default_use(where, indicator, table)
            check_known(where, indicator, table, feed=self.feeds[indicator.feed])
            check_codes(where, indicator, table, codelists=self.codelists)

    def _check_feeds(self) -> None:
        kinds = [self.table_of(name).x_vru.kind for name in self.feeds]
        for kind in ("spells", "coverage", "audit", "links", "objections"):
            if kinds.count(kind) > 1:
                raise SpecError.at("feeds", f"{kinds.count(kind)} hold {kind}", expected="one at most")
        for name, feed in self.feeds.items():
            check_feed_use(f"feeds.{name}", self.tables[feed.table], unit=self.unit)
            for column, listed in self.tables[feed.table].x_vru.codelists.items():
                if listed not in self.codelists:
                    raise SpecError.unknown(f"schema {feed.table}: codelists.{column}", listed, self.codelists)

    @property
    def key(self) -> str:
        """What rows and lists are by: ``person_id``, or ``area_id`` (school, LSOA, MSOA, ward)."""
        return f"{self.unit}_id"

    @property
    def whom(self) -> str:
        """The same in words: ``people``, or ``areas``."""
        return "people" if self.unit == "person" else "areas"

    @property
    def said_of_areas(self) -> dict[str, str]:
        """What a finding whose words are chosen later has among its figures where rows are about areas."""
        return {} if self.unit == "person" else {"unit": self.unit}

    @property
    def columns(self) -> list[Feature]:
        """The features that the grids expand to, in declared order: the columns of X."""
        return [feature for grid in self.features for feature in grid.expand()]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome that is asked about, then the further ones, which are only described."""
        return (self.outcome, *self.further_outcomes)

    def before(self, span: Span, date: Any) -> Any:
        """The first day of a window of this length that ends before a date (or dates): windows are half-open.

        Terms and school days: :meth:`~vru_models.spec.calendar.SchoolDays.before`.
        """
        return self.calendar.before(span, date) if self.calendar else span.before(date)

    def after(self, span: Span, date: Any) -> Any:
        """The day after the last of a span that begins on a date (or dates)."""
        return self.calendar.after(span, date) if self.calendar else span.after(date)

    def table_of(self, feed: str) -> TableSchema:
        """The schema of a feed."""
        return self.tables[self.feeds[feed].table]

    def feed_of_kind(self, kind: str) -> str | None:
        """The name of the first feed of a kind (spells, coverage, audit), or None."""
        return next((name for name in self.feeds if self.table_of(name).x_vru.kind == kind), None)

    @property
    def feeds_behind(self) -> frozenset[str]:
        """The feeds behind a list: of features and cohort rules, of who is in view or objects, of what was shared."""
        rules = (*self.cohort.entry, *self.cohort.routed)
        names = {f.indicator for f in self.columns} | {rule.indicator for rule in rules}
        people = {feed for feed in map(self.feed_of_kind, ("spells", "coverage", "links", "objections")) if feed}
        return frozenset(people | {self.indicators[name].feed for name in names})

    @property
    def digest(self) -> str:
        """SHA-256 of the declaration with the schemas and code lists it refers to folded in."""
        return digest_json({"spec": self._plain(), "files": {k: digest_bytes(v) for k, v in self._folded().items()}})

    @property
    def question(self) -> str:
        """SHA-256 of what is counted as the outcome, when and how.

        The same whatever the outcome and its indicators are called, however they are described, and in what order.
        """
        called = {"name", "statement", "not_a_measure_of"}
        events = {"indicators", "treated_by", "exits", *(("reviewed_by",) if self.outcome.reviewed_by else ())}
        asked = self.outcome.model_dump(mode="json", exclude=called | events)
        asked |= self.said_of_areas
        asked |= {name: sorted(self._definition(i) for i in getattr(self.outcome, name)) for name in events}
        return digest_json(asked)

    @property
    def recording(self) -> str:
        """SHA-256 of what decides which rows become which events: indicators, and keys and columns of their schemas.

        The same whatever agreements, code lists or lags say: a store of events outlives these.
        """
        parts: dict[str, Any] = {}
        for name, indicator in self.indicators.items():
            table = self.table_of(indicator.feed)
            used = table.x_vru.model_dump(mode="json", include={"person", "event_date", "known_date", "role", "status"})
            rule = indicator.model_dump(mode="json", include=_COUNTS | {"feed", "use"})
            parts[name] = [rule, used, list(table.primary_key)]
        return digest_json(parts)

    def _definition(self, indicator: str) -> str:
        """Which rows count, and by which dates."""
        rule = self.indicators[indicator].model_dump(mode="json", include=_COUNTS)
        where = {column: sorted(codes) for column, codes in rule["where"].items()}
        return digest_json(rule | {"where": where, "schema": self.feeds[self.indicators[indicator].feed].table})

    def _plain(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _folded(self) -> dict[str, bytes]:
        schemas = {f"schemas/{name}.json": table.to_json() for name, table in self.tables.items()}
        return schemas | {f"codelists/{name}.csv": codes.text.encode() for name, codes in self.codelists.items()}

    def files(self) -> dict[str, bytes]:
        """``spec.toml`` and the schemas and code lists it refers to, as they go into a release."""
        return {"spec.toml": tomli_w.dumps(self.model_dump(by_alias=True, exclude_none=True)).encode()} | self._folded()

    def dump(self, path: str | Path) -> None:
        """Write the TOML file of record (the declaration alone, without schemas and code lists)."""
        Path(path).write_bytes(self.files()["spec.toml"])

    def diff(self, other: Spec) -> pd.DataFrame:
        """Rows (path, before, after): what changes from this declaration to the other."""
        before, after = (dict(_flatten(s._plain())) for s in (self, other))
        rows = [(p, before.get(p), after.get(p)) for p in sorted({*before, *after}) if before.get(p) != after.get(p)]
        return pd.DataFrame(rows, columns=["path", "before", "after"])

    @classmethod
    def load(cls, path: str | Path) -> Spec:
        """A spec from its TOML file.

        Schemas are looked for in ``schemas/`` and code lists in ``codelists/`` beside the file, then among those that
        ship. The file may be 1 MiB long, each of the others 4 MiB.

        Raises
        ------
        StorageError
            When a file is missing or unreadable.
        RefusedError
            When a file is too long, or is not a file.
        SpecError
            For anything else, with every fault by its path.
        """
        file = Path(path)
        return cls._from_bytes(_content(file, _LONGEST_SPEC), str(file), _Shelf(file.parent))

    @classmethod
    def example(cls, name: str) -> Spec:
        """A spec that ships with the library: ``early_help``."""
        shipped = resources.files("vru_models") / "examples"
        names = {f.name.removesuffix(".toml"): f for f in shipped.iterdir() if f.name.endswith(".toml")}
        if name not in names:
            raise SpecError.unknown("Spec.example", name, names)
        return cls._from_bytes(names[name].read_bytes(), f"example {name}", _Shelf(None))

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], where: str) -> Spec:
        """A spec from what :meth:`files` returned; nothing else is consulted."""
        return cls._from_bytes(files["spec.toml"], where, _Held(files, where))

    @classmethod
    def _from_bytes(cls, content: bytes, where: str, shelf: _Shelf) -> Spec:
        raw = toml_of(content, where)
        if extra := [key for key in _FOLDED if key in raw]:
            raise SpecError.at(
                f"{where}: {extra[0]}", "is not a known key here", expected="schemas by name, under feeds"
            )
        feeds = raw["feeds"].values() if isinstance(raw.get("feeds"), dict) else ()
        wanted = {f["schema"] for f in feeds if isinstance(f, dict) and is_name(f.get("schema"))}
        tables = {name: table for name in sorted(wanted) if (table := shelf.table(name)) is not None}
        lists = {code for table in tables.values() for code in table.x_vru.codelists.values()}
        try:
            return cls.model_validate(
                raw | {"tables": tables, "codelists": {name: shelf.codelist(name) for name in sorted(lists)}}
            )
        except ValidationError as error:
            raise spec_error(where, error, cls) from None
        except SpecError as error:
            raise SpecError(f"{where}: {error}") from None

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        return (
            f"Spec({self.purpose.name}: {len(self.feeds)} feeds, {len(self.indicators)} indicators, "
            f"{len(self.columns)} features, k = {self.capacity.k}, digest {self.digest[:12]})"
        )


class _Shelf:
    """Where schemas and code lists are looked for: beside the spec, then among those that ship."""

    def __init__(self, beside: Path | None) -> None:
        self._beside = beside

    def _read(self, folder: str, shipped: str, file: str) -> tuple[str, str] | None:
        mine = self._beside / folder / file if self._beside else None
        for place in (mine, shipped_schemas() / shipped / file):
            if place is not None and _is_there(place):
                return text_of(_content(place, _LONGEST_BESIDE), place), str(place)
        return None

    def table(self, name: str) -> TableSchema | None:
        found = self._read("schemas", "feeds", f"{name}.json")
        return TableSchema.parse(*found) if found else None

    def codelist(self, name: str) -> CodeList:
        found = self._read("codelists", "codelists", f"{name}.csv")
        if found is None:
            raise SpecError.at(f"codelists/{name}.csv", "is named by a schema but was not found", then="Add the file")
        return CodeList.parse(*found).model_copy(update={"name": name})


class _Held(_Shelf):
    """Schemas and code lists from files already in memory."""

    def __init__(self, files: Mapping[str, bytes], where: str) -> None:
        super().__init__(None)
        self._files, self._where = files, where

    def _read(self, folder: str, shipped: str, file: str) -> tuple[str, str] | None:
        content = self._files.get(f"{folder}/{file}")
        where = f"{self._where}/{folder}/{file}"
        return None if content is None else (text_of(content, where), where)


def _is_there(place: Path) -> bool:
    with storage_errors(str(place), "read"):
        return place.is_symlink() or place.exists()


def _content(place: Path, max_bytes: int) -> bytes:
    """The bytes of a file that the caller names: links are followed, as they are to the folder beside it."""
    return read_file(os.path.realpath(place), max_bytes, role=str(place))


def _no_schema(where: str, name: str, known: Iterable[str]) -> SpecError:
    shipped = sorted(f.stem for f in (shipped_schemas() / "feeds").glob("*.json"))
    near = difflib.get_close_matches(name, [*known, *shipped], n=1)
    expected = f"schemas/{name}.json beside the spec, or one that ships ({', '.join(shipped)})"
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return SpecError(f"{where}: '{name}' is not known. Expected: {expected}.{hint} Put your own schema into schemas/.")


def shipped_schemas() -> Path:
    """The folder of feed schemas and code lists that ship: inside the wheel, or beside the package in a checkout."""
    package = Path(str(resources.files("vru_models")))
    inside = package / "data_schema"
    return inside if inside.is_dir() else package.parent / "data_schema"


def _flatten(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flatten(item, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _flatten(item, f"{at}[{i}]")
    else:
        yield at, value
