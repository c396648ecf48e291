import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from vru_models.dataset import alarms as module
from vru_models.dataset.alarms import alarms, tally


def frame_of(**columns):
    return pd.DataFrame(columns, dtype=np.float32)


def found_in(X, y, *, cut=0):
    """The alarms of rows in one part, or in two that are cut at a row."""
    cells = X.to_numpy().T
    parts = [tally(cells[:, rows], y.to_numpy()[rows]) for rows in (slice(0, cut), slice(cut, None))]
    return alarms(parts, list(X.columns))


def test_one_feature_that_alone_ranks_the_labels_is_an_alarm_either_way_round():
    y = pd.Series([0.0, 0.0, 1.0, 1.0, np.nan])
    X = frame_of(up=[1, 2, 3, 4, 0], down=[4, 3, 2, 1, 9], fair=[1, 4, 2, 3, 0], same=[1, 1, 1, 1, 1])
    (found,) = found_in(X, y)
    assert (found.code, found.status, found.figures) == ("VRU202", "fail", {"features": ["up", "down"]})
    assert found.message == "2 of 4 features alone rank the labels with AUC above 0.95: up, down"


def test_the_alarm_leaves_out_cells_without_a_value_and_features_with_labels_of_one_kind():
    y = pd.Series([0.0, 0.0, 1.0, 1.0])
    X = frame_of(part=[1, np.nan, 1, 3], one_kind=[np.nan, np.nan, 3, 4], none=[np.nan] * 4)
    (found,) = found_in(X, y)
    assert (found.status, found.message) == ("pass", "none of 1 features alone has AUC above 0.95")


def test_an_auc_of_096_is_an_alarm_and_one_of_094_is_not():
    y = pd.Series([1.0] + [0.0] * 50)
    X = frame_of(x=[47.5, *range(50)], z=[46.5, *range(50)])
    (found,) = found_in(X, y)
    assert found.figures == {"features": ["x"]}


LABELS, VALUES = st.sampled_from([0.0, 1.0, np.nan]), st.sampled_from([-1.5, 0.0, 1.0, 2.0, 7.25, 5_000.0])


@given(st.lists(st.tuples(LABELS, VALUES), min_size=4), st.integers(0, 4))
def test_the_auc_is_that_of_scikit_learn_however_the_rows_are_parted(rows, cut):
    y, value = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], dtype=np.float32)
    labelled = ~np.isnan(y)
    held = pd.concat([tally(value[None, part], y[part]) for part in (slice(0, cut), slice(cut, None))])
    counts = held.groupby("value")[["zeros", "ones"]].sum()
    auc = module._auc(counts["zeros"].to_numpy(), counts["ones"].to_numpy())
    if len(np.unique(y[labelled])) < 2:
        assert np.isnan(auc)
    else:
        assert auc == pytest.approx(roc_auc_score(y[labelled], value[labelled]))
