from __future__ import annotations

import pytest
import small

from vru_models.feeds import read_feeds, write_extracts


@pytest.mark.parametrize(
    ("bad", "of", "status"), [(0, 100, "pass"), (1, 100, "pass"), (1, 99, "fail"), (2, 100, "fail")]
)
def test_one_in_a_hundred_may_be_quarantined_and_no_more(bad, of, status):
    lines = [f"m{i},c,{'x' if i < bad else '2022-06-01'},2022-06-02" for i in range(of)]
    feeds = small.admitted({"missing": small.rows("episode_id,person_id,start_date,known_date", *lines)})
    assert [f.status for f in feeds.findings if f.code == "VRU102" and f.where == "missing"] == [status]


def test_of_a_feed_without_rows_it_cannot_tell():
    empty = small.extracts()["missing"].iloc[:0]
    feeds = small.admitted({"missing": empty})
    assert [f.status for f in feeds.findings if f.code == "VRU102" and f.where == "missing"] == ["cannot tell"]


def test_the_reasons_that_hold_back_the_most_rows_are_named_with_their_counts():
    lines = [f"m{i},c,{'x' if i < 3 else '2022-06-09'},2022-06-02" for i in range(4)]
    feeds = small.admitted({"missing": small.rows("episode_id,person_id,start_date,known_date", *lines)})
    (found,) = (f for f in feeds.findings if f.code == "VRU102" and f.where == "missing")
    assert found.message == (
        "4 of 4 rows quarantined (100.0%; at most 1%); start_date:not_a_date 3; start_date:date_order 1; "
        "dates are read as %Y-%m-%d (source.date_format)"
    )


@pytest.mark.parametrize(("date", "named"), [("2022-06-01", True), ("01/06/2022", False)])
def test_the_declared_format_of_dates_is_named_where_dates_are_not_in_it(tmp_path, date, named):
    frames = small.extracts() | {
        "missing": small.rows("episode_id,person_id,start_date,known_date", f"m1,c,{date},02/06/2022", "m2,,,")
    }
    write_extracts(tmp_path / "x", frames, extract_date=small.EXTRACT_DATE)
    feeds = read_feeds(tmp_path / "x", small.spec(**{"feeds.missing.source": {"date_format": "%d/%m/%Y"}}))
    (found,) = (f for f in feeds.findings if f.code == "VRU102" and f.where == "missing")
    assert found.message.endswith("; dates are read as %d/%m/%Y (source.date_format)") == named
    assert ("date_format" in found.message) == named
