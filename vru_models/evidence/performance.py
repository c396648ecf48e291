"""What the figures at capacity conclude: is the individual list good enough, and better than a simple rule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from vru_models.evaluation.calibration import Calibration
from vru_models.evaluation.intervals import decimals
from vru_models.findings import Finding, Status
from vru_models.spec.bars import Bar

LEAST_EXPECTED: Final = 5.0
"""Expected positives in one list below which person-level ranking is not supported (design, section 9)."""

SLOPE_BOUNDS: Final = (0.8, 1.25)
"""Calibration slopes taken as adequate; a band of convention, not of theory (Van Calster and others 2016)."""


REMEDY: Final = {
    "person": "person-level ranking is not supported by this data (use areas)",
    "area": "ranking areas of this size is not supported by this data (use larger areas or a longer horizon)",
}
"""What is said when a list holds too few with the outcome."""


def supported(expected_positives: float, unit: str = "person") -> Finding:
    """VRU401: whether a list of this size holds enough people (or areas) with the outcome to rank them at all."""
    if math.isnan(expected_positives):
        return Finding("VRU401", "cannot tell", "list", "nobody labelled is on the list")
    figures: dict[str, Any] = {"expected_positives": round(float(expected_positives), 1)}
    if unit == "area":
        figures["unit"] = unit
    held = (
        f"{expected_positives:.{decimals(expected_positives, LEAST_EXPECTED, least=1)}f} positives expected in one list"
    )
    if expected_positives < LEAST_EXPECTED:
        message = f"{held}, fewer than {LEAST_EXPECTED:g}: {REMEDY[unit]}"
        return Finding("VRU401", "fail", "list", message, figures)
    return Finding("VRU401", "pass", "list", f"{held}, at least {LEAST_EXPECTED:g}", figures)


def beats_simple_rule(winner: str, simple: str, low: float, estimate: float, high: float) -> Finding:
    """VRU402: whether the list finds more at capacity than a count of flags does."""
    if winner == simple:
        return Finding("VRU402", "not applicable", "simple rule", "the model is the flag count itself")
    if math.isnan(low):
        return Finding("VRU402", "cannot tell", "simple rule", "the difference in precision is undefined")
    d = decimals(low, 0.0)
    size = f"precision at capacity {estimate:+.{d}f} against {simple} (95 % interval {low:+.{d}f} to {high:+.{d}f})"
    if low > 0:
        return Finding("VRU402", "pass", "simple rule", size)
    return Finding("VRU402", "fail", "simple rule", f"{size}: use the simple rule")


def bars_met(bars: Iterable[Bar], reached: dict[str, float]) -> list[Finding]:
    """VRU403: each success bar fixed before fitting, held against what the sealed split shows."""
    found = []
    for bar in bars:
        value = reached[bar.metric]
        shown = "not known" if math.isnan(value) else f"{value:.{decimals(value, bar.at_least, least=3)}f}"
        text = f"{shown}, bar {bar.at_least:g}"
        status: Status = "cannot tell" if math.isnan(value) else "pass" if value >= bar.at_least else "fail"
        found.append(Finding("VRU403", status, bar.metric, text, {"bar": bar.at_least}))
    return found


def calibrated(line: Calibration) -> Finding:
    """VRU404: whether the probabilities are neither too extreme nor too timid."""
    if math.isnan(line.slope):
        return Finding("VRU404", "cannot tell", "calibration", f"the slope is undefined on {line.n:,} labelled rows")
    low, high = SLOPE_BOUNDS
    d = max(decimals(line.slope, bound) for bound in SLOPE_BOUNDS)
    text = f"slope {line.slope:.{d}f} (adequate: {low:g} to {high:g}), in the large {line.in_the_large:+.2f}"
    return Finding("VRU404", "pass" if low <= line.slope <= high else "fail", "calibration", text)


def opened(times: int | None) -> Finding:
    """VRU406: how often the sealed split has been looked at."""
    if times is None:
        return Finding("VRU406", "cannot tell", "sealed split", "no ledger: nobody knows how often it was opened")
    if times <= 1:
        return Finding("VRU406", "pass", "sealed split", "opened once", {"times": times})
    message = f"opened {times} times: the figures are no longer of unseen data"
    return Finding("VRU406", "cannot tell", "sealed split", message, {"times": times})
