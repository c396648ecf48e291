"""Parts of a dataset on a Spark cluster: events grouped by part, one call of the kernel for each group, in Arrow."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyspark
from pyspark.sql import DataFrame, SparkSession, functions

from vru_models.events.store import Buckets
from vru_models.executors.making import Job, Made
from vru_models.features.parts import COLUMNS, RowsOfPart
from vru_models.frames import from_ipc, to_frame, to_ipc, to_table

_PART, _ROW = "part", "row"
_MADE: Final = "number long, content binary, told binary, tallies binary, handed_back binary"


def spark_session(master: str = "local[*]") -> SparkSession:
    """The active Spark session, or else a new one.

    What a session on this machine needs is set where nobody has set it: ``SPARK_HOME``, the interpreter of the workers,
    and the address of this machine. Extra ``spark``; needs Java 17.

    Parameters
    ----------
    master
        Of a new session: ``local[*]``, ``local-cluster[2,1,2048]`` or the address of a cluster.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings: dict[str, Any] = {"spark.ui.enabled": "false", "spark.sql.session.timeZone": "UTC"}
    return SparkSession.builder.master(master).appName("vru_models").config(map=settings).getOrCreate()


def on_spark(job: Job, buckets: Buckets, rows: Sequence[RowsOfPart]) -> Iterator[Made]:
    """Every bucket of a store by the active Spark session, or a local one; in any order.

    The workers read the store's files, so it has to be where all of them can.
    """
    spark = spark_session()
    events = _events(spark, [str(buckets.verified(i).resolve()) for i in range(buckets.n)])
    with warnings.catch_warnings():  # what goes between is Arrow, whatever pandas is there
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        beside = spark.createDataFrame(_beside(rows))
        left, right = (frame.repartition(buckets.n, _PART).groupBy(_PART) for frame in (events, beside))
        made = left.cogroup(right).applyInArrow(_kernel(job), _MADE)
    for row in made.toLocalIterator():
        yield Made.of_columns(row.asDict())


def _events(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """The events of the buckets with the part that each is in, and its row there: a shuffle keeps no order."""
    part = functions.regexp_extract("_metadata.file_name", r"bucket-(\d+)", 1).cast("int")
    return spark.read.parquet(*files).select(
        *COLUMNS, part.alias(_PART), functions.col("_metadata.row_index").alias(_ROW)
    )


def _beside(rows: Sequence[RowsOfPart]) -> pa.Table:
    """The rows beside events, each kind of each part as the bytes of an Arrow table."""
    kinds = list(rows[0])
    columns: dict[str, pa.Array] = {
        kind: pa.array([to_ipc(to_table(part[kind])) for part in rows], pa.binary()) for kind in kinds
    }
    return pa.table({_PART: pa.array(range(len(rows)), pa.int32()), **columns})


def _kernel(job: Job) -> Callable[[pa.Table, pa.Table], pa.Table]:
    def kernel(events: pa.Table, beside: pa.Table) -> pa.Table:
        (number,) = beside[_PART].to_pylist()
        kinds: Any = [name for name in beside.column_names if name != _PART]
        held = {kind: to_frame(from_ipc(beside[kind][0].as_py())) for kind in kinds}
        in_order = events.take(pc.sort_indices(events[_ROW])).select(COLUMNS)
        return pa.Table.from_pylist([job.make(number, in_order, held).columns()])

    return kernel
