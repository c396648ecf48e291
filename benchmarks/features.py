"""How long features take from a Parquet store to a Parquet matrix: this package beside polars, DuckDB and pandas.

``python benchmarks/features.py`` makes a store of ``--events`` events about ``--people`` people. Every engine makes
120 features (10 indicators x 4 nested windows x count, sum, days since the last) on 6 as-of dates from it, each in a
process of its own: read, count, write float32 Parquet with the same settings. Every matrix is compared, cell by cell,
with ours. The peers are no dependencies of the package: ``pip install polars duckdb numba``.

The peers have the formulation that was fastest for each: people numbered once, in the order of the store where that
helps, a filter and one aggregation per as-of date, cells scattered by numpy. ``ours`` is the kernel in ``--jobs``
processes, with statuses from spells and coverage; ``write_dataset`` is all of a build: labels, proof, digests, too.
``kernel`` and ``numba`` count from arrays in memory in one process, compiled beforehand, without reading or writing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from joblib import Parallel, delayed

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import small

from vru_models.dataset.rows import day_of
from vru_models.dataset.stored import Part
from vru_models.events.folding import folded_rows
from vru_models.events.store import Beside, Buckets, bucket_count, bucket_of, opened, save_buckets
from vru_models.events.tombstones import Tombstones
from vru_models.events.versions import FRAME_COLUMNS
from vru_models.executors import write_dataset
from vru_models.features.coded import Coded, areas_of, coded
from vru_models.features.layout import Layout
from vru_models.features.parts import COLUMNS, RowsOfPart, happened_in, linked_apart, rows_by_part
from vru_models.findings import Findings
from vru_models.spec import Spec

DATES = [dt.date(y, m, 1) for y, m in ((2022, 3), (2022, 9), (2023, 3), (2023, 9), (2024, 3), (2024, 9))]
MONTHS, LONGEST = (3, 6, 12, 24), (92, 184, 366, 731)
N, DAY_0 = 10, dt.date(1970, 1, 1)
SETTINGS = {
    "compression": "lz4",
    "use_dictionary": ["person_id"],
    "write_statistics": ["person_id"],
    "write_batch_size": 1 << 16,
}


@cache
def declared() -> Spec:
    """120 features of 10 indicators; nobody is left out for their age, nothing expires."""
    indicator = {"feed": "exclusions", "value": "sessions", "direction": "raises", "activity_driver": "child_event"}
    indicator |= {"reason": "Recorded.", "rationale": small.BECAUSE}
    names = [f"ind_{i}" for i in range(N)]
    grid = {"indicators": names, "measures": ["count", "sum", "days_since_last"], "rationale": small.BECAUSE}
    return small.spec(
        **{f"indicators.{name}": indicator for name in names},
        **{
            "features": [grid | {"windows": [f"{m} months" for m in MONTHS]}],
            "cohort.age_from": None,
            "cohort.age_to": None,
            "outcome.indicators": ["ind_0"],
            "splits": {"as_of": DATES},
        },
    )


def texts(rng: np.random.Generator, n: int) -> pd.Series[str]:
    """Pseudonyms: 32 hexadecimal digits."""
    whole = rng.bytes(16 * n).hex()
    return pd.Series([whole[i : i + 32] for i in range(0, 32 * n, 32)], dtype="str")


def make_store(folder: Path, n_events: int, n_people: int) -> None:
    """A store of single versions, made and written bucket by bucket."""
    rng, n_buckets = np.random.default_rng(0), bucket_count(n_events)
    people = texts(rng, n_people).sort_values(ignore_index=True)
    bucket, share = bucket_of(people, n_buckets), n_events / n_people

    def buckets() -> Iterator[pd.DataFrame]:
        for i in range(n_buckets):
            mine = people[bucket == i].reset_index(drop=True)
            n = round(len(mine) * share)
            who = np.sort(rng.integers(0, len(mine), n))
            day = rng.integers(18_262, 20_089, n)
            order = np.lexsort((day, who))
            day, who = day[order], who[order]
            known = day + rng.choice([0, 1, 3, 10, 40], n)
            columns = {
                "event_id": texts(rng, n),
                "person_id": mine.iloc[who].array,
                "indicator": pd.Series([f"ind_{j}" for j in range(N)], dtype="str").iloc[rng.integers(0, N, n)].array,
                "event_date": day.astype("datetime64[D]").astype("datetime64[s]"),
                "known_date": known.astype("datetime64[D]").astype("datetime64[s]"),
                "known_until": np.full(n, np.datetime64("NaT", "s")),
                "value": np.where(rng.random(n) < 0.1, np.nan, rng.integers(1, 40, n)).astype(float),
            }
            rest = {"role": "subject", "status": "recorded", "feed": "exclusions"}
            yield pd.DataFrame(columns).assign(**rest)[list(FRAME_COLUMNS)].astype(dict.fromkeys(rest, "str"))

    save_buckets(folder, buckets(), lambda: beside(people, rng), n_buckets=n_buckets)


def beside(people: pd.Series[str], rng: np.random.Generator) -> Beside:
    """Everybody in view in one of 20 areas, every feed shared."""
    since, n = pd.Timestamp("2015-01-01"), len(people)
    spells = pd.DataFrame(
        {
            "spell_id": people,
            "person_id": people,
            "area": pd.Series([f"E{i:02d}" for i in range(20)], dtype="str").iloc[rng.integers(0, 20, n)].array,
            "birth_month": (np.datetime64("2006-01") + rng.integers(0, 96, n)).astype("datetime64[s]"),
        }
    ).assign(start_date=since, end_date=pd.NaT, known_date=since, household_id=people)
    cover = pd.DataFrame({"coverage_id": ["c"], "feed": "exclusions", "area": "*", "age_from": pd.NA, "age_to": pd.NA})
    cover = cover.assign(start_date=since, end_date=pd.NaT, known_date=since)
    given = {"spells": spells, "coverage": cover, "links": None, "objections": None}
    last = dt.date(2025, 6, 1)
    return Beside(
        rows={kind: folded_rows(rows, kind) for kind, rows in given.items()},
        extract_dates={"exclusions": last, "people": last},
        findings=Findings(),
        recorded_under=declared().recording,
        tombstones=Tombstones(),
        digest="0" * 64,
    )


# ours ---------------------------------------------------------------------------------------------------------------


def read_part(spec: Spec, buckets: Buckets, i: int, rows: RowsOfPart, areas: tuple[str, ...]) -> Coded:
    return coded(spec, happened_in(spec, buckets.read(i, COLUMNS)), rows, areas=areas)


def part_written(layout: Layout, buckets: Buckets, i: int, rows: RowsOfPart, areas: tuple[str, ...], out: Path) -> None:
    held = read_part(layout.spec, buckets, i, rows, areas)
    days = [day_of(layout, held, np.datetime64(date)) for date in DATES]
    as_of = np.concatenate([np.full(len(d.people), d.as_of.astype("datetime64[s]")) for d in days])
    keys = pd.DataFrame({"person_id": pd.array(np.concatenate([d.people for d in days]), dtype="str"), "as_of": as_of})
    cells, codes = (np.concatenate([getattr(d, name) for d in days], axis=1) for name in ("cells", "codes"))
    (out / f"part-{i:03d}.parquet").write_bytes(Part(cells, codes, keys).parquet(layout.names, layout.status_names))


def parts_of(store: Path) -> tuple[Buckets, list[RowsOfPart], tuple[str, ...]]:
    buckets, held = opened(store)
    rows = rows_by_part(held.rows, linked_apart(held.rows["links"], buckets.n), buckets.n)
    return buckets, rows, areas_of(held.rows["spells"])


def ours(store: Path, out: Path, jobs: int) -> None:
    buckets, rows, areas = parts_of(store)
    layout = Layout.of(declared())
    work = (delayed(part_written)(layout, buckets, i, rows[i], areas, out) for i in range(buckets.n))
    Parallel(n_jobs=jobs)(work)


def whole(store: Path, out: Path, jobs: int) -> None:
    write_dataset(declared(), store, out / "dataset", executor="joblib", n_jobs=jobs)


# peers --------------------------------------------------------------------------------------------------------------


def edges(date: dt.date) -> list[dt.date]:
    """The first day of each window, shortest first."""
    months = [date.year * 12 + date.month - 1 - m for m in MONTHS]
    return [dt.date(month // 12, month % 12 + 1, 1) for month in months]


def scattered(n: int, date: dt.date, found: dict[str, np.ndarray], out: Path, people: pa.Array) -> None:
    """Cells from long counts of person, indicator and window ring; written as ours are."""
    at = found["i"], found["b"], found["p"]
    count, total = (np.zeros((N, 4, n), np.float32) for _ in range(2))
    last = np.full((N, 4, n), -(10**6), np.int32)
    count[at], total[at], last[at] = found["n"], found["s"], found["last"]
    for b in range(1, 4):
        count[:, b] += count[:, b - 1]
        total[:, b] += total[:, b - 1]
        np.maximum(last[:, b], last[:, b - 1], out=last[:, b])
    since = (date - DAY_0).days - last
    columns = {"person_id": people}
    for i in range(N):
        for name, cells in (("count", count), ("sum", total)):
            columns |= {f"ind_{i}_{name}_{m}m": cells[i, b] for b, m in enumerate(MONTHS)}
        for b, m in enumerate(MONTHS):
            cells = np.where(last[i, b] > 0, since[i, b], LONGEST[b]).astype(np.float32)
            columns[f"ind_{i}_days_since_last_{m}m"] = cells
    fields = [pa.field(name, pa.float32(), nullable=False) for name in columns if name != "person_id"]
    schema = pa.schema([pa.field("person_id", people.type), *fields])
    pq.write_table(pa.table(columns, schema=schema), out / f"{date}.parquet", **SETTINGS)


def everybody(store: Path) -> pa.Array:
    (file,) = store.glob("spells-*.parquet")
    return pq.read_table(file, columns=["person_id"])["person_id"].combine_chunks().sort()


def in_polars(store: Path, out: Path, jobs: int) -> None:
    import polars as pl

    wanted = ["person_id", "indicator", "event_date", "known_date", "known_until", "value"]
    held = pl.read_parquet(store / "events" / "*.parquet", columns=wanted)
    people = everybody(store)
    held = held.with_columns(pl.col("person_id").rle_id().alias("e"), pl.col("indicator").cast(pl.Categorical))
    first = held.group_by("e").agg(pl.col("person_id").first())
    row = pl.DataFrame({"person_id": pl.from_arrow(people), "p": np.arange(len(people), dtype=np.int32)})
    held = held.drop("person_id").join(first.join(row, on="person_id").select("e", "p"), on="e")
    held = held.with_columns(pl.col("indicator").cast(pl.String).str.slice(4).cast(pl.Int8).alias("i"))
    for date in DATES:
        starts = edges(date)
        known = (pl.col("known_date") < date) & (pl.col("known_until").is_null() | (pl.col("known_until") >= date))
        ring = pl.when(pl.col("event_date") >= starts[0]).then(0)
        for b in (1, 2):
            ring = ring.when(pl.col("event_date") >= starts[b]).then(b)
        found = (
            held.filter(known & (pl.col("event_date") < date) & (pl.col("event_date") >= starts[-1]))
            .with_columns(ring.otherwise(3).cast(pl.Int8).alias("b"))
            .group_by("p", "i", "b")
            .agg(pl.len().alias("n"), pl.col("value").fill_nan(None).sum().alias("s"), pl.col("event_date").max())
        )
        arrays = {name: found[name].to_numpy() for name in ("p", "i", "b", "n", "s")}
        arrays["last"] = found["event_date"].to_physical().to_numpy()
        scattered(len(people), date, arrays, out, people)


def in_duckdb(store: Path, out: Path, jobs: int) -> None:
    import duckdb

    people = everybody(store)
    named = pa.table({"person_id": people, "p": pa.array(np.arange(len(people), dtype=np.int32))})
    db = duckdb.connect()
    db.register("named", named)
    db.execute(
        "CREATE TABLE held AS SELECT p, CAST(substr(indicator, 5) AS TINYINT) i, event_date, known_date, known_until, "
        f"value FROM read_parquet('{store}/events/*.parquet') JOIN named USING (person_id)"
    )
    for date in DATES:
        starts = edges(date)
        ring = " ".join(f"WHEN event_date >= DATE '{start}' THEN {b}" for b, start in enumerate(starts))
        found = db.execute(
            f"SELECT p, i, CASE {ring} END b, count(*) n, coalesce(sum(CASE WHEN NOT isnan(value) THEN value END), 0) "
            f"s, max(event_date) - DATE '1970-01-01' AS last FROM held WHERE known_date < DATE '{date}' AND "
            f"(known_until IS NULL OR known_until >= DATE '{date}') AND event_date < DATE '{date}' AND "
            f"event_date >= DATE '{starts[-1]}' GROUP BY ALL"
        ).fetchnumpy()
        scattered(len(people), date, {k: np.asarray(v) for k, v in found.items()}, out, people)


def in_pandas(store: Path, out: Path, jobs: int) -> None:
    wanted = ["person_id", "indicator", "event_date", "known_date", "known_until", "value"]
    held = pd.read_parquet(store / "events", columns=wanted)
    people = everybody(store)
    named = pd.DataFrame({"person_id": people.to_pandas(), "p": np.arange(len(people), dtype=np.int32)})
    held = held.merge(named, on="person_id").drop(columns="person_id")
    held["i"] = held.pop("indicator").str[4:].astype(np.int8)
    for name in ("event_date", "known_date", "known_until"):
        held[name] = (
            pd.to_datetime(held[name]).astype("datetime64[s]").to_numpy().astype("datetime64[D]").astype(np.int64)
        )
    for date in DATES:
        day, starts = (date - DAY_0).days, np.array([(d - DAY_0).days for d in edges(date)])
        use = held[
            (held["known_date"] < day)
            & ((held["known_until"] < 0) | (held["known_until"] >= day))
            & (held["event_date"] < day)
            & (held["event_date"] >= starts[-1])
        ]
        use = use.assign(b=np.searchsorted(-starts, -use["event_date"].to_numpy()))
        grouped = use.groupby(["p", "i", "b"], sort=False)
        found = grouped.agg(n=("event_date", "size"), s=("value", "sum"), last=("event_date", "max")).reset_index()
        scattered(len(people), date, {name: found[name].to_numpy() for name in found}, out, people)


# kernels on arrays in memory ----------------------------------------------------------------------------------------


def in_memory(store: Path) -> list[Coded]:
    buckets, rows, areas = parts_of(store)
    return [read_part(declared(), buckets, i, rows[i], areas) for i in range(buckets.n)]


def kernel(parts: list[Coded]) -> float:
    layout, started = Layout.of(declared()), time.perf_counter()
    for part in parts:
        for date in DATES:
            day_of(layout, part, np.datetime64(date))
    return time.perf_counter() - started


def compiled(parts: list[Coded]) -> float:
    import numba

    @numba.njit
    def cells(person, slot, start, known, until, value, day, first, longest, n):
        X = np.zeros((120, n), np.float32)
        last = np.full((10, n), -1_000_000, np.int64)
        for e in range(len(person)):
            if known[e] < day and day <= until[e] and first[3] <= start[e] < day:
                p, s = person[e], slot[e]
                last[s, p] = max(last[s, p], start[e])
                for w in range(3, -1, -1):
                    if start[e] < first[w]:
                        break
                    X[12 * s + w, p] += 1
                    if not np.isnan(value[e]):
                        X[12 * s + 4 + w, p] += value[e]
        for s in range(10):
            for w in range(4):
                for p in range(n):
                    X[12 * s + 8 + w, p] = day - last[s, p] if last[s, p] >= first[w] else longest[w]
        return X

    def all_parts(some: list[Coded]) -> None:
        offset = len(declared().indicators) - N
        for part in some:
            events = part.events
            for date in DATES:
                first = np.array([(d - DAY_0).days for d in edges(date)])
                cells(
                    events.person, part.indicator - offset, events.start, events.known, events.until, part.value,
                    (date - DAY_0).days, first, np.array(LONGEST), len(part.people),
                )  # fmt: skip

    all_parts(parts[:1])
    started = time.perf_counter()
    all_parts(parts)
    return time.perf_counter() - started


# running ------------------------------------------------------------------------------------------------------------

ENGINES: dict[str, Callable[[Path, Path, int], None]] = {
    "ours": ours, "write_dataset": whole, "polars": in_polars, "duckdb": in_duckdb, "pandas": in_pandas,
}  # fmt: skip


def measure(name: str, store: str, out: str, jobs: int) -> None:
    """One run in this process: seconds, and the largest peak of it and its children, as JSON."""
    started = time.perf_counter()
    ENGINES[name](Path(store), Path(out), jobs)
    peaks = [resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": max(peaks)}))


def run(name: str, store: Path, out: Path, jobs: int) -> dict[str, float]:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    words = [sys.executable, __file__, "--measure", name, str(store), str(out), str(jobs)]
    return dict(
        json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    )


def same(mine: Path, theirs: Path) -> bool:
    """Whether every cell of a peer's matrix is ours, people and dates matched."""
    parts = sorted(mine.glob("part-*.parquet"))
    for date in DATES:
        rows = pa.concat_tables([pq.read_table(f, filters=[("as_of", "=", date)]) for f in parts])
        rows = rows.sort_by("person_id")
        other = pq.read_table(theirs / f"{date}.parquet")
        if not rows["person_id"].combine_chunks().equals(other["person_id"].combine_chunks()):
            return False
        for name in other.column_names[1:]:
            if not np.array_equal(rows[name].to_numpy(), other[name].to_numpy()):
                return False
    return True


