"""The account and the monthly run: keys, approval, lists, verification, pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vru_models.cli.app import (
    LedgerFile,
    Override,
    TrustFile,
    Work,
    app,
    ledger_of,
    ledger_option,
    pairs,
    print_findings,
    say,
)
from vru_models.errors import SpecError

if TYPE_CHECKING:
    import numpy as np


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
    say(f"Fingerprint: {fingerprint(added.public)}", f"Added to {trust}. Keep {path} where nobody else can read it.")
    say(f"Next: vru-models approve WORK --by '{added.name}, role' --key {path} --trust {trust} --out WORK/release")


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

    run, evidence, account = Run.open(work / "run"), Evidence.open(work / "evidence"), ledger_of(work, ledger)
    release = approve_run(run, evidence, account, by=by, key=key, out=out, overrides=pairs(override), trusted=trust)
    option = ledger_option(ledger or (None if out.parent == work else account.path))
    say(repr(release), f"The page for reviewers, with the approval on it: {out / 'report.html'}")
    say(f"Next: vru-models score {out} EXTRACTS --as-of DATE --out scores/DATE --trust {trust}{option}")


@app.command(
    epilog="Example: vru-models score work/release extracts/2026-11 --as-of 2026-12-01 --out scores/2026-12 "
    "--trust trust.toml"
)
def score(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The release folder.")],
    source: Annotated[
        Path,
        typer.Argument(metavar="EXTRACTS", help="Folder of this month's extracts, or the store that record keeps."),
    ],
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
    from vru_models.scoring import score as score_events
    from vru_models.scoring.score import refuse_unapproved
    from vru_models.workflow import events_of

    day = _day(as_of)
    account = Ledger(ledger or release.parent / "ledger.jsonl")
    loaded = Release.load(release, trusted=trust)
    refuse_unapproved(loaded, account, day)
    events = events_of(source, loaded.spec, ledger=account)
    scores = score_events(loaded, events, as_of=day, ledger=account, overrides=pairs(override), by=by)
    scores.save(out, ledger=account)
    say(repr(scores), f"List: {out / 'list.csv'}", f"Reason sheets for the panel: {out / 'sheets.html'}")
    say(f"Next: vru-models verify {out} --ledger {account.path}")


@app.command(epilog="Example: vru-models verify vru-demo")
def verify(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A demo or working folder, a release, a list, a store, extracts, or a ledger (.jsonl)."
        ),
    ],
    trust: TrustFile = None,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", metavar="FILE", help="Its ledger; default: the one beside it, then VRU_LEDGER."),
    ] = None,
) -> None:
    """Check that what lies here is what was written, signed and recorded."""
    from vru_models.audit.trust import Trust
    from vru_models.audit.verify import ledger_near, refuse_failures
    from vru_models.audit.verify import verify as verify_path

    account = ledger or ledger_near(path) or os.environ.get("VRU_LEDGER")
    found = verify_path(path, trusted=Trust.load(trust) if trust else None, ledger=account)
    print_findings(found)
    refuse_failures(found)


@app.command(epilog="Example: vru-models report work --out report.html")
def report(
    work: Work,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="HTML page to write.")],
    ledger: LedgerFile = None,
) -> None:
    """Write the page that reviewers read: small numbers protected, nothing computed."""
    from vru_models.workflow import write_report

    write_report(work, out, ledger=ledger_of(work, ledger))
    say(f"Report: {out}")


def _day(text: str) -> np.datetime64:
    from vru_models.spec.calendar import as_day

    try:
        return as_day(text)
    except ValueError as error:
        raise SpecError.at("--as-of", str(error)) from None
