"""Recording a batch at a time against recording all at once: the same store, byte for byte, and the same account."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.errors import DataError, StorageError
from vru_models.events import Events, record_events, record_extracts, store, streaming
from vru_models.feeds import files, read_feeds, validate, write_extracts

KNOWN = {
    "column": {"kind": "column"},
    "first_seen": {"kind": "first_seen"},
    "assumed_lag": {"kind": "assumed_lag", "median": 9, "p95": 30},
}
PEOPLE, DAYS = [f"p{i}" for i in range(9)], st.integers(0, 20)


def day(n, start="2024-06-20"):
    return str(np.datetime64(start) + np.timedelta64(n, "D"))


exclusion = st.tuples(
    st.sampled_from(["x1", "x2", "x3", "x4", "x5", "x6", ""]),
    st.sampled_from([*PEOPLE, "Not a pseudonym"]),
    st.sampled_from(["S", "S", "P", "L", "?"]),
    DAYS.map(day),
    DAYS.map(lambda n: day(n + 15)),
    st.sampled_from(["1", "2", "", "91"]),
    st.sampled_from(["recorded", "confirmed", "withdrawn", "disproved"]),
)
missing = st.tuples(st.sampled_from(["m1", "m2", "m3", "m4"]), st.sampled_from(PEOPLE), DAYS.map(day), DAYS.map(day))
spell = st.tuples(
    st.sampled_from(PEOPLE).map(lambda p: f"s{p}"), st.sampled_from(PEOPLE), st.just("E01"), st.just("2010-01"),
    st.just("2021-09-01"), st.just(""), DAYS.map(day),
)  # fmt: skip
link = st.tuples(
    st.sampled_from(["l1", "l2"]), st.sampled_from(PEOPLE), st.just("q1"), st.sampled_from(["merge", "split"]),
    st.just("0.9"), DAYS.map(day),
)  # fmt: skip
objection = st.tuples(
    st.sampled_from(["o1", "o2"]), st.sampled_from(PEOPLE), st.sampled_from(["audit", "all", "train"]), DAYS.map(day),
    st.sampled_from(["", "2024-07-30"]), DAYS.map(day),
)  # fmt: skip
ROWS = {"exclusions": exclusion, "missing": missing, "people": spell, "links": link, "objections": objection}
extracts = st.fixed_dictionaries({name: st.lists(row, max_size=14) for name, row in ROWS.items()})


@cache
def declared(known, without=()):
    changes = {"feeds.exclusions.known": KNOWN[known], **small.also("links"), **small.also("objections")}
    return small.spec(schemas=small.MORE_SCHEMAS, without=without, **changes)


def headed(name, rows):
    columns = [c["name"] for c in (small.SCHEMAS | small.MORE_SCHEMAS)[name]["fields"]]
    return pd.DataFrame(list(rows), columns=columns, dtype="str")


def sent(folder, spec, rows):
    """A folder of extracts; what is not given is as in the small ones."""
    frames = small.extracts() | {name: headed(name, lines) for name, lines in rows.items()}
    write_extracts(folder, {name: frames[name] for name in spec.feeds}, extract_date=small.EXTRACT_DATE)
    return folder


def contents(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in Path(folder).rglob("*") if f.is_file()}


@settings(deadline=None, max_examples=25)
@given(extracts, st.sampled_from(sorted(KNOWN)), st.sampled_from([(), ("cover",), ("people", "audit")]), st.data())
def test_a_store_recorded_in_batches_is_the_store_that_is_recorded_at_once(rows, known, without, data):
    spec = declared(known, without)
    cut = {
        (files, "_BLOCK"): data.draw(st.sampled_from([60, 400, 1 << 24])),
        (validate, "BATCH_ROWS"): data.draw(st.sampled_from([2, 5, 250_000])),
        (store, "_ROWS_PER_BUCKET"): data.draw(st.sampled_from([1, 3, 100_000])),
        (streaming, "_AT_A_TIME"): data.draw(st.sampled_from([1, 4, 250_000])),
    }
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = sent(place / "extracts", spec, {kind: lines for kind, lines in rows.items() if kind in spec.feeds})
        with mock.patch.object(store, "_ROWS_PER_BUCKET", cut[store, "_ROWS_PER_BUCKET"]):
            feeds = read_feeds(folder, spec)
            events = record_events(feeds, spec)
            events.save(place / "at-once")
        patches = [mock.patch.object(module, attribute, value) for (module, attribute), value in cut.items()]
        for patch in patches:
            patch.start()
        try:
            done = record_extracts(folder, spec, place / "in-batches")
            assert done.digest == Events.open(place / "in-batches").digest
        finally:
            for patch in patches:
                patch.stop()
        assert contents(place / "in-batches") == contents(place / "at-once")
        assert sorted(f.name for f in place.iterdir()) == ["at-once", "extracts", "in-batches"]
    pd.testing.assert_frame_equal(done.counts, feeds.frame())
    pd.testing.assert_frame_equal(done.quarantine.astype({"feed": "str", "reasons": "str"}), feeds.quarantine)
    assert done.findings.records() == events.findings.records()
    assert (done.rows, done.withdrawn) == (len(events.frame), len(events.closers))
    assert done.people == events.frame["person_id"].nunique()
    assert dict(done.extract_dates) == dict(events.extract_dates)


def refused(action):
    with pytest.raises(DataError) as error:
        action()
    return str(error.value)


def test_faults_of_whole_files_are_all_in_the_one_error_that_reading_at_once_gives_and_nothing_is_left(tmp_path):
    spec = small.spec()
    folder = sent(tmp_path / "extracts", spec, {})
    wrong = small.extracts()["missing"].rename(columns={"start_date": "began"})
    wrong.to_csv(folder / "missing.csv", index=False)
    mails = small.rows("person_id,sex,ethnicity", *(f"child{i}@example.org,F,WBRI" for i in range(40)))
    mails.to_csv(folder / "audit.csv", index=False)
    said = refused(lambda: record_extracts(folder, spec, tmp_path / "store"))
    assert said == refused(lambda: read_feeds(folder, spec))
    assert said.startswith("extracts: 3 faults of whole files.")
    assert [f.name for f in tmp_path.iterdir()] == ["extracts"]


def test_a_file_that_ends_badly_leaves_nothing(tmp_path):
    spec = small.spec()
    folder = sent(tmp_path / "extracts", spec, {})
    with (folder / "missing.csv").open("ab") as file:
        file.write(b"m2,c,\xff,2022-06-02\n")
    with mock.patch.object(files, "_BLOCK", 30):
        assert "missing.csv: is not UTF-8 text" in refused(lambda: record_extracts(folder, spec, tmp_path / "store"))
    assert [f.name for f in tmp_path.iterdir()] == ["extracts"]


def test_years_of_history_under_first_seen_are_refused_as_when_recorded_at_once(tmp_path):
    spec = declared("first_seen")
    folder = sent(tmp_path / "extracts", spec, {"links": [], "objections": []})
    said = refused(lambda: record_extracts(folder, spec, tmp_path / "store"))
    assert said == refused(lambda: record_events(read_feeds(folder, spec), spec))
    assert "feeds.exclusions.known: first_seen: the first extract holds 4 events (100%)" in said
    assert [f.name for f in tmp_path.iterdir()] == ["extracts"]


def test_a_place_that_is_taken_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "mine").write_bytes(b"")
    with pytest.raises(StorageError, match=r"event store: cannot be written .*Nothing is overwritten"):
        record_extracts(tmp_path / "no extracts here", small.spec(), tmp_path / "store")


def test_a_kill_leaves_no_store_and_no_rows_by_any_name_and_a_second_run_records(tmp_path):
    folder = sent(tmp_path / "extracts", small.spec(), {})
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import small\n"
        "from vru_models.events import record_extracts, streaming\n"
        "def wait(*given):\n"
        "    print('set aside', flush=True); time.sleep(60)\n"
        "streaming.refuse_history = wait\n"
        "record_extracts(sys.argv[2], small.spec(), sys.argv[3])\n"
    )
    words = [sys.executable, "-c", code, str(Path(small.__file__).parent), str(folder), str(tmp_path / "store")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "set aside\n"
        os.kill(run.pid, signal.SIGKILL)
    assert [f.name for f in tmp_path.iterdir()] == ["extracts"]
    record_extracts(folder, small.spec(), tmp_path / "store")
    assert (
        Events.open(tmp_path / "store").digest == record_events(read_feeds(folder, small.spec()), small.spec()).digest
    )
