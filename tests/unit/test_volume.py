import numpy as np
import pandas as pd
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.dataset.rows import day_of, day_volumes
from vru_models.dataset.volume import EVERYWHERE, volume_frame, volume_rows
from vru_models.features.coded import encode
from vru_models.features.layout import Layout
from vru_models.spec.calendar import as_day


def volumes(as_of, *, by_area=False, **extracts):
    declared = tiny.spec()
    coded = encode(declared, tiny.events(**extracts))
    table = volume_frame(day_volumes(coded, day_of(Layout.of(declared), coded, as_day(as_of))))
    table = table[(table["area"] != EVERYWHERE) == by_area]
    return {(feed, area if by_area else name): tuple(rest) for _, feed, name, area, *rest in volume_rows(table)}


def test_events_of_the_cohort_in_the_year_before_are_counted_by_indicator():
    # Cohort: a to e, and f, who is routed. Suspensions x1, x2, x3 and f's x5; f's plan x4; missing m1 and m2.
    # Known in the 91 days from 16 June 2024 on: x3 (20 June) and m2 (2 July).
    assert volumes("2024-09-15") == {
        ("exclusions", "suspension"): (6, 4, 1, 0),
        ("missing", "missing_episode"): (6, 2, 1, 0),
        ("exclusions", "plan"): (6, 1, 0, 0),
        ("people", "spells"): (6, 0, 0, 0),
        ("people", "in view"): (6, 6, 0, 0),
    }


def test_an_event_counts_once_it_is_known_and_for_365_days():
    counted = [volumes(day)[("exclusions", "suspension")][1] for day in ("2024-06-20", "2024-06-21")]
    assert counted == [3, 4]
    # x1 of 10 January leaves on 10 January a year later, less the leap day
    counted = [volumes(day)[("exclusions", "suspension")][1] for day in ("2025-01-09", "2025-01-10")]
    assert counted == [4, 3]


def test_of_the_spells_it_counts_what_became_known_about_anybody():
    known = {day: volumes(day)[("people", "spells")][1:3] for day in ("2021-09-02", "2021-12-02", "2022-09-02")}
    assert known == {"2021-09-02": (6, 6), "2021-12-02": (6, 0), "2022-09-02": (0, 0)}


def test_who_is_not_known_about_is_counted_per_feed():
    cover = tiny.extracts()["cover"].iloc[:1]
    found = volumes("2024-09-15", cover=cover)
    assert found[("exclusions", "suspension")][3] == 0
    assert found[("missing", "missing_episode")][3] == 5


def test_each_area_is_counted_apart_where_there_are_two():
    assert volumes("2024-09-15", by_area=True) == {}
    people = tiny.extracts()["people"].assign(area=["E01", "E01", "E01", "E02", "E02", "E02"])
    assert volumes("2024-09-15", by_area=True, people=people) == {
        ("exclusions", "E01"): (3, 2, 0, 0), ("exclusions", "E02"): (3, 2, 1, 0),
        ("missing", "E01"): (3, 2, 1, 0), ("missing", "E02"): (3, 0, 0, 0),
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 900))
def test_volumes_equal_a_count_row_by_row(day):
    as_of = pd.Timestamp("2022-06-01") + pd.Timedelta(days=day)
    found, frame = volumes(str(as_of.date())), tiny.events().frame
    people, year, quarter = 6, pd.Timedelta(days=365), pd.Timedelta(days=91)
    for feed, name in (("exclusions", "suspension"), ("missing", "missing_episode"), ("exclusions", "plan")):
        events = recent = 0
        for row in frame[frame["indicator"] == name].itertuples():
            if row.known_date < as_of and as_of - year <= row.event_date < as_of:
                events += 1
                recent += row.known_date >= as_of - quarter
        assert found[(feed, name)][:3] == (people, events, recent)


def test_the_rows_round_trip():
    table = volume_frame([("2024-02-01", "missing", "missing_episode", "*", 5, 3, 1, 0)])
    pd.testing.assert_frame_equal(volume_frame(volume_rows(table)), table)
    assert volume_frame([]).dtypes.equals(table.dtypes)
    assert table["people"].dtype == np.int64
