from __future__ import annotations

from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from vru_models.models import Card, CardFeature
from vru_models.models.card_page import plot

mpl.use("Agg")
SUSPENDED = CardFeature("suspended", edges=(0.0, 2.0), points=(0, 3, 7), neutral=1, reference=0, kind="count")
SUPPORT = CardFeature("<b>support|$x", edges=(0.0,), points=(0, -2), neutral=0, reference=0, kind="flag")
CARD = Card((SUSPENDED, SUPPORT), slope=0.5, intercept=-2.5)


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.rows = [""], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.tags[-1] in ("td", "th") and data.strip():
            self.rows[-1].append(data)


def test_the_text_holds_every_line_the_reckoner_and_the_formula():
    lines = CARD.text().splitlines()
    assert lines[2:10] == [
        "feature        bin        points",
        "suspended      0               0",
        "               1 to 2         +3",
        "               3 or more      +7",
        "               not known      +1",
        "<b>support|$x  no              0",
        "               yes            -2",
        "               not known       0",
    ]
    assert "     5    50.0 %" in lines
    assert lines[-1] == "log-odds = -2.500000 + 0.500000 x score"


IDLE = CardFeature("mh_crisis_count_6m", edges=(0.0,), points=(0, 0), neutral=0, reference=0, kind="count")
NEUTRAL = CardFeature("moves_sum_24m", edges=(), points=(0,), neutral=1, reference=0, kind="count")


@pytest.mark.parametrize("page", [Card.text, Card.markdown, Card.html])
def test_features_without_points_are_folded_into_one_line_and_are_whole_in_json(page):
    card = Card((SUSPENDED, IDLE, NEUTRAL), slope=0.5, intercept=-2.5)
    shown = page(card)
    assert shown.count("No points: mh crisis: how many in 6 months.") == 1
    assert shown.count("mh crisis") == 1
    assert shown.index("moves: sum over 24 months") < shown.index("No points:") < shown.index("log-odds")
    assert Card.from_json(card.to_json()) == card
    assert "No points" not in page(CARD)


def test_a_card_without_any_points_still_has_a_page():
    assert "No points: mh crisis: how many in 6 months." in Card((IDLE,), slope=0.5, intercept=-2.5).text()


def test_markdown_cells_cannot_break_the_table_or_carry_markup():
    row = next(line for line in CARD.markdown().splitlines() if "support" in line)
    assert row == "| &lt;b&gt;support\\|$x | no | 0 |"


def test_html_escapes_names_and_needs_no_script_and_no_address():
    page = CARD.html()
    parsed = Cells()
    parsed.feed(page)
    assert "".join(parsed.rows[5][:-2]) == "<b>support|$x"
    assert not {"script", "b", "link", "img", "a"} & set(parsed.tags)
    assert "http" not in page


def test_the_plot_draws_the_frame_and_nothing_else():
    ax = plt.figure().add_subplot()
    assert plot(CARD, ax) is ax
    assert [bar.get_width() for bar in ax.patches] == CARD.frame()["points"].tolist()
    assert [label.get_text() for label in ax.get_yticklabels()][4] == "<b>support|$x: no"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("points", "feature: bin")
    ax.figure.canvas.draw()
    plt.close("all")


@pytest.mark.parametrize(("points", "colour"), [(1, "#0072b2"), (-1, "#e69f00"), (0, "#999999")])
def test_bars_are_told_apart_by_sign(points, colour):
    ax = plot(Card((CardFeature("a", (0.0,), (0, points), 0, 0),), slope=0.0, intercept=0.0))
    assert mpl.colors.to_hex(ax.patches[1].get_facecolor()) == colour
    plt.close("all")
