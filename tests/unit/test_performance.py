import numpy as np
import pytest
import world as worlds

from vru_models.evaluation.calibration import Calibration, calibration
from vru_models.evidence.performance import bars_met, beats_simple_rule, calibrated, supported
from vru_models.spec.bars import Bar


def test_a_finding_of_performance_holds_figures_that_can_be_stored(world):
    for finding in world.evidence.findings.where(lambda f: f.code.startswith("VRU4")):
        assert {type(v) for v in finding.figures.values()} <= {str, int, float, type(None)}, finding.code


def test_each_conclusion_is_there_once_and_each_bar_has_its_own(world):
    codes = [f.code for f in world.evidence.findings if f.code.startswith("VRU4")]
    assert codes == [
        "VRU405",
        "VRU401",
        "VRU402",
        *["VRU403"] * len(worlds.spec().success.bars),
        "VRU404",
        "VRU406",
        "VRU407",
    ]


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


def test_a_message_shows_the_figure_apart_from_what_it_is_held_against():
    assert supported(4.96).message.startswith("4.96 positives expected in one list, fewer than 5")
    (bar,) = bars_met([Bar(metric="auc", at_least=0.3)], {"auc": 0.29996})
    assert bar.message == "0.29996, bar 0.3"
    assert calibrated(Calibration(900, 0.7996, -2.0, 0.1)).message.startswith("slope 0.7996 (adequate: 0.8 to 1.25)")
    close = beats_simple_rule("card", "flags", low=0.0004, estimate=0.1, high=0.2)
    assert close.message == "precision at capacity +0.1000 against flags (95 % interval +0.0004 to +0.2000)"
