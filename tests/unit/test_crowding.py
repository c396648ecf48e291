import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from vru_models import Spec, record_events, synthetic_feeds
from vru_models.dataset import build_dataset
from vru_models.dataset.alarms import CHANCE, LEAST, TIMES, clustering
from vru_models.dataset.build import crowding
from vru_models.events import Events

SPEC = Spec.example("early_help")


def recorded(seed):
    return record_events(synthetic_feeds(SPEC, n_people=2_000, random_state=seed), SPEC)


@pytest.fixture(scope="module")
def clean():
    return recorded(0)


@pytest.fixture(scope="module")
def data(clean):
    return build_dataset(SPEC, clean)


def found_in(findings):
    (found,) = (f for f in findings if f.code == "VRU206")
    return found


def with_more(events, frame):
    """The same store with other events."""
    return Events.from_frame(frame, extract_dates=events.extract_dates, **events.rows)


def planted(events, data, y, *, days_ago):
    """The store with a suspension of everybody whose rows have this label, so many days before the row's date."""
    rows = data.rows.index[data.y == y].to_frame(index=False)
    day = rows["as_of"] - pd.Timedelta(days_ago, "D")
    more = pd.DataFrame(
        {
            "event_id": [f"planted{i}" for i in range(len(rows))],
            "person_id": rows["person_id"],
            "indicator": "suspension",
            "event_date": day,
            "known_date": day,
            "feed": SPEC.indicators["suspension"].feed,
        }
    )
    plain = events.frame.astype(dict.fromkeys(("person_id", "indicator", "role", "status", "feed", "event_id"), "str"))
    more = more.assign(value=np.nan, role="subject", status="recorded", known_until=pd.NaT)
    return with_more(events, pd.concat([plain, more], ignore_index=True))


def test_events_planted_just_before_the_dates_of_rows_with_the_outcome_are_an_alarm(clean, data):
    found = found_in(build_dataset(SPEC, planted(clean, data, 1.0, days_ago=3)).findings)
    assert found.status == "fail"
    assert "1 of" in found.message
    assert ": suspension (" in found.message
    assert "Are they recorded because of the outcome?" in found.message


@pytest.mark.parametrize(("y", "days_ago"), [(1.0, 30), (0.0, 3)])
def test_events_planted_earlier_or_before_other_rows_are_none(clean, data, y, days_ago):
    assert found_in(crowding(SPEC, planted(clean, data, y, days_ago=days_ago))).status == "pass"


@pytest.mark.parametrize("seed", range(4))
def test_clean_data_raise_no_alarm(seed):
    assert found_in(crowding(SPEC, recorded(seed))).status == "pass"


def test_what_is_said_before_anything_is_built_is_what_the_dataset_says(clean, data):
    assert found_in(crowding(SPEC, clean)).record() == found_in(data.findings).record()


def test_with_few_events_it_cannot_be_told(clean):
    outcomes = clean.frame[clean.frame["indicator"].isin(SPEC.outcome.indicators)]
    few = clean.frame[~clean.frame["indicator"].isin(SPEC.outcome.indicators)].iloc[:30]
    found = found_in(crowding(SPEC, with_more(clean, pd.concat([outcomes, few]))))
    assert found.status == "cannot tell"
    assert f"fewer than {LEAST} weeks on a side: persistent_absence" in found.message


def test_one_indicator_that_is_tested_speaks_for_itself_alone():
    found = clustering([[[[1200, 100], [240, 20]], [[0, 0], [9, 0]]]], ["absence", "arrest"]).items[0]
    assert found.status == "pass"
    assert found.message.startswith("none of 1 indicators")
    assert found.message.endswith("Not tested, fewer than 10 weeks on a side: arrest")
    assert found.figures == {"absence": [1200, 100, 240, 20], "arrest": [0, 0, 9, 0]}


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ([[1300, 100], [50, 10]], "pass"),  # twice as often
        ([[1300, 100], [10, 4]], "pass"),  # four times as often, by chance one time in eighty
        ([[1300, 100], [100, 40]], "fail"),
        ([[1300, 0], [0, 10]], "fail"),
        ([[1300, 0], [1300, 0]], "pass"),
    ],
)
def test_an_alarm_needs_a_multiple_that_chance_does_not_give(counts, status):
    assert clustering([[counts]], ["arrest"]).items[0].status == status


counted = st.lists(st.integers(0, 200), min_size=4, max_size=4)


@given(st.lists(counted, min_size=1, max_size=4))
def test_the_verdict_equals_its_definition_and_parts_add_up(parts):
    """Fisher's exact test as scipy has it on the whole table, and shares as fractions."""
    (a, b), (c, d) = np.sum(parts, axis=0).reshape(2, 2).tolist()
    found = clustering(parts, ["arrest"]).items[0]
    if min(a + b, c + d) < LEAST:
        assert found.status == "cannot tell"
        return
    p = fisher_exact([[d, c], [b, a]], alternative="greater").pvalue
    times = d * (a + b) >= TIMES * b * (c + d) and d > 0
    assert found.status == ("fail" if times and p < CHANCE else "pass")
