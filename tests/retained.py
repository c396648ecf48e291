"""Folders whose artefacts are of known days, and a clock that can be moved, for the tests of retention."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release
from vru_models.scoring import score
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes
from vru_models.workflow import write_report

KINDS = (
    "report",
    "scores",
    "extracts",
    "quarantine",
    "events",
    "audit_file",
    "dataset",
    "run",
    "evidence",
    "old_release",
)


def spec(**windows: str) -> Spec:
    """The small world's spec with these windows; a release may be used for one month."""
    return worlds.spec(retention={"release": "1 month"} | windows)


def every(window: str) -> Spec:
    """One window for every kind."""
    return spec(**dict.fromkeys(KINDS, window))


def on(monkeypatch: Any, day: str) -> None:
    """The clock of the ledger, of approvals and of removals stands at noon of a day."""

    monkeypatch.setattr(sys.modules["vru_models.audit.ledger"], "_now", lambda: f"{day}T12:00:00.000+00:00")
    for name in ("audit.approve", "audit.release", "retention.keeping", "retention.removal"):
        monkeypatch.setattr(sys.modules[f"vru_models.{name}"], "today", lambda: dt.date.fromisoformat(day))


def files(folder: Path) -> set[str]:
    """Every file of a folder but its ledger, by its relative path."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {"ledger.jsonl"}


def write(folder: Path, name: str, content: dict[str, bytes]) -> dict[str, str]:
    """Files under a name in a folder; their digests."""
    for file, content_of in content.items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content_of)
    return {file: digest_bytes(content_of) for file, content_of in content.items()}


def extracts(folder: Path, ledger: Ledger, name: str, *, mark: str = "") -> None:
    """A folder of extracts that was built from."""
    content = {"people.csv": f"person_id\np{mark}\n".encode(), "extracts.toml": f"# {mark}\n".encode()}
    ledger.append("feeds", feeds=[], files=write(folder, name, content), spec="5" * 64)


def scores(folder: Path, ledger: Ledger, name: str, *, mark: str = "", release: str = "d" * 64) -> None:
    """A list that was scored."""
    content = {"list.csv": f"person_id\np{mark}\n".encode(), "scores.json": f'{{"a":"{mark}"}}'.encode()}
    ledger.append("scores", release=release, files=write(folder, name, content))
    write(folder, name, {"_SUCCESS": b""})


def report(folder: Path, ledger: Ledger, name: str = "report.html", *, mark: str = "") -> None:
    """A page that ``report`` wrote."""
    (digest,) = write(folder, "", {name: f"<p>{mark}".encode()}).values()
    ledger.append("report", run="1" * 64, evidence="2" * 64, sha256=digest)


def audit_file(folder: Path, ledger: Ledger, *, mark: str = "") -> None:
    """An audit file."""
    (digest,) = write(folder, "", {"audit_file.parquet": mark.encode()}).values()
    ledger.append("audit_file", sha256=digest, rows=1)


def everything(made: Any) -> Path:
    """A released working folder with a page and a list more: an artefact of every kind, and what is none."""
    ledger = Ledger(made.place / "ledger.jsonl")
    release = Release.load(made.place / "release", trusted=made.place / "trust.toml")
    score(release, made.built.events, as_of=worlds.SCORED, ledger=ledger).save(
        made.place / "scores" / "2024-09", ledger=ledger
    )
    write_report(made.place, made.place / "report.html", ledger=ledger)
    (made.place / "notes.txt").write_text("x")
    return made.place
