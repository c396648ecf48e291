"""A dataset on disk, made part by part: by one process, by several, or by a cluster. All three give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from joblib import Parallel, cpu_count, delayed

from vru_models.dataset.alarms import alarms, clustering, indicators_of
from vru_models.dataset.build import objections, require_labels, training_use
from vru_models.dataset.dataset import About
from vru_models.dataset.leakage import drawn_people, prove, rows_about
from vru_models.dataset.rows import Question, counts_frame, data_end
from vru_models.dataset.stored import file_name
from vru_models.dataset.volume import added_up, volume_frame
from vru_models.errors import StorageError
from vru_models.events import Events
from vru_models.events.store import Beside, Buckets, opened, require_recorded_by
from vru_models.executors.making import Job, Made
from vru_models.features.coded import areas_of
from vru_models.features.parts import COLUMNS, RowsOfPart, linked_apart, rows_by_part
from vru_models.findings import Findings
from vru_models.frames import is_in, to_frame
from vru_models.spec import Spec
from vru_models.spec.digest import digest_bytes
from vru_models.spec.storage import require_free, write_folder_from
from vru_models.splits import splits_of

Executor = Literal["memory", "joblib", "spark"]
Progress = Callable[[int, int], None]
_ROLE = "dataset"


@dataclass(frozen=True)
class Written:
    """A dataset that was written, in numbers; the rows are in its folder (:meth:`Dataset.open`)."""

    folder: Path
    rows: int
    people: int
    labelled: int
    positives: int
    digest: str
    findings: Findings
    counts: pd.DataFrame

    @classmethod
    def of(cls, folder: Path, made: Sequence[Made], about: About) -> Written:
        """The sums over all parts."""
        names = ("rows", "people", "labelled", "positives")
        rows, people, labelled, positives = (sum(getattr(m.told, name) for m in made) for name in names)
        digest = about.digest_with(m.told.digest for m in made if m.told.rows)
        return cls(folder, rows, people, labelled, positives, digest, about.findings, about.counts)

    def __repr__(self) -> str:
        return (
            f"Written({self.rows:,} rows of {self.people:,} people on {len(self.counts)} as-of dates, "
            f"{self.labelled:,} labelled, {self.positives:,} positive, digest {self.digest[:12]}; "
            f"findings: {self.findings.worst})"
        )


def write_dataset(
    spec: Spec,
    store: str | Path,
    folder: str | Path,
    *,
    executor: Executor = "joblib",
    n_jobs: int | None = None,
    progress: Progress | None = None,
    account: Callable[[Written], None] | None = None,
) -> Written:
    """The dataset of an event store, written part by part: no more than a part is in any process at a time.

    What is written is what ``build_dataset(spec, Events.open(store)).save(folder)`` writes, byte for byte, whatever
    the executor and however many processes there are. A part is a bucket of the store, and the people who are linked
    across buckets are one more.

    Parameters
    ----------
    store
        A folder that :meth:`Events.save` or :func:`record_extracts` wrote.
    folder
        A new folder for the dataset. Nothing is there unless all of it is.
    executor
        ``memory``: this process. ``joblib``: ``n_jobs`` processes (default: as many as there are cores). ``spark``: the
        cluster of the active Spark session, or a local one (extra ``spark``; needs Java 17).
    progress
        Is told how many parts are done, of how many.
    account
        Is told what will be in the folder before it is there; when this raises, there is no folder.

    Raises
    ------
    DataError, LeakageError
        As :func:`build_dataset`.
    StorageError
        When the store cannot be read, the place is taken, or the executor is not installed.

    Examples
    --------
    >>> write_dataset(Spec.example("early_help"), "nowhere", "data")
    Traceback (most recent call last):
        ...
    vru_models.errors.StorageError: event store: the folder is missing. Expected: a folder that Events.save wrote.
    Check the path.
    """
    run = runner(executor, n_jobs)
    buckets, beside = opened(store)
    require_free(folder, _ROLE)
    require_recorded_by(beside.recorded_under, spec.recording)
    agreed = training_use(spec)
    splits = splits_of(spec, data_end(spec, beside)).required()
    work = _Work.of(spec, splits.dates, buckets, beside)
    layout = work.job.question.layout
    told: list[Written] = []

    def files() -> Iterator[tuple[str, bytes]]:
        digests: dict[str, str] = {}
        made: list[Made] = []
        for part in work.parts(run):
            made.append(part.without_content())
            if progress is not None:
                progress(len(made), buckets.n + 1)
            if part.told.rows:
                digests[file_name(part.number)] = digest_bytes(part.content)
                yield file_name(part.number), part.content
        made.sort(key=lambda m: m.number)
        told_of = [m.told for m in made]
        require_labels(sum(t.positives for t in told_of), sum(t.labelled for t in told_of))
        proof = prove(spec, work.sample([m.handed_back for m in made]), splits.dates)
        odd = alarms([m.tallies for m in made], layout.names)
        odd += clustering([t.weeks for t in told_of], indicators_of(spec))
        about = About(
            counts=sum((counts_frame(t.counts) for t in told_of[1:]), start=counts_frame(told_of[0].counts)),
            volumes=added_up([volume_frame(t.volumes) for t in told_of]),
            splits=splits,
            findings=beside.findings + agreed + objections(sum(t.refused for t in told_of)) + proof + odd,
            extract_dates=beside.extract_dates,
            spec_digest=spec.digest,
            events_digest=beside.digest,
        )
        told.append(Written.of(Path(folder), made, about))
        if account is not None:
            account(told[0])
        yield "dataset.json", about.sealed(digests, layout.names, layout.status_names)

    write_folder_from(folder, files(), role=_ROLE)
    return told[0]


@dataclass(frozen=True)
class _Work:
    """A store and what is asked of it."""

    job: Job
    buckets: Buckets
    beside: Beside
    rows: Sequence[RowsOfPart]
    apart: pd.Series[str]
    drawn: pd.Series[str]

    @classmethod
    def of(cls, spec: Spec, dates: Sequence[np.datetime64], buckets: Buckets, beside: Beside) -> _Work:
        apart = linked_apart(beside.rows["links"], buckets.n)
        drawn = drawn_people(beside.rows, beside.digest)
        wanted = pd.concat([apart, drawn]).drop_duplicates()
        question = Question.of(spec, dates, beside)
        job = Job(question, areas_of(beside.rows["spells"]), pa.array(wanted, pa.string()))
        return cls(job, buckets, beside, rows_by_part(beside.rows, apart, buckets.n), apart, drawn)

    def parts(self, run: Run) -> Iterator[Made]:
        """Every part in order: those of the buckets, then that of the people who are linked across them."""
        handed_back = []
        for made in run(self.job, self.buckets, self.rows[: self.buckets.n]):
            handed_back.append(made.handed_back)
            yield made
        yield self.job.make(self.buckets.n, _only(handed_back, self.apart), self.rows[self.buckets.n])

    def sample(self, handed_back: Sequence[pa.Table]) -> Events:
        """The people on whom the proof is run, with their events."""
        frame = to_frame(_only(handed_back, self.drawn))
        rows: dict[str, Any] = {str(kind): held for kind, held in rows_about(self.beside.rows, self.drawn).items()}
        return Events.from_frame(frame, extract_dates=self.beside.extract_dates, **rows)


def _only(handed_back: Sequence[pa.Table], people: pd.Series[str]) -> pa.Table:
    """The events of some people, by person, each person's in the order of the store."""
    table = pa.concat_tables(handed_back)
    whose = table["person_id"].to_pandas()
    mine = np.flatnonzero(is_in(whose, people))
    codes = pd.factorize(whose.iloc[mine], sort=True)[0]
    return table.take(pa.array(mine[np.argsort(codes, kind="stable")]))


