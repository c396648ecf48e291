"""Verification: is what lies here what was written, signed and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from vru_models.audit.bundle import MANIFEST, open_bundle
from vru_models.audit.entries import Entry
from vru_models.audit.ledger import Ledger
from vru_models.audit.release import release_of, today
from vru_models.audit.stores import KeptStores, Standing, event_stores, folders_with, is_store
from vru_models.audit.trust import Trust
from vru_models.dataset import Dataset
from vru_models.errors import RefusedError, StorageError, VruError
from vru_models.events import Events
from vru_models.evidence import Evidence, Run
from vru_models.feeds.quarantine import CSV, FOLDER, PARQUET, quarantine_digests
from vru_models.findings import Finding, Findings, Status
from vru_models.spec import Spec
from vru_models.spec.digest import digest_file, digest_json
from vru_models.spec.storage import read_file

_MAX_CHECKPOINT = 1 << 20
_LEDGER, _EXTRACTS = "ledger.jsonl", "extracts.toml"
_LIST_FILES = ("_SUCCESS", "list.csv", "list.parquet", "scores.json", "sheets.html")


def verify(path: str | Path, *, trusted: Trust | None = None, ledger: Ledger | str | Path | None = None) -> Findings:
    """What was found on checking a release, a ledger, a list, a store, extracts, or a folder such as ``demo`` leaves.

    A ``.jsonl`` file is taken for a ledger, a folder with a manifest for a release, one with files of a list for a
    list, with ``store.json`` for an event store, with ``extracts.toml`` for extracts. Of any other folder everything
    that the ledger speaks of is checked: every release in it (against ``trust.toml`` there unless ``trusted`` is
    given), and ``dataset/``, ``audit_file.parquet``, ``run/``, ``evidence/``, ``report.html`` and every list, store,
    folder of extracts and quarantine, up to two folders deep, against what the ledger says of them. Any ``fail`` means
    that something is not as it was written; what the ledger names and is not there is ``cannot tell`` (a quarantine:
    ``not applicable``, since ``record`` need not write it), unless the ledger holds the proof that it expired.

    Of a store that is kept, only what was last recorded or purged counts: an earlier content of it fails. ``events``,
    which ``build`` writes once, is held against every dataset that was built. The ledger does not know where a store
    lies, so a store that is missing is ``cannot tell``.

    Parameters
    ----------
    ledger
        The ledger, where it is not ``ledger.jsonl`` in the folder (for a list, a store or extracts: in it, or in one of
        the two folders above it).

    Raises
    ------
    StorageError
        There is nothing here to verify.
    """
    place = Path(path)
    if place.is_file() and place.suffix == ".jsonl":
        return Ledger(place).verify()
    if (place / MANIFEST).is_file():
        return _release(place, trusted)
    named = ledger if ledger is not None else ledger_near(place)
    account = named if isinstance(named, Ledger) or named is None else Ledger(named)
    if account is None or not place.is_dir() or not account.path.is_file():
        expected = "a release, a ledger (.jsonl), a list, a store, extracts, or a folder with ledger.jsonl"
        then = "Check the path, or say where its ledger is (ledger=, or --ledger)"
        raise StorageError.at(place, "holds nothing to verify", expected=expected, then=then)
    check = _check_alone(place)
    if check is None:
        return _folder(place, trusted, account)
    chain = account.verify()
    return chain if chain.with_status("fail") else chain + Findings([check(place, account)])


def _check_alone(place: Path) -> Callable[[Path, Ledger], Finding] | None:
    """How a folder that is one artefact is checked; None: it is a folder of several."""
    if any((place / name).is_file() for name in _LIST_FILES):
        return _scores
    if is_store(place):
        return _kept_alone
    return _read_alone if (place / _EXTRACTS).is_file() and not (place / _LEDGER).is_file() else None


def ledger_near(path: str | Path) -> Path | None:
    """The ledger in a folder; for a list, a store or extracts in it, or in one of the two folders above it."""
    place = Path(path)
    near = (place,) if _check_alone(place) is None else (place, place.parent, place.parent.parent)
    return next((folder / _LEDGER for folder in near if (folder / _LEDGER).is_file()), None)


def _release(place: Path, trusted: Trust | None) -> Findings:
    try:
        bundle = open_bundle(place, trusted)
        release = release_of(bundle)
    except VruError as error:
        return Findings([Finding("VRU604", "fail", place.name, str(error))])
    intact = f"{len(bundle.files)} files as signed, {release.known_rows} known answers reproduced"
    return Findings(
        [
            Finding("VRU604", "pass", place.name, intact),
            _pinned(bundle.pinned, ", ".join(s.name or s.fingerprint for s in bundle.signers)),
            _dated(release.expires_on < today(), str(release.expires_on)),
            _agreed(release.spec),
        ]
    )


def _agreed(spec: Spec) -> Finding:
    """VRU609: whether the agreement of every feed behind a list still runs today."""
    ended = sorted(feed for feed in spec.feeds_behind if spec.feeds[feed].agreement.to < today())
    if ended:
        message = f"ended for {', '.join(ended)}: intact, and score refuses a date after the end"
        return Finding("VRU609", "cannot tell", "agreements", message)
    first = min(spec.feeds[feed].agreement.to for feed in spec.feeds_behind)
    return Finding("VRU609", "pass", "agreements", f"all {len(spec.feeds_behind)} feeds behind a list up to {first}")


def _pinned(pinned: bool, names: str) -> Finding:
    if pinned:
        return Finding("VRU605", "pass", "signer", f"trusted: {names}")
    return Finding("VRU605", "cannot tell", "signer", f"signer not pinned, fingerprint {names}: give a trust file")


def _dated(expired: bool, expires_on: str) -> Finding:
    if expired:
        return Finding("VRU606", "cannot tell", "expiry", f"expired on {expires_on}: intact, and score refuses it")
    return Finding("VRU606", "pass", "expiry", f"may be used up to {expires_on}")


def _folder(place: Path, trusted: Trust | None, ledger: Ledger) -> Findings:
    trust_file = place / "trust.toml"
    trust = trusted or (Trust.load(trust_file) if trust_file.is_file() else None)
    chain = ledger.verify(checkpoint=_checkpoint(place), trusted=trust)
    if chain.with_status("fail"):
        return chain
    checks = (_extracts, _quarantines, _stores, _recorded, _superseded, _pages, _lists)
    releases = [finding for folder in release_folders(place) for finding in _release(folder, trust)]
    if not releases:
        releases = [Finding("VRU604", "not applicable", "release", "there is no release in this folder")]
    return chain + Findings(releases) + Findings(found for check in checks for found in check(place, ledger))


def release_folders(place: Path) -> list[Path]:
    """``release/``, and every other folder here that has a manifest."""
    here = {file.parent for file in place.glob(f"[!.]*/{MANIFEST}")}
    return sorted(here | ({place / "release"} if (place / "release").is_dir() else set()))


def _superseded(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU606 of releases after which a later version was approved, and VRU607 of those not called ``release``."""
    for folder in release_folders(place):
        try:
            bundle = open_bundle(folder, None)
        except VruError:
            continue
        if folder.name != "release":
            held = bool(ledger.find("approval", release=bundle.digest))
            yield _as_said(folder.name, held, _expired(ledger).get(bundle.digest))
        approvals = ledger.find("approval", purpose=bundle.header.get("purpose"))
        latest = max((int(entry.body["version"]) for entry in approvals), default=0)
        if latest > _version(bundle.header):
            message = f"superseded by version {latest}: intact, and score refuses it"
            yield Finding("VRU606", "cannot tell", folder.name, message)


