"""Cards as JSON, and back: the text is somebody else's until every key, type and size has been checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Never

from vru_models.errors import DataError, RefusedError

if TYPE_CHECKING:
    from vru_models.models.card import Card

VERSION = "vru-card/1"
MAX_CHARACTERS = 2_000_000
_MAX_LIST = 1000


def dump(card: Card) -> str:
    """The JSON text of a card, keys in a fixed order."""
    features = [
        {
            "name": f.name,
            "kind": f.kind,
            "edges": [float(edge) for edge in f.edges],
            "points": list(f.points),
            "neutral": f.neutral,
            "reference": f.reference,
        }
        for f in card.features
    ]
    record = {"version": VERSION, "intercept": card.intercept, "slope": card.slope, "features": features}
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse(text: str) -> dict[str, Any]:
    """What the JSON text says, with exactly the keys and types of a card; bounds are the card's own affair.

    Raises
    ------
    RefusedError
        The text is too large, nested too deeply, or of another version.
    DataError
        The text is not JSON, or a key or type is not a card's.
    """
    record = _mapping(_load(text), "card")
    version = record.get("version")
    if version != VERSION:
        raise RefusedError.at("card.version", "the version is not one that is read here", expected=VERSION)
    _require_keys(record, _CARD, "card")
    parsed = {key: check(record[key], f"card.{key}") for key, check in _CARD.items()}
    parsed["features"] = [_feature(item, f"card.features[{i}]") for i, item in enumerate(parsed["features"])]
    return parsed


def _load(text: str) -> Any:
    if not isinstance(text, str):
        raise TypeError(f"a card is read from text, not from {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise RefusedError.at("card", f"{len(text)} characters", expected=f"at most {MAX_CHARACTERS}")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_not_finite)
    except RecursionError:
        raise RefusedError.at("card", "the JSON is nested too deeply") from None
    except ValueError:
        raise DataError.at("card", "the text is not JSON", expected=f"a {VERSION} file") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise DataError.at("card", "a key is there twice", expected="each key once")
    return dict(pairs)


def _not_finite(_: str) -> Never:
    raise DataError.at("card", "a number is not finite", expected="finite numbers")


def _feature(item: Any, where: str) -> dict[str, Any]:
    record = _mapping(item, where)
    _require_keys(record, _FEATURE, where)
    return {key: check(record[key], f"{where}.{key}") for key, check in _FEATURE.items()}


def _require_keys(record: dict[str, Any], known: dict[str, Any], where: str) -> None:
    absent = sorted(set(known) - set(record))
    if absent:
        raise DataError.at(where, f"{len(absent)} keys are missing: {', '.join(absent)}")
    if len(record) > len(known):
        surplus = len(record) - len(known)
        raise DataError.at(where, f"{surplus} keys are not known", expected=f"only {', '.join(sorted(known))}")


def _refuse_type(where: str, expected: str) -> Never:
    raise DataError.at(where, "the type is wrong", expected=expected)


def _mapping(value: Any, where: str) -> dict[str, Any]:
    return value if type(value) is dict else _refuse_type(where, "an object")


def _list(value: Any, where: str) -> list[Any]:
    return (
        value
        if type(value) is list and len(value) <= _MAX_LIST
        else _refuse_type(where, f"a list, {_MAX_LIST} at most")
    )


def _text(value: Any, where: str) -> str:
    return value if type(value) is str else _refuse_type(where, "text")


def _whole(value: Any, where: str) -> int:
    return value if type(value) is int else _refuse_type(where, "a whole number")


def _number(value: Any, where: str) -> float:
    if type(value) is float:
        return value
    return float(value) if type(value) is int and abs(value) <= 2**53 else _refuse_type(where, "a number")


def _tuple_of(check: Callable[[Any, str], Any]) -> Callable[[Any, str], tuple[Any, ...]]:
    return lambda value, where: tuple(check(item, where) for item in _list(value, where))


_CARD: dict[str, Callable[[Any, str], Any]] = {
    "version": _text,
    "intercept": _number,
    "slope": _number,
    "features": _list,
}
_FEATURE: dict[str, Callable[[Any, str], Any]] = {
    "name": _text,
    "kind": _text,
    "edges": _tuple_of(_number),
    "points": _tuple_of(_whole),
    "neutral": _whole,
    "reference": _whole,
}
