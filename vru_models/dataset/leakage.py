"""The proof that nothing in X came from the future, on the user's own data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from vru_models.dataset.outcome import label_dates
from vru_models.dataset.rows import data_end, day_of
from vru_models.errors import LeakageError
from vru_models.events import Events
from vru_models.features.coded import OPEN, Coded, Coverage, Links, Objections, Timeline, encode
from vru_models.features.layout import Layout
from vru_models.findings import Finding, Findings
from vru_models.frames import is_in
from vru_models.spec import Spec
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import lottery_numbers
from vru_models.spec.tables import Kind
from vru_models.splits import splits_of

SAMPLE = 500
"""People on whom the proof is run, drawn by lottery."""

_LONG_AGO: Final = np.datetime64("1990-01", "M")
_FAR_OFF: Final = 3650
Rows = TypeVar("Rows", Timeline, Coverage, Links)


def prove_no_leakage(spec: Spec, events: Events, *, as_of: Sequence[Any] = (), n_people: int = SAMPLE) -> Findings:
    """A finding (VRU201) that no row changes when everything later is changed.

    On each as-of date, for a sample of people, everything known on or after the date is deleted; then, instead, it is
    altered and what was known is superseded on the date; then, instead, events and spells are added that become known
    on the date or later, the events just before the date, inside the outcome window and ten years on; then all
    coverage is taken away and given back as of the date. Who is in view, eligible and routed, X, status, areas and
    households must be byte-identical each time.

    Parameters
    ----------
    as_of
        The dates to prove; by default every as-of date of the spec's splits.
    n_people
        Size of the sample; drawn by a lottery on the store's digest, not by order.

    Raises
    ------
    LeakageError
        When a changed future changes a row.
    """
    given: list[np.datetime64] = [as_day(date) for date in as_of]
    dates = given or list(splits_of(spec, data_end(spec, events)).required().dates)
    return prove(spec, _sample(events, n_people), dates)


def prove(spec: Spec, sample: Events, dates: Sequence[np.datetime64]) -> Findings:
    """:func:`prove_no_leakage` of all the people of these events."""
    coded = encode(spec, sample)
    unshared = replace(coded, coverage=coded.coverage.rows(np.zeros(len(coded.coverage.feed), dtype=bool)))
    for date in dates:
        _require_same(spec, date, coded, _futures(spec, sample, coded, date))
        _require_same(spec, date, unshared, [("shared later", _shared_from(spec, unshared, date))])
    n = len(np.unique(coded.spells.person))
    rows = f"{n:,} {spec.whom} on {len(dates)} as-of dates"
    message = f"{rows}: identical when everything known later is deleted, altered or added to"
    figures = {"people": n, "dates": len(dates), **spec.said_of_areas}
    return Findings([Finding("VRU201", "pass", "leakage", message, figures)])


def _require_same(spec: Spec, date: np.datetime64, coded: Coded, futures: Iterable[tuple[str, Coded]]) -> None:
    before = _print(spec, coded, date)
    for name, changed in futures:
        if _print(spec, changed, date) != before:
            what = f"rows change when the future is changed ({name})"
            raise LeakageError.at(f"as-of date {date}", what, expected="identical rows", then="Report this as a defect")


def _print(spec: Spec, coded: Coded, date: np.datetime64) -> tuple[bytes, ...]:
    """Every byte of a date's rows, and who is in view or routed."""
    day = day_of(Layout.of(spec), coded, date)
    viewed, routed = coded.people[day.cohort.spell >= 0], coded.people[day.cohort.routed]
    texts = (viewed, routed, day.people, day.area, day.household)
    return (*("\x1f".join(t).encode() for t in texts), day.cells.tobytes(), day.codes.tobytes())


def drawn_people(rows: Mapping[Kind, pd.DataFrame], digest: str, n: int = SAMPLE) -> pd.Series[str]:
    """The people on whom the proof is run, with those they are linked to: by lottery on the store's digest."""
    people = rows["spells"]["person_id"].drop_duplicates().sort_values().to_list()
    draws = lottery_numbers("random", digest, "leakage", [str(i) for i in range(4 * n)])
    places = range(len(people)) if len(people) <= n else dict.fromkeys((draws % len(people)).tolist())
    drawn = {people[place] for place in list(places)[:n]}
    links = rows["links"]
    drawn |= set(links["other_id"][links["person_id"].isin(drawn)])
    drawn |= set(links["person_id"][links["other_id"].isin(drawn)])
    return pd.Series(sorted(drawn), dtype="str")


def rows_about(rows: Mapping[Kind, pd.DataFrame], people: pd.Series[str]) -> dict[Kind, pd.DataFrame]:
    """The rows beside events that are about some people, or about nobody."""
    about = {kind: held for kind, held in rows.items() if "person_id" in held}
    return {**rows, **{kind: held[is_in(held["person_id"], people)] for kind, held in about.items()}}


