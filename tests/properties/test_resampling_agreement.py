"""The fast bootstrap agrees with sorting every resampled list."""

from __future__ import annotations

import numpy as np
import pytest

from vru_models.evaluation.arrays import outcome_codes
from vru_models.evaluation.capacity_intervals import _Board
from vru_models.evaluation.ranking import capacity_table, pooled, rank
from vru_models.evaluation.resampling import cells_of, resample_units, resampled_counts


@pytest.mark.parametrize("seed", range(25))
def test_each_replicate_is_the_capacity_table_of_its_rows(seed):
    rng = np.random.default_rng(seed)
    n = 300
    y = rng.choice([0, 1, np.nan], n, p=[0.6, 0.3, 0.1])
    score = np.round(rng.normal(size=n), 1) if seed % 2 else rng.normal(size=n)
    as_of, unit = rng.integers(0, 2, n), np.unique(rng.integers(0, 120, n), return_inverse=True)[1]
    reach = rank(score, as_of=as_of, k=5).within_reach(unit)
    cell, (level, outcome) = cells_of(reach.level, outcome_codes(y))
    (counts,) = resampled_counts(cell, unit, n_replicates=6, random_state=seed)
    fast = _Board(reach, level, outcome).rates(counts)
    for weight, rates in zip(resample_units(unit, 6, random_state=seed), fast, strict=True):
        rows = np.repeat(np.arange(n), weight[unit])
        slow = pooled(capacity_table(y[rows], score[rows], as_of=as_of[rows], k=5)).iloc[0]
        assert rates == pytest.approx([slow["precision"], slow["recall"]], nan_ok=True)
