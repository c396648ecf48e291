"""Made-up extracts of every agency in a declaration, as the partnership would receive them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd

from vru_models.errors import SpecError
from vru_models.feeds import Feeds, admit
from vru_models.spec import Spec
from vru_models.synthetic.agencies import AGENCIES
from vru_models.synthetic.delivery import Linkage, delivered, make_linkage
from vru_models.synthetic.draws import stream, text
from vru_models.synthetic.history import History, make_history
from vru_models.synthetic.register import coverage, equality_audit, people, shared_from
from vru_models.synthetic.world import EXTRACT_DATE

_OTHERS = ("people", "coverage", "equality_audit")


@dataclass(frozen=True)
class Extracts:
    """What the agencies sent, and beside it, never among it, what was true.

    Parameters
    ----------
    frames
        One frame per feed, with the columns of its schema, as they would be read from its file.
    extract_date
        The day on which all of them were made. Whatever became known on that day or later is not in them.
    truth
        One row per child: ``person_id`` and ``need``, the lasting and passing need in the last quarter, after any
        help; mean near 0 and standard deviation near 1.
    """

    frames: Mapping[str, pd.DataFrame]
    extract_date: dt.date
    truth: pd.DataFrame = field(repr=False)

    def __repr__(self) -> str:
        rows = sum(len(frame) for frame in self.frames.values())
        return f"Extracts({self.extract_date}: {len(self.frames)} feeds, {rows:,} rows, {len(self.truth):,} people)"


def synthetic_extracts(spec: Spec, *, n_people: int = 20_000, random_state: int = 0) -> Extracts:
    """Extracts of every feed in ``spec`` about ``n_people`` made-up children, with the truth beside them.

    The same seed gives the same extracts. Each feed draws from a stream of its own, so leaving one out or adding one
    changes no other. Nothing here is an estimate about real children: the rates and their sources are in ``rates``.

    Raises
    ------
    SpecError
        A feed whose schema is not one that can be made up.

    Examples
    --------
    >>> made = synthetic_extracts(Spec.example("early_help"), n_people=300, random_state=1)
    >>> list(made.truth.columns), len(made.truth)
    (['person_id', 'need'], 300)
    """
    if n_people < 1:
        raise ValueError("n_people must be at least 1")
    _refuse_unknown(spec)
    history = make_history(n_people, random_state)
    linkage = make_linkage(history.world, random_state)
    frames = {
        feed: _extract(spec, feed, history=history, linkage=linkage, random_state=random_state) for feed in spec.feeds
    }
    truth = pd.DataFrame(
        {
            "person_id": text(history.world.person_ids, np.arange(n_people)),
            "need": history.world.need[:, -1].astype(float),
        }
    )
    return Extracts(MappingProxyType(frames), EXTRACT_DATE.astype(dt.date), truth)


def synthetic_feeds(spec: Spec, *, n_people: int = 20_000, random_state: int = 0) -> Feeds:
    """Feeds of made-up extracts after the same gate that every extract passes.

    A handful of rows of each larger feed of events are wrong on purpose, so that the quarantine is seen to work.

    Examples
    --------
    >>> feeds = synthetic_feeds(Spec.example("early_help"), n_people=300, random_state=1)
    >>> sorted(feeds.quarantine["feed"].unique())[:2]
    ['education_attendance', 'social_care']
    """
    made = synthetic_extracts(spec, n_people=n_people, random_state=random_state)
    return admit(made.frames, spec, extract_dates=dict.fromkeys(made.frames, made.extract_date))


def _refuse_unknown(spec: Spec) -> None:
    known = (*_OTHERS, *AGENCIES)
    for name, feed in spec.feeds.items():
        if feed.table not in known:
            then = "Only these can be made up; read your own extracts instead"
            raise SpecError.unknown(f"feeds.{name}.schema", feed.table, known, then=then)


def _extract(spec: Spec, feed: str, *, history: History, linkage: Linkage, random_state: int) -> pd.DataFrame:
    table, rng = spec.table_of(feed), stream(random_state, feed)
    if table.name == "people":
        return people(history.world, table, rng=rng)
    if table.name == "coverage":
        return coverage(spec)
    if table.name == "equality_audit":
        return equality_audit(history.world, rng)
    rows = AGENCIES[table.name](history, rng)
    return delivered(rows, history.world, linkage=linkage, table=table, shared_from=shared_from(spec, feed), rng=rng)
