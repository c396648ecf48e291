"""All hashing: canonical JSON, content digests, event identities, lotteries. Nothing else in the library hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces: one byte string per value, whatever the order of its keys.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_bytes(content: bytes) -> str:
    """SHA-256 of the bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value.

    Examples
    --------
    >>> digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    True
    """
    return digest_bytes(canonical_json(value))


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content, read in blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_frame(frame: pd.DataFrame, *, index: bool = True) -> str:
    """SHA-256 of a frame's column names, types and values (and index), the same on every machine and run.

    Dates count to the second, whatever unit they are held in.

    Examples
    --------
    >>> a = pd.DataFrame({"x": [1.0, None]})
    >>> digest_frame(a) == digest_frame(a.copy())
    True
    """
    whole = frame.reset_index() if index else frame
    dates = list(whole.select_dtypes("datetime").columns)
    whole = whole.astype(dict.fromkeys(dates, "datetime64[s]"))
    state = hashlib.sha256(canonical_json([[str(c), str(t)] for c, t in whole.dtypes.items()]))
    for i in range(whole.shape[1]):
        state.update(_column_bytes(whole.iloc[:, i]))
    return state.hexdigest()


def _column_bytes(column: pd.Series[Any]) -> bytes:
    """Numbers and dates as they lie in memory; anything else as the lengths of its texts (-1: none), then the texts."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufmM":
        return np.ascontiguousarray(column.to_numpy()).tobytes()
    held = _arrow_texts(column)
    if held is not None:
        lengths = np.asarray(pc.binary_length(held).fill_null(-1)).astype(np.int64)
        start, end = np.frombuffer(held.buffers()[1], np.int64)[[held.offset, held.offset + len(held)]]
        return lengths.tobytes() + memoryview(held.buffers()[2] or b"")[start:end].tobytes()
    missing = column.isna().to_numpy()
    texts = [str(v).encode() for v in column.astype(object).to_numpy()[~missing]]
    lengths = np.full(len(column), -1, dtype=np.int64)
    lengths[~missing] = [len(t) for t in texts]
    return lengths.tobytes() + b"".join(texts)


def _arrow_texts(column: pd.Series[Any]) -> pa.LargeStringArray | None:
    """A column of texts, or of categories that are, as Arrow holds it: one after the other; any other column, None."""
    kind = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    if not isinstance(kind, pd.StringDtype):
        return None
    held = pa.array(column, from_pandas=True)
    chunks = held if isinstance(held, pa.ChunkedArray) else pa.chunked_array([held])
    whole = chunks.cast(pa.large_string())
    return pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.large_string())


def digest_rows(columns: Sequence[Iterable[object]]) -> list[str]:
    """One 128-bit identity per row (32 hexadecimal digits) from the text of its columns.

    The separator cannot occur in a column's text without being escaped, so two different rows never share their input.

    Examples
    --------
    >>> digest_rows([["attendance"], ["row-1"]]) == digest_rows([["attendance"], ["row-1"]])
    True
    """
    texts = [_escaped([str(v) for v in column]) for column in columns]
    sha = hashlib.sha256
    return [sha("\x1f".join(row).encode()).hexdigest()[:32] for row in zip(*texts, strict=True)]


def _escaped(texts: list[str]) -> list[str]:
    whole = "".join(texts)
    if "\\" not in whole and "\x1f" not in whole:
        return texts
    return [text.replace("\\", "\\\\").replace("\x1f", "\\u") for text in texts]


def lottery_numbers(purpose: str, card_digest: str, as_of: str, keys: Sequence[str]) -> np.ndarray:
    """A verifiable draw: one unsigned 64-bit number per key, from SHA-256, never from file order or a clock.

    Parameters
    ----------
    purpose
        ``tie`` (who of those level at the cut) or ``random`` (the random places); separate draws.
    card_digest
        Digest of the card whose list is drawn, so that a draw cannot be shopped for before the card is fixed.
    as_of
        The as-of date in ISO form.

    Examples
    --------
    >>> a = lottery_numbers("tie", "c0ffee", "2026-12-01", ["p1", "p2"])
    >>> bool((a == lottery_numbers("tie", "c0ffee", "2026-12-01", ["p2", "p1"])[::-1]).all())
    True
    """
    head = f"{purpose}\x1f{card_digest}\x1f{as_of}\x1f".encode()
    base = hashlib.sha256(head)
    return np.fromiter((_draw(base, key) for key in keys), dtype=np.uint64, count=len(keys))


def _draw(base: hashlib._Hash, key: str) -> int:
    state = base.copy()
    state.update(key.encode())
    return int.from_bytes(state.digest()[:8], "big")


def buckets_of(keys: Sequence[str], n_buckets: int) -> np.ndarray:
    """The bucket of each key: the first 32 bits of its SHA-256, modulo the number of buckets."""
    sha = hashlib.sha256
    first = b"".join([sha(key.encode()).digest()[:4] for key in keys])
    return (np.frombuffer(first, dtype=">u4") % n_buckets).astype(np.int32)


def keyed_digest(key: bytes, *parts: str) -> str:
    """HMAC-SHA-256 of the parts under a secret key, as 64 hexadecimal digits."""
    return hmac.new(key, "\x1f".join(_escaped(list(parts))).encode(), "sha256").hexdigest()


def keyed_digests(key: bytes, head: Sequence[str], texts: Iterable[str]) -> list[str]:
    """``keyed_digest(key, *head, text)`` of every text, the head being taken up once.

    Examples
    --------
    >>> keyed_digests(b"secret", ["a"], ["x", "y"]) == [keyed_digest(b"secret", "a", t) for t in "xy"]
    True
    """
    state = hmac.new(key, "".join(f"{part}\x1f" for part in _escaped(list(head))).encode(), "sha256")
    return [_continued(state, text) for text in _escaped(list(texts))]


def _continued(state: hmac.HMAC, text: str) -> str:
    whole = state.copy()
    whole.update(text.encode())
    return whole.hexdigest()
