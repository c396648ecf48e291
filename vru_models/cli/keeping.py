"""What is kept until when, and the removal of what has lived long enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vru_models.cli.app import LedgerFile, app, ledger_of, say
from vru_models.cli.steps import _spec

if TYPE_CHECKING:
    from vru_models.retention import Artefact


@app.command(epilog="Example: vru-models expire work --spec spec.toml --plan")
def expire(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A working folder, or one with extracts and lists.")],
    spec: Annotated[
        Path, typer.Option("--spec", metavar="SPEC", help="The spec (TOML) whose retention counts, or early_help.")
    ],
    ledger: LedgerFile = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only print what would be removed.")] = False,
) -> None:
    """Remove what has lived as long as the spec says, with proof in the ledger."""
    from vru_models.retention import beside, keeping
    from vru_models.retention import expire as expire_all

    declared, account = _spec(spec), ledger_of(folder, ledger)
    found = keeping(folder, declared, account)
    others, left = beside(folder, found)
    say(*_table(found), f"Other files here, which no rule is about and which stay: {others:,}.")
    if left:
        say(
            f"{left:,} of them were left by a write that was stopped, and may hold rows of people: remove them by hand."
        )
    if plan:
        say(f"Due: {sum(artefact.happens == 'goes' for artefact in found)}. Nothing was removed.")
        return
    proofs = expire_all(folder, declared, account)
    if not proofs:
        say("Nothing is due, and nothing was removed.")
        return
    files, size = (sum(int(proof.body[name]) for proof in proofs) for name in ("files", "bytes"))
    say(f"Removed: {len(proofs):,}, with {files:,} files and {size:,} bytes in all; the proofs are in {account.path}.")
    say("What lies in backups and copies elsewhere is not removed by this.")


def _table(found: tuple[Artefact, ...]) -> list[str]:
    """Kind, place, written, kept until and what happens, in columns."""
    head = ("kind", "place", "written", "kept until", "what happens")
    rows = [
        (a.kind, a.place, str(a.written or "not known"), str(a.until or "no date"), f"{a.happens}: {a.why}")
        for a in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]
