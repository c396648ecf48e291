import datetime as dt
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import retained
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.audit.ledger import Ledger
from vru_models.retention import expire
from vru_models.retention.removal import unfinished
from vru_models.spec.calendar import Span

removal = sys.modules["vru_models.retention.removal"]
TODAY = dt.date(2030, 1, 1)
WINDOWS = ["1 day", "30 days", "1 month", "12 months", "2 years", None]
NAMES = {
    "extracts": ["extracts", "extracts/2026-11", "sent/2026-12"],
    "scores": ["scores/2026-11", "scores/2026-12", "october"],
    "report": ["report.html", "may.html"],
    "audit_file": ["audit_file.parquet"],
}
PLACES = [(kind, name) for kind, names in NAMES.items() for name in names]
DAYS = st.dates(dt.date(2026, 1, 1), TODAY)
FOLDERS = st.dictionaries(st.sampled_from(PLACES), DAYS, max_size=5).filter(
    lambda made: not {("extracts", "extracts"), ("extracts", "extracts/2026-11")} <= set(made)
)


def fill(folder, made, monkeypatch):
    """Artefacts of their days, each under its own entry, and files that are none."""
    ledger = Ledger(folder / "ledger.jsonl")
    for number, ((kind, name), day) in enumerate(sorted(made.items(), key=lambda item: item[1])):
        retained.on(monkeypatch, str(day))
        given = () if kind == "audit_file" else (name,)
        getattr(retained, kind)(folder, ledger, *given, mark=str(number))
    retained.write(folder, "", {"trust.toml": b"t", "notes/list.txt": b"n"})
    retained.on(monkeypatch, str(TODAY))
    return ledger


def twin(made, windows, day):
    """The places that stay, one by one."""
    left = set()
    for (kind, name), written in made.items():
        window = windows[kind]
        if window is None or dt.date.fromisoformat(str(Span.parse(window).after(written))) >= day:
            left.add(name)
    return left


@given(made=FOLDERS, windows=st.fixed_dictionaries({kind: st.sampled_from(WINDOWS) for kind in NAMES}), day=DAYS)
@settings(max_examples=60, deadline=None)
def test_after_it_nothing_is_there_but_what_is_declared_to_stay(made, windows, day):
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ledger = fill(folder, made, monkeypatch)
        ledger.append("begun")
        before = retained.files(folder)
        declared = retained.spec(**{kind: window for kind, window in windows.items() if window})
        proofs = expire(folder, declared, ledger, as_of=day)
        stays = twin(made, windows, day)
        going = {place for _, place in made} - stays
        gone = {file for file in before if any(file == place or file.startswith(f"{place}/") for place in going)}
        assert retained.files(folder) == before - gone
        assert sum(proof.body["files"] for proof in proofs) == len(gone)
        assert len(proofs) == len(made) - len(stays)
        assert unfinished(folder) == []


class Killed(BaseException):
    """A kill: no handler of the library catches it."""


STEPS = [
    (Ledger, "append"), (Path, "mkdir"), (removal.os, "rename"), (removal, "sync_folder"), (removal.os, "unlink"),
    (removal.shutil, "rmtree"), (Path, "rmdir"),
]  # fmt: skip
MADE = {
    ("scores", "scores/2026-11"): dt.date(2026, 11, 1),
    ("audit_file", "audit_file.parquet"): dt.date(2026, 11, 2),
    ("extracts", "extracts/2026-11"): dt.date(2029, 12, 31),
}


def killed_at(patch, n, *, after):
    """Let the n-th step be the last: it is done (``after``) or not, and then nothing more."""
    count = iter(range(1, 1_000))

    def wrap(does):
        def step(*args, **kwargs):
            last = next(count) == n
            if last and not after:
                raise Killed
            result = does(*args, **kwargs)
            if last:
                raise Killed
            return result

        return step

    for owner, name in STEPS:
        patch.setattr(owner, name, wrap(getattr(owner, name)))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_step_leaves_what_the_next_run_finishes(tmp_path, monkeypatch, after):
    fill(tmp_path / "made", MADE, monkeypatch)
    killed, states = 0, set()
    for n in range(1, 100):
        place = shutil.copytree(tmp_path / "made", tmp_path / str(n))
        ledger = Ledger(place / "ledger.jsonl")
        with monkeypatch.context() as patch:
            killed_at(patch, n, after=after)
            try:
                expire(place, retained.every("1 year"), ledger)
                break
            except Killed:
                killed += 1
        states.add(tuple(entry.kind for entry in ledger)[3:])
        here = place / "scores" / "2026-11"
        assert not here.exists() or len(list(here.iterdir())) == 3
        expire(place, retained.every("1 year"), ledger)
        assert retained.files(place) == {
            "extracts/2026-11/people.csv", "extracts/2026-11/extracts.toml", "trust.toml", "notes/list.txt",
        }  # fmt: skip
        assert unfinished(place) == []
        proofs = ledger.find("expired")
        assert [(p.body["artefact"], p.body["files"]) for p in proofs] == [("scores", 3), ("audit_file", 1)]
        assert {p.body["expiring"] for p in proofs} <= {e.hash for e in ledger.find("expiring")}
        assert ledger.verify().worst == "cannot tell"
    assert killed >= 20
    assert ("expiring",) in states


def test_a_kill_while_a_deep_folder_is_emptied_is_finished_too(tmp_path, monkeypatch):
    ledger = fill(tmp_path, {}, monkeypatch)
    retained.on(monkeypatch, "2026-11-01")
    files = retained.write(tmp_path, "extracts", {"a/b/c.csv": b"x", "extracts.toml": b"", "people.csv": b"p"})
    ledger.append("feeds", feeds=[], files=files)
    retained.on(monkeypatch, str(TODAY))
    with monkeypatch.context() as patch:
        patch.setattr(removal.shutil, "rmtree", raising)
        with pytest.raises(Killed):
            expire(tmp_path, retained.every("1 year"), ledger)
    (proof,) = expire(tmp_path, retained.every("1 year"), ledger)
    assert (proof.body["files"], proof.body["left"]) == (3, 0)
    assert retained.files(tmp_path) == {"trust.toml", "notes/list.txt"}


def raising(*_, **__):
    raise Killed


CANARY = "CANARY7f3a"


def test_nothing_of_a_person_reaches_the_ledger_or_a_message(tmp_path, monkeypatch, capfd):
    ledger = fill(tmp_path, {}, monkeypatch)
    retained.on(monkeypatch, "2026-11-01")
    for kind, name in (("extracts", f"{CANARY}/2026-11"), ("scores", f"scores/{CANARY}"), ("report", f"{CANARY}.html")):
        getattr(retained, kind)(tmp_path, ledger, name, mark=CANARY)
    retained.audit_file(tmp_path, ledger, mark=CANARY)
    retained.on(monkeypatch, str(TODAY))
    assert len(expire(tmp_path, retained.every("1 year"), ledger)) == 4
    assert CANARY not in ledger.path.read_text()
    assert CANARY not in "".join(capfd.readouterr())
    left = {path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()}
    assert left == set()
