"""What is kept until when, and the removal of what has lived long enough."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vru_models.cli.app import LedgerFile, app, erasure_secret, ledger_of, say
from vru_models.cli.steps import declared_in
from vru_models.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vru_models.events.tombstones import Purged
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

    declared, account = declared_in(spec), ledger_of(folder, ledger)
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


@app.command(
    epilog="Example: vru-models purge store --people people.txt --key keys/erasure.key --ledger ledger.jsonl "
    "(the key, once: vru-models secret keys/erasure.key --purpose erasure)"
)
def purge(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The event store that is kept.")],
    people: Annotated[
        Path, typer.Option("--people", metavar="FILE", help="Pseudonyms, one a line; - is standard input.")
    ],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="Key file made for the purpose erasure, or fd:N.")],
    ledger: Annotated[
        Path, typer.Option("--ledger", metavar="FILE", envvar="VRU_LEDGER", help="The partnership's one ledger.")
    ],
    linked: Annotated[
        bool | None,
        typer.Option(
            "--linked/--not-linked",
            help="Whether other pseudonyms of the same people go, too; to be said where there are any.",
        ),
    ] = None,
    same_person_from: Annotated[
        float | None,
        typer.Option("--same-person-from", min=0, max=1, help="Confidence from which a link counts; default: 0.9."),
    ] = None,
) -> None:
    """Take people out of an event store for good, and keep them out."""
    from vru_models.audit.ledger import Ledger
    from vru_models.events.tombstones import LEAST_CONFIDENCE
    from vru_models.workflow import purge as purge_people

    done = purge_people(
        store,
        _lines(people),
        key=erasure_secret(key),
        ledger=Ledger(ledger),
        linked=linked,
        same_person_from=LEAST_CONFIDENCE if same_person_from is None else same_person_from,
    )
    say(*_said_of(done))
    if not done.found and not done.before:
        raise DataError.at(
            "people", "none of the pseudonyms is in the store", then="Check them, and that this is the store"
        )


def _said_of(done: Purged) -> Iterator[str]:
    yield f"{done.found:,} pseudonyms were in the store: gone, and kept out of what is added later."
    if done.before:
        yield f"{done.before:,} had been purged before."
    if done.unknown:
        yield f"{done.unknown:,} are not in the store. They are kept out of what is added later all the same."
    if done.linked:
        yield f"{done.linked:,} others were linked to them: gone and kept out, too."
    if done.left:
        yield f"{done.left:,} others that were linked to them stay, without the link."
    yield "Datasets, runs and lists made before still hold their rows: build again, and remove the old ones."


def _lines(file: Path) -> list[str]:
    from vru_models.spec.problems import text_of
    from vru_models.spec.storage import read_file

    content = sys.stdin.buffer.read() if str(file) == "-" else read_file(file, 1 << 24, role="people")
    named = sorted({line.strip() for line in text_of(content, "people", error=DataError).splitlines()} - {""})
    if headings := {"person_id", "other_id"}.intersection(named):
        what = f"holds the heading of a column ({', '.join(sorted(headings))})"
        raise DataError.at("people", what, expected="pseudonyms alone, one a line", then="Nothing was purged")
    if not named:
        raise DataError.at("people", "names nobody", expected="one pseudonym a line", then="Nothing was purged")
    return named


def _table(found: tuple[Artefact, ...]) -> list[str]:
    """Kind, place, written, kept until and what happens, in columns."""
    head = ("kind", "place", "written", "kept until", "what happens")
    rows = [
        (a.kind, a.place, str(a.written or "not known"), str(a.until or "no date"), f"{a.happens}: {a.why}")
        for a in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)]
