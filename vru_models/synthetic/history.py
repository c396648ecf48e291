"""What was done to help, and what it did to need: offers that were accepted, treatment that was taken up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vru_models.synthetic import rates
from vru_models.synthetic.draws import stream
from vru_models.synthetic.happenings import ALL_YEAR, Happenings, to_children
from vru_models.synthetic.world import QUARTERS, World, make_world

_LASTS: Final = 4
"""Quarters after the one in which help begins during which need is lower."""


@dataclass(frozen=True)
class History:
    """The world in which help has lowered need, and the help.

    Offers were each answered on the day ``answered``, ``accepted`` or not; ``referrals`` are those that a mental-health
    service accepted. ``taken_up`` is per child: the share of what is arranged that is kept, which follows trust.
    """

    world: World
    offers: Happenings
    answered: np.ndarray
    accepted: np.ndarray
    referrals: Happenings
    taken_up: np.ndarray


def make_history(n_people: int, random_state: int) -> History:
    """A world of ``n_people`` children and the help that they were given.

    Those helped were in greater need, and look safer afterwards: a model that is fitted on them without care learns
    that being offered support is a good sign.
    """
    world = make_world(n_people, random_state)
    rng = stream(random_state, "help")
    offers = to_children(world, rates.OFFER, periods=ALL_YEAR, rng=rng)
    referrals = to_children(world, rates.REFERRAL_ACCEPTED, periods=ALL_YEAR, rng=rng)
    taken_up = 1 / (1 + np.exp(-2.5 * world.trust))
    accepted = rng.random(len(offers)) < rates.OFFER_ACCEPTED
    answered = offers.day + rng.integers(3, 22, len(offers))
    need = world.need.copy()
    began = Happenings(offers.who, answered).where(accepted)
    _lower(need, began, effect=np.full(len(began), rates.OFFER_EFFECT))
    _lower(need, referrals, effect=rates.TREATMENT_EFFECT * taken_up[referrals.who])
    return History(replace(world, need=need), offers, answered, accepted, referrals, taken_up)


def _lower(need: np.ndarray, helped: Happenings, *, effect: np.ndarray) -> None:
    quarter = np.searchsorted(QUARTERS, helped.day, side="right") - 1
    for later in range(1, _LASTS + 1):
        inside = quarter + later < need.shape[1]
        np.subtract.at(need, (helped.who[inside], quarter[inside] + later), effect[inside].astype(need.dtype))
