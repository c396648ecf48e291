"""Every part and whole up to 200: what is published never narrows a count, or what is left of it, to a small number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.disclosure.protect import protect

LARGEST = 200


@pytest.fixture(scope="module")
def published():
    pairs = [(n, k) for n in range(LARGEST + 1) for k in range(n + 1)]
    table = pd.DataFrame(pairs, columns=["whole", "part"])
    frame = protect(table, counts=["whole", "part"], rates={"rate": ("part", "whole")}).frame()
    return frame.assign(n=table["whole"], k=table["part"], left=table["whole"] - table["part"])


def naive(count, hidden):
    return np.nan if hidden else 5 * round(count / 5)


def test_every_cell_follows_the_rule(published):
    for row in published.itertuples():
        whole = naive(row.n, row.n <= 7)
        part = naive(row.k, row.k <= 7 or row.n - row.k <= 7)
        assert np.array_equal([row.whole, row.part], [whole, part], equal_nan=True)
        assert np.array_equal(row.rate, part / whole, equal_nan=True)


def test_a_rate_is_shown_only_with_both_of_its_counts(published):
    assert (published["rate"].notna() == (published["whole"].notna() & published["part"].notna())).all()
    assert ((published["rate_note"] == "not testable") == published["rate"].isna()).all()


def test_no_output_gives_a_small_count_or_a_small_rest_away(published):
    seen = published.fillna(-1).groupby(["whole", "part", "rate"])
    for (whole, part, _), truths in seen:
        if whole >= 0 and part < 0:
            small, rest = truths["k"] <= 7, truths["left"] <= 7
            assert small.any(), "the note must not say which of the two is small"
            assert rest.any(), "the note must not say which of the two is small"
        if part >= 0:
            assert (truths["k"] > 7).all()
            assert (truths["left"] > 7).all()


def test_a_shown_count_leaves_five_possible_truths(published):
    truths = published[published["n"] <= 197].groupby("whole")["n"].nunique()
    assert (truths == 5).all()
