"""What happens to whom on which day: events drawn from need, at the rates declared, where and when they can happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vru_models.synthetic.draws import day_number
from vru_models.synthetic.rates import ETHNICITIES, Process
from vru_models.synthetic.world import AREAS, QUARTERS, World

_HALF_TERMS: Final = (
    ("09-03", "10-20"), ("10-30", "12-19"), ("01-06", "02-10"), ("02-20", "03-27"), ("04-15", "05-22"),
    ("06-03", "07-20"),
)  # fmt: skip
_SATURDAY: Final = 5


@dataclass(frozen=True)
class Periods:
    """Stretches of days on which something can happen, ``[start, stop)``, and the part of a year each stands for."""

    start: np.ndarray
    stop: np.ndarray
    years: float

    @property
    def quarter(self) -> np.ndarray:
        """The quarter of history in which each begins."""
        return np.searchsorted(QUARTERS, self.start, side="right") - 1


@dataclass(frozen=True)
class Happenings:
    """One happening per position: ``who`` (number of a child or household) and ``day`` (day number)."""

    who: np.ndarray
    day: np.ndarray

    def __len__(self) -> int:
        return len(self.who)

    def where(self, keep: np.ndarray) -> Happenings:
        """The happenings for which ``keep`` is true."""
        return Happenings(self.who[keep], self.day[keep])


ALL_YEAR: Final = Periods(QUARTERS[:-1], QUARTERS[1:], 0.25)


def half_terms() -> Periods:
    """The half-terms within the history; none has a day in August. The last day of each is a weekday."""
    years = range(2021, 2027)
    pairs = [(day_number(f"{y}-{a}"), day_number(f"{y}-{b}")) for y in years for a, b in _HALF_TERMS]
    start, last = (np.array(side) for side in zip(*sorted(pairs), strict=True))
    inside = (start >= QUARTERS[0]) & (last < QUARTERS[-1])
    return Periods(start[inside], to_weekday(last[inside]) + 1, 1 / 6)


def to_weekday(day: np.ndarray) -> np.ndarray:
    """The day, or the Friday before where it falls on a weekend."""
    of_week = (day + 3) % 7
    return np.where(of_week >= _SATURDAY, day - (of_week - _SATURDAY + 1), day)


def to_children(world: World, process: Process, *, periods: Periods, rng: np.random.Generator) -> Happenings:
    """Happenings of a process that befalls children one by one."""
    code_share = np.array([process.recorded_by(code) for code in ETHNICITIES], dtype=np.float32)
    weight = code_share[world.ethnicity] * np.where(world.boy, process.boys, 1) * 2 / (1 + process.boys)
    weight *= _policy(process, rng)[world.area[world.household]]
    return _drawn(world, process, need=world.need, weight=weight, periods=periods, rng=rng)


def to_households(world: World, process: Process, *, periods: Periods, rng: np.random.Generator) -> Happenings:
    """Happenings of a process that befalls whole households, by household number; they follow its strain."""
    weight = _policy(process, rng)[world.area]
    return _drawn(world, process, need=world.strain, weight=weight, periods=periods, rng=rng)


def to_each_child(world: World, households: Happenings) -> Happenings:
    """What befell households, once for each child of theirs."""
    order, first = world.members
    size = first[households.who + 1] - first[households.who]
    begin = np.repeat(first[households.who] - np.cumsum(size) + size, size)
    return Happenings(order[begin + np.arange(len(begin))], np.repeat(households.day, size))


def _policy(process: Process, rng: np.random.Generator) -> np.ndarray:
    """What local practice multiplies the rate by, per area; 1 on average."""
    return np.asarray(np.exp(process.policy * rng.standard_normal(len(AREAS)) - process.policy**2 / 2))


def _drawn(
    world: World, process: Process, *, need: np.ndarray, weight: np.ndarray, periods: Periods, rng: np.random.Generator
) -> Happenings:
    """Poisson counts per period, each on a day drawn evenly from it."""
    base = (weight * process.per_year / 100 * periods.years).astype(np.float32)
    follows = np.float32((1 - process.one_off) * np.exp(-(process.slope**2) / 2))
    who, day = [], []
    for start, stop, quarter in zip(periods.start, periods.stop, periods.quarter, strict=True):
        rate = base * (process.one_off + follows * np.exp(np.float32(process.slope) * need[:, quarter]))
        if process.by_age:
            rate = rate * np.exp(np.float32(process.by_age) * (world.ages(int(start)) - 13))
        counts = rng.poisson(rate)
        hit = np.repeat(np.flatnonzero(counts), counts[counts > 0])
        who.append(hit)
        day.append(rng.integers(start, stop, len(hit)))
    return Happenings(np.concatenate(who), np.concatenate(day))
