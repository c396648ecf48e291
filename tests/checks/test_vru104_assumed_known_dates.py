from __future__ import annotations

import small


def test_the_share_of_assumed_dates_is_stated_and_is_not_a_pass():
    declared = small.spec(**{"feeds.missing.known": {"kind": "assumed_lag", "median": 5, "p95": 9}})
    found = {f.where: f for f in small.events(declared=declared).findings if f.code == "VRU104"}
    assert {name: f.status for name, f in found.items()} == {"exclusions": "pass", "missing": "cannot tell"}
    assert found["missing"].message == "1 of 1 known dates are assumed: event date + 5 days"
    assert found["exclusions"].figures == {"rows": 4, "assumed": 0}  # the version that withdraws another is none
