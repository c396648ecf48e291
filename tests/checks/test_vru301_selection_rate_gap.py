from __future__ import annotations

import numpy as np
import pandas as pd

from vru_models.fairness.audit import audit_groups


def finding(y, selected, groups):
    audit = audit_groups(
        y, selected, sensitive_features=pd.DataFrame({"sex": groups}), unit=range(len(y)),
        limits={"selection_rate": 0.1}, n_replicates=300, random_state=0,
    )  # fmt: skip
    (only,) = audit.findings
    return only


GROUPS = np.repeat(["F", "M"], 300)


def listed(f, m):
    """So many of 300 listed in each group."""
    return np.concatenate([np.arange(300) < f, np.arange(300) < m]).astype(int)


def test_a_group_listed_far_less_often_fails():
    found = finding(np.full(600, np.nan), listed(150, 60), GROUPS)
    assert (found.code, found.status, found.where) == ("VRU301", "fail", "sex")
    assert "selection rate of 'M' is 0.30 lower than everyone else's (0.20 against 0.50" in found.message


def test_a_group_listed_more_often_is_not_the_one_harmed():
    found = finding(np.full(600, np.nan), listed(150, 60), GROUPS)
    assert found.figures["group"] == "M"
    assert found.figures["gap"] > 0


def test_nearly_equal_rates_pass():
    found = finding(np.full(600, np.nan), listed(100, 96), GROUPS)
    assert found.status == "pass"
    assert "every group is within 0.10" in found.message


def test_a_rate_that_might_be_beyond_the_limit_cannot_tell():
    found = finding(np.full(600, np.nan), listed(100, 80), GROUPS)
    assert found.status == "cannot tell"
    assert "more people in the group, and others in proportion, would tell" in found.message
