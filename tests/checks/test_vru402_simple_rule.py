import pytest

from vru_models.evidence.performance import beats_simple_rule

NAN = float("nan")


@pytest.mark.parametrize(("low", "status"), [(0.001, "pass"), (0.0, "fail"), (-0.2, "fail"), (NAN, "cannot tell")])
def test_the_lower_limit_of_the_difference_must_be_above_zero(low, status):
    found = beats_simple_rule("card", "flags", low=low, estimate=0.1, high=0.3)
    assert (found.code, found.where, found.status) == ("VRU402", "simple rule", status)


def test_a_fail_says_use_the_simple_rule():
    found = beats_simple_rule("card", "flags", low=-0.02, estimate=0.1, high=0.22)
    assert found.message == (
        "precision at capacity +0.10 against flags (95 % interval -0.02 to +0.22): use the simple rule"
    )


def test_the_flag_count_is_not_held_against_itself():
    assert beats_simple_rule("flags", "flags", low=NAN, estimate=NAN, high=NAN).status == "not applicable"
