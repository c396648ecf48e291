"""The one feature kernel: X and the statuses of some people on one as-of date."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vru_models.features.coded import Coded
from vru_models.features.counting import Counts, count_events
from vru_models.features.layout import Layout
from vru_models.features.people import Segments, withheld
from vru_models.features.status import NONE_RECORDED, OBSERVED, WITHHELD, Seen, Window, cell_status, shared_on
from vru_models.spec.calendar import Span, completed_years


def features_on(
    layout: Layout, coded: Coded, segments: Segments, *, as_of: np.datetime64, births: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """X (float32, features x people) and the statuses (uint8, feeds and windows x people) of some people on one date.

    Parameters
    ----------
    births
        Birth months, per person of the store.
    chosen
        The numbers of the people to work out, ascending.
    """
    row = np.full(len(coded.people), -1)
    row[chosen] = np.arange(len(chosen))
    counts = count_events(layout, coded, row, as_of=as_of, n=len(chosen))
    mine, born = segments.renumbered(row), births[chosen]
    seen = Seen(as_of, mine, born, completed_years(born, as_of))
    refused = {feed: who[chosen] for feed, who in withheld(coded, seen.day, layout.slots_of).items()}
    statuses = _statuses(layout, coded, seen, counts, refused)
    X = np.empty((len(layout.features), len(chosen)), dtype=np.float32)
    for group in layout.groups:
        X[group.columns] = counts.cells(group)
    for (feed, window), columns in layout.columns_of.items():
        missing = np.flatnonzero(statuses[feed, window] > OBSERVED)
        X[columns[:, None], missing] = np.nan
    return X, np.array([statuses[key] for key in layout.statuses], dtype=np.uint8)


def _statuses(
    layout: Layout, coded: Coded, seen: Seen, counts: Counts, refused: Mapping[str, np.ndarray]
) -> dict[tuple[str, Span], np.ndarray]:
    """The status per person of every feed and window that a feature looks back on."""
    spec, statuses = layout.spec, {}
    school = spec.calendar.school if spec.calendar else None
    windows = {window: Window.of(seen, start) for window, start in layout.starts(seen.as_of).items()}
    shared = {feed: shared_on(coded, seen.segments, feed, day=seen.day, births=seen.births) for feed in layout.slots_of}
    for feed, window in dict.fromkeys((*layout.statuses, *layout.columns_of)):
        status = cell_status(seen, windows[window], shared[feed], spec.table_of(feed), school=school)
        status[(status == NONE_RECORDED) & counts.any_of(layout.slots_of[feed], window)] = OBSERVED
        if feed in refused:
            status[refused[feed]] = WITHHELD
        statuses[feed, window] = status
    return statuses
