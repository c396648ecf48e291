"""Whether extracts can carry a purpose, before any model: what was shared, how whole, how late, of whom."""

from vru_models.quality.tables import Readiness, feed_readiness

__all__ = ["Readiness", "feed_readiness"]
