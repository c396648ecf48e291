"""Pictures of evidence: never a number that is not in a table; greyscale-readable, colour-blind safe."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
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
OTHER: Final = "#C8C8C8"
GREY: Final = "#767676"
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "vru_models",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


_TITLES: Final = (
    "Who finds more at the same number of places",
    "The same procedure, date by date",
    "Do the probabilities mean what they say",
    "Of those with the need, who is listed",
)
_LINES: Final = ["-", "--", "-.", ":"]
_LABEL_HEIGHT: Final = 0.062
_WIDTH: Final = 6.2


def plot_evidence(evidence: Evidence) -> Figure:
    """Four panels: precision at capacity by model, over time, reliability, recall by group."""
    headline = evidence.headline
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(12, 8.5), layout="constrained")
        axes = figure.subplots(2, 2)
        for ax, title in zip(axes.flat, _TITLES, strict=True):
            ax.set_title(title, loc="left")
        models(axes[0, 0], evidence.frame("comparison"), chosen=headline["model"])
        over_time(axes[0, 1], evidence.frame("by_split"), chosen=headline["model"])
        _reliability(axes[1, 0], evidence.frame("reliability"))
        if "groups" in evidence.tables:
            groups(axes[1, 1], evidence.frame("groups"))
        else:
            _say(axes[1, 1], "no audit file:\nnobody knows whom the list misses")
    return figure


def models(ax: Axes, table: pd.DataFrame, *, chosen: str) -> None:
    """Precision at capacity of each model, with 95 % intervals where the table has them."""
    table = table.dropna(subset=["precision"]).sort_values("precision", kind="stable")
    if table.empty:
        return _say(ax, "no precision that may be shown")
    colours = [CHOSEN if name == chosen else OTHER for name in table["model"]]
    ax.barh(range(len(table)), table["precision"], color=colours, edgecolor=INK, linewidth=0.6)
    ax.set_yticks(range(len(table)), [f"{name} (chosen)" if name == chosen else name for name in table["model"]])
    if "precision_low" in table:
        _whiskers(ax, table["precision"], table["precision_low"], table["precision_high"])
    ax.set_xlim(left=0)
    ax.set_xlabel("precision: share of the listed who had the need")
    return None


def over_time(ax: Axes, table: pd.DataFrame, *, chosen: str) -> None:
    """Precision at capacity on each split, the chosen model in colour; each line is named at its end."""
    wide = table.pivot_table(index="split", columns="model", values="precision", sort=True).dropna(axis=1, how="all")
    if wide.empty:
        return _say(ax, "no precision that may be shown")
    at = np.arange(len(wide))
    order = sorted(wide.columns, key=lambda name: name == chosen)
    for name, line in zip(order, _LINES * len(order), strict=False):
        colour, style, width = (CHOSEN, "-", 2.4) if name == chosen else (GREY, line, 1.0)
        ax.plot(at, wide[name], marker="o", markersize=3.5, color=colour, linestyle=style, linewidth=width)
    ax.set_xticks(at, wide.index)
    ax.set_xlim(-0.2, len(wide) - 0.8)
    ax.set_ylim(0, _room_above(wide))
    _name_ends(ax, wide, chosen=chosen)
    ax.set_ylabel("precision at capacity")
    ax.set_xlabel("as-of date of the test; the last one is the sealed one")
    return None


def _name_ends(ax: Axes, wide: pd.DataFrame, *, chosen: str) -> None:
    """Names beside the last points, moved apart where they would overlap, each tied to its point by a thin line."""
    ends = wide.ffill().iloc[-1].sort_values(kind="stable")
    top = ax.get_ylim()[1]
    leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 3, "relpos": (0, 0.5)}
    beside: dict[str, Any] = {"textcoords": ax.get_yaxis_transform(), "va": "center", "annotation_clip": False}
    for (name, value), y in zip(ends.items(), _apart(ends.tolist(), room=_LABEL_HEIGHT * top, top=top), strict=True):
        look: dict[str, Any] = {"color": CHOSEN, "fontweight": "bold"} if name == chosen else {"color": INK}
        x = wide.index.get_loc(wide[name].last_valid_index())
        ax.annotate(str(name), (x, value), xytext=(1.03, y), arrowprops=leader, fontsize=8, **beside, **look)


def _apart(values: Sequence[float], *, room: float, top: float) -> list[float]:
    """Ascending heights at least ``room`` apart and as near the ascending values as pushing up, then down, leaves them.

    Examples
    --------
    >>> _apart([0.1, 0.8, 0.8, 0.9], room=0.1, top=1.0)
    [0.1, 0.8, 0.9, 1.0]
    """
    heights: list[float] = []
    for value in values:
        heights.append(max(value, heights[-1] + room) if heights else value)
    for i in reversed(range(len(heights))):
        ceiling = top if i + 1 == len(heights) else heights[i + 1] - room
        heights[i] = round(min(heights[i], ceiling), 9)
    return heights


def _reliability(ax: Axes, table: pd.DataFrame) -> None:
    table = table.dropna(subset=["mean_probability", "observed"])
    top = 1.1 * max(table["mean_probability"].max(), table["high"].max())
    ax.plot([0, top], [0, top], linestyle="--", color=INK, linewidth=0.8, label="perfect")
    error = np.maximum([table["observed"] - table["low"], table["high"] - table["observed"]], 0)
    ax.errorbar(table["mean_probability"], table["observed"], yerr=error, fmt="o", color=CHOSEN, ecolor=INK)
    ax.set_xlabel("probability by the card")
    ax.set_ylabel("share with the outcome (95 % interval)")


def groups(ax: Axes, table: pd.DataFrame) -> None:
    """Recall of each group with its 95 % interval; groups without a figure are named and say "not testable"."""
    table = table.iloc[::-1]
    names = [f"{a}: {g}" for a, g in zip(table["attribute"], table["group"], strict=True)]
    at = np.arange(len(names))
    ax.scatter(table["recall"], at, color=CHOSEN, edgecolor=INK, zorder=3)
    _whiskers(ax, table["recall"], table["recall_low"], table["recall_high"])
    for y in at[table["recall"].isna()]:
        beside_axis = ax.get_yaxis_transform()
        ax.text(0.01, y, "not testable", transform=beside_axis, va="center", fontsize=8, style="italic", color=INK)
    ax.set_yticks(at, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_xlim(0, _room_above(table["recall_high"]))
    ax.grid(axis="x", color="#E0E0E0", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("recall: share of those with the need who are listed (95 % interval)")


def _whiskers(ax: Axes, middle: pd.Series[float], low: pd.Series[float], high: pd.Series[float]) -> None:
    error = np.maximum([middle - low, high - middle], 0)
    ax.errorbar(middle, np.arange(len(middle)), xerr=error, fmt="none", ecolor=INK, elinewidth=1, capsize=3)


def _room_above(shares: Any) -> float:
    """Where an axis of shares ends: a little above the largest, at most at 1; a tenth where all are 0 or none is known.

    Examples
    --------
    >>> [round(_room_above(shares), 3) for shares in ([0.2, float("nan")], [0.95], [0.0], [float("nan")])]
    [0.23, 1.0, 0.1, 0.1]
    """
    return float(np.fmin(1.0, np.fmax(0.1, 1.15 * np.fmax.reduce(np.ravel(shares)))))


def _say(ax: Axes, text: str) -> None:
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes)
    ax.set_axis_off()


def published_pictures(record: Mapping[str, Any]) -> dict[str, str]:
    """SVG to set into a page, by name, drawn from the protected tables of :func:`published` alone.

    ``models``, ``over_time`` and, where the record holds groups, ``groups``. Words stay text; element ids are each
    picture's own, so that several can stand on one page; no metadata and no address. The same record gives the same
    bytes.
    """
    comparison = _numbers(record["tables"]["comparison"], ["precision", "recall"])
    by_split = _numbers(record["tables"]["by_split"], ["precision", "recall"])
    chosen = record["about"]["model"]
    pictures = {
        "models": _svg("models", lambda ax: models(ax, comparison, chosen=chosen), height=0.27 * len(comparison) + 0.7),
        "over_time": _svg("over_time", lambda ax: over_time(ax, by_split, chosen=chosen), height=3.4),
    }
    if "groups" in record["tables"]:
        frame = _numbers(record["tables"]["groups"], ["recall"])
        pictures["groups"] = _svg("groups", lambda ax: groups(ax, frame), height=0.27 * len(frame) + 0.7)
    return pictures


def _numbers(table: Mapping[str, Any], rates: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(table["rows"], columns=table["columns"])
    for rate in rates:
        frame[rate] = pd.to_numeric(frame[rate], errors="coerce")
        if f"{rate}_95" in frame:
            bounds = frame[f"{rate}_95"].str.extract(r"([\d.]+) to ([\d.]+)").astype(float)
            frame[[f"{rate}_low", f"{rate}_high"]] = bounds
    return frame


def _svg(name: str, draw: Callable[[Axes], None], *, height: float) -> str:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure.subplots())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>| xmlns(:\w+)?=\"[^\"]*\"", "", text, flags=re.DOTALL)
    text = re.sub(r"(\bid=\"|url\(#|href=\"#)", rf"\g<1>{name}-", text)
    return text.replace("xlink:href", "href")
