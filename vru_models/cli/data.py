"""What the data are, before any model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from vru_models.cli.app import Extracts, SpecPath, app, print_findings, progress, say
from vru_models.cli.steps import declared_in

NewFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the page and its tables.")]
GivenLedger = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="FILE", envvar="VRU_LEDGER", help="Ledger to record it in; default: none."),
]


@app.command(epilog="Example: vru-models readiness spec.toml --extracts extracts/2026-11 --out readiness/2026-11")
def readiness(spec: SpecPath, extracts: Extracts, out: NewFolder, ledger: GivenLedger = None) -> None:
    """Say whether extracts can carry the purpose: coverage, gaps, lags, joins, groups."""
    from vru_models.audit.bundle import refuse_inside_release
    from vru_models.audit.ledger import Ledger
    from vru_models.events import record_events
    from vru_models.fairness.readiness import readiness as make
    from vru_models.workflow import read_extracts, refuse_taken

    refuse_inside_release(out)
    refuse_taken(out.parent, out.name)
    started, declared = time.monotonic(), declared_in(spec)
    progress("read, record, look at every feed", started)
    feeds = read_extracts(extracts, declared)
    events = record_events(feeds, declared)
    ready = make(feeds, events, declared)
    files = ready.save(out)
    if ledger is not None:
        found = {status: len(ready.findings.with_status(status)) for status in ("fail", "cannot tell", "pass")}
        Ledger(ledger).append("readiness", spec=declared.digest, events=events.digest, files=files, findings=found)
    say(repr(ready), f"The page: {out / 'readiness.html'}")
    print_findings(ready.findings)
