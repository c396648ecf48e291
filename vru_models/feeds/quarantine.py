"""The rows that the gate held back and why, as files for whoever mends the extracts."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vru_models.disclosure.spreadsheet import spreadsheet_safe
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import read_file

FOLDER: Final = "quarantine"
PARQUET: Final = "quarantine.parquet"
CSV: Final = "quarantine.csv"
_LARGEST: Final = 1 << 34
_AT_A_TIME: Final = 1_000_000


def quarantine_files(quarantine: pd.DataFrame) -> dict[str, bytes]:
    """``quarantine.parquet`` and the same rows as ``quarantine.csv``, its text made safe for spreadsheets.

    Columns ``feed, row, reasons`` as in :class:`Feeds`: where a row is and which rules it breaks, never what it says.
    Without rows both files have columns only.

    Examples
    --------
    >>> held = pd.DataFrame({"feed": ["moves"], "row": [7], "reasons": ["person_id:required; outside_agreement"]})
    >>> print(quarantine_files(held)["quarantine.csv"].decode())
    feed,row,reasons
    moves,7,person_id:required; outside_agreement
    <BLANKLINE>
    """
    texts = {"feed": "str", "row": "int64", "reasons": "str"}
    rows, text = BytesIO(), BytesIO()
    with pq.ParquetWriter(rows, _arrow(quarantine.iloc[:0].astype(texts)).schema) as sink:
        for start in range(0, max(len(quarantine), 1), _AT_A_TIME):
            part = quarantine.iloc[start : start + _AT_A_TIME].astype(texts)
            sink.write_table(_arrow(part))
            text.write(spreadsheet_safe(part).to_csv(index=False, header=not start, lineterminator="\n").encode())
    return {PARQUET: rows.getvalue(), CSV: text.getvalue()}


def _arrow(part: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(part, preserve_index=False)


def quarantine_digests(folder: str | Path) -> dict[str, str]:
    """SHA-256 of both files of :func:`quarantine_files` in a folder, by name; missing is :class:`StorageError`.

    Examples
    --------
    >>> quarantine_digests("nowhere")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: quarantine.parquet: cannot be read (No such file or directory). Check the path.
    """
    return {name: digest_bytes(read_file(Path(folder) / name, _LARGEST, role=name)) for name in (PARQUET, CSV)}
