"""What a dataset costs: seconds and memory of ``write_dataset`` against events, people, as-of dates and features.

``python benchmarks/cost.py --plot cost.png`` varies one of the four at a time, each run in a process of its own, and
draws what it printed. The stores are those of ``features.py``.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import features
from matplotlib.figure import Figure

from vru_models.executors import write_dataset
from vru_models.spec import Spec

USUAL = {"events": 2_000_000, "people": 100_000, "dates": 6, "features": 120}
VARIED = {
    "events": (500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000),
    "people": (25_000, 50_000, 100_000, 200_000, 400_000),
    "dates": (2, 3, 4, 5, 6),
    "features": (30, 60, 90, 120),
}


def asked(n_dates: int, n_features: int) -> Spec:
    """The spec of ``features.py`` with the first of its dates and the shortest of its windows."""
    spec = features.declared()
    (grid,) = spec.features
    fewer = grid.model_copy(update={"windows": grid.windows[: n_features // 30]})
    splits = spec.splits.model_copy(update={"as_of": spec.splits.as_of[:n_dates]})
    return spec.model_copy(update={"features": (fewer,), "splits": splits})


def measure(store: Path, out: Path, n_dates: int, n_features: int, jobs: int) -> None:
    """One run in this process: seconds, and the largest peak of it and its children, as JSON."""
    started = time.perf_counter()
    write_dataset(asked(n_dates, n_features), store, out, executor="joblib", n_jobs=jobs)
    peaks = [resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"seconds": time.perf_counter() - started, "peak": max(peaks)}))


def run(place: Path, case: dict[str, int], jobs: int) -> dict[str, float]:
    store, out = place / f"store-{case['events']}-{case['people']}", place / "dataset"
    if not store.exists():
        features.make_store(store, case["events"], case["people"])
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, __file__, "--measure", str(store), str(out)]
    words += [str(n) for n in (case["dates"], case["features"], jobs)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def drawn(took: dict[str, list[tuple[int, float]]]) -> Figure:
    """Seconds against each of the four, from zero, so that a straight line is a straight line."""
    figure = Figure(figsize=(12, 3.2), layout="constrained")
    axes = figure.subplots(1, len(took), sharey=True)
    for ax, (name, points) in zip(axes, took.items(), strict=True):
        ax.plot(*zip(*points, strict=True), color="#222222", marker="o")
        ax.set(xlabel="as-of dates" if name == "dates" else name, xlim=(0, None), ylim=(0, None))
        ax.spines[["top", "right"]].set_visible(False)
        ax.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
        ax.xaxis.set_major_locator(_few(max(n for n, _ in points)))
    axes[0].set_ylabel("seconds, two processes")
    others = ", ".join(f"{n:,} {name}" for name, n in USUAL.items())
    figure.suptitle(f"What a dataset costs; the others are {others}", x=0.01, ha="left", fontsize=10)
    return figure


def _few(most: int) -> object:
    from matplotlib.ticker import FixedLocator

    return FixedLocator([0, most / 2, most])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--place", type=Path, help="a folder to keep the stores in")
    parser.add_argument("--plot", type=Path, help="a picture of what was measured")
    parser.add_argument("--measure", nargs=5, metavar=("STORE", "OUT", "DATES", "FEATURES", "JOBS"), help="one run")
    given = parser.parse_args()
    if given.measure:
        measure(*map(Path, given.measure[:2]), *map(int, given.measure[2:]))
        return
    with tempfile.TemporaryDirectory() as folder:
        place, took = given.place or Path(folder), dict[str, list[tuple[int, float]]]()
        print(f"{'':<10}{'':>12}{'seconds':>10}{'peak GB':>10}")
        for name, values in VARIED.items():
            for value in values:
                done = run(place, USUAL | {name: value}, given.jobs)
                took.setdefault(name, []).append((value, done["seconds"]))
                print(f"{name:<10}{value:>12,}{done['seconds']:>10.1f}{done['peak']:>10.2f}", flush=True)
        if given.plot:
            drawn(took).savefig(given.plot, dpi=120)


if __name__ == "__main__":
    main()
