from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.fairness.audit import audit_groups


def finding(y, selected, groups):
    audit = audit_groups(
        y, selected, sensitive_features=pd.DataFrame({"sex": groups}), unit=range(len(y)), limits={"precision": 0.1},
        n_replicates=300, random_state=0,
    )  # fmt: skip
    (only,) = audit.findings
    return only


def all_listed(right_f, right_m, n=300):
    """Everybody listed; so many of n in need in each group."""
    y = np.concatenate([np.arange(n) < right_f, np.arange(n) < right_m]).astype(int)
    return y, np.ones(2 * n), np.repeat(["F", "M"], n)


def test_a_group_listed_without_need_far_more_often_fails():
    found = finding(*all_listed(200, 100))
    assert (found.code, found.status, found.where) == ("VRU303", "fail", "sex")
    assert "precision of 'M' is 0.33 lower" in found.message


def test_equal_precision_passes():
    assert finding(*all_listed(150, 150)).status == "pass"


def test_a_group_with_nobody_listed_cannot_tell():
    y, selected, groups = all_listed(150, 150)
    found = finding(y, np.where(groups == "M", 0, selected), groups)
    assert found.status == "cannot tell"
    assert found.figures["gap"] is None
