import pandas as pd
import pytest
import ready
import small

from vru_models.fairness.readiness import _gaps


def found(measure, *rows):
    """The finding about groups given as (group, people, part, whole)."""
    table = pd.DataFrame(rows, columns=["group", "people", "part", "whole"])
    table = table.assign(attribute="sex", measure=measure, feed="f")
    safe = ready.protected(
        table.to_dict("list"), counts=["people", "part", "whole"], rates={"share": ("part", "whole")}
    )
    (finding,) = _gaps(safe.table, small.spec().fairness)
    return finding


@pytest.mark.parametrize("measure", ["joined", "missing", "late"])
@pytest.mark.parametrize(("part", "status"), [(1500, "pass"), (2600, "fail"), (1790, "cannot tell")])
def test_each_measure_may_differ_by_ten_points(measure, part, status):
    finding = found(measure, ("F", 1000, 1500, 3000), ("M", 1000, part, 3000))
    assert (finding.code, finding.where, finding.status) == ("VRU117", f"sex, {measure}", status)


def test_people_and_not_their_rows_say_how_sure_a_share_is():
    many = found("late", ("F", 1000, 1500, 3000), ("M", 1000, 2000, 3000))
    few = found("late", ("F", 40, 1500, 3000), ("M", 40, 2000, 3000))
    assert (many.status, few.status) == ("fail", "cannot tell")


@pytest.mark.parametrize(("measure", "status"), [("joined", "pass"), ("missing", "fail"), ("late", "fail")])
def test_of_joins_whoever_is_in_no_audit_file_is_left_out(measure, status):
    rows = (("F", 1000, 950, 1000), ("M", 1000, 950, 1000), ("not recorded", 200, 0, 200))
    assert found(measure, *rows).status == status


def test_a_group_too_small_is_never_a_pass():
    finding = found("late", ("F", 3000, 1500, 3000), ("M", 3000, 1500, 3000), ("X", 20, 10, 20))
    assert finding.status == "cannot tell"
    assert finding.message.endswith("f (X)")
