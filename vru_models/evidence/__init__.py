"""Where the rooms above meet: fit, evaluate, Run, Evidence."""

from vru_models.evidence.evaluate import evaluate
from vru_models.evidence.evidence import Evidence
from vru_models.evidence.fit import fit
from vru_models.evidence.run import Run

__all__ = ["Evidence", "Run", "evaluate", "fit"]
