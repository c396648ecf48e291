"""Who is on the list: most places by points, some drawn at random, the same rule in the backtest and every month."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from vru_models.evaluation.arrays import Codes, Floats, complete
from vru_models.spec.calendar import as_day
from vru_models.spec.digest import lottery_numbers

LEAST_RANDOM_SHARE = 0.05


def random_places(k: int, share: float = LEAST_RANDOM_SHARE) -> int:
    """The random places of a list of ``k``: ``ceil(share x k)`` and at least one; a list of one has none.

    A list of one goes by points: a single random place would leave nobody listed for their needs.

    Examples
    --------
    >>> [random_places(k) for k in (1, 2, 20, 21, 140)]
    [0, 1, 1, 2, 7]
    """
    if not LEAST_RANDOM_SHARE <= share < 1:
        raise ValueError(f"share of random places is {share}, expected at least {LEAST_RANDOM_SHARE} and below 1")
    return 0 if k == 1 else max(1, math.ceil(Fraction(str(share)) * k))


def choose(
    points: Any, keys: Sequence[str], *, k: int, n_random: int, card_digest: str, as_of: Any, eligible: Any = None
) -> pd.DataFrame:
    """The list of one as-of date: ``k`` places, of which ``n_random`` are drawn from the eligible below the cut.

    The order of the rows never matters: equal points are ordered by the ``tie`` lottery, the random places are drawn by
    the ``random`` lottery, and both can be recomputed from the card's digest, the date and the keys. Where the eligible
    are no more than ``k``, all of them are listed by points and nothing is drawn.

    Parameters
    ----------
    points
        The score of each row, higher first.
    keys
        The pseudonym of each row; each once.
    n_random
        At least :func:`random_places` of ``k`` and fewer than ``k``.
    eligible
        True for the rows that may be listed; none given means all.

    Returns
    -------
    DataFrame
        One row per place, in order: ``key, place`` (from 1), ``kind`` (``points`` or ``random``),
        ``inclusion_probability``. The probability is that of being listed by either route before the lotteries are
        drawn: 1 above the cut; ``n_random / eligible below the cut`` below it; for those level at the cut their share
        of the places left there, plus, failing that, the chance of a random place.

    Examples
    --------
    >>> chosen = choose([9, 7, 7, 1], ["a", "b", "c", "d"], k=3, n_random=1, card_digest="c0ffee", as_of="2026-12-01")
    >>> chosen[["place", "kind"]].values.tolist()
    [[1, 'points'], [2, 'points'], [3, 'random']]
    >>> chosen["inclusion_probability"].head(2).tolist()
    [1.0, 0.75]
    """
    score = complete("points", points, len(keys))
    names = np.asarray(list(keys), dtype=object)
    _refuse(names, k, n_random)
    may = np.ones(len(names), dtype=bool) if eligible is None else np.asarray(eligible, dtype=bool)
    score, names = score[may], names[may]
    drawn = n_random if len(names) > k else 0
    by_points = min(k, len(names)) - drawn
    head = (card_digest, str(as_day(as_of)))
    order = _order(score, names, by_points, head)
    below = order[by_points:]
    winners = below[_draw("random", names[below], head)[:drawn]]
    listed = np.concatenate([order[:by_points], winners])
    return pd.DataFrame(
        {
            "key": names[listed],
            "place": np.arange(1, len(listed) + 1),
            "kind": np.repeat(["points", "random"], [by_points, drawn]),
            "inclusion_probability": _inclusion(score, score[order], by_points, drawn)[listed],
        }
    )


def _refuse(names: Any, k: int, n_random: int) -> None:
    repeated = len(names) - len(set(names))
    if repeated:
        raise ValueError(f"keys: {repeated} of {len(names)} rows repeat a key; a person has one place")
    least = random_places(k)
    if not least <= n_random < k:
        raise ValueError(
            f"n_random is {n_random}, expected at least {least} (the random places of {k}) and fewer than k"
        )


def _order(score: Floats, names: Any, by_points: int, head: tuple[str, str]) -> Codes:
    """Rows by points, those that could hold a place by points ordered among equals by the tie lottery."""
    order = np.argsort(-score, kind="stable")
    contenders = order[score[order] >= score[order[by_points - 1]]] if len(order) else order
    drawn = contenders[_draw("tie", names[contenders], head)]
    return np.concatenate([drawn[np.argsort(-score[drawn], kind="stable")], order[len(contenders) :]])


def _draw(purpose: str, names: Any, head: tuple[str, str]) -> Codes:
    """Positions in the order of their lottery numbers; the key itself parts equal numbers."""
    return np.lexsort((names.astype(str), lottery_numbers(purpose, *head, list(names))))


def _inclusion(score: Floats, ordered: Floats, by_points: int, drawn: int) -> Floats:
    if not drawn:
        return np.ones(len(score))
    cut = ordered[by_points - 1]
    level = np.count_nonzero(ordered == cut)
    share = (by_points - np.count_nonzero(ordered > cut)) / level
    chance = drawn / (len(score) - by_points)
    return np.select([score > cut, score == cut], [1.0, share + (1 - share) * chance], chance)
