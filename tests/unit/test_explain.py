"""One cell and the events behind it."""

from __future__ import annotations

import pytest
from asked import events, spec

from vru_models.dataset import explain_feature
from vru_models.errors import DataError, SpecError

SAID = """
    person_id | indicator       | event_date | known_date
    a         | suspension      | 2023-03-01 | 2023-03-02
    a         | suspension      | 2023-11-01 | 2024-01-01
    a         | suspension      | 2023-12-30 | 2023-12-31
    a         | missing_episode | 2023-12-01 | 2023-12-02
    b         | suspension      | 2023-12-01 | 2023-12-02
"""


def test_the_events_behind_a_cell_are_those_known_before_the_date_in_the_window_of_the_indicator_and_person():
    found = explain_feature(spec(), events(SAID), "a", "2024-01-01", "suspension_count_12m")
    assert (found.value, found.status) == (2, "observed")
    assert found.events["event_date"].dt.strftime("%Y-%m-%d").tolist() == ["2023-03-01", "2023-12-30"]
    assert set(found.events["person_id"]) == {"a"}
    assert repr(found) == "Explained(suspension_count_12m = 2, observed, 2 events)"


def test_a_day_later_the_late_event_is_among_them():
    found = explain_feature(spec(), events(SAID), "a", "2024-01-02", "suspension_count_12m")
    assert (found.value, len(found.events)) == (3, 3)


def test_where_nothing_was_recorded_there_are_no_events():
    found = explain_feature(spec(), events(SAID), "b", "2024-01-01", "missing_episode_count_12m")
    assert (found.value, found.status, len(found.events)) == (0, "none_recorded", 0)


def test_a_feature_that_is_not_declared_and_a_person_who_is_not_eligible_are_refused_without_naming_them():
    with pytest.raises(SpecError, match="is not known"):
        explain_feature(spec(), events(SAID), "a", "2024-01-01", "suspension_count_24m")
    for person, date in (("nobody", "2024-01-01"), ("a", "2014-01-01")):
        with pytest.raises(DataError, match="the person is not eligible") as told:
            explain_feature(spec(), events(SAID), person, date, "suspension_count_12m")
        assert "nobody" not in str(told.value)
