from __future__ import annotations

import pandas as pd
import pytest

from vru_models.events.folding import as_known, fold


def versions(*rows):
    frame = pd.DataFrame(rows, columns=["key", "known_date", "n"])
    return frame.assign(known_date=pd.to_datetime(frame["known_date"]).astype("datetime64[s]"))


def test_a_version_is_known_until_the_next_is():
    folded = fold(versions(("k", "2024-01-01", 1), ("k", "2024-03-01", 2), ("j", "2024-02-01", 3)), "key")
    assert folded["known_until"].dt.strftime("%Y-%m-%d").fillna("").tolist() == ["2024-03-01", "", ""]


def test_of_two_versions_on_one_day_the_later_row_stands():
    assert fold(versions(("k", "2024-01-01", 1), ("k", "2024-01-01", 2)), "key")["n"].tolist() == [2]


def test_nothing_folds_to_nothing():
    folded = fold(versions(), "key")
    assert list(folded.columns) == ["key", "known_date", "n", "known_until"]
    assert len(folded) == 0


@pytest.mark.parametrize(
    ("date", "n"),
    [("2024-01-01", []), ("2024-01-02", [1]), ("2024-03-01", [1]), ("2024-03-02", [2])],
)
def test_known_the_day_after_and_until_the_closing_day(date, n):
    folded = fold(versions(("k", "2024-01-01", 1), ("k", "2024-03-01", 2)), "key")
    known = as_known(folded, date)
    assert known["n"].tolist() == n
    assert known["known_until"].isna().all()


def test_what_was_known_in_a_month_is_not_asked():
    with pytest.raises(ValueError, match=r"not a day. Expected: YYYY-MM-DD"):
        as_known(fold(versions(), "key"), "2024-01")
