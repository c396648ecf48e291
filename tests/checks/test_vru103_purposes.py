from __future__ import annotations

import pytest
import small


@pytest.mark.parametrize(
    ("feed", "purposes", "status"),
    [
        ("missing", ["train", "score"], "pass"),
        ("missing", ["train"], "fail"),
        ("missing", ["audit"], "fail"),
        ("people", ["train"], "fail"),
        ("audit", ["audit"], "pass"),
        ("audit", ["train", "score"], "fail"),
    ],
)
def test_an_agreement_must_cover_what_the_feed_is_declared_for(feed, purposes, status):
    feeds = small.admitted(declared=small.spec(**{f"feeds.{feed}.agreement.purposes": purposes}))
    assert [f.status for f in feeds.findings if f.code == "VRU103" and f.where == feed] == [status]


def test_a_feed_of_outcomes_alone_need_not_be_shared_for_scoring():
    declared = small.spec(
        **{
            "indicators.suspension.feed": "missing",
            "indicators.suspension.where": {},
            "indicators.suspension.value": None,
            "feeds.exclusions.agreement.purposes": ["train"],
        }
    )
    feeds = small.admitted(declared=declared)
    assert [f.status for f in feeds.findings if f.code == "VRU103" and f.where == "exclusions"] == ["pass"]


def test_the_agreement_and_what_it_lacks_are_named():
    feeds = small.admitted(declared=small.spec(**{"feeds.missing.agreement.purposes": ["audit"]}))
    message = "agreement DSA-1 does not cover train and score, for which the feed is declared"
    assert [f.message for f in feeds.findings if f.code == "VRU103" and f.where == "missing"] == [message]
