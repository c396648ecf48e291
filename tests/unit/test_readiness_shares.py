import numpy as np
import pandas as pd
import pytest

from vru_models.disclosure.shares import said, shares, with_days


def made(whole, part, **more):
    table = pd.DataFrame({"whole": [whole], "part": [part]})
    return shares(table, counts=["whole", "part"], rates={"share": ("part", "whole")}, profile="opensafely", **more)


@pytest.mark.parametrize(
    ("whole", "part", "low", "high", "text"),
    [
        (1000, 203, 0.205, 0.205, "20.5 %"),
        (1000, 8, 0.010, 0.010, "1.0 %"),
        (1000, 7, 0.0, 0.01, "at most 1 %"),
        (1000, 0, 0.0, 0.01, "at most 1 %"),
        (1000, 993, 0.99, 1.0, "at least 99 %"),
        (1000, 1000, 0.99, 1.0, "at least 99 %"),
        (100, 0, 0.0, 0.08, "at most 8 %"),
        (8, 0, 0.0, 0.94, "at most 94 %"),
    ],
)
def test_a_share_is_shown_or_bounded(whole, part, low, high, text):
    table = made(whole, part)
    assert table.table[["share_low", "share_high"]].round(9).values.tolist() == [[low, high]]
    assert said(table)["share"].tolist() == [text]


@pytest.mark.parametrize(("whole", "part"), [(7, 0), (7, 7), (14, 7), (10, 5), (0, 0)])
def test_nothing_is_said_where_part_and_rest_are_both_small_or_the_whole_is(whole, part):
    table = made(whole, part)
    assert table.table[["share", "share_low", "share_high"]].isna().all(axis=None)
    assert said(table)["share"].tolist() == ["not testable"]


def test_every_bound_holds_and_tells_no_small_count_from_another():
    table = pd.DataFrame([(whole, part) for whole in range(15, 300) for part in range(8)], columns=["whole", "part"])
    safe = shares(table, counts=["whole", "part"], rates={"share": ("part", "whole")}, profile="opensafely").table
    assert (safe["share_low"] == 0).all()
    assert (safe["share_high"] >= 7 / table["whole"]).all()
    assert (safe.groupby(table["whole"])["share_high"].nunique() == 1).all()


@pytest.mark.parametrize(("people", "shown"), [(7, False), (8, True)])
def test_rows_about_few_people_are_redacted_however_many(people, shown):
    table = made(1000, 300, people={"part": [people], "whole": [900]})
    assert table.table["part"].notna().tolist() == [shown]
    assert table.table["share_high"].notna().tolist() == [shown]


def test_a_whole_about_few_people_takes_its_part_with_it():
    table = made(1000, 300, people={"whole": [7]})
    assert table.table[["whole", "part", "share_low"]].isna().all(axis=None)


def test_days_are_whole_numbers_or_not_testable():
    table = with_days(made(1000, 300), pd.DataFrame({"median_days": [31.0]}))
    assert said(table)["median_days"].tolist() == ["31"]
    gone = with_days(made(1000, 300), pd.DataFrame({"median_days": [np.nan]}))
    assert said(gone)["median_days"].tolist() == ["not testable"]
    assert gone.frame()["median_days_note"].tolist() == ["not testable"]
