"""The executors: the same bytes as a dataset that was built in memory, however the store is parted."""

from __future__ import annotations

import datetime as dt
import importlib
import shutil
import warnings

import pandas as pd
import pytest
import worlds

from vru_models.dataset import Dataset, build_dataset
from vru_models.errors import DataError, StorageError
from vru_models.events import Events, store
from vru_models.executors import write_dataset

DATES = ["2023-09-01", "2024-02-29", "2024-09-01"]
SPEC = worlds.spec(splits={"as_of": [dt.date.fromisoformat(date) for date in DATES]})


def contents(folder):
    return {f.name: f.read_bytes() for f in sorted(folder.iterdir())}


def crowd(*, links=True):
    """A store of sixty people: everything that the small worlds have, for ten of them at a time."""
    rows = {"events": [], "spells": [], "coverage": [], "links": [], "objections": []}
    for i in range(10):
        made = worlds.world(i, dt.date(2024, 2, 29), (150, 14, 3 * (i == 0), 6, 2 * (i == 0), 5 if links else 0, 3))
        for name, held in rows.items():
            held += [_of_group(row, i) for row in getattr(made, name)]
    pairs = [("a0", "a1"), ("b2", "b7"), ("b7", "c9")] if links else []
    same = {"kind": "merge", "confidence": 1.0, "known_date": dt.date(2023, 1, 1)}
    rows["links"] += [{"link_id": f"{a}{b}", "person_id": a, "other_id": b, **same} for a, b in pairs]
    return worlds.World(dt.date(2024, 2, 29), **rows).store()


def _of_group(row, i):
    keys = ("event_id", "spell_id", "link_id", "objection_id", "person_id", "other_id")
    return row | {key: f"{row[key]}{i}" for key in keys if key in row}


@pytest.fixture(scope="module")
def parted():
    """Few rows make a bucket, so that there are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_ROWS_PER_BUCKET", 100)
        yield


@pytest.fixture(scope="module")
def built(parted, tmp_path_factory):
    """The store, the dataset built in memory, and the bytes that it is saved as."""
    folder, events = tmp_path_factory.mktemp("built"), crowd()
    events.save(folder / "store")
    data = build_dataset(SPEC, events)
    data.save(folder / "data")
    return folder / "store", data, contents(folder / "data")


def test_there_are_many_parts_and_one_of_people_who_are_linked_across_buckets(built):
    held, data, files = built
    n_buckets = len(list((held / "events").iterdir()))
    assert n_buckets == 16
    assert len(files) > 10
    assert f"part-{n_buckets:03d}.parquet" in files
    links = Events.open(held).rows["links"]
    apart = set(data.rows.index[data.rows["part"] == n_buckets].get_level_values("person_id"))
    assert apart
    assert apart <= {*links["person_id"], *links["other_id"]}


@pytest.mark.parametrize(("executor", "n_jobs"), [("memory", None), ("joblib", 1), ("joblib", 2)])
def test_every_executor_writes_the_bytes_of_the_dataset_that_was_built_in_memory(built, tmp_path, executor, n_jobs):
    held, data, files = built
    told = []
    written = write_dataset(
        SPEC, held, tmp_path / "data", executor=executor, n_jobs=n_jobs, progress=lambda *done: told.append(done)
    )
    assert contents(tmp_path / "data") == files
    assert written.digest == data.digest
    assert (written.rows, written.people) == (len(data.X), data.X.index.get_level_values("person_id").nunique())
    assert told == [(i + 1, 17) for i in range(17)]


@pytest.fixture(scope="module")
def cluster():
    """A real cluster of two worker processes."""
    pytest.importorskip("pyspark", reason="the extra 'spark' is not installed")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")
    spark = importlib.import_module("vru_models.executors.spark")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        session = spark.spark_session("local-cluster[2,1,2048]")
        yield session
        session.stop()


def test_a_spark_cluster_writes_the_same_bytes(built, cluster, tmp_path):
    held, data, files = built
    assert write_dataset(SPEC, held, tmp_path / "data", executor="spark").digest == data.digest
    assert contents(tmp_path / "data") == files


def test_what_was_written_in_parts_opens_as_the_dataset(built, tmp_path):
    held, data, _ = built
    write_dataset(SPEC, held, tmp_path / "data", executor="memory")
    opened = Dataset.open(tmp_path / "data")
    for name in ("X", "status", "rows", "counts", "volumes"):
        pd.testing.assert_frame_equal(getattr(opened, name), getattr(data, name))
    assert opened.digest == data.digest


def test_a_persons_row_does_not_depend_on_who_else_is_there(parted):
    events = crowd(links=False)
    whole = build_dataset(SPEC, events)
    some = {f"{p}{i}" for p in worlds.PEOPLE for i in range(2, 8)}
    rows = {k: f[f["person_id"].isin(some)] if "person_id" in f else f for k, f in events.rows.items()}
    few = build_dataset(
        SPEC,
        Events.from_frame(
            events.frame[events.frame["person_id"].isin(some)], extract_dates=dict(events.extract_dates), **rows
        ),
    )
    for name in ("X", "status"):
        pd.testing.assert_frame_equal(getattr(few, name), getattr(whole, name).loc[few.X.index], check_exact=True)
    columns = [c for c in few.rows if c != "part"]
    pd.testing.assert_frame_equal(few.rows[columns], whole.rows.loc[few.rows.index, columns])


def test_an_executor_that_is_not_one_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="executor 'dask' is not known"):
        write_dataset(SPEC, tmp_path / "nowhere", tmp_path / "data", executor="dask")


def test_a_place_that_is_taken_is_refused_and_a_failure_leaves_nothing(built, tmp_path):
    held, _, _ = built
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").touch()
    with pytest.raises(StorageError, match="dataset: cannot be written"):
        write_dataset(SPEC, held, tmp_path / "data", executor="memory")
    never = worlds.spec(**{"outcome.at_least": 50, "splits": {"as_of": [dt.date.fromisoformat(d) for d in DATES]}})
    with pytest.raises(DataError, match="0 of them positive"):
        write_dataset(never, held, tmp_path / "other", executor="memory")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_bucket_that_was_changed_is_refused(built, tmp_path):
    held, _, _ = built
    shutil.copytree(held, tmp_path / "store")
    file = min((tmp_path / "store" / "events").iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match="is not what was written"):
        write_dataset(SPEC, tmp_path / "store", tmp_path / "data", executor="joblib", n_jobs=2)
