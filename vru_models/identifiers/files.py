"""A CSV file with raw identifiers in, one with pseudonyms out; and the mapping from an old key to a new one."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from vru_models.errors import DataError, SpecError, StorageError
from vru_models.findings import Findings
from vru_models.identifiers.headings import is_plain
from vru_models.identifiers.pseudonyms import METHOD, PseudonymKey, key_for, pseudonymise, rotate
from vru_models.identifiers.scan import scan_identifiers
from vru_models.spec.problems import complaint, path
from vru_models.spec.sources import Source
from vru_models.spec.storage import read_file, write_new

_LARGEST = 1 << 34
_ROLE = "file of identifiers"
_ROTATE = "Make it with vru-models rotate"
_DESCRIPTOR = re.compile(r"[0-9]{1,9}")
_MOST_NAMED = 10
_PLAIN_FORM = Source()


def form_of(encoding: str, delimiter: str) -> Source:
    """How a file is written, in the terms of a feed's source.

    Examples
    --------
    >>> form_of("cp-1252", ";")
    Traceback (most recent call last):
        ...
    vru_models.errors.SpecError: encoding: 'cp-1252' is not a text encoding that Python knows. Did you mean 'cp1252'?
    """
    try:
        return Source(encoding=encoding, delimiter=delimiter)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise SpecError(f"{path(first['loc'])}: {complaint(first)}") from None


def pseudonymise_csv(
    source: str | Path,
    out: str | Path,
    *,
    column: str,
    key: PseudonymKey,
    purpose: str,
    id_type: str,
    name: str = "person_id",
    form: Source = _PLAIN_FORM,
) -> tuple[dict[str, Any], Findings]:
    """What was done, as it stands in ``<out>.json``, and what in the new file still looks like a direct identifier.

    The identifiers' column, of raw identifiers, becomes pseudonyms under a new name; every other cell stays as it was.
    The new file is UTF-8 and comma, written whole or not at all, for its owner alone (mode 0600), and neither
    it nor its record over another file.

    Parameters
    ----------
    form
        The encoding and the delimiter of the file that is read; see :func:`form_of`.

    Raises
    ------
    StorageError
        When either file is there already; nothing is then read or written.
    DataError
        When the file is not CSV of that form with one row a record, the column is not there once, or a value is
        malformed.
    """
    _require_absent(out, "file of pseudonyms")
    header, rows = _read(source, column, form)
    at = header.index(column)
    if name in header[:at] + header[at + 1 :]:
        raise DataError.at(_ROLE, f"already has a column {name}", then="Choose another name for the pseudonyms")
    raw = pd.Series([row[at] for row in rows], dtype="str")
    made = pseudonymise(raw, key=key, purpose=purpose, id_type=id_type)
    header[at] = name
    for row, pseudonym in zip(rows, made.fillna(""), strict=True):
        row[at] = pseudonym
    counts = {"rows": len(rows), "people": int(made.nunique()), "missing": int(made.isna().sum())}
    write_new(out, _csv(header, rows), role="file of pseudonyms")
    done = _recorded(out, {"key_id": key.id, "purpose": purpose, "id_type": id_type, "column": name, **counts})
    return done, scan_identifiers(pd.DataFrame(rows, columns=header, dtype="str"), pseudonyms=[name])


def rotate_csv(
    source: str | Path,
    out: str | Path,
    *,
    column: str,
    keys: Sequence[PseudonymKey],
    purpose: str,
    id_type: str,
    form: Source = _PLAIN_FORM,
) -> dict[str, Any]:
    """What was done, as it stands in ``<out>.json``; ``out`` is the mapping of :func:`rotate` as CSV (mode 0600).

    Parameters
    ----------
    column
        Holds raw identifiers.
    keys
        The old key and the new one.
    form
        As in :func:`pseudonymise_csv`.
    """
    _require_absent(out, "mapping")
    header, rows = _read(source, column, form)
    raw = pd.Series([row[header.index(column)] for row in rows], dtype="str")
    old, new = keys
    mapping = rotate(raw, old=old, new=new, purpose=purpose, id_type=id_type)
    write_new(out, _csv(list(mapping.columns), mapping.itertuples(index=False)), role="mapping")
    ids = {"old_key_id": old.id, "new_key_id": new.id}
    return _recorded(out, {**ids, "purpose": purpose, "id_type": id_type, "people": len(mapping)})


def mapping_in(file: str | Path) -> pd.Series[str]:
    """New pseudonyms by old ones, from a mapping that :func:`rotate_csv` wrote.

    Examples
    --------
    >>> mapping_in("nowhere/mapping.csv")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: mapping: cannot be read (No such file or directory). Check the path.
    """
    content = read_file(file, _LARGEST, role="mapping")
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    except (UnicodeError, csv.Error):
        rows = []
    if rows[:1] != [["old_pseudonym", "new_pseudonym"]] or any(len(row) != 2 or not all(row) for row in rows):
        raise DataError.at("mapping", "is not what rotate writes", expected="old_pseudonym,new_pseudonym", then=_ROTATE)
    return pd.Series([new for _, new in rows[1:]], index=[old for old, _ in rows[1:]], dtype="str")


def key_from(text: str, *, purpose: str) -> PseudonymKey:
    """The key for a purpose in a file, or in the open descriptor that ``fd:3`` names; a key itself is never an option.

    Examples
    --------
    >>> key_from("nowhere/early_help.key", purpose="early_help")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: pseudonym key: cannot be read (No such file or directory). Check the path.
    """
    scheme, _, number = text.partition(":")
    if scheme == "fd" and not _DESCRIPTOR.fullmatch(number):
        raise SpecError.at("pseudonym key", "names no descriptor", expected="a file, or fd:3")
    return key_for(PseudonymKey.load(int(number) if scheme == "fd" else text), purpose)


def _read(source: str | Path, column: str, form: Source) -> tuple[list[str], list[list[str]]]:
    content = read_file(source, _LARGEST, role=_ROLE)
    try:
        text = io.StringIO(content.decode(form.encoding).removeprefix("\ufeff"), newline="")
        rows = list(csv.reader(text, delimiter=form.delimiter, strict=True))
    except UnicodeError:
        said = form.encoding.upper()
        then = f"Save it as {said} and run again, or say which encoding it has (--encoding)"
        raise DataError.at(_ROLE, f"is not {said} text", then=then) from None
    except csv.Error:
        expected = f"{form.delimiter!r} between fields (--delimiter), double quotes, a header line"
        raise DataError.at(_ROLE, "cannot be split into rows", expected=expected) from None
    header, below = (rows[0], rows[1:]) if rows else ([], [])
    body = [row or [""] for row in below if row or len(header) == 1]
    if header.count(column) != 1:
        what = f"has {header.count(column)} columns named {column}, {_named(header)}"
        raise DataError.at(_ROLE, what, expected="one", then="Name its column, or its --delimiter if it is another")
    if twice := sum(n > 1 for n in Counter(header).values()):
        raise DataError.at(_ROLE, f"has {twice} column names more than once", expected="each once")
    if uneven := [number for number, row in enumerate(body, 1) if len(row) != len(header)]:
        what = f"{len(uneven):,} rows have more or fewer cells than the header, the first is row {uneven[0]:,}"
        raise DataError.at(_ROLE, what, then="Correct the file at its source")
    return header, body


def _named(header: Sequence[str]) -> str:
    """The names of a header, unless the first line may be somebody's record: a digit, a name that is not plain."""
    if not all(is_plain(name) and not re.search(r"\d", name) for name in header):
        return f"of {len(header):,} that are not all plain names"
    more = [f"{len(header) - _MOST_NAMED:,} more"] if len(header) > _MOST_NAMED else []
    return f"of {', '.join([*header[:_MOST_NAMED], *more]) or 'none'}"


def _csv(header: list[str], rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _beside(out: str | Path) -> Path:
    return Path(f"{Path(out)}.json")


def _require_absent(out: str | Path, role: str) -> None:
    for place, what in ((out, role), (_beside(out), f"record of the {role}")):
        if os.path.lexists(place):
            raise StorageError.at(what, "is there already", then="Nothing is overwritten: choose another name")


def _recorded(out: str | Path, done: dict[str, Any]) -> dict[str, Any]:
    record = {"method": METHOD, **done}
    write_new(_beside(out), json.dumps(record, indent=2).encode() + b"\n", role="record")
    return record
