"""Events to X and y: cohort, outcome, features, splits, and the proof that nothing came from the future."""

from vru_models.dataset.build import build_dataset
from vru_models.dataset.dataset import Dataset
from vru_models.dataset.leakage import prove_no_leakage
from vru_models.dataset.splits import Split, Splits, temporal_splits
from vru_models.dataset.status import STATUS

__all__ = ["STATUS", "Dataset", "Split", "Splits", "build_dataset", "prove_no_leakage", "temporal_splits"]