def _sample(events: Events, n: int) -> Events:
    drawn = drawn_people(events.rows, events.digest, n)
    frame = events.frame[is_in(events.frame["person_id"], drawn)]
    return replace(events, frame=frame, rows=rows_about(events.rows, drawn))


def _futures(spec: Spec, sample: Events, coded: Coded, date: np.datetime64) -> Iterator[tuple[str, Coded]]:
    """The store as it could have come to be, had the future been otherwise."""
    yield "deleted", encode(spec, sample.as_known(date))
    yield "altered", _altered(encode(spec, _superseded(sample, date)), int(date.astype(np.int64)))
    yield "added to", _added(spec, coded, date)


def _superseded(events: Events, date: np.datetime64) -> Events:
    """The events as if everything still known had been corrected or withdrawn on the date."""

    def closed(rows: pd.DataFrame) -> pd.DataFrame:
        until, day = rows["known_until"], pd.Timestamp(str(date)).as_unit("s")
        return rows.assign(known_until=until.where(until < day, day))

    rows = {kind: closed(rows) for kind, rows in events.rows.items()}
    return replace(events, frame=closed(events.frame), rows=rows)


def _altered(coded: Coded, day: int) -> Coded:
    """The store as if what became known on the day or later had said something else."""
    late, moved, latest = (rows.known >= day for rows in (coded.events, coded.spells, coded.coverage))
    links, when = coded.links, coded.objections.when
    start = np.where(late, day - 1 - coded.events.start % 90, coded.events.start)
    return _by_day(
        replace(
            coded,
            events=replace(coded.events, start=start, end=start),
            value=np.where(late, -1e6, coded.value),
            spells=replace(coded.spells, end=np.where(moved, day - 30, coded.spells.end)),
            birth_month=np.where(moved, _LONG_AGO, coded.birth_month),
            coverage=replace(coded.coverage, end=np.where(latest, coded.coverage.start, coded.coverage.end)),
            links=replace(links, merge=links.merge ^ (links.known >= day)),
            objections=replace(coded.objections, when=replace(when, start=np.where(when.known >= day, 0, when.start))),
        )
    )


def _added(spec: Spec, coded: Coded, date: np.datetime64) -> Coded:
    """The store with every indicator and a spell in another household added, per person, known from the date on.

    Everybody objects then, too, and turns out to be one person with whoever comes next.
    """
    day, (start, end, _) = int(date.astype(np.int64)), label_dates(spec, spec.outcome, date)
    people, indicators = np.arange(len(coded.people)), np.arange(len(coded.indicators))
    when = np.array([day - 1, start.astype(np.int64), end.astype(np.int64) - 1, day + _FAR_OFF])
    who, what, at = (a.ravel() for a in np.meshgrid(people, indicators, when, indexing="ij"))
    one = np.ones_like(people)
    return _by_day(
        replace(
            coded,
            events=_joined(coded.events, Timeline(who, at, at, np.maximum(at, day), np.full(len(at), OPEN))),
            indicator=np.append(coded.indicator, what),
            value=np.append(coded.value, np.ones(len(what))),
            row=np.append(coded.row, np.full(len(what), -1)),
            spells=_joined(coded.spells, Timeline(people, one * (day - 1), one * OPEN, one * day, one * OPEN)),
            area=np.append(coded.area, people % len(coded.areas)),
            birth_month=np.append(coded.birth_month, np.full(len(people), _LONG_AGO)),
            household=np.append(coded.household, np.full(len(people), "another", dtype=object)),
            links=_joined(coded.links, Links(people, np.roll(people, 1), one > 0, one * day, one * OPEN)),
            objections=Objections(
                _joined(coded.objections.when, Timeline(people, one * 0, one * OPEN, one * day, one * OPEN)),
                np.append(coded.objections.purpose, np.full(len(people), "all")),
                np.append(coded.objections.feed, np.full(len(people), "")),
            ),
        )
    )


def _shared_from(spec: Spec, coded: Coded, date: np.datetime64) -> Coded:
    """The store with every feed shared everywhere and always, which becomes known on the date."""
    feeds = np.array(list(spec.feeds))
    always, one = np.zeros(len(feeds), dtype=np.int64), np.ones(len(feeds), dtype=np.int64)
    known, until = one * date.astype(np.int64), one * OPEN
    shared = Coverage(feeds, np.full(len(feeds), "*"), always, until, always, until, known, until)
    return replace(coded, coverage=_joined(coded.coverage, shared))


def _joined(rows: Rows, more: Rows) -> Rows:
    return type(rows)(*(np.concatenate([getattr(rows, f.name), getattr(more, f.name)]) for f in fields(rows)))


def _by_day(coded: Coded) -> Coded:
    order = np.argsort(coded.events.start, kind="stable")
    events = Timeline(*(getattr(coded.events, f.name)[order] for f in fields(coded.events)))
    return replace(
        coded, events=events, indicator=coded.indicator[order], value=coded.value[order], row=coded.row[order]
    )
