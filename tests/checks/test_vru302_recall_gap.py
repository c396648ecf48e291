from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.fairness.audit import audit_groups


def finding(y, selected, groups):
    audit = audit_groups(
        y, selected, sensitive_features=pd.DataFrame({"sex": groups}), unit=range(len(y)), limits={"recall": 0.1},
        n_replicates=300, random_state=0,
    )  # fmt: skip
    (only,) = audit.findings
    return only


def in_need(found_f, found_m, n=300):
    """Everybody in need; so many of n found in each group."""
    selected = np.concatenate([np.arange(n) < found_f, np.arange(n) < found_m]).astype(int)
    return np.ones(2 * n), selected, np.repeat(["F", "M"], n)


def test_a_group_whose_needs_are_missed_far_more_often_fails():
    found = finding(*in_need(200, 100))
    assert (found.code, found.status, found.where) == ("VRU302", "fail", "sex")
    assert "recall of 'M' is 0.33 lower" in found.message


def test_equal_recall_passes():
    assert finding(*in_need(200, 200)).status == "pass"


def test_a_group_below_30_people_cannot_tell_and_says_how_many_more_would():
    y, selected = np.ones(329), np.ones(329)
    found = finding(y, selected, np.repeat(["F", "M"], [300, 29]))
    assert found.status == "cannot tell"
    assert "too few people (29 in the group)" in found.message
    assert "1 more person in the group" in found.message


def test_exactly_30_people_are_judged():
    found = finding(np.ones(330), np.ones(330), np.repeat(["F", "M"], [300, 30]))
    assert found.figures["upper"] is not None


def test_a_group_without_anybody_in_need_cannot_tell_instead_of_recall_0():
    y = np.repeat([1, 0], [300, 100])
    found = finding(y, np.ones(400), np.repeat(["F", "M"], [300, 100]))
    assert found.status == "cannot tell"
    assert found.figures["gap"] is None
    assert "nobody in its denominator" in found.message


def test_one_group_alone_is_not_applicable():
    found = finding(np.ones(60), np.ones(60), ["F"] * 60)
    assert found.status == "not applicable"
    assert "there is nobody to compare with" in found.message


def test_those_not_recorded_are_judged_as_a_group():
    y, selected, groups = in_need(200, 100)
    found = finding(y, selected, np.where(groups == "M", None, groups))
    assert found.status == "fail"
    assert "recall of 'not recorded'" in found.message


def test_a_finding_holds_plain_figures():
    record = finding(*in_need(200, 100)).record()
    assert {type(v) for v in record["figures"].values()} <= {str, int, float, type(None)}
