"""Random stores for the dataset room, as plain rows: versions of everything that is known, around one as-of date.

Days are drawn close to each other and to the edges of windows, so that ties and boundaries are common.
"""

from __future__ import annotations

import copy
import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import small
from hypothesis import strategies as st

from vru_models.events import Events
from vru_models.spec import Spec

AS_OF = [dt.date(2024, 2, 29), dt.date(2024, 3, 31), dt.date(2024, 9, 1), dt.date(2025, 2, 28), dt.date(2023, 6, 15)]
PEOPLE = ("a", "b", "c", "d", "e", "f")
AREAS = ("E01", "E02", "E03")
FEED_OF = {
    "suspension": "exclusions",
    "permanent_exclusion": "exclusions",
    "missing_episode": "missing",
    "offer": "missing",
    "departure": "missing",
    "plan": "missing",
}
TWICE_SEEN = {
    "name": "twice_seen",
    "statement": small.BECAUSE,
    "not_a_measure_of": small.BECAUSE,
    "indicators": ["permanent_exclusion", "suspension"],
    "at_least": 2,
    "horizon": "45 days",
    "embargo": "0 days",
    "reporting_lag": "2 months",
    "ascertainment": "reviewed",
    "reviewed_by": ["plan"],
    "treated_by": ["offer"],
    "exits": ["departure"],
}
LONG_AGO, LAST_DAY = dt.date(2015, 1, 1), dt.date(2025, 7, 1)
_EDGES = (
    -367,
    -366,
    -365,
    -62,
    -61,
    -60,
    -46,
    -45,
    -44,
    -32,
    -31,
    -30,
    -29,
    -28,
    -2,
    -1,
    0,
    1,
    28,
    29,
    30,
    31,
    120,
    151,
)


@dataclass(frozen=True)
class World:
    """An as-of date and the rows of a store; dates are ``datetime.date``, None is missing."""

    as_of: dt.date
    events: list[dict[str, Any]] = field(default_factory=list)
    spells: list[dict[str, Any]] = field(default_factory=list)
    coverage: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    objections: list[dict[str, Any]] = field(default_factory=list)

    def store(self) -> Events:
        columns = ("event_id", "person_id", "indicator", "event_date", "known_date", "value", "status")
        return Events.from_frame(
            pd.DataFrame(self.events, columns=list(columns)),
            spells=pd.DataFrame(self.spells, columns=list(_SPELL)),
            coverage=pd.DataFrame(self.coverage, columns=list(_COVERAGE)),
            links=pd.DataFrame(self.links, columns=list(_LINK)),
            objections=pd.DataFrame(self.objections, columns=list(_OBJECTION)),
            extract_dates=dict.fromkeys(("exclusions", "missing", "people"), LAST_DAY),
        )


_SPELL = ("spell_id", "person_id", "household_id", "area", "birth_month", "start_date", "end_date", "known_date")
_LINK = ("link_id", "person_id", "other_id", "kind", "confidence", "known_date")
_OBJECTION = ("objection_id", "person_id", "purpose", "feed", "start_date", "end_date", "known_date")
_COVERAGE = ("coverage_id", "feed", "area", "age_from", "age_to", "start_date", "end_date", "known_date")


def spec(**changes: Any) -> Spec:
    """Every measure, three windows, two feeds: one in term time and of some ages, one due late; expiry, routing."""
    schema = copy.deepcopy(small.SCHEMAS)
    schema["exclusions"]["x-vru"].update(calendar="term_time", ages=[11, 16])
    schema["missing"]["x-vru"].update(due_after=31)
    context = {"feed": "missing", "use": "context", "activity_driver": "agency_decision", "rationale": small.BECAUSE}
    windows = ["12 months", "1 month", "45 days"]
    counts = ["count", "any", "days_since_last", "trend"]
    grids = [
        {"indicators": ["suspension"], "measures": [*counts, "sum", "mean", "max", "distinct"]},
        {"indicators": ["missing_episode"], "measures": counts},
    ]
    return small.spec(
        schemas={name: schema[name] for name in ("exclusions", "missing")},
        features=[grid | {"windows": windows, "rationale": small.BECAUSE} for grid in grids],
        **{
            **{f"indicators.{name}": context for name in ("offer", "departure", "plan")},
            "indicators.missing_episode.expires_after": "2 months",
            "cohort.areas": ["E01", "E02"],
            "cohort.routed": [{"indicator": "plan", "at_least": 2, "window": "12 months"}],
            "outcome.horizon": "3 months",
            "outcome.embargo": "1 month",
            "outcome.treated_by": ["offer"],
            "outcome.exits": ["departure"],
            "further_outcomes": [TWICE_SEEN],
            **changes,
        },
    )


