"""Verification: is what lies here what was written, signed and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from vru_models.audit.bundle import MANIFEST, open_bundle
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import release_of, today
from vru_models.audit.trust import Trust
from vru_models.dataset import Dataset
from vru_models.errors import RefusedError, StorageError, VruError
from vru_models.evidence import Evidence, Run
from vru_models.feeds import Events
from vru_models.findings import Finding, Findings
from vru_models.spec.digest import digest_file
from vru_models.spec.storage import read_file

_MAX_CHECKPOINT = 1 << 20


def verify(path: str | Path, *, trusted: Trust | None = None) -> Findings:
    """What was found on checking a release, a ledger, or a whole folder such as ``demo`` leaves.

    A file is taken for a ledger, a folder with a manifest for a release. Of any other folder everything there is
    checked: ``ledger.jsonl``, ``release/`` (against ``trust.toml`` there unless ``trusted`` is given), and each of
    ``events/``, ``dataset/``, ``audit_file.parquet``, ``run/``, ``evidence/``, ``release/`` and ``scores/`` (or each
    folder in it) against what the ledger says of it. Any ``fail`` means that something is not as it was written.

    Raises
    ------
    StorageError
        There is nothing here to verify.
    """
    place = Path(path)
    if place.is_file():
        return Ledger(place).verify()
    if (place / MANIFEST).is_file():
        return _release(place, trusted)
    if not (place / "ledger.jsonl").is_file():
        expected = "a release, a ledger, or a folder with ledger.jsonl"
        raise StorageError.at(place, "holds nothing to verify", expected=expected, then="Check the path")
    return _folder(place, trusted)


def _release(place: Path, trusted: Trust | None) -> Findings:
    try:
        bundle = open_bundle(place, trusted)
        release = release_of(bundle)
    except VruError as error:
        return Findings([Finding("VRU604", "fail", "release", str(error))])
    intact = f"{len(bundle.files)} files as signed, {release.known_rows} known answers reproduced"
    return Findings(
        [
            Finding("VRU604", "pass", "release", intact),
            _pinned(bundle.pinned, ", ".join(s.name or s.fingerprint for s in bundle.signers)),
            _dated(release.expires_on < today(), str(release.expires_on)),
        ]
    )


def _pinned(pinned: bool, names: str) -> Finding:
    if pinned:
        return Finding("VRU605", "pass", "signer", f"trusted: {names}")
    return Finding("VRU605", "not applicable", "signer", f"signer not pinned, fingerprint {names}: give a trust file")


def _dated(expired: bool, expires_on: str) -> Finding:
    if expired:
        return Finding("VRU606", "cannot tell", "expiry", f"expired on {expires_on}: intact, and score refuses it")
    return Finding("VRU606", "pass", "expiry", f"may be used up to {expires_on}")


def _folder(place: Path, trusted: Trust | None) -> Findings:
    ledger, trust_file = Ledger(place / "ledger.jsonl"), place / "trust.toml"
    trust = trusted or (Trust.load(trust_file) if trust_file.is_file() else None)
    chain = ledger.verify(checkpoint=_checkpoint(place), trusted=trust)
    if chain.with_status("fail"):
        return chain
    release = _release(place / "release", trust) if (place / "release").is_dir() else Findings()
    return chain + release + Findings(_recorded(place, ledger))


def _checkpoint(place: Path) -> bytes | None:
    file = place / "release" / "checkpoint.json"
    return read_file(file, _MAX_CHECKPOINT, role="checkpoint") if file.is_file() else None


def _recorded(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607: each stored part against what the ledger says of it."""
    for name, (kind, field, digest_of) in _PARTS.items():
        if (place / name).exists():
            try:
                digest = digest_of(place / name)
            except VruError as error:
                yield Finding("VRU607", "fail", name, str(error))
                continue
            held = bool(ledger.find(kind, **{field: digest}))
            message = "as the ledger says" if held else "is not what the ledger says was written"
            yield Finding("VRU607", "pass" if held else "fail", name, message)
    for folder in _score_folders(place / "scores"):
        yield _scores(folder, ledger)


_PARTS: Mapping[str, tuple[str, str, Callable[[Path], str]]] = {
    "events": ("events", "events", lambda folder: Events.open(folder).digest),
    "dataset": ("dataset", "dataset", lambda folder: Dataset.open(folder).digest),
    "run": ("fit", "run", lambda folder: Run.open(folder).digest),
    "evidence": ("evidence", "evidence", lambda folder: Evidence.open(folder).digest),
    "audit_file.parquet": ("audit_file", "sha256", digest_file),
    "release": ("approval", "release", lambda folder: open_bundle(folder, None).digest),
}


def _score_folders(place: Path) -> list[Path]:
    """``scores/`` itself, or where it holds one folder a month, each of them."""
    if not place.is_dir():
        return []
    inner = sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith("."))
    return inner if inner and not (place / "scores.json").is_file() else [place]


def _scores(folder: Path, ledger: Ledger) -> Finding:
    """The files of a list against the scoring that wrote the most of them."""
    here = {p.name: digest_file(p) for p in folder.iterdir() if p.is_file()}
    success = here.pop("_SUCCESS", None)
    said: list[dict[str, str]] = [dict(entry.body["files"]) for entry in ledger.find("scores")]
    if not said:
        return Finding("VRU607", "fail", folder.name, "the ledger holds no scoring")
    files = max(said, key=lambda files: len(files.items() & here.items()))
    wrong = len({name for name, _ in files.items() ^ here.items()})
    if wrong or success is None:
        message = f"{wrong} files are not as scored" if wrong else "_SUCCESS is missing: the run did not finish"
        return Finding("VRU607", "fail", folder.name, message)
    return Finding("VRU607", "pass", folder.name, f"{len(files)} files as the ledger says")


def refuse_failures(found: Findings) -> Findings:
    """The findings, or a refusal when any of them fails."""
    failing = found.with_status("fail")
    if len(failing):
        lines = [f"  {f.code} {f.where}: {f.message}" for f in failing]
        raise RefusedError("\n".join([f"verify: {len(failing)} of {len(found)} checks fail.", *lines]))
    return found