def table_of(n_events: int, n_people: int, engines: list[str], jobs: int, place: Path) -> str:
    """The printed table."""
    store, lines = place / "store", []
    if not store.exists():
        make_store(store, n_events, n_people)
    head = f"{n_events:,} events of {n_people:,} people, {len(DATES)} as-of dates, 120 features, {jobs} processes"
    took = {name: run(name, store, place / name, jobs) for name in engines}
    for name, done in took.items():
        is_peer = name in ("polars", "duckdb", "pandas")
        checked = ("the same" if same(place / "ours", place / name) else "NOT THE SAME") if is_peer else ""
        ratio = done["seconds"] / took["ours"]["seconds"]
        lines.append(f"{name:<16}{done['seconds']:>9.1f}{ratio:>9.2f}{done['peak']:>10.2f}  {checked}")
    return "\n".join([head, f"{'engine':<16}{'seconds':>9}{'ratio':>9}{'peak GB':>10}  cells", *lines])


def kernels(place: Path) -> str:
    parts = in_memory(place / "store")
    ours_took, theirs = kernel(parts), compiled(parts)
    return (
        f"arrays in memory, one process: kernel {ours_took:.2f} s, numba {theirs:.2f} s, ratio {ours_took / theirs:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--people", type=int, default=500_000)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kernels", action="store_true", help="also count from arrays in memory, beside numba")
    parser.add_argument("--place", type=Path, help="a folder to keep the store and the matrices in")
    parser.add_argument("--measure", nargs=4, metavar=("ENGINE", "STORE", "OUT", "JOBS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(*given.measure[:3], int(given.measure[3]))
        return
    with tempfile.TemporaryDirectory() as folder:
        place = given.place or Path(folder)
        print(table_of(given.events, given.people, given.engines, given.jobs, place))
        if given.kernels:
            print(kernels(place))


if __name__ == "__main__":
    main()
