"""The Dataset: X and y, one row per person and as-of date, and what every empty cell means."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vru_models.dataset.exits import exit_weights
from vru_models.dataset.rows import counts_frame, plain_counts
from vru_models.dataset.stored import Part, file_name
from vru_models.dataset.volume import volume_frame, volume_rows
from vru_models.errors import DataError, StorageError
from vru_models.findings import Findings
from vru_models.spec.calendar import as_days
from vru_models.spec.digest import canonical_json, digest_bytes, digest_json
from vru_models.spec.storage import read_file, write_folder
from vru_models.splits import Split, Splits

FORMAT = "vru-dataset/3"
_MAX_BYTES = 2**34


@dataclass(frozen=True, kw_only=True)
class About:
    """What is said of the rows of a dataset.

    Parameters
    ----------
    counts
        Per as-of date: in view, eligible, routed to statutory services, objecting to being scored.
    volumes
        What stood behind each date's rows, counted by indicator, feed and area (areas unnamed); see
        :func:`~vru_models.dataset.volume.volumes_on`.
    """

    counts: pd.DataFrame
    volumes: pd.DataFrame
    splits: Splits
    findings: Findings
    extract_dates: Mapping[str, dt.date]
    spec_digest: str
    events_digest: str

    def plain(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return {
            "splits": [[[str(d) for d in s.train], str(s.test)] for s in self.splits],
            "dropped": [list(d) for d in self.splits.dropped],
            "counts": plain_counts(self.counts),
            "volumes": volume_rows(self.volumes),
            "findings": self.findings.records(),
            "extract_dates": {feed: str(date) for feed, date in self.extract_dates.items()},
            "spec_digest": self.spec_digest,
            "events_digest": self.events_digest,
        }

    def sealed(self, digests: Mapping[str, str], features: Sequence[str], statuses: Sequence[str]) -> bytes:
        """``dataset.json``: this and what the other files must be, under a digest of its own."""
        stored = {"format": FORMAT, "files": dict(digests), "features": list(features), "statuses": list(statuses)}
        stored |= self.plain()
        return canonical_json(stored | {"digest": digest_json(stored)})

    def digest_with(self, parts: Iterable[str]) -> str:
        """The digest of a dataset, from those of its parts."""
        return digest_json([*parts, self.plain()])


@dataclass(frozen=True, kw_only=True)
class Dataset(About):
    """Rows for fitting and evaluation; holds no protected characteristic.

    Parameters
    ----------
    X
        float32, one column per declared feature, index ``(person_id, as_of)`` ascending by date and person (of a spec
        with ``unit = "area"``: ``area_id``). A cell
        without a value is NaN and its reason is in ``status``.
    status
        uint8 per row, feed and window: the codes 0 to 7 of ``vru_models.features.STATUS``.
    rows
        Per row: ``area``, ``household_id`` (the person's own where none is known), ``y`` (1, 0 or NaN),
        ``why_missing`` (empty where labelled), ``with_treated`` and ``followed`` (see
        :class:`~vru_models.dataset.outcome.Labels`), ``y_<name>`` and ``why_missing_<name>`` of each further outcome,
        and ``part``, the part of the event store that it was made from.
    """

    X: pd.DataFrame
    status: pd.DataFrame
    rows: pd.DataFrame

    @property
    def y(self) -> pd.Series[float]:
        """The label per row: 1, 0 or NaN where it is missing."""
        return self.rows["y"]

    @property
    def labelled(self) -> pd.Series[bool]:
        """Whether each row has a label."""
        return self.rows["y"].notna()

    @cached_property
    def weight(self) -> pd.Series[float]:
        """How many people each labelled row stands for, so that those who left are stood for; see ``exit_weights``."""
        return exit_weights(self.rows)

    @property
    def digest(self) -> str:
        """SHA-256 over everything in it."""
        return self.digest_with(part.digest for _, part in self._parts())

    def _parts(self) -> Iterator[tuple[int, Part]]:
        """The rows of each part of the store they were made from; all are one part where nothing is said of it."""
        whole = Part(
            np.ascontiguousarray(self.X.to_numpy(dtype=np.float32).T),
            np.ascontiguousarray(self.status.to_numpy(dtype=np.uint8).T),
            self.rows.reset_index(),
        )
        number = self.rows["part"].to_numpy() if "part" in self.rows else np.zeros(len(self.rows), dtype=np.int16)
        for part in np.unique(number) if len(number) else [0]:
            yield int(part), whole.only(number == part)

    def frame(self) -> pd.DataFrame:
        """One row per as-of date: who was counted, labelled, positive, and why labels are missing."""
        why = self.rows.groupby(["as_of", "why_missing"]).size().unstack(fill_value=0)
        table = self.counts.join(why.drop(columns="", errors="ignore"))
        by_date = self.rows["y"].groupby("as_of")
        table.insert(4, "labelled", by_date.count())
        table.insert(5, "positives", by_date.sum().astype(int))
        return table.fillna(0).astype(int)

    def __repr__(self) -> str:
        key = self.X.index.get_level_values(0)
        whom = "areas" if key.name == "area_id" else "people"
        return (
            f"Dataset({len(self.X):,} rows of {key.nunique():,} {whom} on {len(self.counts)} as-of dates, "
            f"{self.X.shape[1]} features, "
            f"{int(self.labelled.sum()):,} labelled, {int(np.nansum(self.y)):,} positive, digest {self.digest[:12]})"
        )

    def save(self, folder: str | Path) -> None:
        """Write the dataset as Parquet and JSON into a new folder, whole or not at all."""
        write_folder(Path(folder), self.files())

    def files(self) -> dict[str, bytes]:
        """The stored form: a Parquet file for each part of the rows, the rest as ``dataset.json``."""
        names = [str(name) for name in self.X.columns], [str(name) for name in self.status.columns]
        files = {file_name(number): part.parquet(*names) for number, part in self._parts()}
        digests = {name: digest_bytes(content) for name, content in files.items()}
        return files | {"dataset.json": self.sealed(digests, *names)}

    @classmethod
    def open(cls, folder: str | Path) -> Dataset:
        """A dataset from a folder that was written; refused when its content is not what was written.

        Beside the rows themselves, no more than those of one part are in memory at a time.
        """
        place = Path(folder)
        if not place.is_dir():
            raise StorageError.at("dataset", "is not a folder", expected="a dataset folder", then="Run build first")
        head = _stored_head(place)
        return cls(
            **_stored_frames(place, head),
            counts=counts_frame(head["counts"]),
            volumes=volume_frame(head["volumes"]),
            splits=_splits(head),
            findings=Findings.from_records(head["findings"]),
            extract_dates={feed: dt.date.fromisoformat(date) for feed, date in head["extract_dates"].items()},
            spec_digest=head["spec_digest"],
            events_digest=head["events_digest"],
        )


def frames_of(part: Part, features: Sequence[str], statuses: Sequence[str]) -> dict[str, pd.DataFrame]:
    """``X``, ``status`` and ``rows`` with the index ``(person_id, as_of)``."""
    index = pd.MultiIndex.from_frame(part.rows[part.keys])
    return {
        "X": pd.DataFrame(part.cells.T, index=index, columns=list(features)),
        "status": pd.DataFrame(part.codes.T, index=index, columns=list(statuses)),
        "rows": part.rows.drop(columns=part.keys).set_index(index),
    }


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


def _stored_frames(place: Path, head: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """The frames, in order of date and person; of several parts the features are put in their rows part by part."""
    files, features, statuses = sorted(head["files"]), head["features"], head["statuses"]
    if len(files) == 1:
        return frames_of(_stored_part(place, head, files[0], features), features, statuses)
    beside = [_stored_part(place, head, name, []) for name in files]
    rows = pd.concat([part.rows for part in beside], ignore_index=True)
    order = np.lexsort((pd.factorize(rows[beside[0].keys[0]], sort=True)[0], rows["as_of"]))
    cells = np.empty((len(features), len(rows)), dtype=np.float32)
    place_of = np.argsort(order)
    end = 0
    for name, part in zip(files, beside, strict=True):
        end, begin = end + len(part.rows), end
        cells[:, place_of[begin:end]] = _stored_part(place, head, name, features).cells
    codes = np.concatenate([part.codes for part in beside], axis=1)[:, order]
    return frames_of(Part(cells, codes, rows.iloc[order].reset_index(drop=True)), features, statuses)


def _stored_part(place: Path, head: Mapping[str, Any], name: str, features: Sequence[str]) -> Part:
    """A part with some of its features, its file held against its digest before it is parsed."""
    content = read_file(place / name, _MAX_BYTES, role=f"dataset: {name}")
    if head["files"][name] != digest_bytes(content):
        raise _not_as_written(name)
    return Part.read(content, features, head["statuses"], among=head["features"])


def _not_as_written(name: str) -> DataError:
    return DataError.at("dataset", f"{name} is not what was written", then="Build the dataset again")


def _splits(head: Mapping[str, Any]) -> Splits:
    items = tuple(Split(tuple(as_days(d) for d in train), as_days(test)) for train, test in head["splits"])
    return Splits(items, tuple((date, reason) for date, reason in head["dropped"]))
