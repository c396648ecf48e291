"""The monthly run: gate, score, list, reasons."""

from vru_models.scoring.score import Scores, score

__all__ = ["Scores", "score"]
