from __future__ import annotations

import pytest

from vru_models.disclosure.profiles import PROFILES, Profile, profile_named
from vru_models.errors import SpecError


def test_opensafely_redacts_up_to_7_and_rounds_to_5():
    rule = profile_named("opensafely")
    assert (rule.redact_up_to, rule.round_to) == (7, 5)


def test_every_profile_is_filed_under_its_name_and_says_where_it_is_published():
    assert all(name == rule.name and rule.source for name, rule in PROFILES.items())


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(SpecError, match=r"'ons' is not known\. Expected: one of opensafely"):
        profile_named("ons")


@pytest.mark.parametrize(("threshold", "base"), [(-1, 5), (7, 0)])
def test_a_rule_that_protects_nothing_is_refused(threshold, base):
    with pytest.raises(ValueError, match="a threshold is at least 0 and a rounding base at least 1"):
        Profile("x", threshold, base, "here")
