"""The one page of a card: plain text, Markdown, HTML, picture. Computes nothing, renders the card's frames."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vru_models.models.card import Card

_HOW = (
    "For each feature, find the one line that applies and add its points. The total is the score. "
    "What is not known neither raises nor lowers anyone from the middle: it has a line of its own."
)
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


def _lines(card: Card) -> list[tuple[str, str, str]]:
    """Feature (on its first line only), bin, points with a sign."""
    frame = card.frame()
    first = ~frame["feature"].duplicated()
    shown = frame["feature"].where(first, "")
    return [(f, b, f"{p:+d}" if p else "0") for f, b, p in zip(shown, frame["bin"], frame["points"], strict=True)]


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
    return "\n".join([_HOW, "", *table, "", *chances, "", _formula(card), ""])


def markdown(card: Card) -> str:
    """The card as Markdown, with the characters that would break a table escaped."""
    rows = [f"| {_plain(f)} | {_plain(b)} | {p} |" for f, b, p in _lines(card)]
    chances = [f"| {p} | {chance} |" for p, chance in _chances(card)]
    head, reckoner = ["| feature | bin | points |", "|:--|:--|--:|"], ["| score | chance |", "|--:|--:|"]
    return "\n".join([_HOW, "", *head, *rows, "", *reckoner, *chances, "", _formula(card), ""])


def _plain(cell: str) -> str:
    for mark in "\\`*_[]|":
        cell = cell.replace(mark, "\\" + mark)
    return escape(cell, quote=False)


def html(card: Card) -> str:
    """The card as one self-contained page: no script, no address."""
    points = _table(("feature", "bin", "points"), _lines(card))
    chances = _table(("score", "chance"), _chances(card))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Card</title>'
        f"<style>{_STYLE}</style></head>\n"
        f"<body><h1>Card</h1><p>{_HOW}</p>\n{points}\n<h2>What a score means</h2>\n{chances}\n"
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
    ax.bar_label(bars, labels=[p for _, _, p in _lines(card)], padding=2, fontsize=8)
    labels = [f"{f}: {b}" for f, b in zip(frame["feature"], frame["bin"], strict=True)]
    ax.set_yticks(positions, labels, fontsize=8, parse_math=False)
    ax.invert_yaxis()
    ax.margins(x=0.1)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set(xlabel="points", ylabel="feature: bin", title="Points of the whole card")
    return ax
