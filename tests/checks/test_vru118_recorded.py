import pytest
import ready

from vru_models.fairness.readiness import _enough_recorded


def found(in_view, recorded):
    table = ready.protected(
        {"attribute": ["sex"], "in_view": [in_view], "recorded": [recorded]},
        counts=["in_view", "recorded"], rates={"recorded_share": ("recorded", "in_view")},
    )  # fmt: skip
    (finding,) = _enough_recorded(table)
    return finding


@pytest.mark.parametrize(
    ("in_view", "recorded", "status"),
    [
        (1000, 1000, "pass"),
        (1000, 950, "pass"),
        (1000, 945, "fail"),
        (1000, 0, "fail"),
        (100, 100, "cannot tell"),
        (7, 7, "cannot tell"),
        (0, 0, "cannot tell"),
    ],
)
def test_a_characteristic_is_recorded_of_ninety_five_in_a_hundred(in_view, recorded, status):
    assert found(in_view, recorded).status == status


def test_an_audit_file_of_other_people_fails():
    given = ready.frames()
    given["audit"] = given["audit"].assign(person_id=lambda f: "z" + f["person_id"].str[1:])
    assert ready.of(ready.made(given).findings, "VRU118") == {"sex": "fail"}