class _Draw:
    """Choices from one seed."""

    def __init__(self, seed: int, as_of: dt.date) -> None:
        self._choice = random.Random(seed)
        self.as_of = as_of
        self._crowded = [self._choice.randint(*around) for around in ((-400, -1), (-60, -1), (0, 120), (29, 120))]

    def of(self, *choices: Any) -> Any:
        return self._choice.choice(choices)

    def near(self) -> dt.date:
        """Any day about the as-of date, an edge of some window, or a day of this store's on which much happens."""
        offset = self.of(
            self._choice.randint(-400, 200), self._choice.choice(_EDGES), self._choice.choice(self._crowded)
        )
        return self.as_of + dt.timedelta(offset)

    def event(self) -> dict[str, Any]:
        happened = self.near()
        return {
            "event_id": f"e{self._choice.randrange(80)}",
            "person_id": self.of(*PEOPLE, *PEOPLE, "no spell"),
            "indicator": self.of(*FEED_OF, "suspension", "missing_episode", "permanent_exclusion"),
            "event_date": happened,
            "known_date": self.of(happened, happened, self.near()),
            "value": self.of(None, -1.5, 0.0, 1.0, 2.0, 7.25),
            "status": self.of("recorded", "recorded", "recorded", "withdrawn"),
        }

    def spell(self) -> dict[str, Any]:
        born = dt.date(self.as_of.year - self.of(9, 10, 11, 12, 14, 16, 17, 18), self.of(self.as_of.month, 1, 6, 12), 1)
        return {
            "spell_id": self.of(*(f"s{i}" for i in range(6)), *(f"s_{p}" for p in PEOPLE[:3])),
            "person_id": self.of(*PEOPLE),
            "household_id": self.of(None, "h1", "h2"),
            "area": self.of(*AREAS),
            "birth_month": self.of(born, born, born, None),
            "start_date": self.of(LONG_AGO, self.near(), self.as_of),
            "end_date": self.of(None, None, self.near()),
            "known_date": self.of(LONG_AGO, LONG_AGO, self.near()),
        }

    def link(self) -> dict[str, Any]:
        """A decision about a few pairs, some of them with a pseudonym that has no spell."""
        who, other = self._choice.sample([*PEOPLE[:4], "no spell"], 2)
        return {
            "link_id": f"l{self._choice.randrange(6)}",
            "person_id": who,
            "other_id": other,
            "kind": self.of("merge", "merge", "merge", "split"),
            "confidence": self.of(0.5, 0.9, 0.95, 1.0),
            "known_date": self.of(LONG_AGO, self.near(), self.near()),
        }

    def objection(self) -> dict[str, Any]:
        return {
            "objection_id": f"o{self._choice.randrange(6)}",
            "person_id": self.of(*PEOPLE),
            "purpose": self.of("score", "score", "all", "train", "audit"),
            "feed": self.of(None, "exclusions", "missing"),
            "start_date": self.of(LONG_AGO, self.near(), self.as_of),
            "end_date": self.of(None, None, self.near()),
            "known_date": self.of(LONG_AGO, self.near()),
        }

    def cover(self) -> dict[str, Any]:
        return {
            "coverage_id": f"c{self._choice.randrange(16)}",
            "feed": self.of("exclusions", "missing"),
            "area": self.of("*", "*", "*", "E01", *AREAS, "E99"),
            "age_from": self.of(None, None, 10, 12),
            "age_to": self.of(None, None, 11, 16),
            "start_date": self.of(LONG_AGO, self.near()),
            "end_date": self.of(None, None, self.near()),
            "known_date": self.of(LONG_AGO, self.near()),
        }


def _consistent(rows: list[dict[str, Any]], key: str, *fixed: str) -> list[dict[str, Any]]:
    """Versions of one record agree on what cannot change, and no two are known on the same day."""
    first: dict[str, dict[str, Any]] = {}
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        record = first.setdefault(row[key], row)
        kept.setdefault((row[key], row["known_date"]), row | {name: record[name] for name in fixed})
    return list(kept.values())


def world(seed: int, as_of: dt.date, sizes: tuple[int, ...]) -> World:
    """A store around an as-of date; versions of a record share its key, its person and its indicator."""
    draw = _Draw(seed, as_of)
    n_events, n_spells, n_covers, n_settled, n_shared, n_links, n_objections = sizes
    born = dt.date(as_of.year - 13, 5, 1)
    settled = [_SETTLED | {"spell_id": f"s_{p}", "person_id": p, "birth_month": born} for p in PEOPLE[:n_settled]]
    shared = [_SHARED | {"coverage_id": f"c_{feed}", "feed": feed} for feed in ("exclusions", "missing")[:n_shared]]
    return World(
        as_of,
        _consistent([draw.event() for _ in range(n_events)], "event_id", "person_id", "indicator"),
        _consistent(settled + [draw.spell() for _ in range(n_spells)], "spell_id", "person_id"),
        _consistent(shared + [draw.cover() for _ in range(n_covers)], "coverage_id", "feed"),
        _consistent([draw.link() for _ in range(n_links)], "link_id", "person_id", "other_id"),
        _consistent([draw.objection() for _ in range(n_objections)], "objection_id", "person_id"),
    )


def worlds() -> st.SearchStrategy[World]:
    """Stores of every size, from empty ones on; what is in them follows from a seed."""
    most = (120, 14, 16, len(PEOPLE), 2, 5, 4)
    sizes = st.tuples(*(st.integers(0, n) for n in most))
    return st.builds(world, st.integers(0, 2**32), st.sampled_from(AS_OF), sizes)


_SETTLED: dict[str, Any] = {
    "household_id": "h1",
    "area": "E01",
    "start_date": LONG_AGO,
    "end_date": None,
    "known_date": LONG_AGO,
}
_SHARED: dict[str, Any] = {
    "area": "*",
    "age_from": None,
    "age_to": None,
    "start_date": LONG_AGO,
    "end_date": None,
    "known_date": LONG_AGO,
}
