"""A dataset from a store that is larger than memory: by one process, by several, or by a cluster, to the same bytes."""

from vru_models.executors.write import Written, write_dataset

__all__ = ["Written", "write_dataset"]
