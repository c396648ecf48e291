"""The steps from extracts to evidence."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from vru_models.cli.app import (
    ErasureKey,
    Extracts,
    LedgerFile,
    Override,
    SpecPath,
    Store,
    Work,
    app,
    erasure_secret,
    kept_store,
    ledger_of,
    ledger_option,
    out_console,
    pairs,
    parts_done,
    print_findings,
    progress,
    say,
)
from vru_models.errors import RefusedError, SpecError

if TYPE_CHECKING:
    from vru_models.spec import Spec
    from vru_models.workflow import Built


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
        progress(step.name, started)
    for line in summary(step.demo):
        out_console.print(escape(line), soft_wrap=True)


@app.command(epilog="Example: vru-models check spec.toml --extracts extracts/2026-11")
def check(
    spec: SpecPath,
    extracts: Extracts,
    store: Store = None,
    erasure_key: ErasureKey = None,
    leakage: Annotated[
        bool, typer.Option("--leakage", help="Also prove that nothing in X is from the future.")
    ] = False,
) -> None:
    """Say what a spec and its extracts allow: gate, known dates, splits, and no leakage."""
    from vru_models.workflow import check as check_all

    found = check_all(declared_in(spec), extracts, kept=kept_store(store, erasure_key), leakage=leakage)
    print_findings(found)
    if failing := found.with_status("fail"):
        say(f"{len(failing)} checks fail (above).")
        raise typer.Exit(RefusedError.exit_code)


@app.command(
    epilog="Example: vru-models build spec.toml --extracts extracts/2026-11 --out work. A store that is kept, by four "
    "processes: vru-models build spec.toml --extracts extracts/2026-11 --store store --out work --executor joblib "
    "--jobs 4"
)
def build(
    spec: SpecPath,
    extracts: Extracts,
    out: Annotated[Path, typer.Option("--out", metavar="WORK", help="Working folder to write into.")],
    ledger: LedgerFile = None,
    store: Store = None,
    erasure_key: ErasureKey = None,
    executor: Annotated[
        Literal["memory", "joblib", "spark"],
        typer.Option(
            "--executor",
            help="What makes the dataset, to the same bytes: this process, several, or a Spark cluster (extra spark).",
        ),
    ] = "memory",
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", min=1, help="Processes of joblib; default: one a core.")
    ] = None,
) -> None:
    """Read extracts, record events, build the dataset, prove that nothing leaked."""
    from vru_models.workflow import build as build_all

    if jobs is not None and executor != "joblib":
        raise SpecError.at("--jobs", f"says nothing to the executor {executor}", expected="--executor joblib with it")
    started = time.monotonic()
    account = ledger_of(out, ledger)
    begins = not account.path.exists()
    with parts_done("read, record, build, prove", started) as done:
        built = build_all(
            declared_in(spec),
            extracts,
            out=out,
            ledger=account,
            kept=kept_store(store, erasure_key),
            executor=executor,
            n_jobs=jobs,
            progress=done,
        )
    _say_built(built)
    if begins:
        say(f"A new ledger begins: {account.path}. A partnership keeps one: give it with --ledger, or in VRU_LEDGER.")
    say(f"Next: vru-models fit {spec} {out}{ledger_option(ledger)}")


def _say_built(built: Built) -> None:
    from vru_models.feeds.quarantine import CSV, FOLDER

    say(repr(built.feeds), repr(built.written))
    if len(built.feeds.quarantine):
        say(f"Quarantined rows and reasons: {built.place / FOLDER / CSV}")
    print_findings(built.written.findings)
    if failing := built.written.findings.with_status("fail"):
        say(f"{len(failing)} checks fail (above). Mend the extracts: approve and score refuse what nobody answers for.")


@app.command(
    epilog="Example: vru-models record spec.toml --extracts extracts/2026-12 --store store --ledger ledger.jsonl"
)
def record(
    spec: SpecPath,
    extracts: Extracts,
    store: Annotated[Path, typer.Option("--store", metavar="STORE", help="Event store to begin, or to add to.")],
    ledger: Annotated[
        Path, typer.Option("--ledger", metavar="FILE", envvar="VRU_LEDGER", help="The partnership's one ledger.")
    ],
    erasure_key: ErasureKey = None,
    quarantine: Annotated[
        Path | None,
        typer.Option("--quarantine", metavar="DIR", help="New folder for the rows held back, where there are any."),
    ] = None,
    override: Override = None,
    by: Annotated[str, typer.Option("--by", help="Name and role of who overrides.")] = "",
) -> None:
    """Add extracts to an event store that is kept from month to month; nothing in it is rewritten."""
    from vru_models.audit.ledger import Ledger
    from vru_models.feeds.quarantine import CSV
    from vru_models.workflow import Answers, Kept
    from vru_models.workflow import record as record_into

    started = time.monotonic()
    progress("read the extracts, add them to the store", started)
    kept = Kept(store, erasure_secret(erasure_key) if erasure_key else None)
    answers = Answers(pairs(override), by)
    done = record_into(
        declared_in(spec), extracts, kept=kept, ledger=Ledger(ledger), answers=answers, quarantine=quarantine
    )
    say(repr(done))
    if len(done.brought):
        say("What was new in it, arrived late, or is gone:", done.brought.to_string(index=False))
    print_findings(done.findings)
    if len(done.quarantine):
        listed = f"in {quarantine / CSV}" if quarantine else "not listed: give --quarantine DIR"
        say(f"Rows held back, and why: {len(done.quarantine):,}, {listed}")
    say(f"Next: vru-models score RELEASE {store} --as-of DATE --out scores/DATE --trust trust.toml --ledger {ledger}")


@app.command(epilog="Example: vru-models fit spec.toml work")
def fit(spec: SpecPath, work: Work, ledger: LedgerFile = None) -> None:
    """Fix the success bars, fit every candidate on every split, choose one."""
    from vru_models.dataset import Dataset
    from vru_models.evidence import fit as fit_run
    from vru_models.workflow import refuse_taken

    declared = declared_in(spec)
    refuse_taken(work, "run")
    started = time.monotonic()
    progress("fix the bars, fit every candidate on every split", started)
    run = fit_run(declared, Dataset.open(work / "dataset"), ledger=ledger_of(work, ledger))
    run.save(work / "run")
    say(run.frame().round(3).to_string(index=False), run.model.card(), repr(run))
    say(f"Next: vru-models evaluate {work}{ledger_option(ledger)}")


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
    progress("open the sealed split; measure at capacity, against simple rules, by group", started)
    evidence = evaluate_run(run, data, sensitive=open_audit_file(work), ledger=ledger_of(work, ledger))
    evidence.save(work / "evidence")
    say(
        evidence.frame()[["model", "role", "precision", "recall", "auc"]]
        .round(3)
        .to_string(index=False, na_rep="not known")
    )
    print_findings(evidence.findings)
    say(f"To read: vru-models report {work} --out report.html{ledger_option(ledger)}")
    say(
        f"Next: vru-models approve {work} --by 'NAME, role' --key KEY.pem --trust trust.toml --out {work}/release"
        f"{ledger_option(ledger)} (a key, once: vru-models key KEY.pem --name NAME --trust trust.toml)"
    )


def declared_in(path: Path) -> Spec:
    """The spec in a file, or the one that ships under a name."""
    from vru_models.spec import Spec

    shipped = path.suffix == "" and not os.path.exists(path) and len(path.parts) == 1
    return Spec.example(str(path)) if shipped else Spec.load(path)
