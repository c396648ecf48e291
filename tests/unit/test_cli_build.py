"""``build``: by every executor the same folder and the same account, and nothing half-written when it is stopped."""

import importlib
import shutil
import subprocess
import sys
import warnings

import pandas as pd
import pytest
import small
import world as worlds

from vru_models.audit.ledger import Ledger
from vru_models.dataset import build_dataset
from vru_models.errors import DataError, LockedError
from vru_models.events import Events, store
from vru_models.feeds import write_extracts
from vru_models.spec import Spec
from vru_models.workflow import Kept, build, record

N = 120


@pytest.fixture(scope="module")
def extracts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sent") / "extracts"
    write_extracts(folder, worlds.extracts(n=N), extract_date=small.EXTRACT_DATE)
    return folder


@pytest.fixture(scope="module")
def parted(extracts, tmp_path_factory):
    """A store of several buckets that is kept, its ledger, and the bytes of the dataset that is built in memory."""
    place = tmp_path_factory.mktemp("kept")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_ROWS_PER_BUCKET", 100)
        for _ in range(2):  # the second time adds nothing, and says so
            record(worlds.spec(), extracts, kept=Kept(place / "store"), ledger=Ledger(place / "ledger.jsonl"))
        data = build_dataset(worlds.spec(), Events.open(place / "store"))
        data.save(place / "data")
        yield place, data


@pytest.fixture
def spec_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Spec, "load", classmethod(lambda cls, path: worlds.spec()))
    return tmp_path / "spec.toml"


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def accounted(file):
    return [(entry.kind, dict(entry.body)) for entry in Ledger(file)]


def by_hand(parted, ledger):
    """What a build of the store has to add to the ledger, from the dataset that was built in memory."""
    place, data = parted
    audit = pd.DataFrame(worlds.extracts(n=N)["audit"])
    about = {"dataset": data.digest, "spec": worlds.spec().digest, "events": Events.open(place / "store").digest}
    entry = about | {"rows": len(data.X), "labelled": int(data.labelled.sum())}
    return [("dataset", entry), ("audit_file", {"sha256": ledger[-1][1]["sha256"], "rows": len(audit)})]


