"""The monthly run: gate, score, list, reasons."""

from vru_models.scoring.output import save_scores
from vru_models.scoring.score import Scores, score

__all__ = ["Scores", "save_scores", "score"]
