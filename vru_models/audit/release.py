"""A Release: a card that a named person approved, and everything needed to use and question it.

Rows with known answers are carried in it and scored again before anybody is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.audit.bundle import Bundle, open_bundle
from vru_models.audit.canonical import parse_record, record_bytes
from vru_models.audit.trust import Signer, Trust
from vru_models.dataset.volume import volume_frame, volume_rows
from vru_models.disclosure.profiles import profile_named
from vru_models.errors import DataError, RefusedError
from vru_models.findings import Findings
from vru_models.models import Card
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import canonical_json, digest_bytes

_TEXTS = ("purpose", "approved_by", "approved_on", "expires_on", "ledger_began", "card", "spec", "run", "evidence")
HEADER: Final[Mapping[str, type]] = {**dict.fromkeys(_TEXTS, str), "version": int, "signed_by": list}
"""What the signers say about a release, by type; ``signed_by`` names by fingerprint whose signatures it must carry."""

_DATES = ("ledger_began", "approved_on", "expires_on")
_FILES = ("spec.toml", "card.json", "approval.json", "known_answers.json", "volumes.json", "checkpoint.json")

N_ROWS: Final = 64
TOLERANCE: Final = 1e-12
"""Largest difference allowed in the probability of a known answer; points must be equal."""


@dataclass(frozen=True)
class Release:
    """What ``score`` takes; made by ``approve`` and by :meth:`load`, which runs no code from it.

    Parameters
    ----------
    purpose, version
        Which release this is; versions of a purpose only rise.
    card, spec
        The whole model, and the declaration it was made under, with its schemas and code lists.
    approved_by, approved_on, expires_on
        Who, when, and the last day on which it may be used (inclusive).
    overrides
        Findings that failed or could not tell, by code, each with the reason of the person who approved all the same.
    signers, pinned
        Whose signatures it carries, and whether they were held against a trust file.
    digest
        SHA-256 of its manifest.
    volumes
        How much each feed told on the dates the card was trained on, counts protected: what the monthly run holds its
        feeds against.
    linked
        Per cent of each feed's people who had a spell then.
    checkpoint
        The signed size and head of the ledger at the approval.
    """

    purpose: str
    version: int
    card: Card
    spec: Spec
    approved_by: str
    approved_on: date
    expires_on: date
    overrides: Mapping[str, str]
    signers: tuple[Signer, ...]
    pinned: bool
    digest: str
    known_rows: int
    volumes: pd.DataFrame = field(compare=False)
    linked: Mapping[str, int]
    checkpoint: bytes

    @property
    def card_digest(self) -> str:
        """SHA-256 of the card's JSON: what its lotteries refer to."""
        return digest_bytes(self.card.to_json().encode())

    def __repr__(self) -> str:
        signed = ", ".join(s.name or f"not pinned ({s.fingerprint[:16]})" for s in self.signers)
        return (
            f"Release({self.purpose} version {self.version}, approved by {self.approved_by} on {self.approved_on}, "
            f"expires {self.expires_on}, signed by {signed}, {len(self.overrides)} overrides)"
        )

    @classmethod
    def load(cls, path: str | Path, *, trusted: Trust | str | Path | None) -> Release:
        """A release from its folder, once it is shown to be what was signed, by whom, in date, and to work.

        In this order: size and names, signature, expiry and approval, declaration, card bounds, known-answer rows.

        Parameters
        ----------
        trusted
            The trust file, or its path; it lies outside the release. With None nobody is pinned, and ``score`` refuses.

        Raises
        ------
        RefusedError
            Anything changed, unsigned, not trusted, expired or not reproduced.
        DataError, SpecError
            A card or a declaration that was signed, but is none.
        """
        trust = Trust.load(trusted) if isinstance(trusted, str | Path) else trusted
        bundle = open_bundle(path, trust)
        refuse_expired(_header(bundle)["expires_on"])
        return release_of(bundle)


