"""pydantic's complaints in the house form: path, what, expected, the nearest name."""

from __future__ import annotations

import difflib
from typing import Any

from pydantic import ValidationError

from vru_models.errors import SpecError


def spec_error(where: str, error: ValidationError) -> SpecError:
    """One error that names every fault of a declaration by its path."""
    faults = [f"  {path(e['loc'])}: {complaint(e)}" for e in error.errors(include_url=False)]
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return SpecError("\n".join([f"{where}: {count}.", *faults, "Nothing was read. Correct the file and run again."]))


def path(parts: tuple[Any, ...]) -> str:
    """``features[3].indicator`` from pydantic's location.

    Examples
    --------
    >>> path(("features", 3, "indicator"))
    'features[3].indicator'
    """
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in parts)
    return text.removeprefix(".") or "(the whole)"


def complaint(error: Any) -> str:
    """What is wrong with one value, and what was expected."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "is not a known key here"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        given = str(error["input"])
        allowed = [part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(", ")]
        near = difflib.get_close_matches(given, allowed, n=1)
        return f"'{given}' is not allowed. Expected: {context['expected']}." + (
            f" Did you mean '{near[0]}'?" if near else ""
        )
    if kind == "value_error":
        return str(context["error"])
    return str(error["msg"])
