import datetime as dt

import pytest
import small
import tiny

from vru_models.errors import RefusedError
from vru_models.findings import Finding, Findings
from vru_models.scoring import score

REASON = "the school system is being replaced; B. Name"


def events(feed):
    """The tiny world with one feed that arrived as a header alone."""
    frames, declared = tiny.extracts(), tiny.spec()
    frames = {name: frame.iloc[:0] if name == feed else frame for name, frame in frames.items()}
    admitted = small.admit(frames, declared, extract_dates=dict.fromkeys(frames, dt.date(2024, 9, 1)))
    return small.record_events(admitted, declared)


@pytest.mark.parametrize("feed", ["exclusions", "missing"])
def test_a_feed_that_arrived_empty_makes_no_list_unless_answered_for(tmp_path, feed):
    book = tiny.ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(RefusedError, match=f"VRU102 cannot tell, {feed}: the extract has no rows"):
        score(tiny.release(), events(feed), as_of="2024-09-15", ledger=book)
    given = {"VRU102": REASON}
    listed = score(tiny.release(), events(feed), as_of="2024-09-15", ledger=book, overrides=given, by="B. Name")
    assert listed.overrides == given
    assert [f.where for f in listed.findings.with_status("cannot tell")] == [feed]


@pytest.mark.parametrize("code", ["VRU121", "VRU124"])
@pytest.mark.parametrize("status", ["fail", "cannot tell"])
def test_what_stops_a_recording_stops_a_list(tmp_path, code, status):
    whole = tiny.events()
    found = Finding(code, status, "missing", "not as it was in the extract before")
    broken = whole.recorded(whole.findings + Findings([found]), under=whole.recorded_under)
    book = tiny.ledger(tmp_path / "ledger.jsonl")
    with pytest.raises(RefusedError, match=f"{code} {status}, missing: not as it was"):
        score(tiny.release(), broken, as_of="2024-09-15", ledger=book)
    assert len(
        score(tiny.release(), broken, as_of="2024-09-15", ledger=book, overrides={code: REASON}, by="B. Name").list
    )