Run = Callable[[Job, Buckets, Sequence[RowsOfPart]], Iterable[Made]]


def runner(name: Executor, n_jobs: int | None = None) -> Run:
    """What makes the parts, by the name of an executor; :class:`StorageError` where it is not installed."""
    match name:
        case "memory":
            return _here
        case "joblib":
            return _InProcesses(n_jobs or cpu_count())
        case "spark":
            return _on_spark()
    raise ValueError(f"executor {str(name)[:40]!r} is not known. Expected: memory, joblib or spark.")


def _on_spark() -> Run:
    then = "Run pip install 'vru_models[spark]', with Java 17, or take the executor joblib"
    try:
        from vru_models.executors.spark import on_spark  # noqa: PLC0415  needs the extra
    except ModuleNotFoundError:
        raise StorageError.at("executor spark", "PySpark is not installed", then=then) from None
    return on_spark


def _here(job: Job, buckets: Buckets, rows: Sequence[RowsOfPart]) -> Iterator[Made]:
    return (_made(job, buckets, i, rows[i]) for i in range(buckets.n))


@dataclass(frozen=True)
class _InProcesses:
    """Buckets by several processes, a few of them ahead of the one that is written."""

    n_jobs: int

    def __call__(self, job: Job, buckets: Buckets, rows: Sequence[RowsOfPart]) -> Iterable[Made]:
        work = (delayed(_made)(job, buckets, i, rows[i]) for i in range(buckets.n))
        made: Iterable[Made] = Parallel(n_jobs=min(self.n_jobs, buckets.n), return_as="generator")(work)
        return made


def _made(job: Job, buckets: Buckets, i: int, rows: RowsOfPart) -> Made:
    return job.make(i, buckets.read(i, COLUMNS), rows)
