import numpy as np
import pandas as pd
import pytest
import ready
import small

from vru_models.evaluation.intervals import newcombe_p_value, newcombe_upper
from vru_models.fairness import readiness as rooms
from vru_models.fairness.sensitive import NOT_RECORDED


def share(made, **where):
    row = ready.table(made, "groups", attribute="sex", **where)
    return row["people"], row["part"], row["whole"], row["share"]


@pytest.fixture(scope="module")
def uneven():
    """Of 200 people, 100 F (even numbers) and 100 M: 80 F and 30 M suspended."""
    women, men = range(0, 160, 2), range(1, 61, 2)
    return ready.made(ready.frames(range(200), suspended=[*women, *men], gone=range(90)))


def test_reach_is_of_the_people_in_view_of_each_group(uneven):
    assert share(uneven, group="F", measure="reach", feed="exclusions") == (100, 80, 100, 0.8)
    assert share(uneven, group="M", measure="reach", feed="exclusions") == (100, 30, 100, 0.3)


def test_late_events_are_of_the_events_of_each_group(uneven):
    row = ready.table(uneven, "groups", attribute="sex", group="F", measure="late", feed="missing")
    assert (row["whole"], row["share_low"], row["share_high"]) == (45, 0.83, 1)


def test_empty_cells_are_those_from_which_events_are_made():
    given = ready.frames(range(100), suspended=range(100), gone=range(50))
    given["exclusions"].loc[::2, "kind"] = ""
    made = ready.made(given)
    assert share(made, group="F", measure="missing", feed="exclusions") == (50, 50, 250, 0.2)
    row = ready.table(made, "groups", attribute="sex", group="M", measure="missing", feed="exclusions")
    assert (row["share_low"], row["share_high"]) == (0, 0.03)


def test_people_in_no_audit_file_are_a_group_of_their_own():
    given = ready.frames(range(100), suspended=range(60), gone=range(40, 90))
    given["audit"] = given["audit"].iloc[:60]
    made = ready.made(given)
    assert share(made, group=NOT_RECORDED, measure="reach", feed="missing") == (40, 30, 40, 0.75)
    assert ready.table(made, "attributes", attribute="sex")["recorded_share"] == 0.6


def test_a_group_of_which_nobody_is_in_view_has_no_row_but_of_joins():
    given = ready.frames()
    given["missing"] = given["missing"].assign(person_id=lambda f: "z" + f["person_id"].str[1:])
    rows = ready.made(given).tables["groups"].table
    assert set(rows["measure"][rows["group"] == NOT_RECORDED]) == {"joined"}


def test_a_wrong_pseudonym_is_a_failed_join_of_no_group():
    given = ready.frames(range(900), suspended=range(40), gone=range(900))
    given["missing"].loc[:99, "person_id"] = [f"z{i:03d}" for i in range(100)]
    made = ready.made(given)
    row = ready.table(made, "groups", attribute="sex", group=NOT_RECORDED, measure="joined", feed="missing")
    assert (row["people"], row["share_high"]) == (100, 0.08)
    judged = made.tables["groups"].table.query("feed == 'missing' and measure == 'joined'")
    (finding,) = rooms._gaps(judged, small.spec().fairness)
    assert (finding.code, finding.status) == ("VRU117", "pass")


def test_assumed_lags_have_no_late_events_to_compare():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 20}})
    rows = ready.made(declared=declared).tables["groups"].table
    assert set(rows["feed"][rows["measure"] == "late"]) == {"exclusions"}


def test_an_attribute_that_the_file_lacks_is_said():
    declared = small.spec(**{"fairness.sensitive": ["sex", "age_band"]})
    made = ready.made(declared=declared)
    assert ready.of(made.findings, "VRU116")["age_band"] == "cannot tell"
    assert set(made.tables["groups"].table["attribute"]) == {"sex"}


def groups(*rows):
    table = pd.DataFrame(rows, columns=["group", "people", "part"]).assign(feed="f", measure="reach", attribute="sex")
    safe = ready.protected(
        table.assign(whole=table["people"]).to_dict("list"), counts=["people", "part", "whole"],
        rates={"share": ("part", "whole")},
    )  # fmt: skip
    return safe.table


def compared(*rows, min_group=30):
    return rooms._tested(groups(*rows), 0.10, min_group)


def test_bounds_of_a_share_are_taken_at_their_worst_end():
    bounded = compared(("F", 1000, 5), ("M", 1000, 20))["upper"]
    assert bounded.tolist() == [newcombe_upper(0.02, 1000, p2=0.0, n2=1000)] * 2


def test_no_gap_is_surely_beyond_where_shares_are_alike():
    assert (compared(("F", 1000, 500), ("M", 1000, 500))["p"] == 1).all()


def test_the_test_is_two_sided():
    one_sided = newcombe_p_value(0.5, 400, p2=0.3, n2=400, limit=0.10)
    few, many = (compared(("F", 400, n), ("M", 400, 200))["p"][0] for n in (120, 280))
    assert few == pytest.approx(many, rel=1e-6)
    assert few == 2 * one_sided < 0.05


@pytest.mark.parametrize("rows", [(("F", 20, 10), ("M", 1000, 500)), (("F", 6, 2), ("M", 1000, 500))])
def test_a_group_too_small_is_not_tested_and_nor_is_everyone_else_against_it(rows):
    table = compared(*rows)
    assert np.isnan(table[["upper", "p"]]).all(axis=None)
