"""For whoever lawfully holds raw identifiers: keys and pseudonyms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vru_models.cli.app import ErasureKey, app, erasure_secret, print_findings, say

RawFile = Annotated[Path, typer.Argument(metavar="IN", help="CSV file (with a header) of raw identifiers.")]
Purpose = Annotated[str, typer.Option("--purpose", help="The one purpose that the key may serve: early_help.")]
IdColumn = Annotated[str, typer.Option("--column", help="The column of raw identifiers.")]
TypeOfId = Annotated[str, typer.Option("--id-type", help="nhs chi upn uln scn nino pnc cro crn noms agency:NAME")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of IN: any text encoding that Python knows, as cp1252.")]
Delimiter = Annotated[str, typer.Option("--delimiter", help="Of IN: one character between fields, as ';' or $'\\t'.")]
KeySource = Annotated[str, typer.Option("--key", metavar="KEY", help="Key file for its owner alone, or fd:N (open).")]


@app.command(epilog="Example: vru-models secret keys/early_help.key --purpose early_help")
def secret(
    path: Annotated[Path, typer.Argument(metavar="KEY", help="Key file to make (mode 0600).")],
    purpose: Purpose,
) -> None:
    """Make a secret key for pseudonyms, to be kept where the raw identifiers are."""
    from vru_models.identifiers.pseudonyms import PseudonymKey

    lost = "Whoever loses it cannot link next month."
    if purpose == "erasure":
        lost = "Whoever loses it can record nothing more into a store from which somebody was purged."
    say(f"Key {PseudonymKey.make(path, purpose=purpose).id} for {purpose}. {lost}")


@app.command(
    epilog="Example: vru-models pseudonymise in.csv --column upn --id-type upn --purpose early_help "
    "--key keys/early_help.key --out out.csv"
)
def pseudonymise(
    source: RawFile,
    column: IdColumn,
    id_type: TypeOfId,
    purpose: Purpose,
    key: KeySource,
    out: Annotated[Path, typer.Option("--out", metavar="OUT", help="New CSV file to write (mode 0600).")],
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Name of the new column.")] = "person_id",
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = ",",
) -> None:
    """Replace raw identifiers by pseudonyms, where both they and the key are held."""
    from vru_models.identifiers.files import form_of, key_from, pseudonymise_csv

    held, form = key_from(key, purpose=purpose), form_of(encoding, delimiter)
    asked = {"column": column, "purpose": purpose, "id_type": id_type, "name": name}
    done, found = pseudonymise_csv(source, out, key=held, form=form, **asked)
    say(f"{done['rows']:,} rows, {done['people']:,} people, {done['missing']:,} without an identifier: {out}")
    say(f"Key {done['key_id']}; recorded in {out}.json")
    print_findings(found)


@app.command(
    epilog="Example: vru-models rotate in.csv --column upn --id-type upn --purpose early_help "
    "--key keys/2026.key --new-key keys/2027.key --out mapping.csv",
)
def rotate(
    source: RawFile,
    column: IdColumn,
    id_type: TypeOfId,
    purpose: Purpose,
    key: KeySource,
    new_key: Annotated[str, typer.Option("--new-key", metavar="KEY", help="The key to change to, given likewise.")],
    out: Annotated[Path, typer.Option("--out", metavar="OUT", help="New CSV file: old pseudonym, new pseudonym.")],
    encoding: Encoding = "utf-8",
    delimiter: Delimiter = ",",
) -> None:
    """Map the pseudonyms of an old key to those of a new one, from the raw identifiers."""
    from vru_models.identifiers.files import form_of, key_from, rotate_csv

    keys, form = [key_from(given, purpose=purpose) for given in (key, new_key)], form_of(encoding, delimiter)
    done = rotate_csv(source, out, column=column, keys=keys, purpose=purpose, id_type=id_type, form=form)
    say(f"{done['people']:,} people, from key {done['old_key_id']} to {done['new_key_id']}: {out}")
    say(f"Recorded in {out}.json. Next, for a kept store: vru-models rekey STORE --mapping {out} --ledger FILE")
    say("Destroy the mapping once everything that holds old pseudonyms has been re-keyed.")


@app.command(epilog="Example: vru-models rekey store --mapping mapping.csv --ledger ledger.jsonl")
def rekey(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="The event store that is kept.")],
    mapping: Annotated[Path, typer.Option("--mapping", metavar="FILE", help="What rotate wrote.")],
    ledger: Annotated[
        Path, typer.Option("--ledger", metavar="FILE", envvar="VRU_LEDGER", help="The partnership's one ledger.")
    ],
    erasure_key: ErasureKey = None,
) -> None:
    """Put new pseudonyms in the place of the old ones in a store that is kept."""
    from vru_models.audit.ledger import Ledger
    from vru_models.workflow import rekey as rekey_store

    key = erasure_secret(erasure_key) if erasure_key else None
    people = rekey_store(store, mapping, ledger=Ledger(ledger), key=key)
    say(f"The store is under new pseudonyms, by a mapping of {people:,} people; the next extracts have to be, too.")
    say("Datasets, runs, lists and audit files made before hold the old ones: build again, and destroy the mapping.")
