"""Files that cannot be read and pydantic's complaints, in the house form: path, what, expected, the nearest name."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Callable, Iterable
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from vru_models.errors import SpecError, VruError
from vru_models.spec.digest import canonical_json

_MOST_SHOWN = 20
_LONGEST = 60
_LONGEST_LINE = 10_000


def text_of(content: bytes, where: object, *, error: type[VruError] = SpecError, expected: str = "") -> str:
    """The text of a file in UTF-8, with or without a byte-order mark."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        then = "Save the file as UTF-8 and run again"
        raise error.at(where, "is not UTF-8 text", expected=expected, then=then) from None


def toml_of(
    content: bytes, where: object, *, error: type[VruError] = SpecError, expected: str = "a TOML file"
) -> dict[str, Any]:
    """The keys and values of a TOML file; the time to read a dotted key grows with its square, so lines are bounded."""
    text = text_of(content, where, error=error, expected=expected)
    if any(len(line) > _LONGEST_LINE for line in text.splitlines()):
        raise error.at(where, "a line is too long", expected=f"lines of at most {_LONGEST_LINE:,} characters")
    raw: dict[str, Any] = _parsed(tomllib.loads, text, where=where, what="TOML", error=error, expected=expected)
    return raw


def json_of(text: str, where: object, *, expected: str) -> Any:
    """The value of a JSON text that can be written again: its numbers are finite and its characters are Unicode."""
    return _parsed(_rewritable, text, where=where, what="JSON", error=SpecError, expected=expected)


def _parsed(
    parse: Callable[[str], Any], text: str, *, where: object, what: str, error: type[VruError], expected: str
) -> Any:
    try:
        return parse(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as fault:
        raise error.at(where, f"is not {what} ({fault})", expected=expected) from None
    except (RecursionError, ValueError):
        what = f"is not {what} that can be used (nested too deeply, or a number or character is beyond the format)"
        raise error.at(where, what, expected=expected) from None


def _rewritable(text: str) -> Any:
    value = json.loads(text)
    canonical_json(value)
    return value


def spec_error(where: str, error: ValidationError, model: type[BaseModel]) -> SpecError:
    """One error that names every fault of a declaration by its path (the first 20, where there are more)."""
    found = error.errors(include_url=False)
    faults = [f"  {path(e['loc'])}: {complaint(e, _keys(model, e['loc'][:-1]))}" for e in found[:_MOST_SHOWN]]
    if len(found) > _MOST_SHOWN:
        faults.append(f"  and {len(found) - _MOST_SHOWN:,} more")
    count = "1 fault" if len(found) == 1 else f"{len(found):,} faults"
    return SpecError("\n".join([f"{where}: {count}.", *faults, "Nothing was read. Correct the file and run again."]))


def path(parts: tuple[Any, ...]) -> str:
    """``features[3].indicator`` from pydantic's location.

    Examples
    --------
    >>> path(("features", 3, "indicator"))
    'features[3].indicator'
    """
    text = "".join(f"[{p}]" if isinstance(p, int) else f".{_short(p)}" for p in parts)
    return text.removeprefix(".") or "(the whole)"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _keys(kind: Any, parts: tuple[Any, ...]) -> list[str]:
    """The keys that may be declared in the section at a path; none where it leads to no section."""
    for part in parts:
        fields = getattr(kind, "model_fields", None)
        if fields is None:
            kind = next((inner for inner in get_args(kind) if hasattr(inner, "model_fields")), None)
        else:
            kind = next((field.annotation for name, field in fields.items() if part in (name, field.alias)), None)
    fields = getattr(kind, "model_fields", {})
    return sorted(field.alias or name for name, field in fields.items() if not field.exclude)


def complaint(error: Any, keys: Iterable[str] = ()) -> str:
    """What is wrong with one value, and what was expected; ``keys`` are those that its section has."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(keys)
        near = difflib.get_close_matches(_short(str(error["loc"][-1])), known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else f" Expected: one of {', '.join(known)}." if known else ""
        return f"is not a known key here.{hint}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        given = error["input"]
        if not isinstance(given, str):
            return f"is not allowed. Expected: {context['expected']}."
        allowed = [part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(", ")]
        near = difflib.get_close_matches(given, allowed, n=1)
        return f"'{_short(given)}' is not allowed. Expected: {context['expected']}." + (
            f" Did you mean '{near[0]}'?" if near else ""
        )
    if kind == "value_error":
        return str(context["error"])
    return str(error["msg"])
