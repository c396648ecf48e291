from __future__ import annotations

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from vru_models.fairness.disaggregated import metric_frame


def test_a_further_metric_comes_by_group_over_the_labelled():
    sex = pd.DataFrame({"sex": ["F", "F", "M", None]}, index=[3, 4, 5, 6])
    frame = metric_frame({"accuracy": accuracy_score}, [1, None, 0, 1], [1, 0, 1, 1], sensitive_features=sex)
    assert frame.by_group["accuracy"].to_dict() == {"F": 1, "M": 0, "not recorded": 1}


def test_shares_of_a_place_are_refused():
    with pytest.raises(ValueError, match="a metric takes decisions, 0 or 1"):
        metric_frame({"a": accuracy_score}, [1], [0.5], sensitive_features=pd.DataFrame({"g": ["a"]}))
