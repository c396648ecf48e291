"""Pictures of evidence: never a number that is not in a table; greyscale-readable, colour-blind safe."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vru_models.evidence.evidence import Evidence

INK: Final = "#222222"
CHOSEN: Final = "#0072B2"
OTHER: Final = "#BBBBBB"
_STYLE: Final = {"svg.hashsalt": "vru_models", "svg.fonttype": "path", "font.size": 9}


def plot_evidence(evidence: Evidence) -> Figure:
    """Four panels: precision at capacity by model, over time, reliability, recall by group."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    headline = evidence.headline
    models(axes[0, 0], evidence.frame("comparison"), chosen=headline["model"])
    over_time(axes[0, 1], evidence.frame("by_split"), chosen=headline["model"])
    _reliability(axes[1, 0], evidence.frame("reliability"))
    if "groups" in evidence.tables:
        groups(axes[1, 1], evidence.frame("groups"))
    else:
        axes[1, 1].text(0.5, 0.5, "no audit file:\nnobody knows whom the list misses", ha="center", va="center")
        axes[1, 1].set_axis_off()
    return figure


def models(ax: Axes, table: pd.DataFrame, *, chosen: str) -> None:
    """Precision at capacity of each model, with 95 % intervals where the table has them."""
    table = table.dropna(subset=["precision"]).sort_values("precision", kind="stable")
    colours = [CHOSEN if name == chosen else OTHER for name in table["model"]]
    ax.barh(table["model"], table["precision"], color=colours, edgecolor=INK, linewidth=0.6)
    if "precision_low" in table:
        _whiskers(ax, table["precision"], table["precision_low"], table["precision_high"])
    ax.set_xlim(left=0)
    ax.set_xlabel("precision at capacity (share of the listed with the outcome)")
    ax.set_title(f"Who finds more at the same number of places ({chosen} was chosen)", loc="left")


def over_time(ax: Axes, table: pd.DataFrame, *, chosen: str) -> None:
    """Precision at capacity on each split, the chosen model in colour."""
    wide = table.pivot_table(index="split", columns="model", values="precision", sort=True)
    for name in wide.columns:
        colour, width = (CHOSEN, 2.2) if name == chosen else (OTHER, 1.0)
        ax.plot(wide.index, wide[name], marker="o", color=colour, linewidth=width, label=name, markeredgecolor=INK)
        end = (len(wide) - 1, wide[name].iloc[-1])
        ax.annotate(str(name), end, textcoords="offset points", xytext=(6, 0), fontsize=7)
    ax.set_xlim(-0.3, len(wide) - 0.2 + 0.25 * len(wide))
    ax.set_ylim(bottom=0)
    ax.set_ylabel("precision at capacity")
    ax.set_xlabel("test as-of date (the last one is sealed)")
    ax.set_title("The same procedure, date by date", loc="left")


def _reliability(ax: Axes, table: pd.DataFrame) -> None:
    table = table.dropna(subset=["mean_probability", "observed"])
    top = 1.1 * max(table["mean_probability"].max(), table["high"].max())
    ax.plot([0, top], [0, top], linestyle="--", color=INK, linewidth=0.8, label="perfect")
    error = np.maximum([table["observed"] - table["low"], table["high"] - table["observed"]], 0)
    ax.errorbar(table["mean_probability"], table["observed"], yerr=error, fmt="o", color=CHOSEN, ecolor=INK)
    ax.set_xlabel("probability by the card")
    ax.set_ylabel("share with the outcome (95 % interval)")
    ax.set_title("Do the probabilities mean what they say", loc="left")


def groups(ax: Axes, table: pd.DataFrame) -> None:
    """Recall of each group with its 95 % interval; groups without a figure are named and left empty."""
    table = table.iloc[::-1]
    names = [f"{a}: {g}" for a, g in zip(table["attribute"], table["group"], strict=True)]
    ax.scatter(table["recall"], names, color=CHOSEN, edgecolor=INK, zorder=3)
    _whiskers(ax, table["recall"], table["recall_low"], table["recall_high"], positions=range(len(names)))
    ax.set_yticks(range(len(names)), names)
    ax.set_xlim(0, 1)
    ax.set_xlabel("recall at capacity (95 % interval)")
    ax.set_title("Of those with the outcome, who is listed", loc="left")


def _whiskers(ax: Axes, middle: Any, low: Any, high: Any, *, positions: Sequence[int] | None = None) -> None:
    error = np.maximum([middle - low, high - middle], 0)
    where = range(len(middle)) if positions is None else positions
    ax.errorbar(middle, list(where), xerr=error, fmt="none", ecolor=INK, elinewidth=1, capsize=3)


def published_pictures(record: Mapping[str, Any]) -> dict[str, str]:
    """Inline SVG by name, drawn from the protected tables of :func:`~vru_models.evidence.published.published` alone."""
    comparison = _numbers(record["tables"]["comparison"], ["precision", "recall"])
    by_split = _numbers(record["tables"]["by_split"], ["precision", "recall"])
    chosen = record["about"]["model"]
    pictures = {
        "models": _svg(lambda ax: models(ax, comparison, chosen=chosen)),
        "over_time": _svg(lambda ax: over_time(ax, by_split, chosen=chosen)),
    }
    if "groups" in record["tables"]:
        frame = _numbers(record["tables"]["groups"], ["recall"])
        pictures["groups"] = _svg(lambda ax: groups(ax, frame), height=0.3 * len(frame) + 1.2)
    return pictures


def _numbers(table: Mapping[str, Any], rates: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(table["rows"], columns=table["columns"])
    for rate in rates:
        frame[rate] = pd.to_numeric(frame[rate], errors="coerce")
        if f"{rate}_95" in frame:
            bounds = frame[f"{rate}_95"].str.extract(r"([\d.]+) to ([\d.]+)").astype(float)
            frame[[f"{rate}_low", f"{rate}_high"]] = bounds
    return frame


def _svg(draw: Any, *, height: float = 3.4) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.5, height), layout="constrained")
        draw(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
