"""Whether acting on the probabilities does more good than harm: the decision curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vru_models.evaluation.arrays import outcomes, probabilities, ratio


def decision_curve(y_true: Any, y_prob: Any, *, thresholds: Sequence[float]) -> pd.DataFrame:
    """Net benefit of offering by the probabilities, of offering to all and of offering to none, at each threshold.

    The labelled only. ``threshold`` is the probability at which an offer is judged just worth making; someone at the
    threshold gets one. Net benefit is ``TP / n - FP / n x threshold / (1 - threshold)`` (Vickers and Elkin 2006), in
    true positives per labelled person; offering to none is 0 by definition. NaN without labelled rows.

    Returns
    -------
    DataFrame
        ``threshold, n_labelled, offered`` (share of the labelled), ``net_benefit, net_benefit_all, net_benefit_none``.

    Examples
    --------
    >>> decision_curve([1, 0, 0, 1], [0.9, 0.6, 0.1, 0.2], thresholds=[0.5])[
    ...     ["offered", "net_benefit", "net_benefit_all"]].values.tolist()
    [[0.5, 0.0, 0.0]]
    """
    everyone = outcomes(y_true)
    p = probabilities(y_prob, len(everyone))
    cut = np.asarray(thresholds, dtype=np.float64)
    if not ((cut > 0) & (cut < 1)).all():
        raise ValueError("thresholds lie strictly between 0 and 1")
    known = ~np.isnan(everyone)
    order = np.argsort(p[known])
    y, p = everyone[known][order], p[known][order]
    offered = len(p) - np.searchsorted(p, cut, side="left")
    true = y.sum() - np.concatenate([[0.0], np.cumsum(y)])[len(p) - offered]
    odds = cut / (1 - cut)
    return pd.DataFrame(
        {
            "threshold": cut,
            "n_labelled": len(y),
            "offered": ratio(offered, len(y)),
            "net_benefit": ratio(true - (offered - true) * odds, len(y)),
            "net_benefit_all": ratio(y.sum() - (len(y) - y.sum()) * odds, len(y)),
            "net_benefit_none": ratio(0.0 * cut, len(y)),
        }
    )
