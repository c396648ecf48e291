"""Who is eligible on an as-of date, as known on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vru_models.features.coded import Coded
from vru_models.features.people import Segments, objected, segment_on
from vru_models.spec import Spec
from vru_models.spec.calendar import completed_years
from vru_models.spec.question import Rule


@dataclass(frozen=True)
class Cohort:
    """Per person on one as-of date: whether eligible, routed to statutory services or objecting, and who they were.

    ``spell`` is the position of the spell they were in (-1: not in view). ``births`` are birth months (NaT: unknown).
    """

    eligible: np.ndarray
    routed: np.ndarray
    objecting: np.ndarray
    spell: np.ndarray
    births: np.ndarray
    ages: np.ndarray

    @property
    def counts(self) -> dict[str, int]:
        """In view, eligible to be listed, routed to statutory services, objecting to being scored."""
        return {
            "in_view": int((self.spell >= 0).sum()),
            "eligible": int(self.eligible.sum()),
            "routed": int(self.routed.sum()),
            "objecting": int(self.objecting.sum()),
        }


def cohort_on(spec: Spec, coded: Coded, segments: Segments, as_of: np.datetime64) -> Cohort:
    """The cohort on one as-of date.

    In view on the day, of the declared ages (completed years, inclusive; an unknown birth month is not eligible where
    ages are declared), in the declared areas, every entry rule met. Who also meets a ``routed`` rule is not eligible,
    nor is, first of all, who objects to being scored.
    """
    day = int(as_of.astype(np.int64))
    position = segment_on(segments, day, len(coded.people))
    viewed = position >= 0
    spell = np.full(len(viewed), -1)
    spell[viewed] = segments.spell[position[viewed]]
    births = np.full(len(viewed), np.datetime64("NaT", "M"))
    births[viewed] = coded.birth_month[spell[viewed]]
    ages = completed_years(births, as_of)
    meets = viewed & _of_age(spec, ages) & _in_areas(spec, coded, spell)
    for rule in spec.cohort.entry:
        meets &= _rule_met(spec, coded, rule, as_of)
    routed = np.zeros(len(meets), dtype=bool)
    for rule in spec.cohort.routed:
        routed |= _rule_met(spec, coded, rule, as_of)
    refuse = objected(coded, "score", day)
    return Cohort(meets & ~routed & ~refuse, meets & routed & ~refuse, meets & refuse, spell, births, ages)


def _of_age(spec: Spec, ages: np.ndarray) -> np.ndarray:
    youngest, oldest = spec.cohort.age_from, spec.cohort.age_to
    if youngest is None or oldest is None:
        return np.ones(len(ages), dtype=bool)
    return np.asarray((ages >= youngest) & (ages <= oldest))


def _in_areas(spec: Spec, coded: Coded, spell: np.ndarray) -> np.ndarray:
    if "*" in spec.cohort.areas:
        return np.ones(len(spell), dtype=bool)
    numbers = [coded.areas.index(a) for a in spec.cohort.areas if a in coded.areas]
    return np.isin(spell, np.flatnonzero(np.isin(coded.area, numbers)))


def _rule_met(spec: Spec, coded: Coded, rule: Rule, as_of: np.datetime64) -> np.ndarray:
    day, start = (int(d.astype(np.int64)) for d in (as_of, spec.before(rule.window, as_of)))
    events = coded.events
    mine = coded.indicator == coded.indicators.index(rule.indicator)
    mine &= events.known_at(day) & (events.start < day) & (events.start >= start)
    return np.asarray(np.bincount(events.person[mine], minlength=len(coded.people)) >= rule.at_least)
