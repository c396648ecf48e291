"""The rows of an as-of date: one place for fitting, for the leakage proof and for the monthly run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from vru_models.dataset.alarms import weeks_on
from vru_models.dataset.cohort import Cohort, cohort_on
from vru_models.dataset.outcome import WHY_MISSING, labels_on
from vru_models.dataset.stored import Part
from vru_models.dataset.volume import Row, unnamed, volume_frame, volumes_on
from vru_models.errors import DataError
from vru_models.events import Events
from vru_models.events.store import Beside
from vru_models.features.coded import Coded, encode_beside
from vru_models.features.kernel import features_on
from vru_models.features.layout import Layout
from vru_models.features.people import left_out, on_day, segments_known
from vru_models.feeds.passing import OBJECTED
from vru_models.spec import Spec
from vru_models.spec.calendar import as_days
from vru_models.spec.question import Outcome

Rows = tuple[np.datetime64, np.ndarray, np.ndarray]
"""An as-of date, and the person (by number) and label of each of its rows."""


def data_end(spec: Spec, events: Events | Beside, outcome: Outcome | None = None) -> np.datetime64:
    """The end of the data for the labels of an outcome: the earliest extract date among the feeds they are read from.

    These hold the outcome, the offers, exits and reviews declared with it, and the spells: a stay that was extracted
    earlier may have ended since. By default the outcome that is asked about first.
    """
    feeds = {spec.indicators[name].feed for name in (outcome or spec.outcome).named}
    feeds |= {name for name in (spec.feed_of_kind("spells"),) if name}
    if undated := sorted(feeds - set(events.extract_dates)):
        raise DataError.at("extract dates", f"none for {', '.join(undated)}", then="Say when each feed was extracted")
    return min(as_days(events.extract_dates[feed]) for feed in feeds)


@dataclass(frozen=True)
class Day:
    """Everything about one as-of date before labels: cohort, features and statuses of the eligible.

    ``cells`` is float32, features x people, and ``codes`` uint8, feeds and windows x people; ``chosen`` holds the
    numbers of the eligible, and ``people``, ``area`` and ``household`` say who and where they were.
    """

    as_of: np.datetime64
    layout: Layout
    cohort: Cohort
    chosen: np.ndarray
    people: np.ndarray
    area: np.ndarray
    household: np.ndarray
    cells: np.ndarray
    codes: np.ndarray

    @cached_property
    def index(self) -> pd.MultiIndex:
        """``(person_id, as_of)`` of each row."""
        dates = np.full(len(self.people), self.as_of.astype("datetime64[s]"))
        return pd.MultiIndex.from_arrays(
            [pd.array(self.people, dtype="str"), dates], names=[self.layout.spec.key, "as_of"]
        )

    @cached_property
    def X(self) -> pd.DataFrame:  # noqa: N802  scikit-learn's name for a matrix
        """The features as a frame."""
        return pd.DataFrame(self.cells.T, index=self.index, columns=self.layout.names)

    @cached_property
    def status(self) -> pd.DataFrame:
        """The statuses as a frame."""
        return pd.DataFrame(self.codes.T, index=self.index, columns=self.layout.status_names)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The area and household of each row as a frame."""
        return pd.DataFrame(self.row_columns, index=self.index, dtype="str")

    @property
    def row_columns(self) -> dict[str, np.ndarray]:
        """What is said of each row beside its features."""
        return {"area": self.area, "household_id": self.household}


def day_of(layout: Layout, coded: Coded, as_of: np.datetime64) -> Day:
    """Cohort, features and statuses on one as-of date: the same code for fitting and for the monthly run."""
    day = int(as_of.astype(np.int64))
    coded = on_day(layout.spec, coded, day)
    segments = segments_known(coded, day)
    cohort = cohort_on(layout.spec, coded, segments, as_of)
    chosen = np.flatnonzero(cohort.eligible)
    cells, codes = features_on(layout, coded, segments, as_of=as_of, births=cohort.births, chosen=chosen)
    spell = cohort.spell[chosen]
    area = np.array(coded.areas, dtype=object)[coded.area[spell]]
    return Day(as_of, layout, cohort, chosen, coded.people[chosen], area, coded.household[spell], cells, codes)


def day_volumes(coded: Coded, day: Day) -> list[Row]:
    """What stood behind a date's rows, counted; apart from :func:`day_of`, which the leakage proof calls many times."""
    coded = on_day(day.layout.spec, coded, int(day.as_of.astype(np.int64)))
    return volumes_on(day.layout, coded, as_of=day.as_of, cohort=day.cohort, codes=day.codes)


def known_at_last(spec: Spec, events: Events | Beside) -> int:
    """The day after the extract of the objections, where there is one, else after the last extract."""
    feed = spec.feed_of_kind("objections")
    dates = events.extract_dates
    last = dates[feed] if feed is not None and feed in dates else max(dates.values())
    return int(as_days(last).astype(np.int64)) + 1


def kept_out(people: pd.Series[str], spec: Spec, events: Events | Beside, key: bytes | None) -> dict[str, set[str]]:
    """Who of an audit file was purged, and who objects to it, by any linked pseudonym, as known at the last."""
    purged, objecting = set(people[events.tombstones.hide(people, key=key)]), set()
    if not events.rows["objections"].empty:
        coded = encode_beside(spec, events.rows)
        objecting = set(coded.people[left_out(coded, "audit", known_at_last(spec, events))]).intersection(people)
    return {"purged": purged, OBJECTED: objecting - purged}


