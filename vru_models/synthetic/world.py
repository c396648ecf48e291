"""Who lives where, when they are in view, and what they need: the truth behind the extracts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa

from vru_models.spec.calendar import add_months
from vru_models.synthetic import rates
from vru_models.synthetic.draws import day_number, pseudonyms, stream

EXTRACT_DATE: Final = np.datetime64("2026-11-01", "D")
FIRST_DAY: Final = np.datetime64("2021-11-01", "D")
QUARTERS: Final = np.array([day_number(add_months(FIRST_DAY, 3 * q)) for q in range(21)])
"""Day numbers at which the twenty quarters of history begin, and the end of the last."""
AREAS: Final = tuple(f"area_{number:02d}" for number in range(1, 13))

_CODES: Final = tuple(rates.ETHNICITIES)
_BORN: Final = ("2005-12", "2016-10")
_NEVER: Final = int(QUARTERS[-1]) + 10_000


@dataclass(frozen=True)
class World:
    """Children, households and areas by number. Days are day numbers; ``[start, end)`` is in view.

    ``need`` has one row per child and one column per quarter, variance 1 before anybody helps; ``strain`` is the
    household's own part of it, scaled to variance 1. ``trust`` stands for a trusted adult. ``moved`` is the day on
    which a household went from ``area`` to ``next_area``.
    """

    person_ids: pa.Array
    household_ids: pa.Array
    household: np.ndarray
    born: np.ndarray
    boy: np.ndarray
    ethnicity: np.ndarray
    trust: np.ndarray
    start: np.ndarray
    end: np.ndarray
    area: np.ndarray
    next_area: np.ndarray
    moved: np.ndarray
    need: np.ndarray
    strain: np.ndarray

    def __len__(self) -> int:
        return len(self.household)

    @cached_property
    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """Children ordered by household, and where each household's children begin."""
        order = np.argsort(self.household, kind="stable")
        return order, np.searchsorted(self.household[order], np.arange(len(self.strain) + 1))

    def area_on(self, person: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Number of the area that each person lived in on a day."""
        home = self.household[person]
        return np.asarray(np.where(day >= self.moved[home], self.next_area[home], self.area[home]))

    def in_view(self, person: np.ndarray, day: np.ndarray) -> np.ndarray:
        """Whether each person was in view on a day."""
        return np.asarray((self.start[person] <= day) & (day < self.end[person]))

    def ages(self, day: int) -> np.ndarray:
        """Age of each person in years and parts of a year."""
        month = np.datetime64(day, "D").astype("datetime64[M]")
        return np.asarray((month - self.born).astype(np.float32) / 12)


def make_world(n_people: int, random_state: int) -> World:
    """A world of ``n_people`` children, each in view for at least a day, the same for the same seed."""
    rng = stream(random_state, "population")
    n_households = max(1, round(n_people / 1.6))
    household = rng.integers(0, n_households, n_people)
    span = np.arange(*_BORN, dtype="datetime64[M]")
    born = rng.choice(span, n_people)
    shares = np.array([share for _, share in rates.ETHNICITIES.values()])
    ethnicity = rng.choice(len(_CODES), n_households, p=shares / shares.sum())[household]
    arrives, leaves, moved = _moves(rng, n_households)
    turns_18 = add_months(born.astype("datetime64[D]"), 12 * 18).astype(np.int64)
    end = np.minimum(leaves[household], turns_18)
    start = np.where(arrives[household] < end, arrives[household], QUARTERS[0])
    area = rng.integers(0, len(AREAS), n_households)
    trust = rng.standard_normal(n_people).astype(np.float32)
    need, strain = _need(stream(random_state, "need"), household, area=area, trust=trust)
    return World(
        person_ids=pseudonyms(rng, n_people),
        household_ids=pseudonyms(rng, n_households),
        household=household,
        born=born,
        boy=rng.random(n_people) < 0.51,
        ethnicity=ethnicity,
        trust=trust,
        start=start,
        end=end,
        area=area,
        next_area=(area + rng.integers(1, len(AREAS), n_households)) % len(AREAS),
        moved=moved,
        need=need,
        strain=strain,
    )


def _moves(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First day here, first day gone and day of a move between areas, per household; about a tenth do each."""
    day = rng.integers(QUARTERS[0] + 1, QUARTERS[-1], n)
    fate = rng.random(n)
    arrives = np.where(fate < 0.12, day, QUARTERS[0])
    leaves = np.where((fate >= 0.12) & (fate < 0.24), day, _NEVER)
    moved = np.where((fate >= 0.24) & (fate < 0.36), day, _NEVER)
    return arrives, leaves, moved


def _need(
    rng: np.random.Generator, household: np.ndarray, *, area: np.ndarray, trust: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    part = {name: np.float32(np.sqrt(share)) for name, share in rates.SHARES.items()}
    deprivation = np.linspace(-1.6, 1.6, len(AREAS), dtype=np.float32)
    n_people, n_households = len(household), len(area)
    lasting = rng.standard_normal(n_households, dtype=np.float32)
    strain = part["household"] * lasting[:, None] + part["household_now"] * _passing(rng, n_households)
    alone = np.sqrt(1 - rates.TRUST) * rng.standard_normal(n_people, dtype=np.float32) - np.sqrt(rates.TRUST) * trust
    need = _passing(rng, n_people)
    need *= part["person_now"]
    need += (part["person"] * alone + part["area"] * deprivation[area[household]]).astype(np.float32)[:, None]
    need += strain[household]
    return need, strain / np.float32(np.sqrt(rates.SHARES["household"] + rates.SHARES["household_now"]))


def _passing(rng: np.random.Generator, n: int) -> np.ndarray:
    """A stationary first-order series per row over the quarters, variance 1."""
    series = rng.standard_normal((n, len(QUARTERS) - 1), dtype=np.float32)
    series[:, 1:] *= np.float32(np.sqrt(1 - rates.PASSING**2))
    for quarter in range(1, series.shape[1]):
        series[:, quarter] += np.float32(rates.PASSING) * series[:, quarter - 1]
    return series
