"""Approval: one named person, every failing check answered for, in the ledger and on page one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vru_models.audit.answers import ADVICE, hold_a_pseudonym, names_somebody, unanswered
from vru_models.audit.bundle import MANIFEST, open_bundle, refuse_inside_release, seal
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import Release, known_answers, release_of, today, volumes_file
from vru_models.audit.report import render
from vru_models.audit.signing import fingerprint, key_id, load_private
from vru_models.audit.trust import APPROVER_ROLE, Signer, Trust, TrustedKey
from vru_models.errors import RefusedError, StorageError
from vru_models.evidence import Evidence, Run
from vru_models.evidence.evaluate import openings, shares_outcomes
from vru_models.evidence.fit import bars_body
from vru_models.evidence.published import published
from vru_models.findings import Finding, Findings
from vru_models.spec import Spec
from vru_models.spec.digest import canonical_json, digest_bytes
from vru_models.spec.storage import write_folder

NEVER_OVERRIDDEN = ("VRU201", "VRU202", "VRU204", "VRU6")
"""Findings about leakage, the lawfulness of training and the account itself: no reason makes them acceptable."""


def approve(
    run: Run,
    evidence: Evidence,
    ledger: Ledger,
    *,
    by: str,
    key: str | Path,
    out: str | Path,
    overrides: Mapping[str, str] | None = None,
    trusted: Trust | str | Path | None = None,
) -> Release:
    """A signed release of a run's card, written to a new folder; or a refusal that says what stands in its way.

    Refused while a finding fails or cannot tell, unless ``overrides`` gives its code and a reason; findings about
    leakage, training without an agreement and the account cannot be overridden. Refused, too, when the ledger is not
    intact, when the success bars were not in it before the fit or were changed for the same outcome in the same time,
    and when an impact assessment is out of date.

    The approval is in the ledger before the release is published. One that a crash kept from being published supersedes
    the release before it all the same, and its version number stays unused: approve again.

    Parameters
    ----------
    by
        Name and role of the person who approves; it is printed on page one.
    key
        Path of that person's private key (PEM, mode 0600).
    out
        Folder to write; must not exist.
    overrides
        ``{code: reason}``, or ``{"code:where": reason}`` for one finding alone. One that nothing needs is refused.
    trusted
        The trust file, or its path: refused unless it lists the key, not revoked, as an approver's, under the name that
        ``by`` is or begins with (``"A. Name, Senior Responsible Owner"``). Without it the key vouches for itself, and
        only loading the release under a trust file shows whose it is.

    Raises
    ------
    RefusedError
        With every reason, not only the first.
    """
    given, day = dict(overrides or {}), today()
    refuse_inside_release(out)
    if Path(out).exists():
        raise StorageError.at(
            out, "is already there", expected="a new folder", then="Nothing is overwritten; name another"
        )
    refusals = [*_account(run, evidence, ledger), *_answers(evidence.findings, given), *overdue_reviews(run.spec)]
    if run.spec.unit == "person" and hold_a_pseudonym([by, *given.values()], run.scores.index.get_level_values(0)):
        refusals.append("overrides: hold a pseudonym; write reasons without naming anybody")
    refusals += [] if names_somebody(by) else ["by: names nobody; give name and role in one line"]
    private = load_private(key)
    trust = Trust.load(trusted) if isinstance(trusted, str | Path) else trusted
    refusals += _signer(trust, private, by.strip()) if trust else []
    if refusals:
        raise RefusedError(
            "\n".join(["approve: refused.", *(f"  {r}" for r in refusals), f"Nothing was written. {ADVICE}"])
        )
    header = _header(run, evidence, ledger, by=by.strip(), day=day)
    header |= {"signed_by": [fingerprint(private.public_key())]}
    approval = {**header, "overrides": dict(sorted(given.items())), "findings": evidence.findings.counts}
    files = _files(run, evidence, approval) | {"checkpoint.json": ledger.checkpoint(private)}
    bundle = seal(files, header, [private])
    body = {name: value for name, value in approval.items() if name != "findings"}
    ledger.append("approval", release=digest_bytes(bundle[MANIFEST]), **body)
    write_folder(out, bundle, role="release")
    own = Trust.of(TrustedKey.of(private.public_key(), name=by.strip(), role=APPROVER_ROLE))
    return release_of(open_bundle(out, trust or own))


def _signer(trust: Trust, private: Ed25519PrivateKey, by: str) -> list[str]:
    """Whether the key is that of the person who approves, in the role of an approver."""
    try:
        listed = trust.signer(key_id(private.public_key()))
    except RefusedError as error:
        return [str(error)]
    if not Signer(fingerprint(private.public_key()), listed.name, listed.role).approves_as(by):
        return ["by: the trust file does not list this key as an approver's under this name; give --by 'NAME, role'"]
    return []


def _account(run: Run, evidence: Evidence, ledger: Ledger) -> list[str]:
    """What is wrong with the account of this run: chain, order, and whose evidence it is."""
    if ledger.verify().with_status("fail"):
        return ["ledger: is not intact; run verify on it"]
    if evidence.run_digest != run.digest:
        return ["evidence: is of another run"]
    fits = ledger.find("fit", run=run.digest)
    if not fits:
        return ["ledger: holds no fit of this run; give the ledger to fit and evaluate"]
    body = bars_body(run.spec, sorted(run.split_cards))
    bars = ledger.find("bars", question=body["question"])
    found = []
    if not any(e.seq < fits[0].seq and e.body == body for e in bars):
        found.append("success: these bars were not in the ledger before the fit")
    if any(e.body["bars"] != body["bars"] and shares_outcomes(run, e.body["test_dates"][-1]) for e in bars):
        found.append("success: other bars were fixed for the same outcome in the same time")
    if not ledger.find("evidence", run=run.digest, evidence=evidence.digest):
        found.append("ledger: does not hold this evidence; give the ledger to evaluate")
    elif openings(run, ledger) != _openings_told(evidence):
        found.append("evidence: the sealed split has been opened since; approve the evidence of the last opening")
    return found


def _openings_told(evidence: Evidence) -> int | None:
    """How often the evidence says that the sealed split was opened."""
    return next((f.figures.get("times") for f in evidence.findings if f.code == "VRU406"), None)


def _answers(findings: Findings, given: Mapping[str, str]) -> list[str]:
    """Findings that stand in the way, and overrides that answer nothing or give no reason."""
    barred = findings.with_status("cannot tell", "fail").where(lambda f: f.code.startswith(NEVER_OVERRIDDEN))
    found = [f"{f.code} {f.where}: cannot be overridden ({f.message})" for f in barred]
    answers = {key: reason for key, reason in given.items() if not key.startswith(tuple(f.code for f in barred))}
    found += unanswered(findings.where(lambda f: f not in list(barred)), answers)
    if not any(f.code == "VRU201" and f.status == "pass" for f in findings):
        found.append("VRU201: the dataset carries no proof against leakage")
    return found


def overdue_reviews(spec: Spec) -> list[str]:
    """The impact assessments whose review date has passed."""
    reviews, day = {"dpia": spec.purpose.dpia, "equality_assessment": spec.purpose.equality_assessment}, today()
    return [f"purpose.{name}: was to be reviewed by {r.review_by}" for name, r in reviews.items() if r.review_by < day]


def reviews_finding(spec: Spec) -> Finding:
    """VRU608: whether the impact assessments are in date, as a list needs them to be."""
    overdue = overdue_reviews(spec)
    message = "; ".join(overdue) or "the impact assessments are in date"
    return Finding("VRU608", "fail" if overdue else "pass", "assessments", message)


def _header(run: Run, evidence: Evidence, ledger: Ledger, *, by: str, day: date) -> dict[str, Any]:
    spec = run.spec
    earlier = [int(entry.body["version"]) for entry in ledger.find("approval", purpose=spec.purpose.name)]
    return {
        "purpose": spec.purpose.name,
        "version": 1 + max(earlier, default=0),
        "approved_by": by,
        "approved_on": str(day),
        "expires_on": str(spec.retention.release.after(day)),
        "ledger_began": next(iter(ledger)).at[:10],
        "card": run.card_digest,
        "spec": spec.digest,
        "run": run.digest,
        "evidence": evidence.digest,
    }


def _files(run: Run, evidence: Evidence, approval: Mapping[str, Any]) -> dict[str, bytes]:
    record = published(run, evidence)
    return run.spec.files() | {
        "card.json": run.card.to_json().encode(),
        "card.txt": run.card.text().encode(),
        "published.json": canonical_json(record),
        "approval.json": canonical_json(approval),
        "known_answers.json": known_answers(run.card),
        "volumes.json": volumes_file(run.volumes, run.findings, run.spec),
        "report.html": render(record, approval).encode(),
    }
