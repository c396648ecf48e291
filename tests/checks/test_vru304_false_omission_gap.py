from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.fairness.audit import audit_groups


def finding(y, selected, groups):
    audit = audit_groups(
        y, selected, sensitive_features=pd.DataFrame({"sex": groups}), unit=range(len(y)),
        limits={"false_omission_rate": 0.1}, n_replicates=300, random_state=0,
    )  # fmt: skip
    (only,) = audit.findings
    return only


def none_listed(missed_f, missed_m, n=300):
    """Nobody listed; so many of n in need in each group."""
    y = np.concatenate([np.arange(n) < missed_f, np.arange(n) < missed_m]).astype(int)
    return y, np.zeros(2 * n), np.repeat(["F", "M"], n)


def test_a_group_left_off_in_need_far_more_often_fails():
    found = finding(*none_listed(60, 160))
    assert (found.code, found.status, found.where) == ("VRU304", "fail", "sex")
    assert "false omission rate of 'M' is 0.33 higher" in found.message


def test_equal_omission_passes():
    assert finding(*none_listed(60, 60)).status == "pass"


def test_a_group_wholly_listed_cannot_tell():
    y, selected, groups = none_listed(60, 60)
    found = finding(y, np.where(groups == "M", 1, selected), groups)
    assert found.status == "cannot tell"
    assert found.figures["gap"] is None
