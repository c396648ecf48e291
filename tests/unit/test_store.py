from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import small

from vru_models.errors import DataError, LockedError, StorageError
from vru_models.events import Events, store
from vru_models.events.store import bucket_count
from vru_models.spec.digest import digest_bytes, digest_json


@pytest.fixture
def saved(tmp_path):
    small.events().save(tmp_path / "store")
    return tmp_path / "store"


def part(folder, name):
    """The file of a part: its name holds a digest of its content."""
    [file] = folder.glob(f"{name}-*.parquet")
    return file


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_what_is_opened_is_what_was_saved(saved):
    events, opened = small.events(), Events.open(saved)
    for part in ("frame", "spells", "coverage", "closers"):
        pd.testing.assert_frame_equal(getattr(opened, part), getattr(events, part))
    assert opened.digest == events.digest
    assert opened.extract_dates == events.extract_dates
    assert opened.findings.records() == events.findings.records()


def test_the_same_events_give_the_same_bytes(saved, tmp_path):
    Events.open(saved).save(tmp_path / "again")
    assert contents(saved) == contents(tmp_path / "again")


def test_the_store_keeps_every_version_and_until_when_it_was_known(saved):
    table = store.load(saved).versions
    assert table.columns.tolist() == [
        "event_id", "person_id", "indicator", "event_date", "known_date", "known_until",
        "value", "role", "status", "feed",
    ]  # fmt: skip
    assert sorted(table["status"]) == ["recorded"] * 5 + ["withdrawn"]
    until = table.set_index(["event_id", "known_date"])["known_until"].dropna()
    assert until.tolist() == small.events().frame["known_until"].dropna().tolist() != []


def test_extra_columns_of_spells_survive(tmp_path):
    spells = small.events().spells.assign(
        household_id=["h1", None, "h2"], roll=pd.array([True, None, False], "boolean")
    )
    events = Events.from_frame(small.events().frame, spells=spells)
    events.save(tmp_path / "store")
    pd.testing.assert_frame_equal(Events.open(tmp_path / "store").spells, events.spells)


def test_an_empty_store_is_a_store(tmp_path):
    events = small.events().as_known("2000-01-01")
    events.save(tmp_path / "store")
    assert Events.open(tmp_path / "store").digest == events.digest


def test_a_person_is_in_one_bucket(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_ROWS_PER_BUCKET", 50)
    rng = np.random.default_rng(0)
    person = [f"p{i}" for i in rng.integers(0, 60, 400)]
    events = Events.from_frame(
        pd.DataFrame({"person_id": person, "indicator": "x", "event_date": "2024-01-01", "known_date": "2024-01-02"})
    )
    events.save(tmp_path / "store")
    files = sorted((tmp_path / "store" / "events").iterdir())
    people = [set(pd.read_parquet(f)["person_id"]) for f in files]
    assert len(files) == 8
    assert sum(map(len, people)) == len(set(person))
    assert Events.open(tmp_path / "store").digest == events.digest


def test_buckets_are_a_power_of_two_of_about_a_hundred_thousand_rows():
    assert [bucket_count(n) for n in (0, 1, 100_000, 100_001, 200_001, 10**9)] == [1, 1, 1, 2, 4, 256]


def test_every_changed_byte_is_noticed(saved):
    rng = np.random.default_rng(0)
    for name, content in contents(saved).items():
        for at in rng.integers(0, len(content), 5):
            spoilt = bytearray(content)
            spoilt[at] ^= 1
            (saved / name).write_bytes(spoilt)
            with pytest.raises(DataError, match=r"is not what was written"):
                Events.open(saved)
        (saved / name).write_bytes(content)
    Events.open(saved)


@pytest.mark.parametrize("name", ["spells", "links", "events/bucket-000"])
def test_a_missing_file_is_named(saved, name):
    part(saved, name).unlink()
    with pytest.raises(DataError, match=rf"event store: {name}-[0-9a-f]{{16}}\.parquet is missing"):
        Events.open(saved)


def test_a_missing_manifest_is_named(saved):
    (saved / "store.json").unlink()
    with pytest.raises(DataError, match=r"event store: store\.json is missing"):
        Events.open(saved)


def test_a_missing_folder_and_a_foreign_one_are_told_apart(tmp_path):
    with pytest.raises(StorageError, match=r"event store: the folder is missing.*Check the path"):
        Events.open(tmp_path / "none")
    with pytest.raises(DataError, match=r"store.json is missing. Expected: a store of format vru-events/3"):
        Events.open(tmp_path)


def test_a_link_is_not_followed(saved, tmp_path):
    spells = part(saved, "spells")
    spells.rename(tmp_path / "elsewhere")
    spells.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"symbolic link"):
        Events.open(saved)


def forged(saved, name, content):
    """Another content of a part, with every digest made to fit."""
    manifest = json.loads((saved / "store.json").read_text())
    part(saved, name).unlink()
    digest = digest_bytes(content)
    (saved / f"{name}-{digest[:16]}.parquet").write_bytes(content)
    reseal(saved, manifest, files=manifest["files"] | {name: digest})


def reseal(saved, manifest, **changes):
    rest = {k: v for k, v in (manifest | changes).items() if k != "digest"}
    (saved / "store.json").write_text(json.dumps(rest | {"digest": digest_json(rest)}))


