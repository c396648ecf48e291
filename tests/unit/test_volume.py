import numpy as np
import pandas as pd
import tiny
from hypothesis import given, settings
from hypothesis import strategies as st

from vru_models.dataset.coded import encode
from vru_models.dataset.volume import volume_frame, volume_rows, volumes_on
from vru_models.spec.calendar import as_days


def volumes(as_of, *people, events=None):
    declared = tiny.spec()
    coded = encode(declared, events or tiny.events())
    table = volumes_on(declared, coded, as_days(as_of), np.isin(coded.people, people))
    return {feed: (n, events, days) for _, feed, n, events, days in volume_rows(table)}


def test_events_of_the_year_before_are_counted_for_the_people_chosen_and_silence_for_everybody():
    # x1, x2 and x3 of a, c and d; the last known is x3 on 20 June, 87 days before; f, who is not chosen, has x4 and x5.
    assert volumes("2024-09-15", *"abcde") == {
        "exclusions": (5, 3, 87), "missing": (5, 2, 75), "people": (5, 0, 1110),
    }  # fmt: skip


def test_an_event_counts_once_it_is_known_and_for_365_days():
    assert volumes("2024-06-20", "d")["exclusions"] == (1, 0, 31)
    assert volumes("2024-06-21", "d")["exclusions"] == (1, 1, 1)
    assert volumes("2025-06-03", "d")["exclusions"][1] == 1
    assert volumes("2025-06-04", "d")["exclusions"][1] == 0


def test_a_feed_that_never_told_anything_has_been_silent_for_no_number_of_days():
    assert volumes("2024-01-12", *"abcde") == {
        "exclusions": (5, 0, None), "missing": (5, 0, None), "people": (5, 0, 863),
    }  # fmt: skip


def test_of_the_spells_it_counts_what_became_known_about_anybody():
    assert volumes("2021-09-01", "a")["people"] == (1, 0, None)
    assert volumes("2021-09-02", "a")["people"] == (1, 6, 1)
    assert volumes("2022-09-02", "a")["people"] == (1, 0, 366)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 900), st.sets(st.sampled_from("abcdef")))
def test_volumes_equal_a_count_row_by_row(day, people):
    as_of = pd.Timestamp("2023-06-01") + pd.Timedelta(days=day)
    frame = tiny.events().frame
    spells_known = (as_of - pd.Timestamp("2021-09-01")).days
    expected = {"people": (len(people), 0, spells_known)}
    for feed in ("exclusions", "missing"):
        told, n = [], 0
        for row in frame[frame["feed"] == feed].itertuples():
            if row.known_date < as_of and row.event_date < as_of:
                told.append((as_of - row.known_date).days)
                n += row.person_id in people and row.event_date >= as_of - pd.Timedelta(days=365)
        expected[feed] = (len(people), n, min(told) if told else None)
    assert volumes(str(as_of.date()), *people) == expected


def test_the_rows_round_trip():
    table = volume_frame([("2024-02-01", "missing", 5, 3, None), ("2024-02-01", "exclusions", 5, 0, 4)])
    pd.testing.assert_frame_equal(volume_frame(volume_rows(table)), table)
