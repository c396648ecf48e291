"""A Run: one fit of a declared procedure, kept so that it can be evaluated, approved and gone over again."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pandas as pd

from vru_models.dataset.volume import volume_frame, volume_rows
from vru_models.errors import DataError, StorageError
from vru_models.findings import Findings
from vru_models.models import Card, FlagCountClassifier, ScorecardClassifier, SingleIndicatorClassifier
from vru_models.models.base import CardClassifier
from vru_models.spec import Spec
from vru_models.spec.digest import canonical_json, digest_bytes, digest_frame, digest_json
from vru_models.spec.storage import read_folder, write_folder

FORMAT: Final = "vru-run/1"
KINDS: Final[Mapping[str, type[CardClassifier]]] = {
    "scorecard": ScorecardClassifier,
    "flag_count": FlagCountClassifier,
    "single_indicator": SingleIndicatorClassifier,
}


@dataclass(frozen=True)
class Run:
    """What :func:`fit` made.

    Parameters
    ----------
    model
        The winner fitted to all labelled rows, the sealed split's included: a card. Figures describe the procedure
        that made it, not this very fit.
    winner
        Its name among the candidates.
    split_cards
        The winner's card for each split, trained on that split's own rows.
    scores
        Index ``(person_id, as_of)``: every row of every split's test date. One column per candidate (points) and
        comparator, and ``probability`` by the winner's card for that split.
    choice, regret
        How the winner was chosen; the sealed split took no part.
    trained_on
        Rows, people, positive rows and as-of dates behind ``model``.
    volumes
        The dataset's feed volumes: what the monthly run holds its own against.
    """

    spec: Spec
    model: CardClassifier
    winner: str
    split_cards: Mapping[str, Card]
    scores: pd.DataFrame
    choice: pd.DataFrame
    regret: pd.DataFrame
    trained_on: Mapping[str, int]
    volumes: pd.DataFrame
    findings: Findings
    extract_dates: Mapping[str, dt.date]
    data_digest: str
    events_digest: str

    @property
    def card(self) -> Card:
        """The card of :attr:`model`."""
        return self.model.card_

    @property
    def card_digest(self) -> str:
        """SHA-256 of the card's JSON: what lotteries and releases refer to."""
        return digest_bytes(self.card.to_json().encode())

    @property
    def sealed(self) -> str:
        """The sealed split: the last test date, in ISO form."""
        return max(self.split_cards)

    @property
    def digest(self) -> str:
        """SHA-256 over the declaration, the cards, the scores and the data they came from."""
        return digest_json(self._head())

    def frame(self) -> pd.DataFrame:
        """One row per candidate that could have been chosen, with what the choice went by."""
        return self.choice

    def __repr__(self) -> str:
        trained = f"{self.trained_on['rows']:,} rows of {self.trained_on['people']:,} {self.spec.whom}"
        what = f"{self.winner}, {len(self.card.features)} features"
        return f"Run({self.spec.purpose.name}: {what}, {trained}, {self.digest[:12]})"

    def _head(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "spec": self.spec.digest,
            "winner": self.winner,
            "kind": next(kind for kind, made in KINDS.items() if type(self.model) is made),
            "card": self.card_digest,
            "cards": {split: digest_bytes(card.to_json().encode()) for split, card in self.split_cards.items()},
            "scores": digest_frame(self.scores),
            "choice": _table(self.choice),
            "regret": _table(self.regret),
            "trained_on": dict(self.trained_on),
            "volumes": volume_rows(self.volumes),
            "findings": self.findings.records(),
            "extract_dates": {feed: str(date) for feed, date in self.extract_dates.items()},
            "data": self.data_digest,
            "events": self.events_digest,
        }

    def save(self, folder: str | Path) -> None:
        """Write the run into a new folder, whole or not at all. Holds rows of people: keep it inside."""
        buffer = BytesIO()
        self.scores.to_parquet(buffer)
        cards = {f"cards/{split}.json": card.to_json().encode() for split, card in self.split_cards.items()}
        files = {"model.json": self.card.to_json().encode(), "scores.parquet": buffer.getvalue()}
        files |= self.spec.files() | cards
        stored = self._head() | {"files": {name: digest_bytes(content) for name, content in files.items()}}
        write_folder(folder, files | {"run.json": canonical_json(stored | {"digest": digest_json(stored)})}, role="run")

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """A run from a folder that :meth:`save` wrote; refused when its content is not what was written."""
        if not (Path(folder) / "run.json").is_file():
            raise StorageError.at("run", "holds no run.json", expected="a run folder", then="Run fit first")
        files = read_folder(folder, max_files=1_000, max_bytes=2**32, role="run")
        head = _stored_head(files)
        return cls(
            spec=Spec.from_files(files, "run"),
            model=KINDS[head["kind"]].from_json(files["model.json"].decode()),
            winner=head["winner"],
            split_cards={split: Card.from_json(files[f"cards/{split}.json"].decode()) for split in head["cards"]},
            scores=_stored_scores(files["scores.parquet"]),
            choice=_stored_table(head["choice"], "candidate"),
            regret=_stored_table(head["regret"], "split", "picked"),
            trained_on=head["trained_on"],
            volumes=volume_frame(head["volumes"]),
            findings=Findings.from_records(head["findings"]),
            extract_dates={feed: dt.date.fromisoformat(date) for feed, date in head["extract_dates"].items()},
            data_digest=head["data"],
            events_digest=head["events"],
        )


def _stored_scores(content: bytes) -> pd.DataFrame:
    """The scores with dates to the second, as they were; Parquet knows no unit above the millisecond."""
    scores = pd.read_parquet(BytesIO(content))
    index: Any = scores.index
    return scores.set_axis(index.set_levels(index.levels[1].as_unit("s"), level=1), axis=0)


def _table(table: pd.DataFrame) -> dict[str, Any]:
    """Columns and rows as JSON types; what is undefined is null."""
    plain = table.astype(object).where(table.notna(), None)
    return {"columns": list(table.columns), "rows": plain.to_numpy().tolist()}


def _stored_table(stored: Mapping[str, Any], *texts: str) -> pd.DataFrame:
    """The table again with its types: numbers, but for the named columns of text."""
    table = pd.DataFrame(stored["rows"], columns=stored["columns"])
    return table.astype({name: "str" if name in texts else "float64" for name in table.columns})


def _stored_head(files: Mapping[str, bytes]) -> dict[str, Any]:
    """``run.json``, once it and every file are shown to be what was written; only then is anything parsed further."""
    try:
        head = json.loads(files["run.json"])
    except ValueError:
        head = None
    if not isinstance(head, dict) or head.pop("digest", None) != digest_json(head):
        raise DataError.at("run: run.json", "is not what was written", then="Run fit again")
    if head.get("format") != FORMAT:
        raise DataError.at("run", "has another format", expected=FORMAT, then="Run fit again")
    here = {name: digest_bytes(content) for name, content in files.items() if name != "run.json"}
    if here != head["files"]:
        changed = sum(head["files"].get(name) != digest for name, digest in here.items())
        what = f"{changed} files are not what was written, {len(set(head['files']) - set(here))} are missing"
        raise DataError.at("run", what, then="Run fit again")
    return head