@dataclass(frozen=True)
class Question:
    """What is asked of every part of a store.

    ``ends`` are the ends of the data for the labels of each outcome, ``last`` the day on which objections to training
    are read.
    """

    layout: Layout
    dates: tuple[np.datetime64, ...]
    ends: tuple[np.datetime64, ...]
    last: int

    @classmethod
    def of(cls, spec: Spec, dates: Sequence[np.datetime64], events: Events | Beside) -> Question:
        """The question that a spec asks on some dates of a store."""
        ends = tuple(data_end(spec, events, outcome) for outcome in spec.outcomes)
        return cls(Layout.of(spec), tuple(dates), ends, known_at_last(spec, events))


@dataclass(frozen=True)
class Assembled(Part):
    """The rows of some people on every as-of date, and whom else was counted on them.

    ``refused`` people are in no row, but in the counts and volumes (areas unnamed). ``weeks`` are those of
    :func:`~vru_models.dataset.alarms.weeks_on` over all dates.
    """

    counts: pd.DataFrame
    volumes: pd.DataFrame
    refused: int
    weeks: np.ndarray


def assemble(question: Question, coded: Coded, *, part: Callable[[pd.Series[str]], np.ndarray]) -> Assembled:
    """Rows, labels, counts and feed volumes over several as-of dates.

    No row is made of who objects to training, as known at the last extract.

    Parameters
    ----------
    part
        Which part of the store each of some people is in.
    """
    refused = left_out(coded, "train", question.last)
    days = [day_of(question.layout, coded, as_of) for as_of in question.dates]
    people = pd.array(coded.people, dtype="str")
    by_day = [_rows_of(question, coded, day, people) for day in days]
    rows = pd.concat(by_day, ignore_index=True)
    labelled = [(day.as_of, day.chosen, part["y"].to_numpy()) for day, part in zip(days, by_day, strict=True)]
    cells, codes = (np.concatenate([getattr(day, name) for day in days], axis=1) for name in ("cells", "codes"))
    out = np.concatenate([refused[day.chosen] for day in days])
    if out.any():
        rows, cells, codes = rows[~out].reset_index(drop=True), cells[:, ~out], codes[:, ~out]
    return Assembled(
        cells=cells,
        codes=codes,
        rows=rows.assign(part=part(rows[question.layout.spec.key]).astype(np.int16)),
        counts=counts_frame({day.as_of: day.cohort.counts for day in days}),
        volumes=unnamed(volume_frame([row for day in days for row in day_volumes(coded, day)])),
        refused=int(refused.sum()),
        weeks=np.sum([_weeks_of(question, coded, of_day, refused) for of_day in labelled], axis=0),
    )


def _rows_of(question: Question, coded: Coded, day: Day, people: Any) -> pd.DataFrame:
    """Keys, area, household and labels of each row of a date."""
    first, *further = question.layout.spec.outcomes
    columns = {
        question.layout.spec.key: people.take(day.chosen),
        "as_of": np.full(len(day.people), day.as_of.astype("datetime64[s]")),
        **{name: pd.array(texts, dtype="str") for name, texts in day.row_columns.items()},
        **_label_columns(question, coded, day, first, data_end=question.ends[0]),
    }
    for outcome, end in zip(further, question.ends[1:], strict=True):
        labels = _label_columns(question, coded, day, outcome, data_end=end)
        columns |= {f"{name}_{outcome.name}": labels[name] for name in ("y", "why_missing")}
    return pd.DataFrame(columns)


def _weeks_of(question: Question, coded: Coded, rows: Rows, refused: np.ndarray) -> np.ndarray:
    """In how many weeks before a date its labelled rows have events, without those of people who refuse training."""
    spec, (as_of, chosen, y) = question.layout.spec, rows
    kept = ~refused[chosen]
    known = on_day(spec, coded, int(as_of.astype(np.int64)))
    return weeks_on(spec, known, as_of=as_of, rows=chosen[kept], y=y[kept])


def weeks_before(question: Question, coded: Coded) -> np.ndarray:
    """:attr:`Assembled.weeks` alone: cohorts and labels without features."""
    refused, spec = left_out(coded, "train", question.last), question.layout.spec
    weeks = []
    for as_of in question.dates:
        day = int(as_of.astype(np.int64))
        known = on_day(spec, coded, day)
        cohort = cohort_on(spec, known, segments_known(known, day), as_of)
        y = labels_on(spec, spec.outcome, coded, cohort, as_of=as_of, data_end=question.ends[0]).y
        chosen = np.flatnonzero(cohort.eligible)
        weeks.append(_weeks_of(question, coded, (as_of, chosen, y[chosen]), refused))
    return np.asarray(np.sum(weeks, axis=0))


def _label_columns(
    question: Question, coded: Coded, day: Day, outcome: Outcome, *, data_end: np.datetime64
) -> dict[str, Any]:
    spec, chosen = question.layout.spec, day.chosen
    labels = labels_on(spec, outcome, coded, day.cohort, as_of=day.as_of, data_end=data_end)
    return {
        "y": labels.y[chosen],
        "why_missing": pd.array(WHY_MISSING, dtype="str").take(labels.why[chosen].astype(np.intp)),
        "with_treated": labels.with_treated[chosen],
        "followed": labels.followed[chosen].astype(np.float32),
    }


def counts_frame(counts: Mapping[Any, Mapping[str, int]]) -> pd.DataFrame:
    """Cohort counts as a frame, one row per as-of date."""
    dates = pd.DatetimeIndex([str(d) for d in counts], name="as_of").as_unit("s")
    return pd.DataFrame(list(counts.values()), index=dates, columns=["in_view", "eligible", "routed", "objecting"])


def plain_counts(counts: pd.DataFrame) -> dict[str, dict[str, int]]:
    """The same frame as plain JSON types."""
    return {str(as_days(date)): {str(name): int(n) for name, n in row.items()} for date, row in counts.iterrows()}
