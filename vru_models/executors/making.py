"""Making one part of a dataset from the events of some people: the same work in whatever process it is done."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.dataset.alarms import tally
from vru_models.dataset.rows import Question, assemble, plain_counts
from vru_models.dataset.volume import volume_rows
from vru_models.events.store import SCHEMA
from vru_models.features.coded import coded
from vru_models.features.parts import COLUMNS, RowsOfPart, happened_in
from vru_models.frames import from_ipc, to_ipc
from vru_models.spec.digest import canonical_json

EVENTS: Final = pa.schema([SCHEMA.field(name) for name in COLUMNS])
"""The events that a part is made from, as the store has them."""


@dataclass(frozen=True)
class Told:
    """What is told of a part in numbers."""

    digest: str
    rows: int
    people: int
    labelled: int
    positives: int
    refused: int
    counts: Mapping[str, Mapping[str, int]]
    volumes: Sequence[Sequence[Any]]
    weeks: Sequence[Any]


@dataclass(frozen=True)
class Made:
    """A part as it will be stored, what is told of it, how often features have which values, and events asked for."""

    number: int
    content: bytes
    told: Told
    tallies: pd.DataFrame
    handed_back: pa.Table

    def without_content(self) -> Made:
        """The same without its rows."""
        return replace(self, content=b"")

    def columns(self) -> dict[str, Any]:
        """The same as numbers and bytes."""
        told, tallies = canonical_json(asdict(self.told)), to_ipc(pa.Table.from_pandas(self.tallies))
        held = {"number": self.number, "content": self.content, "told": told, "tallies": tallies}
        return held | {"handed_back": to_ipc(self.handed_back)}

    @classmethod
    def of_columns(cls, held: Mapping[str, Any]) -> Made:
        """What :meth:`columns` made into numbers and bytes."""
        told = Told(**json.loads(bytes(held["told"])))
        tallies, handed_back = from_ipc(held["tallies"]).to_pandas(), from_ipc(held["handed_back"])
        return cls(held["number"], bytes(held["content"]), told, tallies, handed_back)


@dataclass(frozen=True)
class Job:
    """What every part is made by: the question, the names of all areas, and whose events are handed back, too."""

    question: Question
    areas: tuple[str, ...]
    hand_back: pa.StringArray

    def make(self, number: int, events: pa.Table, rows: RowsOfPart) -> Made:
        """One part, from its events (as :data:`EVENTS`, texts perhaps as dictionaries) and the rows beside them."""
        layout = self.question.layout
        held = coded(layout.spec, happened_in(layout.spec, events), rows, areas=self.areas)
        made = assemble(self.question, held, part=lambda people: np.full(len(people), number))
        y = made.rows["y"].to_numpy()
        asked = pc.is_in(events["person_id"].cast(pa.string()), value_set=self.hand_back)
        told = Told(
            digest=made.digest,
            rows=len(y),
            people=made.rows[layout.spec.key].nunique(),
            labelled=int((~np.isnan(y)).sum()),
            positives=int(np.nansum(y)),
            refused=made.refused,
            counts=plain_counts(made.counts),
            volumes=volume_rows(made.volumes),
            weeks=made.weeks.tolist(),
        )
        content = made.parquet(layout.names, layout.status_names)
        return Made(number, content, told, tally(made.cells, y), events.filter(asked).cast(EVENTS))
