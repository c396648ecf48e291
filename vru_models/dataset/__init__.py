"""Events to X and y: cohort, outcome, rows, and the proof that nothing came from the future."""

from vru_models.dataset.build import build_dataset
from vru_models.dataset.dataset import Dataset
from vru_models.dataset.leakage import prove_no_leakage
from vru_models.dataset.write import Written, write_dataset

__all__ = ["Dataset", "Written", "build_dataset", "prove_no_leakage", "write_dataset"]
