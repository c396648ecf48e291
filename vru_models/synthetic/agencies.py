"""What each agency writes down: the rows of the event feeds, by schema, before anything goes wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from vru_models.synthetic import rates
from vru_models.synthetic.happenings import (
    ALL_YEAR,
    Happenings,
    half_terms,
    to_children,
    to_each_child,
    to_households,
    to_weekday,
)
from vru_models.synthetic.history import History

_REASONS: Final = {
    "PP": 0.34, "VA": 0.19, "VP": 0.10, "PA": 0.10, "DA": 0.07, "DM": 0.05, "BU": 0.04, "OW": 0.04, "TH": 0.03,
    "MT": 0.02, "RA": 0.01, "SM": 0.01,
}  # fmt: skip
_STATUSES: Final = ("recorded", "assessed", "confirmed", "withdrawn")
_ROLES: Final = {"witness": 0.69, "household_member": 0.28, "victim": 0.02, "suspect": 0.01, "subject": 0.0}
_FOLLOWS_NEED: Final = 2.8
_HABIT: Final = 0.6
"""Rise of the log odds of missing school with need, and with what is the child's own: illness, distance."""


@dataclass(frozen=True)
class Coded:
    """A column of codes by position in ``values``; below zero is missing."""

    values: tuple[str, ...]
    codes: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Happenings to children with the columns that an agency records of them.

    ``columns`` holds coded text, or integers below zero where missing. ``corrected`` holds what a later version
    would say, for the columns that it changes.
    """

    happened: Happenings
    columns: Mapping[str, Coded | np.ndarray]
    corrected: Mapping[str, np.ndarray] = field(default_factory=dict)


def _kinds(**happened: Happenings) -> tuple[Happenings, Coded]:
    """Several kinds of happening as one, and the column that tells them apart."""
    parts = list(happened.values())
    codes = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    together = Happenings(np.concatenate([p.who for p in parts]), np.concatenate([p.day for p in parts]))
    return together, Coded(tuple(happened), codes)


def _withdrawn(n: int) -> Mapping[str, np.ndarray]:
    return {"status": np.full(n, _STATUSES.index("withdrawn"))}


def _attendance(history: History, rng: np.random.Generator) -> Rows:
    world, periods = history.world, half_terms()
    code_share = np.array([rates.PERSISTENTLY_ABSENT.get(code, rates.ABSENT[0]) for code in rates.ETHNICITIES])
    habit = _HABIT * rng.standard_normal(len(world)) + (_logit(code_share) - _logit(rates.ABSENT[0]))[world.ethnicity]
    spread = np.sqrt(_FOLLOWS_NEED**2 + _HABIT**2 + np.pi**2 / 3)
    limits = [spread * _normal_quantile(1 - share) for share in rates.ABSENT]
    who, day, band = [], [], []
    for last, quarter in zip(periods.stop - 1, periods.quarter, strict=True):
        score = _FOLLOWS_NEED * world.need[:, quarter] + habit + rng.logistic(size=len(world))
        missed = np.searchsorted(limits, score, side="right")
        who.append(np.flatnonzero(missed))
        day.append(np.full(len(who[-1]), last))
        band.append(missed[who[-1]] - 1)
    codes = np.concatenate(band)
    bands = Coded(("10_to_20", "20_to_50", "50_plus"), codes)
    happened = Happenings(np.concatenate(who), np.concatenate(day))
    lower, least = np.maximum(codes - 1, 0), np.array([10, 20, 50])
    return Rows(
        happened, {"band": bands, "missed_at_least": least[codes]}, {"band": lower, "missed_at_least": least[lower]}
    )


def _logit(share: np.ndarray | float) -> np.ndarray:
    return np.asarray(np.log(np.asarray(share) / (1 - np.asarray(share))))


def _normal_quantile(share: float) -> float:
    """Quantile of the standard normal, logistic approximation good to 0.02 over the shares used here."""
    return float(_logit(share)) / 1.702


def _suspension(history: History, rng: np.random.Generator) -> Rows:
    terms = half_terms()
    processes = (rates.SUSPENSION, rates.DISRUPTION, rates.EXCLUSION)
    serious, disruption, exclusion = (
        to_children(history.world, process, periods=terms, rng=rng) for process in processes
    )
    happened, kind = _kinds(serious=serious, disruption=disruption, exclusion=exclusion)
    happened = Happenings(happened.who, to_weekday(happened.day))
    permanent = kind.codes == kind.values.index("exclusion")
    reasons = (*_REASONS, "DB")
    share = np.array(list(_REASONS.values())) / sum(_REASONS.values())
    reason = rng.choice(len(_REASONS), len(happened), p=share)
    disruptive = (kind.codes == kind.values.index("disruption")) | (permanent & (rng.random(len(happened)) < 0.39))
    sessions = np.minimum(2 * rng.geometric(0.5, len(happened)), 90)
    columns: dict[str, Coded | np.ndarray] = {
        "category": Coded(("SUSP", "PERM"), permanent.astype(np.int64)),
        "reason": Coded(reasons, np.where(disruptive, reasons.index("DB"), reason)),
        "sessions": np.where(permanent, -1, sessions),
        "status": Coded(_STATUSES, np.zeros(len(happened), dtype=np.int64)),
    }
    return Rows(happened, columns, _withdrawn(len(happened)))


def _health(history: History, rng: np.random.Generator) -> Rows:
    referrals, kept = history.referrals, history.taken_up
    attended = rng.poisson(6 * kept[referrals.who])
    missed = rng.poisson(3 * (1 - kept[referrals.who]))
    happened, kind = _kinds(
        referral_accepted=referrals,
        contact_attended=_appointments(referrals, attended, rng=rng),
        contact_not_brought=_appointments(referrals, missed, rng=rng),
        referral_not_accepted=to_children(history.world, rates.REFERRAL_NOT_ACCEPTED, periods=ALL_YEAR, rng=rng),
        crisis_contact=to_children(history.world, rates.CRISIS, periods=ALL_YEAR, rng=rng),
    )
    return Rows(happened, {"kind": kind})


def _appointments(referrals: Happenings, times: np.ndarray, *, rng: np.random.Generator) -> Happenings:
    """So many appointments after each referral, from three weeks to nine months on."""
    waited = rng.integers(21, 270, int(times.sum()))
    return Happenings(np.repeat(referrals.who, times), np.repeat(referrals.day, times) + waited)


def _police(history: History, rng: np.random.Generator) -> Rows:
    missing = to_children(history.world, rates.MISSING, periods=ALL_YEAR, rng=rng)
    talked = rng.random(len(missing)) < history.taken_up[missing.who]
    back = missing.where(talked)
    happened, kind = _kinds(
        domestic_abuse_incident=to_each_child(
            history.world, to_households(history.world, rates.DOMESTIC_ABUSE, periods=ALL_YEAR, rng=rng)
        ),
        missing_episode=missing,
        return_interview=Happenings(back.who, back.day + rng.integers(2, 8, len(back))),
        coming_to_notice=to_children(history.world, rates.COMING_TO_NOTICE, periods=ALL_YEAR, rng=rng),
    )
    roles = tuple(_ROLES)
    drawn = rng.choice(len(roles), len(happened), p=list(_ROLES.values()))
    columns = {
        "kind": kind,
        "role": Coded(roles, np.where(kind.codes == 0, drawn, roles.index("subject"))),
        "status": Coded(_STATUSES, np.zeros(len(happened), dtype=np.int64)),
    }
    return Rows(happened, columns, _withdrawn(len(happened)))


def _housing(history: History, rng: np.random.Generator) -> Rows:
    placed = to_households(history.world, rates.TEMPORARY_ACCOMMODATION, periods=ALL_YEAR, rng=rng)
    moved = to_households(history.world, rates.MOVE, periods=ALL_YEAR, rng=rng)
    happened, kind = _kinds(
        temporary_accommodation=to_each_child(history.world, placed), move=to_each_child(history.world, moved)
    )
    return Rows(happened, {"kind": kind})


def _social_care(history: History, rng: np.random.Generator) -> Rows:
    happened, what = _kinds(
        need_found=to_children(history.world, rates.NEED_FOUND, periods=ALL_YEAR, rng=rng),
        no_need_found=to_children(history.world, rates.NO_NEED_FOUND, periods=ALL_YEAR, rng=rng),
        protection_plan=to_children(history.world, rates.PROTECTION_PLAN, periods=ALL_YEAR, rng=rng),
    )
    plan = what.codes == what.values.index("protection_plan")
    kinds = ("early_help_assessment", "child_assessment", "protection_plan")
    columns = {
        "kind": Coded(kinds, np.where(plan, 2, rng.random(len(happened)) < 0.4)),
        "result": Coded(("need_found", "no_need_found"), np.where(plan, -1, what.codes)),
        "status": Coded(_STATUSES, np.where(plan, 2, 1)),
    }
    return Rows(happened, columns, _withdrawn(len(happened)))


def _offers(history: History, _rng: np.random.Generator) -> Rows:
    answered = Happenings(history.offers.who, history.answered)
    happened, kind = _kinds(
        made=history.offers, accepted=answered.where(history.accepted), declined=answered.where(~history.accepted)
    )
    return Rows(happened, {"kind": kind})


Recorder = Callable[[History, np.random.Generator], Rows]
AGENCIES: Final[Mapping[str, Recorder]] = {
    "education_attendance": _attendance,
    "education_suspension": _suspension,
    "health_mh": _health,
    "police_da_missing": _police,
    "housing": _housing,
    "social_care": _social_care,
    "offers": _offers,
}
"""Who records the rows of each event schema that can be made up."""
