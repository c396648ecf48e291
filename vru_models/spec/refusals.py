"""What a feed's schema says may never be counted, or never as a feature, held against an indicator, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from vru_models.errors import SpecError
from vru_models.spec.sources import Indicator
from vru_models.spec.tables import CodeList, TableSchema


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
