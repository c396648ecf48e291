import pandas as pd
import pytest
import ready
import small

from vru_models.fairness.readiness import _gaps


def found(*rows, feed="f", limits=None, measure="reach"):
    """The finding about groups given as (group, people, known)."""
    table = pd.DataFrame(rows, columns=["group", "people", "part"])
    table = table.assign(attribute="sex", measure=measure, feed=feed, whole=table["people"])
    safe = ready.protected(
        table.to_dict("list"), counts=["people", "part", "whole"], rates={"share": ("part", "whole")}
    )
    (finding,) = _gaps(safe.table, small.spec(**({"fairness.limits": limits} if limits else {})).fairness)
    return finding


@pytest.mark.parametrize(
    ("f", "m", "status"),
    [(500, 500, "pass"), (500, 540, "pass"), (500, 900, "fail"), (900, 500, "fail"), (500, 590, "cannot tell")],
)
def test_reach_may_differ_by_ten_points_either_way(f, m, status):
    finding = found(("F", 1000, f), ("M", 1000, m))
    assert (finding.code, finding.where, finding.status) == ("VRU116", "sex, reach", status)


@pytest.mark.parametrize(("people", "status"), [(25, "cannot tell"), (6, "cannot tell"), (3000, "pass")])
def test_a_group_too_small_is_never_a_pass(people, status):
    finding = found(("F", 3000, 1500), ("M", 3000, 1500), ("X", people, people // 2))
    assert finding.status == status
    assert ("X" in finding.message) == (status == "cannot tell")


def test_a_gap_at_the_limit_cannot_be_told():
    assert found(("F", 10000, 5000), ("M", 10000, 6000)).status == "cannot tell"


def test_the_limit_is_that_on_selection_rates_where_there_is_one():
    wide = {"selection_rate": 0.6, "recall": 0.1}
    assert found(("F", 1000, 500), ("M", 1000, 900), limits=wide).status == "pass"
    assert found(("F", 1000, 500), ("M", 1000, 900), limits={"recall": 0.6}).status == "fail"


def test_one_group_has_nobody_to_be_compared_with():
    assert found(("F", 1000, 500)).status == "not applicable"


def test_groups_of_nobody_known_pass_by_their_bounds():
    assert found(("F", 1000, 0), ("M", 1000, 3)).status == "pass"


def test_the_message_names_the_feed_and_the_groups():
    message = "differs from everyone else's by more than 10 points: f (F, M)"
    assert found(("F", 1000, 500), ("M", 1000, 900)).message == message


def test_without_an_audit_file_nobody_can_tell():
    made = ready.made(declared=small.spec(without=("audit",)))
    assert ready.of(made.findings, "VRU116") == {"sex": "cannot tell"}
