"""How long a feed that is larger than memory takes from a CSV file to an event store, and how much memory.

``python benchmarks/recording.py`` writes a feed of 8 columns (that of ``validation.py``) and a spell for each of its
people as CSV, clean and with every row of the feed bad, has each recorded in a process of its own on one core, and
prints one table. The peak is that of the whole process. ``--at-once N`` also reads, records and saves the first ``N``
rows with everything in memory, and once more in batches: the two stores must be the same, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

sys.path.insert(0, str(Path(__file__).parent))
from validation import declared, one_core, peak, rows, small

from vru_models.events import record_events, record_extracts
from vru_models.feeds import read_feeds, write_extracts

BATCH = 250_000


def write(folder: Path, n: int, *, bad: bool) -> int:
    """The extracts; how many bytes the feed has."""
    spec, people = declared(), max(n // 10, 1)
    frames = {name: frame for name, frame in small.extracts().items() if name in spec.feeds}
    frames["exclusions"] = rows(0, bad=bad).to_pandas()
    write_extracts(folder, frames, extract_date=small.EXTRACT_DATE)
    file = folder / "exclusions.csv"
    with csv.CSVWriter(file, rows(0, bad=bad).schema) as sink:
        for first in range(0, n, BATCH):
            sink.write_table(rows(min(BATCH, n - first), bad=bad, first=first, people=people))
    ids = pc.binary_join_element_wise("p", pa.array(range(10_000_000, 10_000_000 + people)).cast(pa.string()), "")
    since = "2020-09-01"
    same = {"area": "E01", "birth_month": "2010-01", "start_date": since, "end_date": "", "known_date": since}
    spells = {"spell_id": ids, "person_id": ids} | {name: pa.array([text] * people) for name, text in same.items()}
    csv.write_csv(pa.table(spells), folder / "people.csv")
    return file.stat().st_size


def measure(way: str, extracts: str, store: str) -> None:
    """One recording in this process, on one core: seconds, peak and counts as JSON."""
    one_core()
    started = time.perf_counter()
    if way == "in batches":
        done = record_extracts(extracts, declared(), store)
        events, held = done.rows, len(done.quarantine)
    else:
        feeds = read_feeds(extracts, declared())
        made = record_events(feeds, declared())
        made.save(store)
        events, held = len(made.frame), len(feeds.quarantine)
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": peak(), "events": events, "held": held}))


def run(way: str, extracts: Path, store: Path) -> dict[str, float]:
    words = [sys.executable, __file__, "--measure", way, str(extracts), str(store)]
    return dict(json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout))


def line(name: str, way: str, n: int, size: int, done: dict[str, float]) -> str:
    return (
        f"{n:>12,}  {name:<9}{way:<12}{size / 1e9:>9.2f}{done['seconds']:>9.1f}{n / done['seconds'] / 1e6:>10.2f}"
        f"{done['peak'] / 1e9:>9.2f}{done['events']:>13,}{done['held']:>13,}"
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def table_of(n: int, at_once: int | None) -> str:
    """The printed table."""
    heads = ("file GB", "seconds", "M rows/s", "peak GB", "events", "held back")
    head = f"{'rows':>12}  {'file':<9}{'way':<12}"
    lines = [head + "".join(f"{text:>{width}}" for text, width in zip(heads, (9, 9, 10, 9, 13, 13), strict=True))]
    seconds = {}
    for name in ("clean", "all bad"):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            size = write(place / "extracts", n, bad=name == "all bad")
            done = run("in batches", place / "extracts", place / "store")
            seconds[name] = done["seconds"]
            lines.append(line(name, "in batches", n, size, done))
    lines.append(f"all bad / clean: {seconds['all bad'] / seconds['clean']:.2f}")
    if at_once:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            size = write(place / "extracts", at_once, bad=False)
            ways = {way: run(way, place / "extracts", place / way) for way in ("at once", "in batches")}
            lines += [line("clean", way, at_once, size, done) for way, done in ways.items()]
            same = contents(place / "at once") == contents(place / "in batches")
            lines.append(f"the two stores are {'the same, byte for byte' if same else 'NOT THE SAME'}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--at-once", type=int, metavar="N", help="also hold N rows in memory, for comparison")
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "EXTRACTS", "STORE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(*given.measure)
    else:
        print(table_of(given.rows, given.at_once))


if __name__ == "__main__":
    main()