def list_folders(place: Path) -> list[Path]:
    """Every folder here, up to two folders deep, that holds a file of a list."""
    found = {
        f.parent for name in _LIST_FILES for depth in ("[!.]*", "[!.]*/[!.]*") for f in place.glob(f"{depth}/{name}")
    }
    return sorted(folder for folder in found if folder.name not in {*_PARTS, "events"})


def _version(header: Mapping[str, object]) -> int:
    stated = header.get("version")
    return stated if isinstance(stated, int) else 0


def _checkpoint(place: Path) -> bytes | None:
    file = place / "release" / "checkpoint.json"
    return read_file(file, _MAX_CHECKPOINT, role="checkpoint") if file.is_file() else None


def _recorded(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607: each stored part against what the ledger says of it."""
    expired = _expired(ledger)
    for name, (kind, field, digest_of) in _PARTS.items():
        said = [entry.body[field] for entry in ledger.find(kind) if field in entry.body]
        if (place / name).exists():
            try:
                now = digest_of(place / name)
                yield _as_said(name, now in said, expired.get(_one(now)))
            except VruError as error:
                yield Finding("VRU607", "fail", name, str(error))
        else:
            yield from _gone(name, [_one(content) for content in said], expired)


def _expired(ledger: Ledger) -> dict[str, Entry]:
    """The last proof that something expired, by the digest of what it was."""
    return {entry.body["digest"]: entry for entry in ledger.find("expired")}


def _one(content: object) -> str:
    """One digest of what the ledger says of a part; of the digests of several files, the digest of them by name."""
    return content if isinstance(content, str) else digest_json(content)


def _gone(
    name: str, said: list[str], expired: Mapping[str, Entry], *, missing_is: Status = "cannot tell"
) -> Iterator[Finding]:
    """VRU607 of what the ledger names and is not here: what expired, and what nobody knows of."""
    proofs = [expired[digest] for digest in dict.fromkeys(said) if digest in expired]
    if proofs:
        last = max(proofs, key=lambda entry: entry.seq)
        of = "" if len(proofs) == 1 else f": {len(proofs)} of {len(set(said))}, the last"
        message = f"expired{of} on {last.at[:10]} under the spec's rule (kept {last.body['rule']})"
        yield Finding("VRU607", "pass", name, message)
    if missing := sum(digest not in expired for digest in said):
        yield _not_here(name, missing, len(said), status=missing_is)


def _as_said(name: str, held: bool, expired: Entry | None = None) -> Finding:
    if held and expired:
        message = f"as the ledger says, which also says that it expired on {expired.at[:10]}: a copy, or restored"
        return Finding("VRU607", "cannot tell", name, message)
    message = "as the ledger says" if held else "is not what the ledger says was written"
    return Finding("VRU607", "pass" if held else "fail", name, message)


def _not_here(name: str, missing: int, said: int, *, status: Status = "cannot tell") -> Finding:
    message = f"{missing} of {said} that the ledger names are not in this folder: kept elsewhere, or removed"
    return Finding("VRU607", status, name, message, {"named": said, "missing": missing})


_PARTS: Mapping[str, tuple[str, str, Callable[[Path], object]]] = {
    "dataset": ("dataset", "dataset", lambda folder: Dataset.open(folder).digest),
    "run": ("fit", "run", lambda folder: Run.open(folder).digest),
    "evidence": ("evidence", "evidence", lambda folder: Evidence.open(folder).digest),
    "audit_file.parquet": ("audit_file", "sha256", digest_file),
    "release": ("approval", "release", lambda folder: open_bundle(folder, None).digest),
}


def extract_folders(place: Path) -> list[Path]:
    """The folders of extracts in a folder, up to two folders deep, and ``extracts``."""
    return folders_with(place, "extracts", _EXTRACTS)


def quarantine_folders(place: Path) -> list[Path]:
    """The quarantines in a folder, up to two folders deep, and ``quarantine``."""
    return folders_with(place, FOLDER, CSV, PARQUET)


def _extracts(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607 of the extracts that were read, and of those that expired."""
    found = extract_folders(place)
    yield from (_read(folder, ledger, heard=folder == place / "extracts") for folder in found)
    if not found:
        said, expired = [_one(dict(entry.body["files"])) for entry in ledger.find("feeds")], _expired(ledger)
        yield from _gone("extracts", [digest for digest in said if digest in expired], expired)


def _read_alone(folder: Path, ledger: Ledger) -> Finding:
    return _read(folder, ledger, heard=True)


def _read(folder: Path, ledger: Ledger, *, heard: bool) -> Finding:
    """Extracts as they were read; other files among them are not looked at, as when reading.

    Of those that the ledger has not ``heard`` of by any file, such as the ones of next month, nothing can be told.
    """
    said = [dict(entry.body["files"]) for entry in ledger.find("feeds")]
    here = {file.name: digest_file(file) for file in folder.iterdir() if file.is_file()} if folder.is_dir() else {}
    held = [files for files in said if files.items() <= here.items()]
    if not held and not heard and not any(files.items() & here.items() for files in said):
        return Finding("VRU607", "cannot tell", folder.name, "the ledger says nothing of it: not read yet, or changed")
    return _as_said(folder.name, bool(held), _expired(ledger).get(_one(held[-1])) if held else None)


def _quarantines(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607 of the rows that were held back; ``record`` writes them nowhere unless it is told to."""
    said, expired = [e.body["quarantine"] for e in ledger.find("feeds") if "quarantine" in e.body], _expired(ledger)
    found = quarantine_folders(place)
    for folder in found:
        try:
            now = quarantine_digests(folder)
        except VruError as error:
            yield Finding("VRU607", "fail", folder.name, str(error))
            continue
        if (place / "dataset").exists() or any(now.items() & files.items() for files in said):
            yield _as_said(folder.name, now in said, expired.get(_one(now)))
        else:
            message = "the ledger says nothing of it: of extracts that record refused, or changed"
            yield Finding("VRU607", "cannot tell", folder.name, message)
    if not found:
        yield from _gone(FOLDER, [_one(files) for files in said], expired, missing_is="not applicable")


def _stores(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607 of every event store in the folder, and of those that the ledger names beside them."""
    kept, expired, found = KeptStores(ledger), _expired(ledger), event_stores(place)
    digests = {folder: _digest_of(folder) for folder in found}
    for folder, now in digests.items():
        yield _held(folder, now, ledger, kept)
    if place / "events" not in found:
        yield from _gone("events", _built(ledger), expired)
    away = [digest for digest in kept.last if digest not in digests.values()]
    yield from _gone("kept store", [digest for digest in away if digest in expired], expired)
    left = sum(digest not in expired for digest in away)
    if left > sum(kept.standing(str(now)) != "last" and now not in _built(ledger) for now in digests.values()):
        yield _not_here("kept store", left, len(kept.last))


def _built(ledger: Ledger) -> list[str]:
    """The events that were written with a dataset, or of which the ledger does not say that they are kept."""
    plain = [entry.body["events"] for entry in ledger.find("events") if "before" not in entry.body]
    return list(dict.fromkeys([*plain, *_with_datasets(ledger)]))


def _with_datasets(ledger: Ledger) -> list[str]:
    return [entry.body["events"] for entry in ledger.find("dataset") if "events" in entry.body]


def _digest_of(store: Path) -> str | VruError:
    try:
        return Events.open(store).digest
    except VruError as error:
        return error


def _kept_alone(store: Path, ledger: Ledger) -> Finding:
    return _held(store, _digest_of(store), ledger, KeptStores(ledger))


_HELD: Mapping[Standing | None, tuple[Status, str]] = {
    "older": ("fail", "is older than the last that was recorded: a copy, or a record that was stopped. Record again"),
    "purged": ("fail", "is from before a purge, and older than the last that was recorded: restore the last"),
    "unfinished": ("fail", "a purge begun on {day} was never finished, and its rows are here: purge them again"),
    "announced": ("cannot tell", "as the purge begun on {day} was to leave it, which did not finish: purge again"),
}


def _held(store: Path, now: str | VruError, ledger: Ledger, kept: KeptStores) -> Finding:
    """A store against the last that the ledger says of it; ``events``, as it was built, against every dataset."""
    if isinstance(now, VruError):
        return Finding("VRU607", "fail", store.name, str(now))
    standing, proof = kept.standing(now), _expired(ledger).get(now)
    if store.name == "events" and now in _with_datasets(ledger):
        if standing != "purged":
            return _as_said(store.name, True, proof)
        message = "as the ledger says, and from before a purge: it holds people who were purged since"
        return Finding("VRU607", "cannot tell", store.name, message)
    if standing not in _HELD:
        return _as_said(store.name, standing == "last" or now in _built(ledger), proof)
    status, message = _HELD[standing]
    day = kept.begun(now).at[:10] if "{day}" in message else ""
    return Finding("VRU607", status, store.name, message.format(day=day))


def _pages(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607 of a page for reviewers: a copy of the release's, or one that ``report`` wrote."""
    page, expired = place / "report.html", _expired(ledger)
    if page.is_file():
        digest, signed = digest_file(page), place / "release" / "report.html"
        held = signed.is_file() and digest == digest_file(signed)
        yield _as_said(page.name, held or bool(ledger.find("report", sha256=digest)), expired.get(digest))
    else:
        yield from _gone(page.name, [e.body["digest"] for e in ledger.find("expired", artefact="report")], expired)


def _lists(place: Path, ledger: Ledger) -> Iterator[Finding]:
    """VRU607 of every list in the folder, up to two folders deep, and of those that the ledger names beside them."""
    found = [_scores(folder, ledger) for folder in list_folders(place)]
    yield from found
    said, expired = {_one(dict(entry.body["files"])) for entry in ledger.find("scores")}, _expired(ledger)
    yield from _gone("lists", sorted(said & set(expired)), expired)
    left = len(said - set(expired))
    if left > len(found):
        yield _not_here("lists", left - len(found), len(said))


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
    if proof := _expired(ledger).get(_one(files)):
        return _as_said(folder.name, held=True, expired=proof)
    return Finding("VRU607", "pass", folder.name, f"{len(files)} files as the ledger says")


def refuse_failures(found: Findings) -> Findings:
    """The findings, or a refusal when any of them fails."""
    failing = found.with_status("fail")
    if len(failing):
        lines = [f"  {f.code} {f.where}: {f.message}" for f in failing]
        raise RefusedError("\n".join([f"verify: {len(failing)} of {len(found)} checks fail.", *lines]))
    return found
