"""The one form in which records are signed and chained: canonical JSON objects without decimals, read strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from vru_models.spec.digest import canonical_json

_LIMIT = 1 << 63
_DIGITS = len(str(-_LIMIT))


def record_bytes(record: Mapping[str, Any]) -> bytes:
    """Canonical JSON of a record of text, whole numbers, true, false, null, lists and mappings with text keys.

    Numbers with a decimal point are refused, because two programs may print them differently: write them as text.

    Examples
    --------
    >>> record_bytes({"precision": "0.31", "n": 200})
    b'{"n":200,"precision":"0.31"}'
    >>> record_bytes({"precision": 0.31})
    Traceback (most recent call last):
        ...
    TypeError: precision: a float has no single written form. Write it as text, such as '0.31'.
    """
    try:
        return canonical_json({key: _plain(value, key) for key, value in record.items()})
    except UnicodeEncodeError:
        raise ValueError("a record holds text that is not valid Unicode. Write it without lone surrogates.") from None
    except RecursionError:
        raise ValueError("a record is nested too deeply. Write a flatter one.") from None


def _plain(value: Any, where: str) -> Any:
    """The value in plain JSON types; a message names the outermost field only, since inner keys may be data."""
    if type(value) is int and not -_LIMIT <= value < _LIMIT:
        raise ValueError(f"{where}: a whole number does not fit in 64 bits. Write it as text.")
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, float):
        raise TypeError(f"{where}: a float has no single written form. Write it as text, such as '0.31'.")
    if isinstance(value, list | tuple):
        return [_plain(item, where) for item in value]
    if not isinstance(value, Mapping):
        raise TypeError(f"{where}: a {type(value).__name__} is not plain JSON. Convert it to int, str or list.")
    if any(type(key) is not str for key in value):
        raise TypeError(f"{where}: a key is not text. Write keys as text.")
    return {key: _plain(item, where) for key, item in value.items()}


def parse_record(content: bytes) -> dict[str, Any]:
    """The record whose canonical form these exact bytes are; anything else is a ``ValueError`` that echoes nothing.

    Examples
    --------
    >>> parse_record(b'{"n":200}')
    {'n': 200}
    >>> parse_record(b'{"n":200,"n":201}')
    Traceback (most recent call last):
        ...
    ValueError: a key occurs twice
    """
    try:
        value = _READER.decode(content.decode())
        same = canonical_json(value) == content
    except (UnicodeError, json.JSONDecodeError):
        raise ValueError("not JSON in UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    if not same:
        raise ValueError("not in canonical form")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key occurs twice")
    return unique


def _whole(text: str) -> int:
    number = int(text) if len(text) <= _DIGITS else _LIMIT
    if not -_LIMIT <= number < _LIMIT:
        raise ValueError("a whole number does not fit in 64 bits")
    return number


def _refuse(_: str) -> NoReturn:
    raise ValueError("a number has a decimal point")


_READER = json.JSONDecoder(object_pairs_hook=_once, parse_int=_whole, parse_float=_refuse, parse_constant=_refuse)
