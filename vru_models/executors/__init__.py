"""A dataset from a store that is larger than memory: by one process, by several, or by a cluster, to the same bytes."""

from vru_models.executors.write import Executor, Progress, Written, runner, write_dataset

__all__ = ["Executor", "Progress", "Written", "runner", "write_dataset"]
