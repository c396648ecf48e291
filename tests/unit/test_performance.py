import math

import pytest

from vru_models.evaluation.calibration import Calibration
from vru_models.evidence.performance import bars_met, beats_simple_rule, calibrated, opened, supported
from vru_models.spec.bars import Bar

NAN = float("nan")


@pytest.mark.parametrize(("expected", "status"), [(4.999, "fail"), (5.0, "pass"), (80.0, "pass"), (NAN, "cannot tell")])
def test_five_expected_positives_are_enough(expected, status):
    assert supported(expected).status == status


@pytest.mark.parametrize(("low", "status"), [(0.001, "pass"), (0.0, "fail"), (-0.2, "fail"), (NAN, "cannot tell")])
def test_the_lower_limit_must_be_above_zero(low, status):
    assert beats_simple_rule("card", "flags", low=low, estimate=0.1, high=0.3).status == status


def test_the_flag_count_is_not_held_against_itself():
    assert beats_simple_rule("flags", "flags", low=NAN, estimate=NAN, high=NAN).status == "not applicable"


@pytest.mark.parametrize(("value", "status"), [(0.25, "pass"), (0.249999, "fail"), (NAN, "cannot tell")])
def test_a_bar_is_met_when_it_is_reached(value, status):
    (found,) = bars_met([Bar(metric="precision_at_k", at_least=0.25)], {"precision_at_k": value})
    assert (found.code, found.where, found.status, found.figures) == ("VRU403", "precision_at_k", status, {"bar": 0.25})


@pytest.mark.parametrize(("slope", "status"), [(0.79, "fail"), (0.8, "pass"), (1.25, "pass"), (1.26, "fail")])
def test_slopes_from_four_fifths_to_five_fourths_are_adequate(slope, status):
    assert calibrated(Calibration(100, slope, 0.0, 0.0)).status == status


def test_an_undefined_slope_cannot_tell():
    found = calibrated(Calibration(0, NAN, NAN, NAN))
    assert found.status == "cannot tell"
    assert math.isnan(Calibration(0, NAN, NAN, NAN).slope)


@pytest.mark.parametrize(("times", "status"), [(1, "pass"), (2, "cannot tell"), (None, "cannot tell")])
def test_a_sealed_split_is_opened_once(times, status):
    assert opened(times).status == status
