"""A store that is kept from month to month, of children a to e, for the tests of purges and of what the ledger says.

a, b and c have events; b is linked with a, and c with b; d objects and has nothing else; e has a spell.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from vru_models.audit.ledger import Ledger
from vru_models.events import Events

KEY = bytes(range(32))
SPELLS = pd.DataFrame(
    {"spell_id": ["s1"], "person_id": ["e"], "area": ["E01"], "birth_month": ["2010-01-01"],
     "start_date": ["2021-09-01"], "end_date": [None], "known_date": ["2021-09-01"]}
)  # fmt: skip
LINKS = pd.DataFrame(
    {"link_id": ["l1", "l2"], "person_id": ["a", "c"], "other_id": ["b", "b"], "kind": "merge",
     "confidence": [1.0, 0.95], "known_date": "2024-01-01"}
)  # fmt: skip
OBJECTIONS = pd.DataFrame(
    {"objection_id": ["o1"], "person_id": ["d"], "purpose": ["score"], "feed": pd.Series([None], dtype="str"),
     "start_date": ["2024-01-01"], "end_date": [None], "known_date": ["2024-01-01"]}
)  # fmt: skip


def events(people: str = "abc", **rows: Any) -> Events:
    """One suspension each, with the spell of e unless other rows are given."""
    said = pd.DataFrame(
        {"event_id": [f"e{p}" for p in people], "person_id": list(people), "indicator": "suspension",
         "event_date": "2024-01-10", "known_date": "2024-01-12", "feed": "exclusions"}
    )  # fmt: skip
    dates = {"exclusions": dt.date(2024, 2, 1)}
    return Events.from_frame(said, extract_dates=dates, **rows or {"spells": SPELLS})


def linked() -> Events:
    return events(spells=SPELLS, links=LINKS, objections=OBJECTIONS)


def record(store: Path, made: Events, ledger: Ledger) -> str:
    """What ``vru-models record`` leaves: the ledger first, with what was held before, then the store."""

    def say(before: str | None) -> Events:
        ledger.append("events", events=made.digest, rows=len(made.frame), before=before)
        return made

    if store.exists():
        Events.update(store, lambda held: say(held.digest))
    else:
        say(None).save(store)
    return made.digest


def kept(folder: Path, name: str = "st", made: Events | None = None) -> tuple[Path, Ledger]:
    """A folder with a ledger and a store of two months, the second of which added c."""
    folder.mkdir(exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    record(folder / name, events("ab"), ledger)
    record(folder / name, events() if made is None else made, ledger)
    return folder / name, ledger
