"""Which as-of dates train and which test, no outcome window crossing."""

from vru_models.splits.splits import Split, Splits, splits_of, temporal_splits
from vru_models.splits.timechop import TriageSplit, triage_splits

__all__ = ["Split", "Splits", "TriageSplit", "splits_of", "temporal_splits", "triage_splits"]
