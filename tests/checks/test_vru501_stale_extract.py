import datetime as dt

import pytest
import small
import tiny

from vru_models.scoring import score

REASON = "the feed was late this month; B. Name"


def gates(tmp_path, as_of, **own_dates):
    frames, declared = tiny.extracts(), tiny.spec()
    dates = dict.fromkeys(frames, dt.date(2024, 9, 1)) | own_dates
    events = small.record_events(small.admit(frames, declared, extract_dates=dates), declared)
    book = tiny.ledger(tmp_path / "ledger.jsonl")
    shut = {"VRU501": REASON} if as_of >= "2024-10-16" or own_dates else {}
    found = score(
        tiny.release(), events, as_of=as_of, ledger=book, overrides=shut, by="B. Name" if shut else ""
    ).findings
    return found.where(lambda f: f.code == "VRU501")


@pytest.mark.parametrize(
    ("as_of", "status", "age"), [("2024-10-15", "pass", 44), ("2024-10-16", "fail", 45), ("2024-10-17", "fail", 46)]
)
def test_an_extract_45_days_before_the_date_is_stale(tmp_path, as_of, status, age):
    found = gates(tmp_path, as_of)
    assert {f.status for f in found} == {status}
    assert {f.figures["days"] for f in found} == {age}


def test_every_feed_behind_the_list_is_looked_at_and_no_other(tmp_path):
    assert [f.where for f in gates(tmp_path, "2024-09-15")] == ["cover", "exclusions", "missing", "people"]


@pytest.mark.parametrize("feed", ["cover", "exclusions", "missing", "people"])
def test_one_stale_feed_is_enough(tmp_path, feed):
    found = gates(tmp_path, "2024-09-15", **{feed: dt.date(2024, 7, 30)})
    assert {f.where: f.status for f in found if f.status != "pass"} == {feed: "fail"}
