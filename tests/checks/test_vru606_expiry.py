import datetime as dt
import sys

from vru_models.audit.verify import verify

module = sys.modules["vru_models.audit.verify"]


def expiry(released):
    (one,) = (f for f in verify(released.place / "release") if f.code == "VRU606")
    return one


def test_on_its_last_day_a_release_may_be_used(released, monkeypatch):
    last = dt.date.fromisoformat(expiry(released).message.rpartition(" ")[2])
    monkeypatch.setattr(module, "today", lambda: last)
    assert expiry(released).status == "pass"


def test_the_day_after_it_is_intact_and_no_longer_used(released, monkeypatch):
    last = dt.date.fromisoformat(expiry(released).message.rpartition(" ")[2])
    monkeypatch.setattr(module, "today", lambda: last + dt.timedelta(days=1))
    finding = expiry(released)
    assert (finding.status, finding.message) == ("cannot tell", f"expired on {last}: intact, and score refuses it")
    assert not verify(released.place / "release").with_status("fail")
