import numpy as np
import pandas as pd

from vru_models.evidence.candidates import Labelled
from vru_models.evidence.choice import by_cross_validation, by_regret
from vru_models.models import FlagCountClassifier


def test_two_splits_beside_the_sealed_one_tell_the_regret():
    table = pd.DataFrame({"card": [0.4, 0.3], "flags": [0.3, 0.35]}, index=["2024-08-01", "2025-02-01"])
    (found,) = by_regret(table).findings
    assert (found.code, found.status, found.where) == ("VRU405", "pass", "choice")
    assert found.message == "choosing card: mean regret 0.050 in precision at the next of 1 splits"


def test_one_split_beside_the_sealed_one_cannot_tell():
    (found,) = by_regret(pd.DataFrame({"card": [0.4]}, index=["2024-08-01"])).findings
    assert found.status == "cannot tell"


def test_a_choice_inside_the_training_rows_cannot_tell():
    X, y = pd.DataFrame({"flag": [0, 1] * 20}), pd.Series([0.0, 1.0] * 20)
    train = Labelled(X, y, pd.Series(["E01"] * 40), pd.Series([1.0] * 40))
    chosen = by_cross_validation({"flags": FlagCountClassifier()}, train, np.arange(40).astype(str))
    (found,) = chosen.findings
    assert found.status == "cannot tell"
    assert found.message == (
        "regret cannot be known with fewer than 3 splits with labels on the lists: chosen by cross-validation"
    )
