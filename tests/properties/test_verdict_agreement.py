"""Verdicts are right as often as they say: gaps drawn at a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.evaluation.ranking import rank
from vru_models.fairness.audit import audit_groups


def verdicts(truth, size, runs=50):
    """Status of recall for group b whose recall is lower than a's by ``truth``."""
    found = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        g = np.repeat(["a", "b"], size)
        listed = rng.random(2 * size) < np.where(g == "a", 0.6, 0.6 - truth)
        audit = audit_groups(
            np.ones(2 * size), listed, sensitive_features=pd.DataFrame({"g": g}), unit=range(2 * size),
            limits={"recall": 0.10}, n_replicates=100, random_state=seed,
        )  # fmt: skip
        found.append(next(iter(audit.findings)).status)
    return np.array(found)


def test_a_gap_at_the_limit_seldom_fails_and_seldom_passes():
    for size in (40, 400):
        statuses = verdicts(0.10, size)
        assert (statuses == "fail").mean() <= 0.1
        assert (statuses == "pass").mean() <= 0.1


def test_a_large_gap_fails_and_no_gap_passes_when_groups_are_large():
    assert (verdicts(0.30, 400, 15) == "fail").mean() > 0.9
    assert (verdicts(0.0, 1200, 15) == "pass").mean() > 0.9


def test_small_groups_cannot_tell():
    assert (verdicts(0.05, 40, 15) == "cannot tell").mean() > 0.9


def test_the_error_of_a_gap_agrees_with_drawing_new_populations():
    def population(seed, n=1500):
        rng = np.random.default_rng(seed)
        need, g = rng.normal(size=n), rng.choice(["a", "b"], n)
        return (
            (rng.random(n) < 1 / (1 + np.exp(-need))).astype(int),
            np.round(need * 3 + (g == "a")),
            pd.DataFrame({"g": g}),
        )

    def audit(seed, replicates):
        y, score, g = population(seed)
        return audit_groups(
            y, rank(score, k=400), sensitive_features=g, unit=range(1500), limits={"recall": 0.1},
            n_replicates=replicates, random_state=seed,
        ).verdicts().iloc[0]  # fmt: skip

    truth = np.std([audit(seed, 2)["gap"] for seed in range(80)], ddof=1)
    row = audit(1, 600)
    spread = (row["upper"] - row["gap"]) / 1.6449
    assert abs(spread / truth - 1) < 0.25
