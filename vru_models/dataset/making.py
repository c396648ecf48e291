"""Making one part of a dataset from the events of some people: the same work in whatever process it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vru_models.dataset.alarms import tally
from vru_models.dataset.rows import Question, assemble
from vru_models.events.store import SCHEMA
from vru_models.features.coded import coded
from vru_models.features.parts import COLUMNS, RowsOfPart, happened_in

EVENTS: Final = pa.schema([SCHEMA.field(name) for name in COLUMNS])
"""The events that a part is made from, as the store has them."""


@dataclass(frozen=True)
class Made:
    """A part as it will be stored, and what is told of it."""

    number: int
    content: bytes
    digest: str
    rows: int
    people: int
    labelled: int
    positives: int
    refused: int
    counts: pd.DataFrame
    volumes: pd.DataFrame
    tallies: pd.DataFrame
    handed_back: pa.Table

    def without_content(self) -> Made:
        """The same without its rows."""
        return replace(self, content=b"")


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
        return Made(
            number=number,
            content=made.parquet(layout.names, layout.status_names),
            digest=made.digest,
            rows=len(y),
            people=made.rows["person_id"].nunique(),
            labelled=int((~np.isnan(y)).sum()),
            positives=int(np.nansum(y)),
            refused=made.refused,
            counts=made.counts,
            volumes=made.volumes,
            tallies=tally(made.cells, y),
            handed_back=events.filter(asked).cast(EVENTS),
        )
