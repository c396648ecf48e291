"""The app, its options, and what every command says and how."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperGroup

from vru_models import __version__
from vru_models.errors import SpecError

if TYPE_CHECKING:
    from vru_models.audit.ledger import Ledger
    from vru_models.findings import Findings
    from vru_models.workflow import Kept

ORDER: Final = (
    "demo", "check", "readiness", "record", "build", "fit", "evaluate", "key", "approve", "score", "verify", "report",
    "purge", "expire", "secret", "pseudonymise", "rotate", "rekey",
)  # fmt: skip
"""The commands as ``--help`` lists them: in the order in which work goes."""


class _InOrder(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=ORDER.index)


app = typer.Typer(
    name="vru-models",
    cls=_InOrder,
    help="Auditable, fairness-checked models that prioritise offers of support.",
    epilog="Exit codes: 0 done, 2 usage or spec, 3 refused, 4 bad data, 74 input or output, 75 locked, 70 a defect.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
out_console, err_console = Console(), Console(stderr=True)

SpecPath = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec (TOML), or the name of one that ships: early_help.")
]
Extracts = Annotated[
    Path,
    typer.Option(
        "--extracts", metavar="DIR", help="Folder of agency extracts with extracts.toml.", envvar="VRU_EXTRACTS"
    ),
]
Override = Annotated[
    list[str] | None,
    typer.Option("--override", help="CODE=reason or CODE:where=reason (10 characters or more), as often as needed."),
]
Work = Annotated[Path, typer.Argument(metavar="WORK", help="The working folder that build made.")]
TrustFile = Annotated[
    Path | None, typer.Option("--trust", metavar="FILE", help="Trust file (TOML), kept outside the release.")
]
LedgerFile = Annotated[
    Path | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        envvar="VRU_LEDGER",
        help="The partnership's one ledger; default: WORK/ledger.jsonl.",
    ),
]


Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="STORE",
        help="Event store kept from month to month: these extracts are added, and all that it holds counts.",
    ),
]
ErasureKey = Annotated[
    str | None,
    typer.Option("--erasure-key", metavar="KEY", help="The key that purge was given, where the store has tombstones."),
]


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        out_console.print(__version__)
        raise typer.Exit


def progress(step: str, started: float) -> None:
    """One line on standard error: seconds since the start, and what is being done."""
    err_console.print(f"[{time.monotonic() - started:5.1f} s] {step}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def parts_done(step: str, started: float) -> Iterator[Callable[[int, int], None]]:
    """The line of :func:`progress`, and under it a bar that is told how many parts are done, of how many.

    The bar is shown where standard error is a terminal, and leaves nothing behind.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    progress(step, started)
    columns = (TextColumn("parts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err_console, transient=True, disable=not err_console.is_terminal) as bar:
        task = bar.add_task("parts", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def ledger_of(work: Path, given: Path | None) -> Ledger:
    """The ledger that was named, or the working folder's own."""
    from vru_models.audit.ledger import Ledger

    return Ledger(given or work / "ledger.jsonl")


def kept_store(store: Path | None, key: str | None) -> Kept | None:
    """The store that is kept, with the key of its tombstones."""
    from vru_models.workflow import Kept

    if store is None:
        return None
    return Kept(store, erasure_secret(key) if key else None)


def erasure_secret(key: str) -> bytes:
    """The secret in a key file that was made for erasure and nothing else."""
    from vru_models.identifiers.files import key_from

    return key_from(key, purpose="erasure").secret


def pairs(given: list[str] | None) -> dict[str, str]:
    """Answers by code, as ``--override CODE=reason`` gives them."""
    answers = dict(text.partition("=")[::2] for text in given or [])
    if bare := [code for code, reason in answers.items() if not reason.strip()]:
        raise SpecError.at("--override", f"{', '.join(bare)} gives no reason", expected="CODE=reason")
    return answers


def ledger_option(ledger: Path | None) -> str:
    """The option as the next command needs it."""
    return f" --ledger {ledger}" if ledger else ""


def say(*lines: str) -> None:
    """Lines on standard output, as they are."""
    for line in lines:
        out_console.print(line, markup=False, highlight=False, soft_wrap=True)


def print_findings(found: Findings) -> None:
    """What was found, gravest first."""
    say(repr(found))
