import pytest

from vru_models.evidence.performance import supported


@pytest.mark.parametrize(("expected", "status"), [(0.0, "fail"), (4.999, "fail"), (5.0, "pass"), (80.0, "pass")])
def test_five_expected_positives_in_a_list_are_enough(expected, status):
    found = supported(expected)
    assert (found.code, found.where, found.status) == ("VRU401", "list", status)


def test_too_few_say_what_to_do_instead():
    text = supported(3.21).message
    assert text.startswith("3.2 positives expected in one list, fewer than 5: person-level ranking is not supported")
    assert text.endswith("(use areas)")


def test_nobody_labelled_on_the_list_cannot_tell():
    assert supported(float("nan")).status == "cannot tell"
