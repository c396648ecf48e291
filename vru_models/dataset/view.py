"""Who was in view when, as known on a day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vru_models.dataset.coded import OPEN, Coded


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
