"""The calendar of coverage, drawn from its protected table alone; greyscale-readable."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from vru_models.disclosure.protect import Protected
from vru_models.quality.calendar import NOT_SHARED, PARTLY, SHARED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK: Final = "#222222"
SHADES: Final = {SHARED: "#B8B8B8", PARTLY: "#E9E9E9", NOT_SHARED: "#FFFFFF"}
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "vru_models", "svg.fonttype": "none", "text.parse_math": False, "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "hatch.linewidth": 0.5,
}  # fmt: skip
_BAND, _WIDTH, _ROW, _MARGIN, _MOST_LABELS, _MOST_FLAT = 0.86, 8.6, 0.46, 1.55, 26, 12


def plot_calendar(table: Protected, *, told: bool) -> Figure:
    """Feeds on the y axis, months on the x axis; shade: what was shared; bars: records, each feed on its own scale."""
    with mpl.rc_context(_STYLE):
        feeds = list(dict.fromkeys(table.table["feed"]))
        figure = Figure(figsize=(_WIDTH, _ROW * max(len(feeds), 2) + _MARGIN), layout="constrained")
        _draw(figure.subplots(), table.table, feeds)
        _legend(figure)
        source = "the coverage feed" if told else "the agreements (no coverage feed)"
        figure.suptitle(f"What was shared, by {source}, and records a month", x=0.01, ha="left", fontsize=10)
    return figure


def _draw(ax: Axes, table: pd.DataFrame, feeds: list[str]) -> None:
    if not feeds:
        ax.text(0.5, 0.5, "no feed of events", ha="center", va="center", transform=ax.transAxes)
        ax.set_axis_off()
        return
    months = list(dict.fromkeys(table["month"]))
    scale = ax.secondary_yaxis("right")
    most = []
    for row, feed in enumerate(feeds):
        mine = table[table["feed"] == feed]
        top = mine["records"].max()
        most.append("none shown" if np.isnan(top) else f"{top:,.0f}")
        _band(ax, row, mine, float(top))
    ax.set_yticks(range(len(feeds)), feeds)
    scale.set_yticks(range(len(feeds)), most)
    scale.set_ylabel("records in the fullest month")
    for axis in (ax, scale):
        axis.tick_params(axis="y", length=0)
    ax.set_xlim(-0.5, len(months) - 0.5)
    ax.set_ylim(len(feeds) - 0.5, -0.5)
    ax.set_ylabel("feed")
    ax.set_xlabel("month in which it happened")
    step = next(s for s in (1, 3, 6, 12) if len(months) / s <= _MOST_LABELS)
    at = [i for i, month in enumerate(months) if (int(month[:4]) * 12 + int(month[5:]) - 1) % step == 0]
    ax.set_xticks(at, [months[i] for i in at], rotation=90 if len(at) > _MOST_FLAT else 0)
    for i in (i for i, month in enumerate(months) if month.endswith("-01")):
        ax.axvline(i - 0.5, color=INK, linewidth=0.4, linestyle=":", zorder=2.5)


def _band(ax: Axes, row: int, mine: pd.DataFrame, top: float) -> None:
    at, foot = np.arange(len(mine)), row + _BAND / 2
    for state, shade in SHADES.items():
        here = at[(mine["state"] == state).to_numpy()]
        hatch = "////" if state == PARTLY else None
        boxes = _boxes(here, 0.5, foot, np.full(len(here), _BAND))
        edge = "#9A9A9A" if hatch else shade
        ax.add_collection(PolyCollection(boxes, facecolor=shade, edgecolor=edge, hatch=hatch, linewidth=0.4, zorder=1))
    ax.plot([-0.5, len(mine) - 0.5], [foot] * 2, color=INK, linewidth=0.6, zorder=3)
    records = mine["records"].to_numpy(dtype=np.float64)
    shown = ~np.isnan(records)
    bars = _boxes(at[shown], 0.31, foot, 0.94 * _BAND * records[shown] / top)
    ax.add_collection(PolyCollection(bars, facecolor=INK, zorder=2))
    few = at[~shown & (mine["state"] != NOT_SHARED).to_numpy()]
    ax.plot(few, np.full(len(few), foot - 0.07), "x", color=INK, markersize=2.6, zorder=3)


def _boxes(at: np.ndarray, half: float, foot: float, heights: np.ndarray) -> list[list[tuple[float, float]]]:
    """A rectangle at each month, ``half`` to either side, standing on ``foot``; the axis runs downward."""
    return [
        [(x - half, foot), (x - half, foot - h), (x + half, foot - h), (x + half, foot)]
        for x, h in zip(at.tolist(), heights.tolist(), strict=True)
    ]


def _legend(figure: Figure) -> None:
    handles: list[Any] = [
        Patch(facecolor=shade, edgecolor="#9A9A9A", hatch="////" if state == PARTLY else None, label=state)
        for state, shade in SHADES.items()
    ]
    handles += [
        Patch(facecolor=INK, label="records (own scale)"),
        Line2D([], [], color=INK, marker="x", markersize=3.5, linestyle="none", label="too few to be shown, or none"),
    ]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=5, frameon=False, handlelength=1.5, columnspacing=1.4
    )


def svg_of(figure: Figure) -> str:
    """The figure as SVG to set into a page: words stay text, no metadata, no address; the same text each time."""
    with mpl.rc_context(_STYLE):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>| xmlns(:\w+)?=\"[^\"]*\"", "", text, flags=re.DOTALL)
    return text.replace("xlink:href", "href")
