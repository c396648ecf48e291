"""Findings as they may leave: what was concluded, where the protected figures are; no count that is not protected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from vru_models.disclosure.protect import NOT_TESTABLE, protect
from vru_models.evidence.performance import LEAST_EXPECTED, REMEDY, SLOPE_BOUNDS
from vru_models.fairness.measures import MEASURES
from vru_models.findings import Finding

_KEPT: Final = ("VRU103", "VRU105", "VRU202", "VRU203", "VRU204", "VRU406", "VRU408")
"""Messages that hold names and numbers of feeds, features, splits and openings only."""

_NEED = f"{LEAST_EXPECTED:g} people with the outcome are expected in one list"
_AREAS_NEED = _NEED.replace("people", "areas")
_FIGURES = "the figures are in the comparison with other models"
_SLOPE = f"{SLOPE_BOUNDS[0]:g} to {SLOPE_BOUNDS[1]:g}"
_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "VRU101": {
        "pass": "every row was accepted or set aside with a reason",
        "fail": "rows are missing from the account",
    },
    "VRU102": {
        "pass": "few enough rows were set aside",
        "fail": "too many rows were set aside",
        "cannot tell": "the extract has no rows",
    },
    "VRU104": {"pass": "no known date is assumed", "cannot tell": "known dates are assumed from a declared lag"},
    "VRU106": {"pass": "rows about suspects and associates made no event"},
    "VRU107": {
        "pass": "the record of what was shared has the feed",
        "fail": "the record of what was shared does not have the feed, so everything from it is missing",
    },
    "VRU108": {
        "pass": "the people of the feed are those whom the partnership has in view",
        "fail": "too few of the people of the feed are people whom the partnership has in view",
        "not applicable": "the feed has events of nobody",
        "pass, area": "the areas of the feed are those of the register",
        "fail, area": "too few of the areas of the feed are in the register",
    },
    "VRU109": {"cannot tell": "no row of its feed makes an event of the indicator"},
    "VRU110": {
        "pass": "no column looks like a direct identifier",
        "fail": "a column looks like a direct identifier",
        "cannot tell": "a column may hold what points at a person, or pseudonyms look too short",
    },
    "VRU201": {"pass": "rows are identical when everything known later is deleted, altered or added to"},
    "VRU206": {
        "pass": "no indicator that could be tested crowds into the last days before the dates of rows with the outcome",
        "fail": "an indicator crowds into the last days before the dates of rows with the outcome",
        "cannot tell": "there are too few events to see whether they crowd into the last days before such dates",
    },
    "VRU401": {
        "pass": f"at least {_NEED}",
        "fail": f"fewer than {_NEED}: {REMEDY['person']}",
        "pass, area": f"at least {_AREAS_NEED}",
        "fail, area": f"fewer than {_AREAS_NEED}: {REMEDY['area']}",
        "cannot tell": "nobody labelled is on the list",
    },
    "VRU402": {
        "pass": f"finds more at capacity than a count of flags does; {_FIGURES}",
        "fail": f"not shown to find more at capacity than a count of flags does: use the simple rule; {_FIGURES}",
        "not applicable": "the model is the flag count itself",
    },
    "VRU404": {
        "pass": f"the calibration slope is adequate ({_SLOPE})",
        "fail": f"the calibration slope is not adequate ({_SLOPE})",
        "cannot tell": "the calibration slope is undefined",
    },
    "VRU407": {
        "pass": "whatever those who left would have shown, precision stays within its interval",
        "cannot tell": "what those who left would have shown could take precision out of its interval",
        "not applicable": "nobody left before the outcome could be known",
    },
    "VRU409": {
        "pass": "nobody was scored by a card that had seen their household, or their area, when it was chosen",
        "cannot tell": "with households, or areas, kept apart, too little was left to choose on for some test date",
    },
    "VRU405": {"pass": "what choosing so would have cost at the next split is in the table of regret"},
}


def public(finding: Finding, *, groups: pd.DataFrame | None, profile: str) -> Finding:
    """The finding without its figures.

    Parameters
    ----------
    groups
        The protected table of groups that stands beside it; None where no audit file was given.
    profile
        The small-number rule for the one count that is told: how many people the proof against leakage went over.
    """
    return Finding(finding.code, finding.status, finding.where, _message(finding, groups, profile))


def _message(finding: Finding, groups: pd.DataFrame | None, profile: str) -> str:
    code, status = finding.code, finding.status
    if code.startswith("VRU3"):
        return _about_groups(finding, groups)
    if code == "VRU403":
        reached = {"pass": "is reached", "fail": "is not reached"}.get(status, "cannot be held against anything")
        return f"the bar of {finding.figures['bar']:g}, fixed before fitting, {reached}"
    if code in _KEPT or (code == "VRU405" and status == "cannot tell"):
        return finding.message
    asked = f"{status}, area" if finding.figures.get("unit") == "area" else status
    said = _SAID.get(code, {}).get(asked, f"{status}; the figures stay inside the partnership")
    return _sample(finding, profile) + said if code == "VRU201" else said


def _about_groups(finding: Finding, groups: pd.DataFrame | None) -> str:
    if groups is None and finding.status == "not applicable":
        return finding.message
    if groups is None:
        return "no audit file was given"
    verdict = next(f"{name}_verdict" for name, m in MEASURES.items() if m.code == finding.code)
    mine = groups[groups["attribute"] == finding.where]
    hidden = verdict in mine and (mine[verdict] == NOT_TESTABLE).any()
    return "the figures are in the table of groups" + ("; some groups are not shown there" if hidden else "")


def _sample(finding: Finding, profile: str) -> str:
    """How many people and dates were gone over; blank where the finding does not say."""
    if not {"people", "dates"} <= set(finding.figures):
        return ""
    count = pd.DataFrame({"people": [finding.figures["people"]]})
    whom = "areas" if finding.figures.get("unit") == "area" else "people"
    people = protect(count, counts=["people"], profile=profile).text()["people"].iloc[0]
    return f"gone over for a sample of {whom} ({people}) on {finding.figures['dates']} as-of dates: "
