"""Weights for exits against their definition by redistribution to the right (Efron 1967), row by row."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vru_models.dataset.exits import exit_weights

HORIZON = 6


def frame(rows):
    """Rows of ``(as_of, what became of it, day)``."""
    y = {"event": 1.0, "none": 0.0}
    why = {"exited": "exited", "treated": "treated"}
    days = [day if what in ("event", "exited") else HORIZON if what == "none" else np.nan for _, what, day in rows]
    index = pd.MultiIndex.from_arrays(
        [[f"p{i}" for i in range(len(rows))], pd.to_datetime([as_of for as_of, *_ in rows])],
        names=["person_id", "as_of"],
    )
    columns = {
        "y": [y.get(what, np.nan) for _, what, _ in rows],
        "why_missing": [why.get(what, "") for _, what, _ in rows],
        "followed": np.array(days, dtype=np.float32),
    }
    return pd.DataFrame(columns, index=index)


def by_redistribution(rows):
    """Each exit in turn hands its weight to the rows of its date that were still followed after it, in equal parts.

    Those of one day leave together, after whatever was decided on it.
    """
    known = [row for row in rows if row[1] != "treated"]
    day_of = {id(row): HORIZON if row[1] == "none" else row[2] for row in known}
    weight = {id(row): Fraction(1) for row in known}
    for as_of, day in sorted({(row[0], row[2]) for row in known if row[1] == "exited"}):
        leaving = [row for row in known if row[0] == as_of and row[1] == "exited" and row[2] == day]
        later = [row for row in known if row[0] == as_of and day_of[id(row)] > day]
        left = sum(weight[id(row)] for row in leaving)
        for row in later:
            weight[id(row)] += left / len(later)
    return [float(weight[id(row)]) if row[1] in ("event", "none") else np.nan for row in rows]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["2024-01-01", "2024-07-01"]),
        st.sampled_from(["event", "none", "exited", "treated"]),
        st.integers(-1, HORIZON - 1),
    ).map(lambda row: (row[0], row[1], max(row[2], 0) if row[1] == "event" else row[2])),
    min_size=1,
    max_size=25,
)


@given(ROWS)
def test_the_weights_are_those_of_redistribution_to_the_right(rows):
    rows = [tuple(row) for row in map(list, rows)]  # equal rows are objects of their own
    np.testing.assert_allclose(exit_weights(frame(rows)).to_numpy(), by_redistribution(rows), rtol=1e-12)


def test_without_an_exit_every_weight_is_exactly_one():
    rows = [("2024-01-01", "event", 2), ("2024-01-01", "none", 0), ("2024-01-01", "treated", 0)]
    weights = exit_weights(frame([*rows, ("2024-07-01", "exited", 1), ("2024-07-01", "none", 0)]))
    assert weights.tolist()[:2] == [1.0, 1.0]
    assert np.isnan(weights.iloc[2])
    assert weights.tolist()[3:] == pytest.approx([np.nan, 2.0], nan_ok=True)


def test_the_order_of_rows_changes_nothing():
    rng = np.random.default_rng(0)
    kinds = rng.choice(["event", "none", "exited"], 200)
    made = frame(
        [("2024-01-01", str(kind), int(day)) for kind, day in zip(kinds, rng.integers(0, 6, 200), strict=True)]
    )
    shuffled = made.iloc[rng.permutation(200)]
    pd.testing.assert_series_equal(exit_weights(shuffled).sort_index(), exit_weights(made).sort_index())
