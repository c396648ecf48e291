"""The command line: the same words as the functions, one clear error, exit codes that mean something."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer
from rich.console import Console
from rich.markup import escape

from vru_models import __version__
from vru_models.errors import SpecError, VruError

if TYPE_CHECKING:
    import numpy as np

    from vru_models.audit.ledger import Ledger
    from vru_models.findings import Findings
    from vru_models.spec import Spec

app = typer.Typer(
    name="vru-models",
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


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        out_console.print(__version__)
        raise typer.Exit


@app.command(epilog="Example: vru-models demo --out vru-demo --people 20000 --seed 0")
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder to write.")] = Path("vru-demo"),
    people: Annotated[int, typer.Option("--people", min=2_000, help="Synthetic people.")] = 20_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same list.")] = 0,
) -> None:
    """Go the whole way on synthetic agencies: extracts to a scored list."""
    from vru_models.demo import demo_steps, summary

    started = time.monotonic()
    for step in demo_steps(out, n_people=people, seed=seed):
        _progress(step.name, started)
    for line in summary(step.demo):
        out_console.print(escape(line), soft_wrap=True)


def _progress(step: str, started: float) -> None:
    err_console.print(f"[{time.monotonic() - started:5.1f} s] {step}", markup=False, highlight=False, soft_wrap=True)


@app.command(epilog="Example: vru-models check spec.toml --extracts extracts/2026-11")
def check(spec: SpecPath, extracts: Extracts) -> None:
    """Say what a spec and its extracts allow: gate, known dates, splits."""
    from vru_models.workflow import check as check_all

    _print_findings(check_all(_spec(spec), extracts))


@app.command(epilog="Example: vru-models build spec.toml --extracts extracts/2026-11 --out work")
def build(
    spec: SpecPath,
    extracts: Extracts,
    out: Annotated[Path, typer.Option("--out", metavar="WORK", help="Working folder to write into.")],
    ledger: LedgerFile = None,
) -> None:
    """Read extracts, record events, build the dataset, prove that nothing leaked."""
    from vru_models.workflow import build as build_all

    started = time.monotonic()
    account = _ledger(out, ledger)
    begins = not account.path.exists()
    _progress("read, record, build, prove", started)
    built = build_all(_spec(spec), extracts, out=out, ledger=account)
    _say(repr(built.feeds), repr(built.data))
    _print_findings(built.data.findings)
    if begins:
        _say(f"A new ledger begins: {account.path}. A partnership keeps one: give it with --ledger, or in VRU_LEDGER.")
    _say(f"Next: vru-models fit {spec} {out}{_given(ledger)}")


@app.command(epilog="Example: vru-models fit spec.toml work")
def fit(spec: SpecPath, work: Work, ledger: LedgerFile = None) -> None:
    """Fix the success bars, fit every candidate on every split, choose one."""
    from vru_models.dataset import Dataset
    from vru_models.evidence import fit as fit_run
    from vru_models.workflow import refuse_taken

    declared = _spec(spec)
    refuse_taken(work, "run")
    started = time.monotonic()
    _progress("fix the bars, fit every candidate on every split", started)
    run = fit_run(declared, Dataset.open(work / "dataset"), ledger=_ledger(work, ledger))
    run.save(work / "run")
    _say(run.frame().round(3).to_string(index=False), run.model.card(), repr(run))
    _say(f"Next: vru-models evaluate {work}{_given(ledger)}")


@app.command(epilog="Example: vru-models evaluate work")
def evaluate(work: Work, ledger: LedgerFile = None) -> None:
    """Open the sealed split: measure at capacity, against simple rules, by group."""
    from vru_models.dataset import Dataset
    from vru_models.evidence import Run
    from vru_models.evidence import evaluate as evaluate_run
    from vru_models.workflow import open_audit_file, refuse_taken

    refuse_taken(work, "evidence")
    run, data = Run.open(work / "run"), Dataset.open(work / "dataset")
    started = time.monotonic()
    _progress("open the sealed split; measure at capacity, against simple rules, by group", started)
    evidence = evaluate_run(run, data, sensitive=open_audit_file(work), ledger=_ledger(work, ledger))
    evidence.save(work / "evidence")
    _say(evidence.frame()[["model", "role", "precision", "recall", "auc"]].round(3).to_string(index=False))
    _print_findings(evidence.findings)
    _say(f"To read: vru-models report {work} --out report.html{_given(ledger)}")
    _say(
        f"Next: vru-models approve {work} --by 'NAME, role' --key KEY.pem --trust trust.toml --out {work}/release"
        f"{_given(ledger)} (a key, once: vru-models key KEY.pem --name NAME --trust trust.toml)"
    )


@app.command(epilog="Example: vru-models key keys/approver.pem --name 'A. Name' --role approver --trust trust.toml")
def key(
    path: Annotated[Path, typer.Argument(metavar="KEY", help="Private key file to make (mode 0600).")],
    name: Annotated[str, typer.Option("--name", help="Whose key it is.")],
    trust: Annotated[Path, typer.Option("--trust", metavar="FILE", help="Trust file to add the public key to.")],
    role: Annotated[str, typer.Option("--role", help="In what role they sign.")] = "approver",
) -> None:
    """Make a signing key, and add its public half to a trust file."""
    from vru_models.audit.signing import fingerprint
    from vru_models.audit.trust import new_key

    added = new_key(path, name=name, role=role, trust=trust)
    _say(f"Fingerprint: {fingerprint(added.public)}", f"Added to {trust}. Keep {path} where nobody else can read it.")
    _say(f"Next: vru-models approve WORK --by '{added.name}, role' --key {path} --trust {trust} --out WORK/release")


@app.command(
    epilog="Example: vru-models approve work --by 'A. Name, Senior Responsible Owner' --key keys/approver.pem "
    "--trust trust.toml --out work/release --override 'VRU302:sex=small this year; reviewed by the equality lead'"
)
def approve(
    work: Work,
    by: Annotated[str, typer.Option("--by", help="Name and role of who approves.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="Their private key.")],
    trust: Annotated[
        Path, typer.Option("--trust", metavar="FILE", help="Trust file that lists the key under that name.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Release folder to write.")],
    override: Override = None,
    ledger: LedgerFile = None,
) -> None:
    """Approve a run: a signed release, or a refusal that says what stands in its way."""
    from vru_models.audit.approve import approve as approve_run
    from vru_models.evidence import Evidence, Run

    run, evidence, account = Run.open(work / "run"), Evidence.open(work / "evidence"), _ledger(work, ledger)
    release = approve_run(run, evidence, account, by=by, key=key, out=out, overrides=_pairs(override), trusted=trust)
    given = _given(ledger or (None if out.parent == work else account.path))
    _say(repr(release), f"The page for reviewers, with the approval on it: {out / 'report.html'}")
    _say(f"Next: vru-models score {out} EXTRACTS --as-of DATE --out scores/DATE --trust {trust}{given}")


@app.command(
    epilog="Example: vru-models score work/release extracts/2026-11 --as-of 2026-12-01 --out scores/2026-12 "
    "--trust trust.toml"
)
def score(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The release folder.")],
    extracts: Annotated[Path, typer.Argument(metavar="EXTRACTS", help="Folder of this month's extracts.")],
    as_of: Annotated[str, typer.Option("--as-of", metavar="DATE", help="Date of the list, YYYY-MM-DD.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the list.")],
    trust: TrustFile = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            envvar="VRU_LEDGER",
            help="The ledger that approve wrote to; default: beside the release.",
        ),
    ] = None,
    override: Override = None,
    by: Annotated[str, typer.Option("--by", help="Name and role of who overrides.")] = "",
) -> None:
    """Score this month's extracts by a release: the support-priority list."""
    from vru_models.audit.ledger import Ledger
    from vru_models.audit.release import Release
    from vru_models.events import record_events
    from vru_models.scoring import score as score_events
    from vru_models.workflow import read_extracts

    day = _day(as_of)
    account = Ledger(ledger or release.parent / "ledger.jsonl")
    loaded = Release.load(release, trusted=trust)
    events = record_events(read_extracts(extracts, loaded.spec), loaded.spec)
    scores = score_events(loaded, events, as_of=day, ledger=account, overrides=_pairs(override), by=by)
    scores.save(out, ledger=account)
    _say(repr(scores), f"List: {out / 'list.csv'}", f"Reason sheets for the panel: {out / 'sheets.html'}")
    _say(f"Next: vru-models verify {out} --ledger {account.path}")


