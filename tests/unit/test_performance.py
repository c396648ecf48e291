import numpy as np
import pytest
import world as worlds

from vru_models.evaluation.calibration import calibration
from vru_models.evidence.performance import calibrated, supported


def test_a_finding_of_performance_holds_figures_that_can_be_stored(world):
    for finding in world.evidence.findings.where(lambda f: f.code.startswith("VRU4")):
        assert {type(v) for v in finding.figures.values()} <= {str, int, float, type(None)}, finding.code


def test_each_conclusion_is_there_once_and_each_bar_has_its_own(world):
    codes = [f.code for f in world.evidence.findings if f.code.startswith("VRU4")]
    assert codes == ["VRU405", "VRU401", "VRU402", *["VRU403"] * len(worlds.spec().success.bars), "VRU404", "VRU406"]


def test_the_expected_positives_are_those_of_the_places_by_points(world):
    (found,) = (f for f in world.evidence.findings if f.code == "VRU401")
    assert found.figures["expected_positives"] == round(world.evidence.headline["precision"] * 19, 1)


def test_the_slope_is_that_of_the_cards_own_chances():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.05, 0.6, 4000)
    y = (rng.random(4000) < p).astype(float)
    assert calibrated(calibration(y, p)).status == "pass"
    too_bold = 1 / (1 + (1 / p - 1) ** 2)
    assert calibrated(calibration(y, too_bold)).status == "fail"


@pytest.mark.parametrize("expected", [4.96, 4.999])
def test_a_rounded_message_never_changes_the_verdict(expected):
    assert supported(expected).status == "fail"
