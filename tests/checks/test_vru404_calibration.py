import pytest

from vru_models.evaluation.calibration import Calibration
from vru_models.evidence.performance import calibrated

NAN = float("nan")


@pytest.mark.parametrize(
    ("slope", "status"), [(0.79, "fail"), (0.8, "pass"), (1.0, "pass"), (1.25, "pass"), (1.26, "fail"), (-1.0, "fail")]
)
def test_slopes_from_four_fifths_to_five_fourths_are_adequate(slope, status):
    found = calibrated(Calibration(100, slope, 0.0, 0.0))
    assert (found.code, found.where, found.status) == ("VRU404", "calibration", status)


def test_an_undefined_slope_cannot_tell_and_says_on_how_many():
    found = calibrated(Calibration(1200, NAN, NAN, NAN))
    assert (found.status, found.message) == ("cannot tell", "the slope is undefined on 1,200 labelled rows")