@app.command(epilog="Example: vru-models verify vru-demo")
def verify(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A demo or working folder, a release, a list, or a ledger (.jsonl).")
    ],
    trust: TrustFile = None,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", metavar="FILE", help="Its ledger, where that is not beside it.")
    ] = None,
) -> None:
    """Check that what lies here is what was written, signed and recorded."""
    from vru_models.audit.trust import Trust
    from vru_models.audit.verify import refuse_failures
    from vru_models.audit.verify import verify as verify_path

    found = verify_path(path, trusted=Trust.load(trust) if trust else None, ledger=ledger)
    _print_findings(found)
    refuse_failures(found)


@app.command(epilog="Example: vru-models report work --out report.html")
def report(
    work: Work,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="HTML page to write.")],
    ledger: LedgerFile = None,
) -> None:
    """Write the page that reviewers read: small numbers protected, nothing computed."""
    from vru_models.workflow import write_report

    write_report(work, out, ledger=_ledger(work, ledger))
    _say(f"Report: {out}")


def _spec(path: Path) -> Spec:
    from vru_models.spec import Spec

    shipped = path.suffix == "" and not os.path.exists(path) and len(path.parts) == 1
    return Spec.example(str(path)) if shipped else Spec.load(path)


def _day(text: str) -> np.datetime64:
    from vru_models.spec.calendar import as_day

    try:
        return as_day(text)
    except ValueError as error:
        raise SpecError.at("--as-of", str(error)) from None


def _ledger(work: Path, given: Path | None) -> Ledger:
    from vru_models.audit.ledger import Ledger

    return Ledger(given or work / "ledger.jsonl")


def _given(ledger: Path | None) -> str:
    """The option as the next command needs it."""
    return f" --ledger {ledger}" if ledger else ""


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in given or [])
    if bare := [code for code, reason in pairs.items() if not reason.strip()]:
        raise SpecError.at("--override", f"{', '.join(bare)} gives no reason", expected="CODE=reason")
    return pairs


def _say(*lines: str) -> None:
    for line in lines:
        out_console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_findings(found: Findings) -> None:
    _say(repr(found))


class _OneClearError:
    """Whatever goes wrong leaves as one paragraph and an exit code; a traceback could hold a person's value."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, SystemExit):
            return
        if isinstance(error, VruError):
            _fail(f"{type(error).__name__}: {error}", error.exit_code)
        if isinstance(error, KeyboardInterrupt):
            _fail("Stopped. Nothing half-written was left.", 130)
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"
        _fail(f"A defect ({type(error).__name__} at {where}). Please report it with this line; it holds no data.", 70)


def _fail(message: str, code: int) -> None:
    err_console.print(message, markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)


def main() -> None:
    """Entry point of ``vru-models``; what it writes is for its owner alone, because rows of people are among it."""
    os.umask(0o077)
    with _OneClearError():
        app()


if __name__ == "__main__":
    main()
