"""How fast a feed is validated: this package beside pandera, the same rules on the same rows, on one core.

``python benchmarks/validation.py`` makes a feed of 8 columns, clean and with every row bad, has each engine validate
each in a process of its own, and prints one table. pandera is no dependency of the package: ``pip install pandera``.
Seconds are the best of ``--repeats``; the peak is that of the whole process, the rows themselves included.

With ``--batch 250000`` this package alone gets the feed in batches of so many rows, each read from the file when it has
done with the one before, as a feed larger than memory would be. The seconds are those of validation, reading apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import small

from vru_models.feeds.batches import numbered
from vru_models.feeds.validate import validate, validate_batches
from vru_models.spec import Spec
from vru_models.spec.sources import EventStatus

EXTRACT = pd.Timestamp(small.EXTRACT_DATE)
AGREED = (pd.Timestamp("2020-01-01"), pd.Timestamp("2026-12-31"))
LUNCHTIME_ENDS = pd.Timestamp("2022-08-31")
FIELDS = [
    small.column("exclusion_id", pattern="x[0-9]+"),
    small.column("person_id", pattern="p[0-9]{8}"),
    small.column("kind"),
    small.column("start_date", "date"),
    small.column("known_date", "date"),
    small.column("sessions", "integer", minimum=1, maximum=90),
    small.column("status"),
    small.column("school", maxLength=7),
]


def declared() -> Spec:
    """The tests' small spec, its exclusions with 8 columns; their key is ``exclusion_id, known_date``."""
    return small.spec(schemas={"exclusions": small.SCHEMAS["exclusions"] | {"fields": FIELDS}})


