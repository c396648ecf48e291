"""Which as-of dates train and which test, no outcome window crossing."""

from vru_models.splits.splits import Split, Splits, splits_of, temporal_splits

__all__ = ["Split", "Splits", "splits_of", "temporal_splits"]
