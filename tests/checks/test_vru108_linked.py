import pytest
import small
import tiny


def found(**changes):
    return {f.where: (f.status, f.message) for f in tiny.events(**changes).findings if f.code == "VRU108"}


def episodes(*people):
    rows = [f"m{i},{person},2024-06-01,2024-06-02" for i, person in enumerate(people)]
    return small.rows("episode_id,person_id,start_date,known_date", *rows)


@pytest.mark.parametrize(
    ("people", "status", "share"),
    [("abcd", "pass", "100%"), ("abxy", "pass", "50%"), ("axyz", "fail", "25%"), ("xyz", "fail", "0%")],
)
def test_half_of_a_feeds_people_need_a_spell(people, status, share):
    message = f"{share} of its people have a spell (at least 50%)"
    assert found(missing=episodes(*people))["missing"] == (status, message)


def test_a_person_counts_once():
    assert found(missing=episodes("a", "x", "x", "x"))["missing"][0] == "pass"


def test_a_feed_without_events_is_not_judged():
    assert found(missing=episodes())["missing"][0] == "not applicable"
