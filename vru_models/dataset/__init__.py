"""Events to X and y: cohort, outcome, rows, and the proof that nothing came from the future."""

from vru_models.dataset.build import build_dataset
from vru_models.dataset.dataset import Dataset
from vru_models.dataset.explain import Explained, explain_feature
from vru_models.dataset.label_card import LabelCard, label_card
from vru_models.dataset.leakage import prove_no_leakage

__all__ = ["Dataset", "Explained", "LabelCard", "build_dataset", "explain_feature", "label_card", "prove_no_leakage"]
