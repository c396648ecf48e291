"""The tables of ``data_schema/README.md``, made from the schemas and code lists that ship."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from vru_models.spec.spec import shipped_schemas
from vru_models.spec.storage import write_file
from vru_models.spec.tables import CodeList, TableSchema

_UNVERIFIED = "to be verified"
_FEEDS = ("feed", "agency", "kind", "one row per", "about", "use", "sensitivity", "lag in days (median, 95 %)")
_LISTS = ("code list", "codes", "changes", "sources", "to be verified")


def write_readme() -> None:
    """Write the tables of ``data_schema/README.md`` anew, each between its two marks; the prose stays."""
    readme = shipped_schemas() / "README.md"
    write_file(readme, with_tables(readme.read_text(encoding="utf-8"), shipped_schemas()).encode(), role="README.md")


def with_tables(text: str, folder: Path) -> str:
    r"""The text with what stands between ``<!-- feeds -->`` and ``<!-- end of feeds -->`` made from the folder's files.

    The same goes for ``code lists`` and ``crosswalks``. A mark that is missing is a ValueError.

    Examples
    --------
    >>> names = ("feeds", "code lists", "crosswalks")
    >>> marks = "".join(f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in names)
    >>> with_tables(marks, shipped_schemas()).splitlines()[1]
    '| feed | agency | kind | one row per | about | use | sensitivity | lag in days (median, 95 %) |'
    """
    made = {
        "feeds": _table(_FEEDS, (_feed_row(path) for path in sorted((folder / "feeds").glob("*.json")))),
        "code lists": _table(_LISTS, (_list_row(path) for path in sorted((folder / "codelists").glob("*.csv")))),
        "crosswalks": _table(_LISTS, (_list_row(path) for path in sorted((folder / "crosswalks").glob("*.csv")))),
    }
    for name, table in made.items():
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- end of {name} -->")
        if not end:
            raise ValueError(f"the marks of {name} are missing")
        text = f"{before}{mark}{table}{end}{after}"
    return text


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = tuple(header)
    lines = [names, tuple("---" for _ in names), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _feed_row(path: Path) -> tuple[str, ...]:
    table = TableSchema.parse(path.read_text(encoding="utf-8"), path.name)
    vru = table.x_vru
    about = vru.unit if vru.person else "area" if vru.sensitivity == "AREA" else "none"
    lag = f"{vru.typical_lag.median}, {vru.typical_lag.p95}" if "typical_lag" in vru.model_fields_set else "not stated"
    row = re.sub(r"^One row per ", "", re.split(r"[.:](?:\s|$)", table.description)[0])
    return (f"`{table.name}`", vru.agency, vru.kind, row, about, vru.default_use, vru.sensitivity, lag)


def _list_row(path: Path) -> tuple[str, ...]:
    codes = CodeList.parse(path.read_text(encoding="utf-8"), path.stem)
    unverified = sum(_UNVERIFIED in row[4] for row in codes.rows)
    share = f"{unverified / len(codes.rows):.0%}" if codes.rows else ""
    sources = "; ".join(dict.fromkeys(_source(row[4]) for row in codes.rows if _source(row[4])))
    return (f"`{path.stem}`", str(len(codes.codes)), "; ".join(_changes(codes)) or "none", sources or "none", share)


def _source(text: str) -> str:
    """The source without what is said about its being verified."""
    return "; ".join(part for part in re.split(r";\s*", text) if _UNVERIFIED not in part)


def _changes(codes: CodeList) -> Iterator[str]:
    """``3 end 2024-08-18``: how many rows start and end on which day."""
    ends = Counter((row[3], "end") for row in codes.rows if row[3])
    starts = Counter((row[2], "start") for row in codes.rows if row[2])
    for (day, what), n in sorted((ends + starts).items()):
        yield f"{n} {what}{'s' if n == 1 else ''} {day}"
