"""What the data are, before any model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from vru_models.cli.app import (
    ErasureKey,
    Extracts,
    SpecPath,
    Store,
    app,
    kept_store,
    print_findings,
    progress,
    say,
)
from vru_models.cli.steps import declared_in

NewFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the page and its tables.")]
GivenLedger = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="FILE", envvar="VRU_LEDGER", help="Ledger to record it in; default: none."),
]


@app.command(epilog="Example: vru-models readiness spec.toml --extracts extracts/2026-11 --out readiness/2026-11")
def readiness(
    spec: SpecPath,
    extracts: Extracts,
    out: NewFolder,
    ledger: GivenLedger = None,
    store: Store = None,
    erasure_key: ErasureKey = None,
) -> None:
    """Say whether extracts can carry the purpose: coverage, gaps, lags, joins, groups."""
    from vru_models.audit.bundle import refuse_inside_release
    from vru_models.audit.ledger import Ledger
    from vru_models.fairness.readiness import readiness as make
    from vru_models.workflow import look_at, refuse_taken

    refuse_inside_release(out)
    refuse_taken(out.parent, out.name)
    started, declared = time.monotonic(), declared_in(spec)
    progress("read, record, look at every feed", started)
    feeds, events = look_at(declared, extracts, kept=kept_store(store, erasure_key))
    ready = make(feeds, events, declared)
    files = ready.save(out)
    if ledger is not None:
        found = {status: len(ready.findings.with_status(status)) for status in ("fail", "cannot tell", "pass")}
        counts = feeds.frame().to_dict("records")
        body = {"spec": declared.digest, "events": events.digest, "feeds": counts, "files": files, "findings": found}
        Ledger(ledger).append("readiness", **body)
    say(repr(ready), f"The page: {out / 'readiness.html'}")
    print_findings(ready.findings)
