"""The one page of a card: plain text, Markdown, HTML, picture. Computes nothing, renders the card's frames."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vru_models.models.card import Card

_HOW = (
    "For each feature, find the one line that applies and add its points. The total is the score. "
    "What is not known has a line of its own, which may give more points than none recorded."
)
_NAME = re.compile(r"(.+)_(count|any|days_since_last|sum|mean|max|distinct|trend|rate)_(\d+)(d|m|sd|t)")
_MEASURES = {
    "count": "how many in",
    "any": "any in",
    "days_since_last": "days since the last in",
    "sum": "sum over",
    "mean": "mean over",
    "max": "largest in",
    "distinct": "different ones in",
    "trend": "change from as long before, over",
    "rate": "share of possible sessions in",
}
_UNITS = {"d": "day", "m": "month", "sd": "school day", "t": "term"}
_RAISES, _LOWERS, _NONE = (
    "#0072B2",
    "#E69F00",
    "#999999",
)  # Okabe and Ito (2008): told apart by every kind of colour vision
_STYLE = (
    "body{font:16px/1.4 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}th,td{padding:.2em .8em;border-bottom:1px solid #bbb;text-align:left}"
    "td:last-child,th:last-child{text-align:right}"
)


def words(name: str) -> str:
    """A feature in words, where its name is made of indicator, measure and window; any other name as it is.

    Examples
    --------
    >>> words("suspension_count_12m"), words("mh_crisis_days_since_last_1m"), words("visits_90d")
    ('suspension: how many in 12 months', 'mh crisis: days since the last in 1 month', 'visits_90d')
    >>> words("absence_rate_3t"), words("absence_trend_60sd")
    ('absence: share of possible sessions in 3 terms', 'absence: change from as long before, over 60 school days')
    """
    parts = _NAME.fullmatch(name)
    if parts is None:
        return name
    indicator, measure, number, unit = parts.groups()
    window = f"{number} {_UNITS[unit]}{'' if number == '1' else 's'}"
    return f"{indicator.replace('_', ' ')}: {_MEASURES[measure]} {window}"


def _lines(card: Card) -> list[tuple[str, str, str]]:
    """Feature (on its first line only), bin, points with a sign; of the features that have points."""
    frame = card.frame()
    frame = frame[frame["feature"].isin([f.name for f in card.features if f.has_points])]
    shown = frame["feature"].map(words).where(~frame["feature"].duplicated(), "")
    return [(f, b, _signed(p)) for f, b, p in zip(shown, frame["bin"], frame["points"], strict=True)]


def _signed(points: int) -> str:
    return f"{points:+d}" if points else "0"


def _without(card: Card) -> str:
    """The features on which every line has 0 points, in one line; blank where each has some."""
    names = [words(f.name) for f in card.features if not f.has_points]
    return f"No points: {'; '.join(names)}." if names else ""


def _chances(card: Card) -> list[tuple[str, str]]:
    reckoner = card.ready_reckoner()
    pairs = zip(reckoner["points"], reckoner["probability"], strict=True)
    return [(str(p), f"{100 * chance:.1f} %") for p, chance in pairs]


def _formula(card: Card) -> str:
    return f"log-odds = {card.intercept:.6f} + {card.slope:.6f} x score"


def text(card: Card) -> str:
    """The card as plain text, columns aligned."""
    lines = [("feature", "bin", "points"), *_lines(card)]
    wide = [max(len(line[i]) for line in lines) for i in range(3)]
    table = [f"{f:<{wide[0]}}  {b:<{wide[1]}}  {p:>{wide[2]}}".rstrip() for f, b, p in lines]
    chances = [f"{p:>6}  {chance:>8}" for p, chance in [("score", "chance"), *_chances(card)]]
    none = [_without(card), ""] if _without(card) else []
    return "\n".join([_HOW, "", *table, "", *none, *chances, "", _formula(card), ""])


def markdown(card: Card) -> str:
    """The card as Markdown, with the characters that would break a table escaped."""
    rows = [f"| {_plain(f)} | {_plain(b)} | {p} |" for f, b, p in _lines(card)]
    chances = [f"| {p} | {chance} |" for p, chance in _chances(card)]
    head, reckoner = ["| feature | bin | points |", "|:--|:--|--:|"], ["| score | chance |", "|--:|--:|"]
    none = [_plain(_without(card)), ""] if _without(card) else []
    return "\n".join([_HOW, "", *head, *rows, "", *none, *reckoner, *chances, "", _formula(card), ""])


def _plain(cell: str) -> str:
    for mark in "\\`*_[]|":
        cell = cell.replace(mark, "\\" + mark)
    return escape(cell, quote=False)


def html(card: Card) -> str:
    """The card as one self-contained page: no script, no address."""
    points = _table(("feature", "bin", "points"), _lines(card))
    chances = _table(("score", "chance"), _chances(card))
    none = f"<p>{escape(_without(card))}</p>\n" if _without(card) else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Card</title>'
        f"<style>{_STYLE}</style></head>\n"
        f"<body><h1>Card</h1><p>{_HOW}</p>\n{points}\n{none}<h2>What a score means</h2>\n{chances}\n"
        f"<p>{_formula(card)}</p></body></html>\n"
    )


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    titles = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead>\n<tbody>{body}</tbody></table>"


def plot(card: Card, ax: Axes | None = None) -> Axes:
    """Every line of the card as a bar, first feature on top; the numbers are those of ``card.frame()``."""
    import matplotlib.pyplot as plt  # noqa: PLC0415

    frame = card.frame()
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 1.2 + 0.22 * len(frame)), layout="constrained")
    positions = range(len(frame))
    colours = [_RAISES if p > 0 else _LOWERS if p < 0 else _NONE for p in frame["points"]]
    bars = ax.barh(positions, frame["points"], color=colours)
    ax.bar_label(bars, labels=[_signed(p) for p in frame["points"]], padding=2, fontsize=8)
    labels = [f"{f}: {b}" for f, b in zip(frame["feature"], frame["bin"], strict=True)]
    ax.set_yticks(positions, labels, fontsize=8, parse_math=False)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlabel="points", ylabel="feature: bin", title="Points of the whole card")
    return ax
