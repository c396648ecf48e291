"""Figures by group agree with fairlearn's wherever both define them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from sklearn.metrics import precision_score, recall_score

from vru_models.fairness.audit import audit_groups


def share(flags):
    return flags.mean() if len(flags) else np.nan


METRICS = {
    "selection_rate": selection_rate,
    "recall": lambda y, s: share(s[y == 1]),
    "precision": lambda y, s: share(y[s == 1]),
    "false_omission_rate": lambda y, s: share(y[s == 0]),
}


@pytest.mark.parametrize("seed", range(20))
def test_the_metrics_given_to_fairlearn_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y, s = rng.integers(0, 2, 12), rng.integers(0, 2, 12)
    peers = {
        "recall": recall_score(y, s, zero_division=np.nan),
        "precision": precision_score(y, s, zero_division=np.nan),
        "false_omission_rate": 1 - precision_score(1 - y, 1 - s, zero_division=np.nan),
    }
    assert {name: METRICS[name](y, s) for name in peers} == pytest.approx(peers, nan_ok=True)


@pytest.mark.parametrize("seed", range(20))
def test_group_figures_are_those_of_fairlearn_on_ten_random_attributes(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    y, s = rng.integers(0, 2, n), (rng.random(n) < rng.random()).astype(int)
    attributes = pd.DataFrame({f"g{i}": rng.choice(list("abc"), n) for i in range(10)})
    audit = audit_groups(
        y, s, sensitive_features=attributes, unit=range(n), limits={"recall": 0.1}, n_replicates=2, random_state=0
    )
    for attribute, ours in audit.frame().groupby("attribute"):
        peer = MetricFrame(metrics=METRICS, y_true=y, y_pred=s, sensitive_features=attributes[attribute]).by_group
        theirs = peer.loc[ours["group"], list(METRICS)].to_numpy(dtype=float)
        np.testing.assert_allclose(ours[list(METRICS)].to_numpy(), theirs)