@pytest.mark.parametrize(
    ("name", "other", "message"),
    [
        ("spells", None, "spells-[0-9a-f]+.parquet is not what was written"),
        ("events/bucket-000", "spells", "bucket-000-.* is not what was written"),
        ("spells", "coverage", "its columns are not those of a store"),
    ],
)
def test_a_forged_store_is_refused_without_a_traceback_of_another_library(saved, name, other, message):
    forged(saved, name, b"PAR1" if other is None else part(saved, other).read_bytes())
    with pytest.raises(DataError, match=message):
        Events.open(saved)


def test_a_manifest_that_says_what_cannot_be_is_refused(saved):
    reseal(saved, json.loads((saved / "store.json").read_text()), buckets=0)
    with pytest.raises(DataError, match=r"store.json is not what was written"):
        Events.open(saved)


def test_an_update_writes_the_buckets_that_changed_and_removes_what_nothing_names(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_ROWS_PER_BUCKET", 50)
    person = [f"p{i % 60}" for i in range(400)]
    said = {"person_id": person, "indicator": "x", "event_date": "2024-01-01", "known_date": "2024-01-02"}
    Events.from_frame(pd.DataFrame(said)).save(tmp_path / "store")
    before = set(contents(tmp_path / "store"))
    Events.update(tmp_path / "store", lambda held: held.purge("p7", key=bytes(32)))
    after = set(contents(tmp_path / "store"))
    assert (len(before - after), len(after - before)) == (1, 1)
    opened = Events.open(tmp_path / "store")
    assert "p7" not in set(opened.frame["person_id"])
    assert len(opened.tombstones) == 1
    opened.save(tmp_path / "anew")
    assert contents(tmp_path / "anew") == contents(tmp_path / "store")


def test_an_update_that_fails_leaves_the_store_as_it_was_and_what_a_killed_one_left_goes_with_the_next(saved):
    before = contents(saved)

    def fails(held):
        raise DataError("no")

    with pytest.raises(DataError, match=r"^no$"):
        Events.update(saved, fails)
    assert contents(saved) == before
    (saved / "events" / "bucket-000-0123456789abcdef.parquet").write_bytes(b"left by a kill")
    Events.update(saved, lambda held: held)
    assert contents(saved) == before


@pytest.mark.parametrize("nth", range(3))
def test_a_kill_at_any_write_leaves_the_old_store_or_the_new(saved, monkeypatch, nth):
    old, new = Events.open(saved), Events.open(saved).purge("a", key=bytes(32))
    written, real = [], store.write_file

    def dies(path, content, *, role):
        if len(written) == nth:
            raise KeyboardInterrupt
        written.append(path)
        real(path, content, role=role)

    monkeypatch.setattr(store, "write_file", dies)
    with pytest.raises(KeyboardInterrupt):
        Events.update(saved, lambda held: held.purge("a", key=bytes(32)))
    assert Events.open(saved).digest == old.digest
    monkeypatch.setattr(store, "write_file", real)
    Events.update(saved, lambda held: held.purge("a", key=bytes(32)))
    assert Events.open(saved).digest == new.digest
    assert len(list(saved.glob("**/*.parquet"))) == 5


def test_hidden_drafts_that_a_killed_update_left_go_with_the_next_and_no_other_file_does(saved):
    before = contents(saved)
    for name in (".store.json.7-0.tmp", "events/.bucket-000-0123456789abcdef.parquet.7-0.tmp"):
        (saved / name).write_bytes(b"rows of somebody")
    (saved / "notes.tmp").write_bytes(b"mine")
    Events.update(saved, lambda held: held)
    assert contents(saved) == before | {"notes.tmp": b"mine"}


KILLED = """
import os, signal, sys
from vru_models.events import Events
from vru_models.spec import storage
def dies(fd):
    os.kill(os.getpid(), signal.SIGKILL)
storage.os.fsync = dies
Events.update(sys.argv[1], lambda held: held.purge("b", key=bytes(32)))
"""


def test_rows_that_a_real_kill_left_in_a_draft_are_gone_after_a_purge(saved):
    before = contents(saved)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(saved)], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = [name for name in contents(saved) if name not in before]
    assert len(left) == 1
    assert re.fullmatch(r"events/\.bucket-000-[0-9a-f]{16}\.parquet\.\d+-\d+\.tmp", left[0])
    Events.update(saved, lambda held: held.purge("a", key=bytes(32)))
    assert not [name for name in contents(saved) if name.endswith(".tmp")]


def test_two_updates_never_cross(saved):
    def meanwhile(held):
        Events.update(saved, lambda other: other)
        return held

    with pytest.raises(LockedError, match=r"event store: is being updated by another process. Wait for it to end"):
        Events.update(saved, meanwhile)


def test_a_taken_place_is_refused(saved):
    with pytest.raises(StorageError, match=r"event store: cannot be written"):
        small.events().save(saved)


def test_a_store_of_an_earlier_format_is_refused_by_name(saved):
    manifest = saved / "store.json"
    manifest.write_bytes(manifest.read_bytes().replace(store.FORMAT.encode(), b"vru-events/2"))
    message = r"event store: has another format\. Expected: vru-events/3\. Record the extracts again"
    with pytest.raises(DataError, match=message):
        Events.open(saved)
