from __future__ import annotations

import small


def test_rows_in_are_rows_accepted_and_rows_quarantined_whatever_is_wrong_with_them():
    lines = ["m1,c,2022-06-01,2022-06-02", "m1,c,2022-06-01,2022-06-02", ",,,", "m2,c,x,y"]
    feeds = small.admitted({"missing": small.rows("episode_id,person_id,start_date,known_date", *lines)})
    found = [f for f in feeds.findings if f.code == "VRU101" and f.where == "missing"]
    assert [(f.status, f.message) for f in found] == [("pass", "4 rows in = 1 accepted + 3 quarantined")]
    assert found[0].figures == {"rows_in": 4, "accepted": 1, "quarantined": 3}
    assert (feeds.quarantine["reasons"] != "").all()
