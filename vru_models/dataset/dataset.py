"""The Dataset: X and y, one row per person and as-of date, and what every empty cell means."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vru_models.dataset.rows import counts_frame
from vru_models.dataset.volume import volume_frame, volume_rows
from vru_models.errors import DataError, StorageError
from vru_models.findings import Findings
from vru_models.spec.calendar import as_days
from vru_models.spec.digest import canonical_json, digest_bytes, digest_frame, digest_json
from vru_models.spec.storage import read_file, write_folder
from vru_models.splits import Split, Splits

FORMAT = "vru-dataset/1"
_FRAMES = ("X", "status", "rows")
_MAX_BYTES = 2**34


@dataclass(frozen=True)
class Dataset:
    """Rows for fitting and evaluation; holds no protected characteristic.

    Parameters
    ----------
    X
        float32, one column per declared feature, index ``(person_id, as_of)`` ascending by date and person. A cell
        without a value is NaN and its reason is in ``status``.
    status
        uint8 per row, feed and window: the codes 0 to 7 of ``vru_models.features.STATUS``.
    rows
        Per row: ``area``, ``household_id`` (the person's own where none is known), ``y`` (1, 0 or NaN) and
        ``why_missing`` (empty where labelled).
    counts
        Per as-of date: in view, eligible, routed to statutory services, objecting to being scored.
    volumes
        What stood behind each date's rows, counted by indicator, feed and area (areas unnamed); see
        :func:`~vru_models.dataset.volume.volumes_on`.
    """

    X: pd.DataFrame
    status: pd.DataFrame
    rows: pd.DataFrame
    counts: pd.DataFrame
    volumes: pd.DataFrame
    splits: Splits
    findings: Findings
    extract_dates: Mapping[str, dt.date]
    spec_digest: str
    events_digest: str

    @property
    def y(self) -> pd.Series[float]:
        """The label per row: 1, 0 or NaN where it is missing."""
        return self.rows["y"]

    @property
    def labelled(self) -> pd.Series[bool]:
        """Whether each row has a label."""
        return self.rows["y"].notna()

    @property
    def digest(self) -> str:
        """SHA-256 over everything in it."""
        return digest_json([*(digest_frame(getattr(self, name)) for name in _FRAMES), self._head()])

    def frame(self) -> pd.DataFrame:
        """One row per as-of date: who was counted, labelled, positive, and why labels are missing."""
        why = self.rows.groupby(["as_of", "why_missing"]).size().unstack(fill_value=0)
        table = self.counts.join(why.drop(columns="", errors="ignore"))
        by_date = self.rows["y"].groupby("as_of")
        table.insert(4, "labelled", by_date.count())
        table.insert(5, "positives", by_date.sum().astype(int))
        return table.fillna(0).astype(int)

    def __repr__(self) -> str:
        people = self.X.index.get_level_values("person_id").nunique()
        return (
            f"Dataset({len(self.X):,} rows of {people:,} people on {len(self.counts)} as-of dates, "
            f"{self.X.shape[1]} features, "
            f"{int(self.labelled.sum()):,} labelled, {int(np.nansum(self.y)):,} positive, digest {self.digest[:12]})"
        )

    def save(self, folder: str | Path) -> None:
        """Write the dataset as Parquet and JSON into a new folder, whole or not at all."""
        write_folder(Path(folder), self.files())

    def files(self) -> dict[str, bytes]:
        """The stored form: ``X``, ``status`` and ``rows`` as Parquet, the rest as ``dataset.json``."""
        tables = {f"{name}.parquet": _parquet(getattr(self, name)) for name in _FRAMES}
        stored = {"format": FORMAT, "files": {n: digest_bytes(c) for n, c in tables.items()}} | self._head()
        return tables | {"dataset.json": canonical_json(stored | {"digest": digest_json(stored)})}

    def _head(self) -> dict[str, Any]:
        """All but the frames, as plain JSON types."""
        return {
            "splits": [[[str(d) for d in s.train], str(s.test)] for s in self.splits],
            "dropped": [list(d) for d in self.splits.dropped],
            "counts": {str(as_days(date)): row.to_dict() for date, row in self.counts.iterrows()},
            "volumes": volume_rows(self.volumes),
            "findings": self.findings.records(),
            "extract_dates": {feed: str(date) for feed, date in self.extract_dates.items()},
            "spec_digest": self.spec_digest,
            "events_digest": self.events_digest,
        }

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """A dataset from a folder that :meth:`save` wrote; refused when its content is not what was written."""
        place = Path(folder)
        if not place.is_dir():
            raise StorageError.at("dataset", "is not a folder", expected="a dataset folder", then="Run build first")
        head = _stored_head(place)
        frames = {name: _stored_frame(place, f"{name}.parquet", head["files"]) for name in _FRAMES}
        return cls(
            **frames,
            counts=counts_frame({as_days(d): c for d, c in head["counts"].items()}),
            volumes=volume_frame(head["volumes"]),
            splits=_splits(head),
            findings=Findings.from_records(head["findings"]),
            extract_dates={feed: dt.date.fromisoformat(date) for feed, date in head["extract_dates"].items()},
            spec_digest=head["spec_digest"],
            events_digest=head["events_digest"],
        )


def _stored_head(place: Path) -> dict[str, Any]:
    """``dataset.json``, held against the digest of its own content before any of it is used."""
    content = read_file(place / "dataset.json", _MAX_BYTES, role="dataset: dataset.json")
    try:
        head: dict[str, Any] = json.loads(content)
    except ValueError:
        raise _not_as_written("dataset.json") from None
    if not isinstance(head, dict) or head.pop("digest", None) != digest_json(head):
        raise _not_as_written("dataset.json")
    if head["format"] != FORMAT:
        raise DataError.at("dataset", "has another format", expected=FORMAT, then="Build the dataset again")
    return head


def _stored_frame(place: Path, name: str, digests: Mapping[str, str]) -> pd.DataFrame:
    """A Parquet file, held against its digest before it is parsed; Parquet has no whole seconds, the frames do."""
    content = read_file(place / name, _MAX_BYTES, role=f"dataset: {name}")
    if digests[name] != digest_bytes(content):
        raise _not_as_written(name)
    frame = pd.read_parquet(BytesIO(content))
    dates = pd.DatetimeIndex(frame.index.get_level_values("as_of")).as_unit("s")
    return frame.set_axis(pd.MultiIndex.from_arrays([frame.index.get_level_values("person_id"), dates]))


def _not_as_written(name: str) -> DataError:
    return DataError.at("dataset", f"{name} is not what was written", then="Build the dataset again")


def _splits(head: Mapping[str, Any]) -> Splits:
    items = tuple(Split(tuple(as_days(d) for d in train), as_days(test)) for train, test in head["splits"])
    return Splits(items, tuple((date, reason) for date, reason in head["dropped"]))


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()