def release_of(bundle: Bundle) -> Release:
    """A release from an intact bundle, in date or not; refused when the bundle holds anything else."""
    header = _header(bundle)
    overrides = _overrides(bundle)
    spec = Spec.from_files(bundle.files, "release")
    card = Card.from_json(bundle.files["card.json"].decode(errors="replace"))
    latest = spec.retention.release.after(date.fromisoformat(header["approved_on"])).astype(object)
    if date.fromisoformat(header["expires_on"]) > latest:
        what = f"expires later than its own retention allows ({latest})"
        raise RefusedError.at("release", what, then="Approve again")
    if header["card"] != digest_bytes(bundle.files["card.json"]) or (header["spec"], header["purpose"]) != (
        spec.digest,
        spec.purpose.name,
    ):
        raise RefusedError.at("release", "its card or declaration is not the approved one", then="Fetch it again")
    return Release(
        purpose=header["purpose"],
        version=header["version"],
        card=card,
        spec=spec,
        approved_by=header["approved_by"],
        approved_on=date.fromisoformat(header["approved_on"]),
        expires_on=date.fromisoformat(header["expires_on"]),
        overrides=overrides,
        signers=bundle.signers,
        pinned=bundle.pinned,
        digest=bundle.digest,
        known_rows=check_known_answers(card, bundle.files["known_answers.json"]),
        **_volumes(bundle.files["volumes.json"]),
        checkpoint=bundle.files["checkpoint.json"],
    )


