"""One cell of X, and the very events behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from vru_models.dataset.rows import day_of
from vru_models.errors import DataError, SpecError
from vru_models.events import Events
from vru_models.features.coded import encode
from vru_models.features.counting import usable_events
from vru_models.features.layout import Layout
from vru_models.features.people import on_day, same_person
from vru_models.features.status import STATUS
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day

_SHOWN: Final = ["event_id", "person_id", "indicator", "event_date", "known_date", "known_until", "value", "feed"]


@dataclass(frozen=True)
class Explained:
    """A cell of X on one date: its value (NaN where the status says why), and the events that were counted.

    Of a ``trend``, ``events`` are those of both windows. Rows as in ``Events.frame``, in order of their dates; none of
    them became known on the as-of date or later.
    """

    name: str
    value: float
    status: str
    events: pd.DataFrame

    def __repr__(self) -> str:
        return f"Explained({self.name} = {self.value:g}, {self.status}, {len(self.events):,} events)"


def explain_feature(spec: Spec, events: Events, person_id: str, as_of: Any, name: str) -> Explained:
    """The value of one feature of one person (or area) on one date, and the events that it was made from.

    Events of linked pseudonyms are among them where these were known on the date to be one person; any of the
    pseudonyms may be asked for. Events of a feed that the person withholds are not.

    Raises
    ------
    SpecError
        When the spec has no such feature.
    DataError
        When the person is not eligible on the date.

    Examples
    --------
    >>> spec = Spec.example("early_help")
    >>> from vru_models import record_events, synthetic_feeds
    >>> held = record_events(synthetic_feeds(spec, n_people=200, random_state=0), spec)
    >>> explain_feature(spec, held, held.spells["person_id"].iloc[0], "2024-11-01", "suspension_count_24m")
    Traceback (most recent call last):
        ...
    vru_models.errors.SpecError: features: 'suspension_count_24m' is not known. Expected: one of ...
    """
    layout, date = Layout.of(spec), as_day(as_of)
    if name not in layout.names:
        raise SpecError.unknown("features", name, layout.names)
    column, day = layout.names.index(name), int(date.astype(np.int64))
    feature, coded = layout.features[column], encode(spec, events)
    made = day_of(layout, coded, date)
    number = same_person(coded, day)[np.flatnonzero(coded.people == person_id)]
    place = np.flatnonzero(np.isin(made.chosen, number))
    if not len(place):
        then = "Ask for one that is in view, of the declared ages and areas, and not routed or objecting"
        raise DataError.at(f"as-of date {date}", f"the {spec.unit} is not eligible", then=then)
    known, first = on_day(spec, coded, day), layout.starts(date)[feature.looks_back]
    at = usable_events(spec, known, date, since=first)
    mine = (known.events.person[at] == number[0]) & (known.indicator[at] == coded.indicators.index(feature.indicator))
    status = made.codes[layout.statuses.index((layout.places[column][0], feature.window)), place[0]]
    shown = events.frame.iloc[known.row[at[mine]]][_SHOWN].reset_index(drop=True)
    shown = shown.rename(columns={"person_id": spec.key})
    return Explained(name, float(made.cells[column, place[0]]), STATUS[status], shown)
