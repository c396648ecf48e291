from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vru_models.disclosure.profiles import profile_named
from vru_models.disclosure.protect import Protected, cell_beside, protect
from vru_models.errors import SpecError


def shown(**columns):
    frame = pd.DataFrame(columns)
    return protect(frame, counts=[c for c in frame if frame[c].dtype.kind in "if"])


@pytest.mark.parametrize(
    ("count", "cell"), [(0, None), (6, None), (7, None), (8, 10), (12, 10), (13, 15), (17, 15), (18, 20), (1000, 1000)]
)
def test_counts_at_the_boundaries(count, cell):
    value = shown(n=[count]).frame()["n"].iloc[0]
    assert np.isnan(value) if cell is None else value == cell


def test_parts_of_a_person_count_with_the_threshold():
    assert shown(n=[7.9, 8.0]).frame()["n_note"].tolist() == ["redacted", ""]


def test_rates_come_from_the_rounded_counts_alone():
    t = protect(pd.DataFrame({"p": [52], "n": [103]}), counts=["p", "n"], rates={"recall": ("p", "n")}).frame()
    assert t["recall"].iloc[0] == pytest.approx(50 / 105)


def test_a_rate_that_was_there_is_replaced():
    t = protect(
        pd.DataFrame({"p": [52], "n": [103], "recall": [52 / 103]}), counts=["p", "n"], rates={"recall": ("p", "n")}
    ).frame()  # fmt: skip
    assert t["recall"].iloc[0] == pytest.approx(50 / 105)


@pytest.mark.parametrize(("part", "hidden"), [(7, True), (8, False), (92, False), (93, True), (100, True)])
def test_a_part_is_redacted_when_it_or_what_is_left_is_small(part, hidden):
    t = protect(pd.DataFrame({"p": [part], "n": [100]}), counts=["p", "n"], rates={"r": ("p", "n")}).frame().iloc[0]
    assert (t["p_note"] == "redacted") is hidden
    assert (t["r_note"] == "not testable") is hidden
    assert t["n"] == 100


def test_a_suppressed_cell_is_never_a_pass():
    table = pd.DataFrame({"g": ["a", "b"], "p": [50, 3], "n": [100, 40], "verdict": ["pass", "pass"]})
    t = protect(table, counts=["p", "n"], rates={"r": ("p", "n")}, verdicts={"verdict": "r"})
    assert t.frame()["verdict"].tolist() == ["pass", "not testable"]
    assert t.text()["r"].tolist() == ["0.500", "not testable"]


def test_a_total_is_the_sum_of_what_is_shown():
    t = shown(n=[12, 13, 3]).totals().iloc[0]
    assert t.tolist() == ["n", 25, 3, 1]


def test_a_total_of_nothing_shown_is_undefined():
    assert np.isnan(shown(n=[1, 2]).totals()["total"].iloc[0])


def test_text_is_what_would_be_printed():
    assert shown(g=["a", "b"], n=[1234, 2]).text().to_numpy().tolist() == [["a", "1,235"], ["b", "redacted"]]


def test_the_table_given_is_left_as_it_was():
    table = pd.DataFrame({"n": [3, 50]})
    protect(table, counts=["n"])
    assert table["n"].tolist() == [3, 50]


def test_an_empty_table_stays_empty():
    assert protect(pd.DataFrame({"n": pd.Series([], dtype=int)}), counts=["n"]).frame().empty


def test_a_number_that_is_not_declared_is_refused():
    with pytest.raises(ValueError, match="low, high hold numbers that are neither counts nor rates"):
        protect(pd.DataFrame({"n": [50], "low": [0.1], "high": [0.2]}), counts=["n"])


@pytest.mark.parametrize("bad", [-1, np.nan])
def test_missing_and_negative_counts_are_refused(bad):
    with pytest.raises(ValueError, match="n hold missing or negative counts"):
        protect(pd.DataFrame({"n": [50, bad]}), counts=["n"])


def test_a_part_larger_than_its_whole_is_refused():
    with pytest.raises(ValueError, match="r: a part is larger than its whole"):
        protect(pd.DataFrame({"p": [60], "n": [50]}), counts=["p", "n"], rates={"r": ("p", "n")})


@pytest.mark.parametrize(
    "options",
    [
        {"counts": []},
        {"counts": ["m"]},
        {"counts": ["n"], "rates": {"r": ("p", "n")}},
        {"counts": ["n"], "verdicts": {"v": "r"}},
    ],
)
def test_names_that_do_not_meet_are_refused(options):
    with pytest.raises(ValueError, match="missing from the table, counts or rates"):
        protect(pd.DataFrame({"n": [50], "v": ["pass"]}), **options)


def test_an_unknown_profile_is_refused():
    with pytest.raises(SpecError, match="Expected: one of opensafely"):
        protect(pd.DataFrame({"n": [50]}), counts=["n"], profile="none")


def test_a_protected_value_with_a_hidden_cell_shown_cannot_be_made():
    table, notes = pd.DataFrame({"n": [3.0]}), pd.DataFrame({"n": ["redacted"]})
    with pytest.raises(ValueError, match="a cell is shown if and only if it has no note"):
        Protected(table, ("n",), notes, profile_named("opensafely"))


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=6))
def test_what_is_not_shown_of_a_whole_is_few_rows_or_has_many_people_in_it(cells):
    rows, few = np.array([n for n, _ in cells]), np.array([is_few for _, is_few in cells])
    beside = cell_beside(rows, few, profile="opensafely")
    assert not (beside & few).any()
    assert few.all() or beside.sum() == (rows[few].sum() > 7)
    assert rows[beside].sum() == min(rows[~few], default=0) or not beside.any()


def test_a_cell_that_is_withheld_says_that_it_is_and_is_not_called_small():
    safe = shown(n=[3, 100, 900]).withheld({"n": np.array([False, True, False])})
    assert safe.text()["n"].tolist() == ["redacted", "withheld", "900"]
    assert safe.totals()[["total", "redacted"]].to_numpy().tolist() == [[900, 1]]
