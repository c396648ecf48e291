"""Rows of a dataset as arrays and as Parquet: a file for each part of the people, its features float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vru_models.frames import to_table
from vru_models.spec.digest import digest_bytes, digest_frame, digest_json

_STATUS: Final = "status."
_BATCH: Final = 1 << 16


@dataclass(frozen=True)
class Part:
    """Rows ascending by date and person: ``cells`` float32, features x rows; ``codes`` uint8, statuses x rows.

    ``rows`` has the columns ``person_id`` (or ``area_id``) and ``as_of``, then those of ``Dataset.rows``, and a plain
    index.
    """

    cells: np.ndarray
    codes: np.ndarray
    rows: pd.DataFrame

    @property
    def keys(self) -> list[str]:
        """The first two columns of ``rows``: whom a row is about, and when."""
        return [str(name) for name in self.rows.columns[:2]]

    @property
    def digest(self) -> str:
        """SHA-256 over features and statuses by column, and everything else."""
        digests = [[list(array.shape), digest_bytes(array.tobytes())] for array in (self.cells, self.codes)]
        return digest_json([*digests, digest_frame(self.rows, index=False)])

    def parquet(self, features: Sequence[str], statuses: Sequence[str]) -> bytes:
        """The file of the part: keys and the rest, then statuses, then features, in one row group; NaN stays NaN."""
        table = to_table(self.rows)
        texts = [name for name in table.column_names if pa.types.is_string(table[name].type)]
        names = [*(_STATUS + name for name in statuses), *features]
        arrays = [pa.array(row) for row in (*self.codes, *self.cells)]
        # never null, and said so: it is written in two thirds of the time
        fields = [pa.field(name, array.type, nullable=False) for name, array in zip(names, arrays, strict=True)]
        whole = pa.table([*table.itercolumns(), *arrays], schema=pa.schema([*table.schema, *fields]))
        sink = pa.BufferOutputStream()
        pq.write_table(
            whole,
            sink,
            compression="lz4",
            use_dictionary=texts,
            write_statistics=self.keys,
            write_batch_size=_BATCH,
            row_group_size=max(len(self.rows), 1),
        )
        return bytes(sink.getvalue())

    def only(self, keep: np.ndarray) -> Part:
        """Some of the rows, by a mask."""
        if keep.all():
            return self
        return Part(self.cells[:, keep], self.codes[:, keep], self.rows[keep].reset_index(drop=True))

    @classmethod
    def read(
        cls, content: bytes, features: Sequence[str], statuses: Sequence[str], *, among: Sequence[str] | None = None
    ) -> Part:
        """The part in a file that :meth:`parquet` made, with these of its features (``among`` are all of them)."""
        file = pq.ParquetFile(pa.BufferReader(content))
        left = set(among or features) - set(features)
        table = file.read(columns=[name for name in file.schema_arrow.names if name not in left], use_threads=False)
        cells, codes = (
            np.array([table[name].to_numpy() for name in names], dtype=kind).reshape(len(names), table.num_rows)
            for names, kind in ((features, np.float32), ([_STATUS + name for name in statuses], np.uint8))
        )
        return cls(cells, codes, _rows_in(table.drop_columns([*features, *(_STATUS + name for name in statuses)])))


def _rows_in(table: pa.Table) -> pd.DataFrame:
    dates = table["as_of"].cast(pa.timestamp("s"))
    frame: pd.DataFrame = table.set_column(table.schema.get_field_index("as_of"), "as_of", dates).to_pandas()
    return frame


def file_name(part: int) -> str:
    """The name of the file of a part."""
    return f"part-{part:03d}.parquet"