def volumes_file(volumes: pd.DataFrame, findings: Findings, spec: Spec) -> bytes:
    """Feed volumes as a release carries them, by the small-number rule of the spec, and the shares of VRU108."""
    profile = profile_named(spec.disclosure.profile)
    counts = ["people", "events", "recent", "not_known"]
    rounded = (volumes[counts] + profile.round_to // 2) // profile.round_to * profile.round_to
    shown = volumes.assign(**rounded.where(volumes[counts] > profile.redact_up_to, 0))
    linked = {
        f.where: round(100 * f.figures["linked"] / f.figures["people"])
        for f in findings
        if f.code == "VRU108" and f.figures["people"]
    }
    return record_bytes({"rows": volume_rows(shown), "linked": linked})


def _volumes(content: bytes) -> dict[str, Any]:
    try:
        record = parse_record(content)
        volumes, linked = volume_frame(record["rows"]), {str(feed): int(n) for feed, n in record["linked"].items()}
        fine = bool((volumes[["people", "events", "recent", "not_known"]] >= 0).to_numpy().all())
    except (ValueError, TypeError, KeyError, AttributeError):
        fine = False
    if not fine:
        raise RefusedError.at("release: volumes.json", "holds no feed volumes", then="Fetch it again")
    return {"volumes": volumes, "linked": linked}


def _header(bundle: Bundle) -> Mapping[str, Any]:
    """What the signers said, once it is shown to be about a release and to carry every signature it is to carry."""
    header = bundle.header
    wrong = [name for name, kind in HEADER.items() if type(header.get(name)) is not kind]
    wrong += [name for name in _DATES if name not in wrong and not _is_date(header[name])]
    wrong += [] if header.get("signed_by") and all(isinstance(s, str) for s in header["signed_by"]) else ["signed_by"]
    wrong += [name for name in _FILES if name not in bundle.files]
    if wrong:
        raise RefusedError.at("release", f"lacks {', '.join(wrong)}", expected="a folder that approve wrote")
    if not _in_order(header):
        what = "its version or its dates are not those of an approval"
        raise RefusedError.at("release", what, expected="approved by today, expiring later, version 1 or more")
    if absent := set(header["signed_by"]) - {signer.fingerprint for signer in bundle.signers}:
        what = f"{len(absent)} of the {len(header['signed_by'])} signatures that it is to carry were taken away"
        raise RefusedError.at("release", what, then="Fetch it again from whoever signed it; do not use this copy")
    if bundle.pinned and not any(signer.approves_as(header["approved_by"]) for signer in bundle.signers):
        what = "none of its signers is the person who approved, as an approver of the trust file"
        raise RefusedError.at("release", what, then="Have it approved with the approver's own key")
    return header


def _is_date(text: str) -> bool:
    try:
        return bool(as_day(text))
    except ValueError:
        return False


def _in_order(header: Mapping[str, Any]) -> bool:
    began, approved, expires = (date.fromisoformat(header[name]) for name in _DATES)
    return header["version"] > 0 and began <= approved <= min(today(), expires)


def _overrides(bundle: Bundle) -> Mapping[str, str]:
    try:
        approval = parse_record(bundle.files["approval.json"])
    except ValueError:
        approval = {}
    overrides = approval.get("overrides")
    said = {name: approval.get(name) for name in HEADER}
    if (
        not isinstance(overrides, dict)
        or not all(isinstance(r, str) for r in overrides.values())
        or said != {name: bundle.header[name] for name in HEADER}
    ):
        raise RefusedError.at("release: approval.json", "is not the approval that was signed", then="Fetch it again")
    return overrides


def today() -> date:
    """The day on this machine's clock, in UTC."""
    return datetime.now(UTC).date()


def refuse_future(extract_dates: Mapping[str, date]) -> None:
    """Refuse extracts that say they were made after today: what they call known could not have been."""
    ahead = sorted(feed for feed, made in extract_dates.items() if made > today())
    if ahead:
        what = f"{len(ahead)} of {len(extract_dates)} feeds are dated after today ({', '.join(ahead)})"
        raise DataError.at("extract dates", what, expected=f"{today()} or earlier", then="Correct extracts.toml")


def refuse_expired(expires_on: str, on: date | None = None) -> None:
    """Refuse a release after its last day."""
    day = on or today()
    if day > date.fromisoformat(expires_on):
        what = f"expired on {expires_on}, and it is {day}"
        raise RefusedError.at("release", what, then="Have a new run evaluated and approved")


def known_rows(card: Card) -> pd.DataFrame:
    """Made-up rows that between them visit every bin of every feature, and "not known"; no person's.

    Row ``i`` takes, of feature ``j``, position ``i // (1 + j mod 3) + j`` of its bins and NaN, going round.
    """
    rows = np.arange(max(N_ROWS, *(3 * (len(f.points) + 1) for f in card.features)))
    columns = {}
    for j, feature in enumerate(card.features):
        last = feature.edges[-1] if feature.edges else 0.0
        ends = np.array([*feature.edges, last + max(1.0, abs(last)), np.nan])
        columns[feature.name] = ends[(rows // (1 + j % 3) + j) % len(ends)]
    return pd.DataFrame(columns)


def known_answers(card: Card) -> bytes:
    """The rows with their points and probabilities, as canonical JSON; NaN is null."""
    rows = known_rows(card)
    points = card.points(rows)
    return canonical_json(
        {
            "features": list(rows.columns),
            "rows": rows.astype(object).where(rows.notna(), None).to_numpy().tolist(),
            "points": points.tolist(),
            "probability": card.probability(points).tolist(),
        }
    )


def check_known_answers(card: Card, stored: bytes) -> int:
    """The number of rows whose answers were reproduced; refused at the first difference, or with too few rows."""
    try:
        known = json.loads(stored)
        rows = pd.DataFrame(known["rows"], columns=known["features"], dtype=np.float64)
        points = card.points(rows)
        same = points.tolist() == known["points"] and len(rows) >= N_ROWS
        same &= np.allclose(card.probability(points), known["probability"], rtol=0, atol=TOLERANCE)
    except (ValueError, TypeError, KeyError, DataError):
        same = False
    if not same:
        what = "the card does not give the answers it was approved with"
        raise RefusedError.at(
            "release: known_answers.json", what, then="Do not score; ask the approver for a new release"
        )
    return len(rows)