@pytest.fixture
def cluster():
    """A session on this machine, ended afterwards."""
    pytest.importorskip("pyspark", reason="the extra 'spark' is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    spark = importlib.import_module("vru_models.executors.spark")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        session = spark.spark_session("local[2]")
        yield session
        session.stop()


def same_as_in_memory(call, spec_file, parted, extracts, tmp_path, words):
    place, _ = parted
    shutil.copytree(place / "store", tmp_path / "store")
    shutil.copy(place / "ledger.jsonl", tmp_path / "ledger.jsonl")
    given = ["--extracts", extracts, "--out", tmp_path / "work", "--ledger", tmp_path / "ledger.jsonl"]
    done = call("build", spec_file, *given, "--store", tmp_path / "store", *words)
    assert done.code == 0, done.err
    assert contents(tmp_path / "work" / "dataset") == contents(place / "data")
    assert contents(tmp_path / "work" / "events") == contents(place / "store")
    assert sorted(p.name for p in (tmp_path / "work").iterdir()) == [
        "audit_file.parquet", "dataset", "events", "quarantine",
    ]  # fmt: skip
    ledger = accounted(tmp_path / "ledger.jsonl")
    assert ledger[-2:] == by_hand(parted, ledger)
    return done


@pytest.mark.parametrize("words", [[], ["--executor", "joblib", "--jobs", "2"], ["--executor", "joblib"]])
def test_whatever_makes_it_a_dataset_of_a_kept_store_is_the_one_made_in_memory(
    call, spec_file, parted, extracts, tmp_path, words
):
    assert len(list((parted[0] / "store" / "events").iterdir())) >= 4
    done = same_as_in_memory(call, spec_file, parted, extracts, tmp_path, words)
    assert f"digest {parted[1].digest[:12]}" in done.out


@pytest.mark.usefixtures("cluster")
def test_a_spark_session_makes_the_same(call, spec_file, parted, extracts, tmp_path):
    same_as_in_memory(call, spec_file, parted, extracts, tmp_path, ["--executor", "spark"])


@pytest.mark.usefixtures("parted")
def test_without_a_kept_store_it_is_the_one_made_in_memory_too(call, spec_file, extracts, tmp_path):
    given = ["--extracts", extracts, "--out", tmp_path / "work", "--executor", "joblib", "--jobs", "2"]
    assert call("build", spec_file, *given).code == 0
    build_dataset(worlds.spec(), Events.open(tmp_path / "work" / "events")).save(tmp_path / "data")
    assert contents(tmp_path / "work" / "dataset") == contents(tmp_path / "data")
    assert len(contents(tmp_path / "data")) >= 5
    assert [kind for kind, _ in accounted(tmp_path / "work" / "ledger.jsonl")] == [
        "feeds", "events", "dataset", "audit_file",
    ]  # fmt: skip


def test_help_shows_how_to_take_several_processes(call):
    said = " ".join(call("build", "--help").out.split())
    assert "--store store --out work --executor joblib --jobs 4" in said


@pytest.mark.parametrize("executor", ["memory", "spark"])
def test_processes_are_for_joblib_alone(call, spec_file, extracts, tmp_path, executor):
    given = ["--extracts", extracts, "--out", tmp_path / "work", "--executor", executor, "--jobs", "2"]
    said = call("build", spec_file, *given)
    assert said.code == 2
    assert f"SpecError: --jobs: says nothing to the executor {executor}. Expected: --executor joblib" in said.err
    assert not (tmp_path / "work").exists()


def test_an_executor_that_is_not_one_is_a_usage_error(call, spec_file, extracts, tmp_path):
    said = call("build", spec_file, "--extracts", extracts, "--out", tmp_path / "work", "--executor", "dask")
    assert (said.code, (tmp_path / "work").exists()) == (2, False)


def test_spark_that_is_not_installed_is_said_before_anything_is_recorded(
    call, spec_file, extracts, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.delitem(sys.modules, "vru_models.executors.spark", raising=False)
    given = ["--extracts", extracts, "--out", tmp_path / "work", "--store", tmp_path / "store"]
    said = call("build", spec_file, *given, "--executor", "spark")
    assert said.code == 74
    assert "executor spark: PySpark is not installed. Run pip install 'vru_models[spark]'" in said.err
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "store").exists()


_KILLED = """
import os, signal, sys
import world
from vru_models.audit.ledger import Ledger
from vru_models.workflow import build

def kill(done, of):
    os.kill(os.getpid(), signal.SIGKILL)

build(world.spec(), sys.argv[1], out=sys.argv[2], ledger=Ledger(sys.argv[3]), progress=kill)
"""


def test_a_build_that_is_killed_leaves_nothing_under_a_name_and_goes_on(extracts, tmp_path):
    work, ledger = tmp_path / "work", tmp_path / "ledger.jsonl"
    words = [sys.executable, "-c", _KILLED, str(extracts), str(work), str(ledger)]
    assert subprocess.run(words, env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode == -9
    assert not ledger.exists()
    assert [path.name for path in work.iterdir() if not (path.name[0] == "." and path.name.endswith(".tmp"))] == []
    built = build(worlds.spec(), extracts, out=work, ledger=Ledger(ledger))
    assert built.data.digest == build_dataset(worlds.spec(), built.events).digest == built.written.digest


def test_a_build_that_fails_leaves_neither_folder_nor_entry(extracts, tmp_path):
    never = worlds.spec(**{"outcome.at_least": 50})
    with pytest.raises(DataError, match="0 of them positive"):
        build(never, extracts, out=tmp_path / "work", ledger=Ledger(tmp_path / "ledger.jsonl"))
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_another_process_changes_is_not_built_from(parted, extracts, tmp_path):
    shutil.copytree(parted[0] / "store", tmp_path / "store")
    with store.locked(tmp_path / "store"), pytest.raises(LockedError, match="is being updated by another process"):
        store.copy(tmp_path / "store", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_is_the_store_and_a_changed_file_is_refused(parted, tmp_path):
    held = parted[0] / "store"
    store.copy(held, tmp_path / "copy")
    assert contents(tmp_path / "copy") == contents(held)
    assert store.digest_in(tmp_path / "copy") == Events.open(held).digest
    file = min((tmp_path / "copy" / "events").iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    for use in (store.digest_in, lambda folder: store.copy(folder, tmp_path / "again")):
        with pytest.raises(DataError, match="is not what was written"):
            use(tmp_path / "copy")
    assert not (tmp_path / "again").exists()
