"""Any further metric by group, from fairlearn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame

from vru_models.evaluation.arrays import complete, outcomes
from vru_models.fairness.sensitive import recorded


def metric_frame(
    metrics: Mapping[str, Callable[..., Any]], y_true: Any, selected: Any, *, sensitive_features: pd.DataFrame
) -> MetricFrame:
    """The ``fairlearn.metrics.MetricFrame`` of any further metrics by group, over the labelled rows.

    The unlabelled are left out of every metric, a selection rate included, because a metric is given labels and
    decisions together. fairlearn reports some undefined rates as 0; :func:`audit_groups` reports NaN.

    Parameters
    ----------
    metrics
        Functions of ``(y_true, y_pred)`` by name.
    selected
        1 listed, 0 not.

    Examples
    --------
    >>> from sklearn.metrics import accuracy_score
    >>> sex = pd.DataFrame({"sex": ["F", "F", None]})
    >>> metric_frame({"accuracy": accuracy_score}, [1, 0, 1], [1, 1, 1], sensitive_features=sex).by_group
                  accuracy
    sex
    F                  0.5
    not recorded       1.0
    """
    y = outcomes(y_true)
    flags = complete("selected", selected, len(y))
    if not np.isin(flags, (0.0, 1.0)).all():
        raise ValueError("selected holds shares of a place; a metric takes decisions, 0 or 1")
    known = ~np.isnan(y)
    features = recorded(sensitive_features).reset_index(drop=True)[known]
    return MetricFrame(
        metrics=dict(metrics), y_true=y[known].astype(int), y_pred=flags[known].astype(int), sensitive_features=features
    )
