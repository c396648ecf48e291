"""Who is who, who was in view when and who has objected, as known on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from vru_models.features.coded import OPEN, Coded, Timeline
from vru_models.spec import Spec


def same_person(coded: Coded, day: int) -> np.ndarray:
    """Per pseudonym, the number of the one that stands for the person, as known on a day.

    Of the decisions about two pseudonyms that were known, the latest stands; of several on one day, one that does not
    merge them (a split, or a merge that is less sure than is asked for). A person
    is called by a pseudonym that has a spell known on the day, where there is one, and of these by the first in order.
    Without a merge everybody is called as they are, so that a merge that was split again leaves no trace.
    """
    roots = np.arange(len(coded.people))
    links = coded.links
    rows = np.flatnonzero((links.known < day) & (day <= links.until))
    if not len(rows):
        return roots
    first, second = np.minimum(links.person, links.other)[rows], np.maximum(links.person, links.other)[rows]
    order = np.lexsort((links.merge[rows], -links.known[rows], second, first))
    pair = np.stack([first[order], second[order]])
    stands = np.append(True, (pair[:, 1:] != pair[:, :-1]).any(axis=0)) & links.merge[rows][order]
    merged = pair[:, stands]
    if not merged.size:
        return roots
    component = connected(merged[0], merged[1], len(roots))
    viewed = np.zeros(len(roots), dtype=bool)
    viewed[coded.spells.person[coded.spells.known_at(day)]] = True
    order = np.lexsort((roots, ~viewed, component))
    starts = np.append(True, component[order][1:] != component[order][:-1])
    return np.asarray(order[starts][component])


def connected(one: np.ndarray, other: np.ndarray, n: int) -> np.ndarray:
    """The number of the group of each of ``n`` things that pairs join, directly or by way of others."""
    from scipy.sparse import coo_array  # noqa: PLC0415  slow to load, and most stores link nobody
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    graph = coo_array((np.ones(len(one)), (one, other)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def linked(coded: Coded, day: int) -> Coded:
    """The store as it reads when the pseudonyms known on a day to be one person are called by one of them."""
    roots = same_person(coded, day)
    if (roots == np.arange(len(roots))).all():
        return coded

    def called(rows: Timeline) -> Timeline:
        return replace(rows, person=roots[rows.person])

    objections = replace(coded.objections, when=called(coded.objections.when))
    spells = called(coded.spells)
    alone = coded.household == coded.people[coded.spells.person]
    household = np.where(alone, coded.people[spells.person], coded.household)
    return replace(coded, events=called(coded.events), spells=spells, household=household, objections=objections)


def objected(coded: Coded, purpose: str, day: int, *, feed: str = "") -> np.ndarray:
    """Per person, whether an objection to a purpose (or to all) was known on a day and stands on it.

    Parameters
    ----------
    feed
        Only objections to the use of one feed; by default those to the use of anything.
    """
    objections = coded.objections
    when = objections.when
    stands = when.known_at(day) & (when.start <= day) & (day < when.end) & (objections.feed == feed)
    stands &= (objections.purpose == purpose) | (objections.purpose == "all")
    return np.asarray(np.bincount(when.person[stands], minlength=len(coded.people)) > 0)


def on_day(spec: Spec, coded: Coded, day: int) -> Coded:
    """The store as it may be read for a date: linked pseudonyms as one person, nothing of a feed from who withholds it.

    An event that is withheld counts as never known, for features as for rules.
    """
    coded = linked(coded, day)
    refused = withheld(coded, day, spec.feeds)
    if not refused:
        return coded
    feed = np.array([spec.indicators[name].feed for name in coded.indicators])[coded.indicator]
    never = np.logical_or.reduce([(feed == name) & who[coded.events.person] for name, who in refused.items()])
    return replace(coded, events=replace(coded.events, known=np.where(never, OPEN, coded.events.known)))


def left_out(coded: Coded, purpose: str, day: int) -> np.ndarray:
    """Per pseudonym, whether its person objects to a purpose, wholly or for a feed, as known on a day."""
    later, person = linked(coded, day), same_person(coded, day)
    feeds = sorted(set(coded.objections.feed) | {""})
    refuse = np.logical_or.reduce([objected(later, purpose, day, feed=feed) for feed in feeds])
    return np.asarray(refuse[person])


def withheld(coded: Coded, day: int, feeds: Iterable[str]) -> dict[str, np.ndarray]:
    """Per feed to whose use in scoring somebody objects, who does."""
    named = set(coded.objections.feed) & set(feeds)
    return {feed: objected(coded, "score", day, feed=feed) for feed in sorted(named)}


@dataclass(frozen=True)
class Segments:
    """Stretches of one person in one area, sorted; ``[start, end)`` in day numbers, none overlapping another.

    ``spell`` is the position of the spell behind each.
    """

    person: np.ndarray
    area: np.ndarray
    start: np.ndarray
    end: np.ndarray
    spell: np.ndarray

    def renumbered(self, number: np.ndarray) -> Segments:
        """Those of some people, by their new numbers; ``number`` is -1 for everybody else."""
        mine = np.flatnonzero(number[self.person] >= 0)
        return Segments(number[self.person[mine]], self.area[mine], self.start[mine], self.end[mine], self.spell[mine])

    def overlap(self, start: int, end: int) -> np.ndarray:
        """Days of each segment inside ``[start, end)``."""
        return np.asarray(np.maximum(np.minimum(self.end, end) - np.maximum(self.start, start), 0))


def segments_known(coded: Coded, day: int) -> Segments:
    """The spells known on a day, without overlaps.

    Where two spells of a person overlap, the one that starts later takes over, and what is left of a longer earlier one
    counts as in view in the later one's area.
    """
    spells = coded.spells
    rows = np.flatnonzero(spells.known_at(day) & (spells.start < spells.end))
    rows = rows[np.lexsort((spells.known[rows], spells.start[rows], spells.person[rows]))]
    person, start = spells.person[rows], spells.start[rows]
    next_start = np.append(np.where(person[1:] == person[:-1], start[1:], OPEN), OPEN)[: len(rows)]
    end = np.minimum(_longest_so_far(person, spells.end[rows]), next_start)
    real = start < end
    return Segments(person[real], coded.area[rows][real], start[real], end[real], rows[real])


def _longest_so_far(person: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Per row, the greatest end among this and the earlier rows of the same person."""
    floor = person * (OPEN + 1)
    return np.asarray(np.maximum.accumulate(floor + end) - floor)


def segment_on(segments: Segments, day: int, n_people: int) -> np.ndarray:
    """Position of the segment that each person was in on a day, or -1."""
    inside = np.flatnonzero((segments.start <= day) & (day < segments.end))
    position = np.full(n_people, -1)
    position[segments.person[inside]] = inside
    return position


def end_of_stay(segments: Segments, day: int, n_people: int) -> np.ndarray:
    """The first day out of view after being in view on ``day``, per person; ``day`` for who was not in view then.

    Segments that touch are one stay.
    """
    person, start, end = segments.person, segments.start, segments.end
    starts_anew = np.append(True, (person[1:] != person[:-1]) | (start[1:] > end[:-1]))[: len(person)]
    first = np.flatnonzero(starts_anew)
    last = np.append(first[1:], len(person))[: len(first)] - 1
    inside = (start[first] <= day) & (day < end[last])
    ends = np.full(n_people, day, dtype=np.int64)
    ends[person[first][inside]] = end[last][inside]
    return ends
