import datetime as dt

import pandas as pd
import pytest
import small

from vru_models.disclosure.protect import protect
from vru_models.quality.findings import no_silence

END = dt.date(2024, 9, 1)


def found(records, *, first="2021-01", states=None, calendar="every_day", p95=0, end=END):
    """The finding about ``missing`` from records of consecutive months."""
    months = [str(m) for m in pd.period_range(first, periods=len(records), freq="M")]
    columns = {"feed": "missing", "month": months, "state": states or ["shared"] * len(records), "records": records}
    table = protect(pd.DataFrame(columns), counts=["records"])
    vru = {**small.SCHEMAS["missing"]["x-vru"], "calendar": calendar, "typical_lag": {"median": 0, "p95": p95}}
    declared = small.spec(schemas={"missing": {**small.SCHEMAS["missing"], "x-vru": vru}})
    (finding,) = no_silence(table, declared, {"missing": end})
    return finding


def test_a_feed_that_has_records_every_month_passes():
    assert found([40] * 24).status == "pass"


@pytest.mark.parametrize(("records", "status"), [(7, "fail"), (8, "pass")])
def test_a_month_is_silent_when_its_records_are_too_few_to_be_shown(records, status):
    finding = found([*[60] * 11, records, *[60] * 11])
    assert finding.status == status
    assert ("2021-12" in finding.message) == (status == "fail")


@pytest.mark.parametrize(("usual", "status"), [(40, "fail"), (35, "cannot tell")])
def test_silence_is_told_from_chance_where_other_months_have_forty(usual, status):
    assert found([*[usual] * 11, 0, *[usual] * 11]).status == status


def test_an_outage_of_half_a_year_is_found_by_the_same_months_of_other_years():
    records = [60] * 48
    records[24:30] = [0] * 6
    assert found(records, first="2020-01").figures == {"months": 6}


def test_a_season_is_no_silence():
    year = [0, 60, 60, 0, 60, 0, 60, 0, 0, 60, 0, 60]
    assert found(year * 4, first="2020-01").status == "pass"
    summer_off = [*[60] * 7, 0, *[60] * 4]
    assert found(summer_off * 4, first="2020-01").status == "pass"


def test_in_a_feed_with_seasons_a_month_is_held_against_its_other_years():
    year = [0, 60, 60, 0, 60, 0, 60, 0, 0, 60, 0, 60]
    assert "2021-02" in found([*year, 0, 0, *year[2:], *year, *year], first="2020-01").message


@pytest.mark.parametrize(("calendar", "status"), [("term_time", "pass"), ("every_day", "fail")])
def test_august_may_be_silent_in_term_time(calendar, status):
    assert found([*[60] * 7, 0, *[60] * 8], calendar=calendar).status == status


@pytest.mark.parametrize("state", ["partly", "not shared"])
def test_a_month_that_was_not_wholly_shared_is_not_judged(state):
    states = [*["shared"] * 11, state, *["shared"] * 11]
    assert found([*[60] * 11, 0, *[60] * 11], states=states).status == "pass"


@pytest.mark.parametrize(("p95", "status"), [(0, "fail"), (63, "fail"), (64, "pass")])
def test_a_month_whose_last_event_may_not_have_arrived_is_not_judged(p95, status):
    records = [*[60] * 41, 0, 60, 60]  # June 2024 is silent; 63 days before the extract is 30 June
    assert found(records, p95=p95).status == status


def test_months_before_the_first_records_and_after_the_last_are_not_in_the_middle():
    assert found([*[0] * 5, *[60] * 20, *[0] * 3]).status == "pass"


@pytest.mark.parametrize("records", [[0] * 24, [60]])
def test_nothing_can_be_told_without_shared_months_that_have_records(records):
    assert found(records, states=["not shared"] * len(records)).status == "cannot tell"
    assert found([0] * 24).status == "cannot tell"
