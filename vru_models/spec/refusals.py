"""What parts of a declaration, and the schemas it refers to, forbid each other, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from vru_models.errors import SpecError
from vru_models.spec.calendar import Span
from vru_models.spec.sources import Feed, Indicator
from vru_models.spec.tables import CodeList, TableSchema

if TYPE_CHECKING:
    from vru_models.spec.spec import Spec


def check_feed_use(where: str, table: TableSchema, *, unit: str) -> None:
    """Refuse a feed that cannot serve a declaration about ``unit``: one about areas has no lawful join to persons."""
    if table.x_vru.unit != unit:
        to = "an area" if unit == "area" else "a person"
        what = f"holds one row per {table.x_vru.unit} and has no lawful join to {to}"
        raise SpecError.at(where, what, expected=f"a feed of unit {unit}")


def unit_fault(unit: str, *, ages: bool = False, fairness: bool | None = None) -> str:
    """What is wrong with ages or a fairness section in a declaration about persons or areas; blank: nothing.

    Parameters
    ----------
    fairness
        Whether there is such a section; None: it is not asked about.
    """
    if unit == "person":
        return "is missing" if fairness is False else ""
    if unit == "area" and fairness:
        return (
            "is declared, but an area has no protected characteristics. Leave it out: who lives there, and whom a list "
            "of areas disadvantages, is for the equality assessment"
        )
    if unit == "area" and ages:
        return "has age_from and age_to, but an area has no age. Leave them out"
    return ""


def check_default_use(where: str, indicator: Indicator, table: TableSchema) -> None:
    """Refuse a feature from a feed that is not for scoring; the schema's own description says why."""
    if indicator.use == "score" and table.x_vru.default_use != "score":
        what = f"feed {indicator.feed} is refused as a source of features: its use is {table.x_vru.default_use}"
        why = f" ({table.description.rstrip('.')})" if table.description else ""
        raise SpecError.at(where, what + why, then="Declare it as use = 'context', or leave it out")


def check_refused(where: str, indicator: Indicator, table: TableSchema, *, codelists: Mapping[str, CodeList]) -> None:
    """Refuse an indicator that uses a column or counts a code which the feed's schema rules out.

    An indicator that does not say which codes it takes takes them all, those that are ruled out among them.

    Raises
    ------
    SpecError
        With the schema's own reason.
    """
    vru = table.x_vru
    for column, reasons in vru.refused.items():
        for at, what, why in _uses(indicator, column, reasons=reasons, possible=_possible(table, column, codelists)):
            raise SpecError.at(f"{where}{at}", f"{what} is refused: {why}", then="Leave it out")
    for column, reasons in vru.context_only.items() if indicator.use == "score" else ():
        for at, what, why in _uses(indicator, column, reasons=reasons, possible=_possible(table, column, codelists)):
            then = "Declare it as use = 'context', or leave it out"
            raise SpecError.at(f"{where}{at}", f"{what} is context only and never a feature: {why}", then=then)


def check_calendar(spec: Spec) -> None:
    """Refuse lengths in terms or school days, and rates of sessions, without what they are counted on."""
    for where, length in _lengths(spec):
        if length.of_school and spec.calendar is None:
            then = "Declare [calendar] with its terms, or write days or months"
            raise SpecError.at(where, f"'{length}' is counted on a school calendar, and none is declared", then=then)
    for name, feed in ((c.name, spec.indicators[c.indicator].feed) for c in spec.columns if c.measure == "rate"):
        if spec.calendar is None:
            what = f"{name} needs to know how many sessions were possible, and no school calendar is declared"
            raise SpecError.at("features", what, then="Declare [calendar] with its terms")
        if spec.table_of(feed).x_vru.calendar != "term_time":
            expected = "a feed whose schema has calendar = 'term_time'"
            raise SpecError.at("features", f"{name}: feed {feed} is not about school sessions", expected=expected)


def check_outcomes(spec: Spec) -> None:
    """Refuse outcomes of one name, and limits on nothing but people not listed where an outcome is seen in reviews."""
    names = [outcome.name for outcome in spec.outcomes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        then = "Give each outcome a name of its own"
        raise SpecError.at("further_outcomes", f"{', '.join(twice)} is the name of several outcomes", then=then)
    limits = set(spec.fairness.limits) if spec.fairness else set()
    if spec.outcome.ascertainment == "reviewed" and limits and limits <= {"recall", "false_omission_rate"}:
        what = "are only about people who were not listed, and of those an outcome is seen only when reviewed"
        raise SpecError.at("fairness.limits", what, then="Declare a limit of selection_rate or precision, too")


def check_known(where: str, indicator: Indicator, table: TableSchema, *, feed: Feed) -> None:
    """Refuse an indicator without a column that says when it was known, and columns of the wrong type."""
    has_column = indicator.known_date or table.x_vru.known_date
    if feed.known.kind == "column" and not has_column:
        then = f"Name known_date, or declare feeds.{indicator.feed}.known as assumed_lag with its days"
        raise SpecError.at(where, "has no column that says when it was known", then=then)
    kinds = {field.name: field.type for field in table.fields}
    wanted = ((indicator.value, ("integer", "number", "boolean")), (indicator.event_date, ("date",)))
    for column, allowed in (*wanted, (indicator.known_date, ("date",))):
        if column is not None and kinds[column] not in allowed:
            raise SpecError.at(f"{where}: {column}", f"is a {kinds[column]}", expected=" or ".join(allowed))


def check_codes(where: str, indicator: Indicator, table: TableSchema, *, codelists: Mapping[str, CodeList]) -> None:
    """Refuse a code that its column's code list does not have."""
    for column, codes in indicator.where.items():
        listed = table.x_vru.codelists.get(column)
        for code in codes if listed else ():
            if code not in codelists[str(listed)].codes:
                raise SpecError.unknown(f"{where}.where.{column}", code, codelists[str(listed)].codes)


def _lengths(spec: Spec) -> Iterator[tuple[str, Span]]:
    """Every length that may be in terms or school days, and where it is declared."""
    for i, grid in enumerate(spec.features):
        yield from ((f"features[{i}].windows", window) for window in grid.windows)
    for part, rules in (("entry", spec.cohort.entry), ("routed", spec.cohort.routed)):
        yield from ((f"cohort.{part}", rule.window) for rule in rules)
    for outcome in spec.outcomes:
        yield f"outcome {outcome.name}: horizon", outcome.horizon


def _uses(
    indicator: Indicator, column: str, *, reasons: Mapping[str, str], possible: frozenset[str] | None
) -> Iterator[tuple[str, str, str]]:
    """Where, what and why not, for each use of what is ruled out; ``possible`` codes: None for any."""
    taken = indicator.where.get(column)
    if "*" in reasons:
        parts = [part for part in ("value", "event_date", "known_date") if getattr(indicator, part) == column]
        for part in parts if taken is None else ["where", *parts]:
            yield f".{part}", f"column {column}", reasons["*"]
    for code, why in reasons.items():
        if taken is not None and code in taken:
            yield f".where.{column}", f"'{code}'", why
        elif taken is None and code != "*" and (possible is None or code in possible):
            yield "", f"every {column} is taken, and '{code}'", f"{why}. Say in where which codes of {column} count"


def _possible(table: TableSchema, column: str, codelists: Mapping[str, CodeList]) -> frozenset[str] | None:
    """The codes that a row may hold; None for any."""
    listed = table.x_vru.codelists.get(column)
    enum = next((f.constraints.enum for f in table.fields if f.name == column), None)
    return codelists[listed].codes if listed else frozenset(enum) if enum else None
