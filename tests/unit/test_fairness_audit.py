from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vru_models.evaluation.intervals import wilson
from vru_models.evaluation.ranking import rank
from vru_models.fairness.audit import audit_groups
from vru_models.fairness.measures import MEASURES


def run(y, selected, groups, **kwargs):
    frame = groups if isinstance(groups, pd.DataFrame) else pd.DataFrame({"g": groups})
    options = {"unit": range(len(y)), "limits": {"recall": 0.1}, "n_replicates": 20, "random_state": 0, "min_group": 1}
    return audit_groups(y, selected, sensitive_features=frame, **(options | kwargs))


def group(audit, name):
    return audit.frame().set_index("group").loc[name]


def test_the_figures_of_a_group_as_worked_by_hand():
    # a: 1 found, 1 missed, 1 listed without need, 1 left off without need, 1 listed and unlabelled
    audit = run([1, 1, 0, 0, None, 1], [1, 0, 1, 0, 1, 1], list("aaaaab"))
    a = group(audit, "a")
    assert a[["n", "n_units", "n_labelled", "positives", "selected"]].tolist() == [5, 5, 4, 2, 3]
    assert a[["selected_labelled", "selected_positives"]].tolist() == [2, 1]
    assert a[["selection_rate", "recall", "precision", "false_omission_rate"]].tolist() == [0.6, 0.5, 0.5, 0.5]
    assert a[[f"{m}_denominator" for m in MEASURES]].tolist() == [5, 2, 2, 2]


def test_a_rate_without_a_denominator_is_undefined_never_0():
    b = group(run([1, 0, 0], [1, 0, 0], list("abb")), "b")
    assert b[["recall", "recall_low", "recall_high", "precision"]].isna().all()
    assert b[["recall_method", "precision_method"]].tolist() == ["undefined", "undefined"]
    assert b["selection_rate"] == 0


def test_small_counts_have_wilson_intervals_on_distinct_people():
    audit = run([1, 1, 1, 1], [1, 1, 0, 0], list("aabb"), unit=["p", "p", "q", "r"])
    a = group(audit, "a")
    assert a["n_units"] == 1
    assert (a["recall_low"], a["recall_high"]) == pytest.approx(tuple(map(float, wilson(1.0, 1))))


def test_a_missing_attribute_is_a_group_of_its_own():
    assert run([1, 0], [1, 0], ["a", None]).frame()["group"].tolist() == ["a", "not recorded"]


def test_a_gap_is_positive_where_the_group_is_worse_off():
    y, selected = [1, 1, 0, 0] * 2, [1, 1, 0, 0, 0, 0, 1, 1]
    audit = run(y, selected, list("aaaabbbb"), limits=dict.fromkeys(MEASURES, 0.1))
    gaps = audit.verdicts().set_index(["measure", "group"])["gap"]
    assert gaps.xs("b", level="group").to_dict() == {
        "selection_rate": 0, "recall": 1, "precision": 1, "false_omission_rate": 1,
    }  # fmt: skip
    assert gaps.xs("a", level="group").tolist() == [0, -1, -1, -1]


def test_shares_of_a_place_count_in_parts():
    a = group(run([1, 0], [0.5, 0.5], list("aa")), "a")
    assert a[["selected", "selection_rate", "recall", "precision", "false_omission_rate"]].tolist() == [
        1,
        0.5,
        0.5,
        0.5,
        0.5,
    ]


def test_a_ranking_gives_the_figures_of_its_list():
    rng = np.random.default_rng(1)
    y, score, g = rng.integers(0, 2, 400), rng.integers(0, 9, 400), rng.choice(list("ab"), 400)
    ranked = rank(score, k=50)
    by_rank, by_share = run(y, ranked, g), run(y, ranked.row_shares(), g)
    figures = [*MEASURES, "selected"]
    pd.testing.assert_frame_equal(by_rank.frame()[figures], by_share.frame()[figures])


def test_a_list_that_reselects_varies_otherwise_than_a_fixed_one():
    rng = np.random.default_rng(2)
    n = 3000
    y, score, g = rng.integers(0, 2, n), rng.normal(size=n), rng.choice(list("ab"), n)
    ranked = rank(score, k=600)
    moving, fixed = (run(y, s, g, n_replicates=400) for s in (ranked, ranked.row_shares()))
    widths = [(a.frame()["recall_high"] - a.frame()["recall_low"]).to_numpy() for a in (moving, fixed)]
    assert (np.abs(widths[0] / widths[1] - 1) > 0.02).any()


def test_the_audit_is_the_same_for_the_same_state_and_any_order_of_attributes():
    rng = np.random.default_rng(3)
    y, s = rng.integers(0, 2, 600), rng.integers(0, 2, 600)
    both = pd.DataFrame({"a": rng.choice(list("xy"), 600), "b": rng.choice(list("uv"), 600)})
    first, again = (run(y, s, both) for _ in range(2))
    assert first.frame().equals(again.frame())
    assert first.verdicts().equals(again.verdicts())
    assert first.frame()["attribute"].tolist() == ["a", "a", "b", "b"]


def test_frames_are_copies():
    audit = run([1, 0], [1, 0], list("ab"))
    given = audit.frame()
    given["n"] = 0
    assert audit.frame()["n"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"recal": 0.1}, "recal given. Expected: some of selection_rate"),
        ({}, "none given"),
        ({"recall": 1.0}, "recall is not a"),
    ],
)
def test_limits_that_cannot_be_meant_are_refused(limits, message):
    with pytest.raises(ValueError, match=message):
        run([1], [1], ["a"], limits=limits)


def test_a_series_of_attributes_is_refused():
    with pytest.raises(TypeError, match="a DataFrame with one attribute a column"):
        audit_groups([1], [1], sensitive_features=pd.Series(["a"]), unit=[1], limits={"recall": 0.1}, random_state=0)


def test_a_share_above_1_is_refused():
    with pytest.raises(ValueError, match="selected: 1 of 2 lie outside 0 to 1"):
        run([1, 0], [2, 0], list("ab"))


def test_a_ranking_of_other_rows_is_refused():
    with pytest.raises(ValueError, match="the ranking has 1 rows, expected 2"):
        run([1, 0], rank([1], k=1), list("ab"))


def test_the_picture_shows_the_frame():
    audit = run([1, 1, 0, 0], [1, 0, 1, 0], pd.DataFrame({"sex": list("FFMM"), "age": list("xyxy")}))
    figure = audit.plot("precision")
    assert [axis.get_title() for axis in figure.axes] == ["sex", "age"]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["F (n = 2)", "M (n = 2)"]
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines[1::2]]
    assert marks == audit.frame()["precision"].tolist()[:2]
    assert {line.get_color() for axis in figure.axes for line in axis.lines} == {"black"}


def test_a_picture_of_an_unknown_measure_is_refused():
    with pytest.raises(ValueError, match="measure 'auc' is not one of selection_rate"):
        run([1], [1], ["a"]).plot("auc")
