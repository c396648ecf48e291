import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page import Page

from vru_models.evidence.plots import _apart, published_pictures

ODD = "a<script>$x$&b"
GROUPS = ["attribute", "group", "recall", "recall_95"]


def record(*, groups=True, precision="0.300"):
    tables = {
        "comparison": {
            "columns": ["model", "precision", "precision_95", "recall"],
            "rows": [["dense", precision, "0.20 to 0.41", "0.2"], ["flags", precision, "", "0.1"]],
        },
        "by_split": {
            "columns": ["split", "model", "precision", "recall"],
            "rows": [
                [date, name, precision, "0.2"] for date in ("2025-02-01", "2025-08-01") for name in (ODD, "dense")
            ],
        },
    }
    if groups:
        rows = [["sex", "F", "0.250", "0.17 to 0.35"], [ODD, "U", "not testable", ""]]
        tables["groups"] = {"columns": GROUPS, "rows": rows}
    return {"about": {"model": "dense"}, "tables": tables}


@pytest.fixture(scope="module")
def pictures():
    return published_pictures(record())


def words(svg):
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_there_is_a_picture_of_models_of_dates_and_of_groups(pictures):
    assert list(pictures) == ["models", "over_time", "groups"]
    assert all(svg.startswith("<svg") for svg in pictures.values())


def test_without_groups_there_is_no_picture_of_them():
    assert list(published_pictures(record(groups=False))) == ["models", "over_time"]


def test_words_in_a_picture_are_text_and_shown_as_they_are(pictures):
    assert "dense (chosen)" in words(pictures["models"])
    assert "a&lt;script&gt;$x$&amp;b" in words(pictures["over_time"])
    assert "a&lt;script&gt;$x$&amp;b: U" in words(pictures["groups"])


def test_a_group_without_a_figure_is_named_and_said_to_be_not_testable(pictures):
    assert words(pictures["groups"]).count("not testable") == 1


def test_pictures_stand_together_on_one_page_and_fetch_nothing(pictures):
    page = Page("".join(pictures.values()))
    assert page.balanced
    assert page.runs_and_fetches_nothing()
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"https?:|<style|<metadata|xmlns", "".join(pictures.values()))


def test_what_a_picture_refers_to_is_in_it(pictures):
    for svg in pictures.values():
        referred = {a or b for a, b in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)}
        assert referred
        assert referred <= set(Page(svg).ids)


def test_the_same_record_gives_the_same_picture(pictures):
    assert published_pictures(record()) == pictures


def test_where_no_precision_may_be_shown_the_picture_says_so():
    drawn = published_pictures(record(precision="not testable"))
    assert words(drawn["models"]) == ["no precision that may be shown"]
    assert words(drawn["over_time"]) == ["no precision that may be shown"]


def test_a_precision_of_nought_on_every_date_is_drawn():
    assert "dense" in words(published_pictures(record(precision="0.000"))["over_time"])


def test_names_at_the_same_height_are_moved_apart_upwards():
    assert _apart([0.2, 0.2, 0.2], room=0.1, top=1.0) == [0.2, 0.3, 0.4]


def test_names_at_the_top_are_moved_apart_downwards():
    assert _apart([0.1, 1.0, 1.0], room=0.1, top=1.0) == [0.1, 0.9, 1.0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=12))
def test_names_never_overlap_and_keep_their_order(values):
    heights = _apart(sorted(values), room=0.05, top=1.0)
    assert all(b - a >= 0.05 - 1e-8 for a, b in pairwise(heights))
    assert heights[-1] <= 1.0 + 1e-8
