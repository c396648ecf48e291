"""Synthetic agencies with a known truth."""

from vru_models.synthetic.extracts import Extracts, synthetic_extracts, synthetic_feeds

__all__ = ["Extracts", "synthetic_extracts", "synthetic_feeds"]
