from __future__ import annotations

import numpy as np
import pytest

from vru_models.evaluation.resampling import cells_of, distinct_units, resample_units, resampled_counts, sum_by


def counts_for(cell, unit, n=4000, seed=0):
    return np.concatenate(list(resampled_counts(cell, unit, n_replicates=n, random_state=seed)))


def test_every_replicate_draws_as_many_units_as_there_are():
    weights = list(resample_units(["h1", "h1", "h2", "h3"], 50, random_state=1))
    assert len(weights) == 50
    assert {int(w.sum()) for w in weights} == {3}


def test_rows_of_a_unit_are_drawn_together():
    cell, unit = np.array([0, 1, 2]), np.array([0, 0, 1])
    counts = counts_for(cell, unit, n=100)
    assert (counts[:, 0] == counts[:, 1]).all()


def test_the_same_state_gives_the_same_replicates():
    cell, unit = np.array([0, 1, 0, 1]), np.arange(4)
    assert (counts_for(cell, unit, n=20, seed=3) == counts_for(cell, unit, n=20, seed=3)).all()
    assert (counts_for(cell, unit, n=20, seed=3) != counts_for(cell, unit, n=20, seed=4)).any()


def test_one_draw_of_cells_has_the_moments_of_drawing_rows():
    cell = np.repeat([0, 1], [48, 16])
    rows = np.arange(64)
    drawn_as_cells = counts_for(cell, rows)
    drawn_as_rows = np.stack([np.bincount(cell, weights=w) for w in resample_units(rows, 4000, random_state=9)])
    for counts in (drawn_as_cells, drawn_as_rows):
        assert abs(counts[:, 1].mean() - 16) < 0.3
        assert abs(counts[:, 1].var() - 64 * 0.25 * 0.75) < 1


def test_blocks_hold_all_replicates_when_memory_allows_few(monkeypatch):
    monkeypatch.setattr("vru_models.evaluation.resampling._NUMBERS_IN_MEMORY", 6)
    blocks = list(resampled_counts(np.array([0, 1]), np.array([0, 0]), n_replicates=7, random_state=0))
    assert [len(b) for b in blocks] == [3, 3, 1]


def test_rows_that_agree_in_every_code_share_a_cell():
    cell, (a, b) = cells_of(np.array([1, 0, 1]), np.array([2, 2, 2]))
    assert cell.tolist() == [1, 0, 1]
    assert (a.tolist(), b.tolist()) == ([0, 1], [2, 2])


def test_counts_add_up_by_code():
    assert sum_by(np.array([[1.0, 2.0, 4.0]]), np.array([1, 0, 1]), 3).tolist() == [[2, 5, 0]]


def test_a_unit_counts_once_by_its_largest_part():
    assert distinct_units(np.array([0, 0, 1, 2]), np.array([1.0, 1.0, 0.25, 0.0])) == 1.25


def test_one_replicate_has_no_spread_and_is_refused():
    with pytest.raises(ValueError, match="n_replicates is 1, expected at least 2"):
        resampled_counts(np.array([0]), np.array([0]), n_replicates=1, random_state=0)
