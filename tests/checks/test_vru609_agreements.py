import datetime as dt
import sys

import pytest

from vru_models.audit.verify import verify


@pytest.mark.parametrize(
    # The small spec's agreements run up to and including the last day of 2026.
    ("day", "status", "message"),
    [
        (dt.date(2026, 12, 31), "pass", "all 4 feeds behind a list up to 2026-12-31"),
        (
            dt.date(2027, 1, 1),
            "cannot tell",
            "ended for cover, exclusions, missing, people: intact, and score refuses a date after the end",
        ),
    ],
)
def test_a_release_whose_agreements_have_ended_is_flagged(released, monkeypatch, day, status, message):
    monkeypatch.setattr(sys.modules["vru_models.audit.verify"], "today", lambda: day)
    (found,) = (f for f in verify(released.place / "release") if f.code == "VRU609")
    assert (found.status, found.message) == (status, message)
