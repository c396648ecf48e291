import pytest
import ready
import small

from vru_models.quality.findings import joined


def found(*, in_view, known, shared):
    a, b = known
    counts = ["people", "in_view", "known"]
    reach = ready.protected(
        {"feed": ["exclusions", "missing"], "people": [a, b], "in_view": [in_view] * 2, "known": [a, b]},
        counts=counts, rates={"reach": ("known", "in_view")},
    )  # fmt: skip
    pairs = {"feed": ["exclusions", "missing"], "other": ["missing", "exclusions"], "people": [a, b]}
    joins = ready.protected(
        pairs | {"shared": [shared] * 2}, counts=["people", "shared"], rates={"join": ("shared", "people")}
    )
    (finding,) = joined(joins, reach, small.spec())
    return finding


@pytest.mark.parametrize(
    ("shared", "status"), [(100, "pass"), (50, "pass"), (45, "fail"), (7, "fail"), (0, "fail"), (200, "pass")]
)
def test_half_of_the_people_whom_chance_would_share_must_be_shared(shared, status):
    assert found(in_view=1000, known=(500, 200), shared=shared).status == status


@pytest.mark.parametrize(("known", "status"), [((200, 200), "fail"), ((200, 195), "cannot tell")])
def test_below_forty_by_chance_nothing_can_be_told(known, status):
    assert found(in_view=1000, known=known, shared=0).status == status


def test_feeds_of_few_people_cannot_be_told_about():
    assert found(in_view=100, known=(7, 50), shared=0).status == "cannot tell"


def test_two_agencies_with_different_keys_fail_and_the_message_says_why():
    given = ready.frames(range(400), suspended=range(200), gone=range(400, 600))
    given["missing"].loc[:99, "person_id"] = [f"p{i:03d}" for i in range(200, 300)]
    (where,) = ready.of(ready.made(given).findings, "VRU113")
    assert where == "exclusions and missing"
    finding = next(f for f in ready.made(given).findings if f.code == "VRU113")
    assert finding.status == "fail"
    assert "made with different keys" in finding.message


def test_without_spells_nothing_can_be_told():
    made = ready.made(ready.frames(), small.spec(without=("people",)))
    assert ready.of(made.findings, "VRU113") == {"exclusions and missing": "cannot tell"}
