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


def verify(path: str | Path, *, trusted: Trust | None = None) -> Findings:
    """What was found on checking a release, a ledger, or a whole folder such as ``demo`` leaves.

    A file is taken for a ledger, a folder with a manifest for a release. Of any other folder everything there is
    checked: ``ledger.jsonl``, ``release/`` (against ``trust.toml`` there unless ``trusted`` is given), and each of
    ``events/``, ``dataset/``, ``run/``, ``evidence/`` and ``scores/`` against what the ledger says of it. Any ``fail``
    means that something is not as it was written.

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
    except RefusedError as error:
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
    ledger = Ledger(place / "ledger.jsonl")
    chain = ledger.verify(**_checkpoint(place))
    if chain.with_status("fail"):
        return chain
    trust_file = place / "trust.toml"
    trust = trusted or (Trust.load(trust_file) if trust_file.is_file() else None)
    release = _release(place / "release", trust) if (place / "release").is_dir() else Findings()
    return chain + release + Findings(_recorded(place, ledger))


def _checkpoint(place: Path) -> dict[str, bytes]:
    file = place / "release" / "checkpoint.json"
    return {"checkpoint": file.read_bytes()} if file.is_file() else {}


def _recorded(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607: each stored part against what the ledger says of it."""
    for name, (kind, digest_of) in _PARTS.items():
        if (place / name).is_dir():
            try:
                digest = digest_of(place / name)
            except VruError as error:
                yield Finding("VRU607", "fail", name, str(error))
                continue
            field = "run" if kind == "fit" else kind
            held = bool(ledger.find(kind, **{field: digest}))
            message = "as the ledger says" if held else "is not what the ledger says was written"
            yield Finding("VRU607", "pass" if held else "fail", name, message)
    if (place / "scores").is_dir():
        yield _scores(place / "scores", ledger)


_PARTS: Mapping[str, tuple[str, Callable[[Path], str]]] = {
    "events": ("events", lambda folder: Events.open(folder).digest),
    "dataset": ("dataset", lambda folder: Dataset.open(folder).digest),
    "run": ("fit", lambda folder: Run.open(folder).digest),
    "evidence": ("evidence", lambda folder: Evidence.open(folder).digest),
}


def _scores(folder: Path, ledger: Ledger) -> Finding:
    entries = ledger.find("scores")
    if not entries:
        return Finding("VRU607", "fail", "scores", "the ledger holds no scoring")
    files = dict(entries[-1].body["files"])
    here = {p.name for p in folder.iterdir() if p.is_file()} - {"_SUCCESS"}
    wrong = sorted(here ^ set(files)) + sorted(n for n in here & set(files) if digest_file(folder / n) != files[n])
    if wrong:
        return Finding("VRU607", "fail", "scores", f"{len(wrong)} files are not as scored: {', '.join(wrong[:5])}")
    return Finding("VRU607", "pass", "scores", f"{len(files)} files as the ledger says")


def refuse_failures(found: Findings) -> Findings:
    """The findings, or a refusal when any of them fails."""
    failing = found.with_status("fail")
    if len(failing):
        lines = [f"  {f.code} {f.where}: {f.message}" for f in failing]
        raise RefusedError("\n".join([f"verify: {len(failing)} of {len(found)} checks fail.", *lines]))
    return found