def rows(n: int, *, bad: bool, first: int = 0, people: int | None = None) -> pa.Table:
    """``n`` rows of text, as from a CSV file, of ``n / 10`` people; of bad ones each breaks one column, in turn."""
    rng = np.random.default_rng(first)
    start = np.datetime64("2021-01-01") + rng.integers(0, 1_200, n)
    columns = {
        "exclusion_id": _numbered("x", 10_000_000 + np.arange(first, first + n)),
        "person_id": _numbered("p", 10_000_000 + rng.integers(0, people or max(n // 10, 1), n)),
        "kind": pa.array(["S", "P"]).take(pa.array(rng.integers(0, 2, n))),
        "start_date": pa.array(start).cast(pa.string()),
        "known_date": pa.array(start + rng.integers(0, 28, n)).cast(pa.string()),
        "sessions": pa.array(rng.integers(1, 91, n)).cast(pa.string()),
        "status": pa.array(["recorded", "confirmed"]).take(pa.array(rng.integers(0, 2, n))),
        "school": _numbered("", 1_000_000 + rng.integers(0, 20_000, n)),
    }
    if bad:
        turn = np.arange(n) % len(columns)
        for i, (name, texts) in enumerate(columns.items()):
            spoilt = pc.binary_join_element_wise("!", texts, "")
            columns[name] = pc.if_else(pa.array(turn == i), spoilt, texts)
    return pa.table(columns)


def _numbered(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def ours(table: pa.Table) -> np.ndarray:
    """The rows that the package quarantines."""
    verdict = validate(table, declared(), feed="exclusions", extract_date=small.EXTRACT_DATE)
    return verdict.quarantine["row"].to_numpy()


def peers(table: pa.Table) -> np.ndarray:
    """The rows that pandera finds bad by the same rules; it gets parsed dates and numbers, in the time measured."""
    import pandera.pandas as pandera

    check, column = pandera.Check, pandera.Column
    frame = table.to_pandas()
    for name in ("start_date", "known_date"):
        frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d", errors="coerce")
    frame["sessions"] = pd.to_numeric(frame["sessions"], errors="coerce")
    rules = [
        check(lambda f: f["start_date"] <= f["known_date"], ignore_na=False),
        check(lambda f: (f["kind"] != "L") | (f["start_date"] <= LUNCHTIME_ENDS), ignore_na=False),
    ]
    schema = pandera.DataFrameSchema(
        {
            "exclusion_id": column(str, check.str_matches(r"^x[0-9]+$")),
            "person_id": column(str, check.str_matches(r"^p[0-9]{8}$")),
            "kind": column(str, check.isin(["S", "P", "L"])),
            "start_date": column(frame["start_date"].dtype, [check.le(EXTRACT), check.in_range(*AGREED)]),
            "known_date": column(frame["known_date"].dtype, check.le(EXTRACT)),
            "sessions": column(frame["sessions"].dtype, [check.in_range(1, 90), check(lambda s: s % 1 == 0)]),
            "status": column(str, check.isin(get_args(EventStatus))),
            "school": column(str, check.str_length(max_value=7)),
        },
        checks=rules,
        unique=["exclusion_id", "known_date"],
        strict=True,
    )
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as found:
        return np.unique(found.failure_cases["index"].dropna().to_numpy(dtype=np.int64)) + 1
    return np.array([], dtype=np.int64)


ENGINES: dict[str, Callable[[pa.Table], np.ndarray]] = {"vru_models": ours, "pandera": peers}


def one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(engine: str, file: str, repeats: int) -> None:
    """One engine on one file, in this process, on one core: seconds, peak and bad rows as JSON."""
    one_core()
    table = feather.read_table(file, memory_map=False)
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        found = ENGINES[engine](table)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": min(seconds), "peak": peak(), "bad": len(found), "rows": table.num_rows}))


def measure_batches(file: str, repeats: int) -> None:
    """This package on one file, a batch at a time, in this process, on one core."""
    one_core()
    seconds = []
    for _ in range(repeats):
        bad, n, reading = 0, 0, [0.0]
        with pa.OSFile(file) as source, pa.ipc.open_stream(source) as stream:
            batches = numbered(read_tables(stream, reading), ())
            verdicts = validate_batches(batches, declared(), feed="exclusions", extract_date=small.EXTRACT_DATE)
            started = time.perf_counter()
            for verdict in verdicts:
                bad, n = bad + len(verdict.quarantine), n + verdict.rows_in
            seconds.append(time.perf_counter() - started - reading[0])
    print(json.dumps({"seconds": min(seconds), "peak": peak(), "bad": bad, "rows": n}))


def read_tables(stream: pa.ipc.RecordBatchStreamReader, seconds: list[float]) -> Iterator[pa.Table]:
    """The tables of a stream; the time that their reading takes is added to ``seconds``."""
    while True:
        started = time.perf_counter()
        try:
            table = pa.Table.from_batches([stream.read_next_batch()])
        except StopIteration:
            return
        finally:
            seconds[0] += time.perf_counter() - started
        yield table


def table_of(n: int, repeats: int, batch: int | None) -> str:
    """The printed table."""
    lines = [f"{'rows':>10}  {'file':<8}{'engine':<16}{'M rows/s':>9}{'seconds':>9}{'peak GB':>9}{'bad rows':>12}"]
    engines = ["in batches"] if batch else list(ENGINES)
    took: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("clean", "all bad"):
            file = str(Path(folder) / name)
            write(file, n, bad=name == "all bad", batch=batch)
            for engine in engines:
                words = [sys.executable, __file__, "--measure", engine, file, "--repeats", str(repeats)]
                done = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
                took[name, engine] = done["seconds"]
                lines.append(
                    f"{done['rows']:>10,}  {name:<8}{engine:<16}{n / done['seconds'] / 1e6:>9.2f}"
                    f"{done['seconds']:>9.2f}{done['peak'] / 1e9:>9.2f}{done['bad']:>12,}"
                )
            Path(file).unlink()
    if "pandera" in engines:
        clean, bad = (took[name, "pandera"] / took[name, "vru_models"] for name in ("clean", "all bad"))
        lines.append(f"pandera takes {clean:.1f} times as long on the clean file, {bad:.1f} times on the bad one")
    lines += [f"all bad / clean, {e}: {took['all bad', e] / took['clean', e]:.2f}" for e in engines]
    return "\n".join(lines)


def write(file: str, n: int, *, bad: bool, batch: int | None) -> None:
    """The rows as a file: in batches, an Arrow stream of them; otherwise one Feather table."""
    if batch is None:
        feather.write_feather(rows(n, bad=bad), file, compression="uncompressed")
        return
    with pa.OSFile(file, "wb") as sink, pa.ipc.new_stream(sink, rows(0, bad=bad).schema) as stream:
        for first in range(0, n, batch):
            made = rows(min(batch, n - first), bad=bad, first=first, people=max(n // 10, 1))
            stream.write_table(made.combine_chunks())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--batch", type=int, help="rows per batch; without it the whole feed at once, beside pandera")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--measure", nargs=2, metavar=("ENGINE", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not given.measure:
        print(table_of(given.rows, given.repeats, given.batch))
    elif given.measure[0] in ENGINES:
        measure(*given.measure, given.repeats)
    else:
        measure_batches(given.measure[1], given.repeats)


if __name__ == "__main__":
    main()
