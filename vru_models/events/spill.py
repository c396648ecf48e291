"""Rows set aside on disk by bucket, for work on more rows than fit in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa

from vru_models.spec.storage import storage_errors

_ROLE = "rows set aside"


class Spill:
    """Rows in a file that has no name and is gone when it is closed, or when the process ends, however it ends.

    Rows of a bucket come back in the order in which they were added. The file is for its owner alone.

    Parameters
    ----------
    folder
        Where there is space for all the rows.
    schema
        The columns of every table.

    Examples
    --------
    >>> table = pa.table({"x": [1, 2, 3]})
    >>> with Spill(Path("."), table.schema, n_buckets=2) as spill:
    ...     spill.add(table, np.array([1, 0, 1]))
    ...     spill.add(table, np.array([0, 0, 0]))
    ...     spill.rows.tolist(), spill.take([1])["x"].to_pylist()
    ([4, 2], [1, 3])
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, n_buckets: int) -> None:
        self._schema, self.rows = schema, np.zeros(n_buckets, dtype=np.int64)
        self._pieces: list[list[tuple[int, int]]] = [[] for _ in range(n_buckets)]
        self._end = 0
        with storage_errors(_ROLE, "written"):
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  closed by __exit__

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, table: pa.Table, bucket: np.ndarray) -> None:
        """Set the rows of a table aside, each in its bucket."""
        order = np.argsort(bucket, kind="stable")
        sorted_rows = table.cast(self._schema).take(pa.array(order)).combine_chunks()
        counts = np.bincount(bucket, minlength=len(self.rows))
        starts = np.cumsum(counts) - counts
        with storage_errors(_ROLE, "written"):
            for i in np.flatnonzero(counts):
                for batch in sorted_rows.slice(starts[i], counts[i]).to_batches():
                    content = batch.serialize()
                    self._pieces[i].append((self._end, len(content)))
                    self._end += self._written(content)
        self.rows += counts

    def _written(self, content: pa.Buffer) -> int:
        rest = memoryview(content)
        while rest:
            rest = rest[self._file.write(rest) :]
        return len(content)

    def take(self, buckets: Iterable[int]) -> pa.Table:
        """The rows of some buckets."""
        with storage_errors(_ROLE, "read"):
            batches = [
                pa.ipc.read_record_batch(pa.py_buffer(os.pread(self._file.fileno(), size, at)), self._schema)
                for i in buckets
                for at, size in self._pieces[i]
            ]
        return pa.Table.from_batches(batches, self._schema)

    def groups(self, rows: int) -> Iterator[pa.Table]:
        """Every row once, whole buckets together: about so many rows at a time, or one bucket where that has more."""
        group: list[int] = []
        for i, n in enumerate(self.rows):
            if group and self.rows[group].sum() + n > rows:
                yield self.take(group)
                group = []
            group.append(i)
        yield self.take(group)
