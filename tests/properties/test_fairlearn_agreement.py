"""Figures by group agree with fairlearn's wherever both define them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from sklearn.metrics import precision_score, recall_score

from vru_models.fairness.audit import audit_groups


def omission(y, s):
    return 1 - precision_score(1 - y, 1 - s, zero_division=np.nan)


def precision(y, s):
    return precision_score(y, s, zero_division=np.nan)


def recall(y, s):
    return recall_score(y, s, zero_division=np.nan)


METRICS = {"selection_rate": selection_rate, "recall": recall, "precision": precision, "false_omission_rate": omission}


@pytest.mark.parametrize("seed", range(200))
def test_group_figures_are_those_of_fairlearn(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    y, s = rng.integers(0, 2, n), (rng.random(n) < rng.random()).astype(int)
    groups = pd.DataFrame({"g": rng.choice(list("abc"), n)})
    peer = MetricFrame(metrics=METRICS, y_true=y, y_pred=s, sensitive_features=groups).by_group
    audit = audit_groups(
        y, s, sensitive_features=groups, unit=range(n), limits={"recall": 0.1}, n_replicates=2, random_state=0
    )  # fmt: skip
    ours = audit.frame().set_index("group")[list(METRICS)]
    np.testing.assert_allclose(ours.to_numpy(), peer.loc[ours.index, list(METRICS)].to_numpy(dtype=float))
