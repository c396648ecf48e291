"""A picture of splits for a panel: when lists would have been made, and by which outcomes they learn and are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib import dates
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from vru_models.splits.splits import Horizon, Splits

_DATES: Any = dates
_BLUE, _ORANGE, _GREY, _INK = "#0072B2", "#E69F00", "#C8C8C8", "#222222"
_STYLE: Final[dict[Any, Any]] = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
_LABELS: Final = {
    "learnt": "outcomes learnt from (of all training dates)",
    "train": "training date",
    "test": "date of the list that is judged",
    "embargo": "embargo: what happens here counts neither way",
    "outcome": "outcomes it is judged by",
    "lag": "reporting lag: until they are known",
}


def plot_splits(splits: Splits, spans: tuple[Horizon, Horizon, Horizon]) -> Figure:
    """One line per split: training dates, the list's date, the days whose outcomes count; the sealed one is named."""
    items = splits.required().items
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9, 1.9 + 0.42 * len(items)), layout="constrained")
        ax = figure.subplots()
        for y, split in enumerate(items):
            first, last = (_window(date, spans) for date in (split.train[0], split.train[-1]))
            start, end, complete = _window(split.test, spans)
            _bar(ax, y, (first[0], last[1]), "learnt", color=_GREY, height=0.5)
            _bar(ax, y, (split.test, start), "embargo", color="white", edgecolor=_INK, hatch="////", height=0.5)
            _bar(ax, y, (start, end), "outcome", color=_BLUE, height=0.5)
            _bar(ax, y, (end, complete), "lag", color="white", edgecolor=_BLUE, height=0.5)
            ax.plot(split.train, [y] * len(split.train), "|", color=_INK, ms=9, label=_LABELS["train"])
            ax.plot([split.test], [y], "D", color=_ORANGE, mec=_INK, ms=7, label=_LABELS["test"])
        names = [f"{split.name}\n(sealed)" if split is items[-1] else split.name for split in items]
        ax.set_yticks(range(len(items)), names)
        ax.invert_yaxis()
        ax.set_ylabel("list of")
        locator = _DATES.AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(_DATES.ConciseDateFormatter(locator))
        ax.set_title("No list is judged by an outcome that it learnt from, or by one not yet known", loc="left")
        handles = dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        shown = [label for label in _LABELS.values() if label in handles]
        figure.legend([handles[label] for label in shown], shown, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _window(date: np.datetime64, spans: tuple[Horizon, Horizon, Horizon]) -> tuple[Any, Any, Any]:
    embargo, horizon, lag = spans
    start = embargo.after(date)
    end = horizon.after(start)
    return start, end, lag.after(end)


def _bar(ax: Any, y: int, days: tuple[Any, Any], name: str, **style: Any) -> None:
    length = days[1] - days[0]
    if length > np.timedelta64(0, "D"):
        ax.barh(y, length, left=days[0], label=_LABELS[name], **style)
