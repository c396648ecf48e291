import pytest
import ready
import small

from vru_models.quality.findings import no_copies


def found(accepted, copies, feed="missing"):
    table = ready.protected(
        {"feed": [feed], "accepted": [accepted], "copies": [copies]},
        counts=["accepted", "copies"], rates={"copied_share": ("copies", "accepted")},
    )  # fmt: skip
    return {f.where: f for f in no_copies(table, small.spec())}


@pytest.mark.parametrize(
    ("accepted", "copies", "status"),
    [
        (1000, 10, "pass"),
        (1000, 15, "fail"),
        (1000, 0, "pass"),
        (300, 0, "cannot tell"),
        (7, 0, "cannot tell"),
        (1000, 1000, "fail"),
    ],
)
def test_one_row_in_a_hundred_may_be_a_copy(accepted, copies, status):
    assert found(accepted, copies)["missing"].status == status


def test_a_feed_that_is_about_nobody_is_not_judged():
    assert found(1000, 900, feed="cover") == {}


def test_the_message_gives_the_protected_share():
    assert "12.0% of its rows are the same as another in all but the key" in found(1000, 118)["missing"].message
