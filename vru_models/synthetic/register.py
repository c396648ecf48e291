"""The feeds that are not events: who is in view, what was shared, protected characteristics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from vru_models.spec import Spec, TableSchema
from vru_models.synthetic.draws import dates, day_number, lags, text
from vru_models.synthetic.rates import ETHNICITIES
from vru_models.synthetic.world import AREAS, EXTRACT_DATE, FIRST_DAY, World

OUTAGE: Final = ("health_mh", 4, day_number("2025-03-01"), day_number("2025-06-01"))
"""Schema, number of the area, first day not shared, first day shared again."""
_OUTAGE_KNOWN: Final = (20, 3)
"""Days until the partnership knew that sharing had stopped, and that it had begun again."""
_GROUPS: Final = ("white", "mixed", "asian", "black", "other", "unknown")


def people(world: World, table: TableSchema, *, rng: np.random.Generator) -> pd.DataFrame:
    """The spells: one row when a stay is entered, one more with the same number when its end is known.

    A household's move between areas ends one stay and begins another on the same day.
    """
    moved = world.moved[world.household]
    moves = (world.start < moved) & (moved < world.end)
    person = np.concatenate([np.arange(len(world)), np.flatnonzero(moves)])
    again = np.arange(len(person)) >= len(world)
    start = np.where(again, moved[person], world.start[person])
    end = np.where(~again & moves[person], moved[person], world.end[person])
    known = start + lags(rng, table.x_vru.typical_lag, n=len(person))
    ended = end + lags(rng, table.x_vru.typical_lag, n=len(person))
    closed = np.flatnonzero(ended < day_number(EXTRACT_DATE))
    spell = np.concatenate([np.arange(len(person)), closed])
    frame = pd.DataFrame(
        {
            "spell_id": spell + 1,
            "person_id": text(world.person_ids, person[spell]),
            "household_id": text(world.household_ids, world.household[person[spell]]),
            "area": text(AREAS, world.area_on(person, start)[spell]),
            "birth_month": _months(world.born[person[spell]]),
            "start_date": dates(start[spell]),
            "end_date": dates(np.concatenate([np.full(len(person), -1), end[closed]])),
            "known_date": dates(np.concatenate([known, np.maximum(ended, known + 1)[closed]])),
        }
    )
    shared = frame["known_date"] < pd.Timestamp(str(EXTRACT_DATE))
    return frame[shared].sort_values(["known_date", "spell_id"], ignore_index=True)


def _months(born: np.ndarray) -> pd.Series:
    months, codes = np.unique(born, return_inverse=True)
    return text(months.astype(str).tolist(), codes)


def coverage(spec: Spec) -> pd.DataFrame:
    """What was shared: every feed of events since its agreement began, for all areas or, with the outage, for each.

    The stop is a later version of the area's row, known when it was noticed; the new beginning is a row of its own.
    """
    rows = []
    for feed in (f for f in spec.feeds if spec.table_of(f).x_vru.kind == "events"):
        began = shared_from(spec, feed)
        outage = spec.feeds[feed].table == OUTAGE[0]
        rows += [(feed, area, began, -1, began, area) for area in (AREAS if outage else ["*"])]
        if outage:
            _, area, stop, again = OUTAGE
            rows.append((feed, AREAS[area], began, stop, stop + _OUTAGE_KNOWN[0], AREAS[area]))
            rows.append((feed, AREAS[area], again, -1, again + _OUTAGE_KNOWN[1], f"{AREAS[area]} again"))
    feeds, areas, start, end, known, key = zip(*rows, strict=True)
    ages = [_age_limits(spec.table_of(feed)) for feed in feeds]
    return pd.DataFrame(
        {
            "coverage_id": pd.factorize(pd.MultiIndex.from_arrays([feeds, key]))[0] + 1,
            "feed": pd.Series(feeds, dtype="str"),
            "area": pd.Series(areas, dtype="str"),
            "age_from": pd.array([low for low, _ in ages], dtype="Int64"),
            "age_to": pd.array([high for _, high in ages], dtype="Int64"),
            "start_date": dates(np.array(start)),
            "end_date": dates(np.array(end)),
            "known_date": dates(np.array(known)),
        }
    )


def shared_from(spec: Spec, feed: str) -> int:
    """Day number of the first day that a feed was shared: the agreement's, and not before the history begins."""
    return max(day_number(spec.feeds[feed].agreement.start), day_number(FIRST_DAY))


def _age_limits(table: TableSchema) -> Sequence[int | None]:
    """Ages to state for a feed: those of compulsory schooling; the others reach past every child in view."""
    return table.x_vru.ages if table.x_vru.ages[1] < 17 else (None, None)


def equality_audit(world: World, rng: np.random.Generator) -> pd.DataFrame:
    """Protected characteristics, one row per child; disability is recorded more for boys and follows nothing else."""
    n = len(world)
    disabled = np.where(rng.random(n) < 0.03, 2, rng.random(n) < np.where(world.boy, 0.16, 0.08))
    codes = list(ETHNICITIES)
    groups = np.array([_GROUPS.index(ETHNICITIES[code][0]) for code in codes])
    return pd.DataFrame(
        {
            "person_id": text(world.person_ids, np.arange(n)),
            "sex": text(["F", "M"], world.boy.astype(np.int64)),
            "ethnicity": text(codes, world.ethnicity),
            "ethnic_group": text(_GROUPS, groups[world.ethnicity]),
            "disability": text(["no", "yes", "unknown"], disabled),
        }
    )
