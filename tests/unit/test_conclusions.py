from __future__ import annotations

import pandas as pd
import pytest

from vru_models.fairness.conclusions import findings_of, too_wide
from vru_models.fairness.verdict import VERDICTS

NAN = float("nan")
ROW = {
    "measure": "recall",
    "attribute": "sex",
    "group": "M",
    "n_units": 400,
    "rate": 0.28,
    "rest": 0.38,
    "gap": 0.10,
    "limit": 0.08,
    "upper": 0.24,
    "p": 0.3,
    "p_adjusted": 0.6,
    "method": "bootstrap",
    "status": "cannot tell",
    "units_needed": NAN,
}


def message(**changes):
    (found,) = findings_of(pd.DataFrame([ROW | changes], columns=VERDICTS))
    return found.message


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (136_658, "about 140,000 more people in the group"),
        (6_497, "about 6,500 more people in the group"),
        (101, "about 110 more people in the group"),
        (100, "about 100 more people in the group"),
        (21, "about 21 more people in the group"),
        (9, "; 9 more people in the group"),
        (1, "; 1 more person in the group"),
    ],
)
def test_how_many_more_would_tell_has_two_significant_figures_and_is_rounded_up(more, said):
    assert said in message(units_needed=400.0 + more)


def test_figures_that_differ_are_shown_apart():
    assert "is 0.001 lower than everyone else's (0.050 against 0.051" in message(
        rate=0.0502, rest=0.0508, gap=0.0006, limit=0.02, upper=0.03
    )
    assert "is 0.0796 lower" in message(rate=0.3004, rest=0.38, gap=0.0796)
    assert "limit 0.080, one-sided 95 % bound 0.082)" in message(upper=0.0824)


def test_a_group_whose_figure_is_everyone_elses_is_said_to_have_the_same():
    said = message(rate=0.38, gap=0.0, upper=0.05, status="pass")
    assert said == (
        "every group is within 0.08 of everyone else; recall of 'M' is the same as everyone else's (0.38 against 0.38;"
        " one-sided 95 % bound 0.05)"
    )


@pytest.mark.parametrize(("rest", "said"), [(0.38, False), (0.0890, False), (0.0888, True), (0.08, True), (0.0, True)])
@pytest.mark.parametrize("status", ["pass", "cannot tell", "fail"])
def test_a_limit_no_smaller_than_the_figure_itself_is_warned_of_unless_it_fails(rest, said, status):
    warned = "so a group could be missed" in message(rest=rest, rate=rest, gap=0.0, status=status)
    assert warned == (said and status != "fail")


@pytest.mark.parametrize(
    ("measure", "limit", "rate", "said"),
    [
        ("recall", 0.08, 0.08, "no smaller than the recall itself (0.080), so a group could be missed entirely and"),
        ("recall", 0.08, 0.084, "hardly smaller than the recall itself (0.084), so a group could be missed almost ent"),
        ("recall", 0.08, 0.0888, "hardly smaller than the recall itself (0.089), so a group could be missed almost en"),
        ("recall", 0.08, 0.089, ""),
        ("recall", 0.08, NAN, ""),
        ("selection_rate", 0.1, 0.05, "so a group could be left off the list entirely and still pass"),
        ("precision", 0.1, 0.05, "so a group's listed could all be without the need and still pass"),
        ("false_omission_rate", 0.05, 0.037, "so a group's could be twice as high and still pass"),
    ],
)
def test_the_warning_says_what_could_pass(measure, limit, rate, said):
    warning = too_wide(measure, limit, rate)
    assert said in warning
    assert bool(warning) == bool(said)
