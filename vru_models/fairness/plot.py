"""The picture of a fairness audit, drawn from its frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from vru_models.fairness.measures import MEASURES

_PANEL_WIDTH, _ROW_HEIGHT, _MARGIN = 4.5, 0.4, 1.2


def plot_groups(frame: pd.DataFrame, measure: str) -> Figure:
    """One panel per attribute: each group's figure and 95 % interval; a hollow mark where counts are small.

    A group without a denominator has a row and no mark. Nothing is told by colour.
    """
    if measure not in MEASURES:
        raise ValueError(f"measure '{measure}' is not one of {', '.join(MEASURES)}")
    panels = list(frame.groupby("attribute", sort=False))
    tallest = max(len(groups) for _, groups in panels)
    figure = Figure(figsize=(_PANEL_WIDTH * len(panels), _ROW_HEIGHT * tallest + _MARGIN), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(panels), sharex=True))
    for axis, (attribute, groups) in zip(axes, panels, strict=True):
        for row, (_, group) in enumerate(groups.iterrows()):
            fill = "none" if group[f"{measure}_method"] == "wilson" else "black"
            axis.plot([group[f"{measure}_low"], group[f"{measure}_high"]], [row, row], color="black", linewidth=1)
            axis.plot(group[measure], row, marker="o", color="black", markerfacecolor=fill)
        labels = [f"{g} (n = {n:,})" for g, n in zip(groups["group"], groups["n_units"], strict=True)]
        axis.set_yticks(range(len(groups)), labels=labels)
        axis.set_ylim(len(groups) - 0.5, -0.5)
        axis.set_title(str(attribute))
        axis.set_xlabel(f"{MEASURES[measure].title} (95 % interval)")
    return figure
