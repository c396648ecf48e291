import pandas as pd
import pytest
import small

from vru_models.events import Events
from vru_models.findings import Finding, Findings
from vru_models.quality.findings import in_time


def found(n, later, *, days=8, known=None, people=None, before=None):
    """The finding about ``missing``, whose schema states 7 days, from n events of which some came later."""
    vru = {**small.SCHEMAS["missing"]["x-vru"], "typical_lag": {"median": 1, "p95": 7}}
    changes = {"feeds.missing.known": known} if known else {}
    declared = small.spec(schemas={"missing": {**small.SCHEMAS["missing"], "x-vru": vru}}, **changes)
    happened = pd.Timestamp("2024-01-01")
    rows = pd.DataFrame(
        {
            "event_id": [f"e{i}" for i in range(n)],
            "person_id": [f"p{i % (people or n)}" for i in range(n)],
            "indicator": "missing_episode",
            "feed": "missing",
            "event_date": happened,
            "known_date": [happened + pd.Timedelta(days=days if i < later else 7) for i in range(n)],
        }
    )
    return next(f for f in in_time(Events.from_frame(rows, findings=before), declared) if f.where == "missing")


@pytest.mark.parametrize(
    ("n", "later", "status"),
    [
        (1000, 0, "pass"),
        (1000, 100, "pass"),
        (1000, 105, "fail"),
        (1000, 1000, "fail"),
        (60, 0, "cannot tell"),
        (80, 0, "pass"),
        (7, 7, "cannot tell"),
        (0, 0, "cannot tell"),
    ],
)
def test_a_tenth_may_come_after_the_lag_that_the_schema_states(n, later, status):
    assert found(n, later).status == status


def test_the_day_that_the_schema_states_is_within():
    assert found(1000, 1000, days=7).status == "pass"


def test_events_about_few_people_are_not_told_about():
    assert found(1000, 300, people=7).status == "cannot tell"


def test_assumed_known_dates_say_nothing_about_lag():
    finding = found(1000, 0, known={"kind": "assumed_lag", "median": 5, "p95": 20})
    assert finding.status == "cannot tell"
    assert "assumed" in finding.message


def test_the_message_gives_the_protected_share():
    message = "80.0% of its events are known within 7 days, the schema's lag of 95 %; at least 90% is needed"
    assert found(1001, 199).message == message


def test_dates_that_were_assumed_before_say_nothing_of_the_lag_of_those_that_are_not():
    until = {"until": "2024-01-31"}
    before = Findings([Finding("VRU104", "cannot tell", "missing", "assumed until January", until)])
    assert found(1000, 1000, before=before).status == "cannot tell"
    assert found(1000, 1000, days=31, before=before).status == "fail"
