"""Who is purged, and what is left of them: keyed digests, by which they are kept out of later extracts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import DataError, RefusedError
from vru_models.identifiers.pseudonyms import PseudonymKey, key_for
from vru_models.spec.digest import keyed_digest, keyed_digests
from vru_models.spec.question import Cohort
from vru_models.spec.section import Section

Key = bytes | PseudonymKey
"""A secret of at least 32 bytes, or a key that was made for the purpose erasure."""

LEAST_CONFIDENCE: float = Cohort.model_fields["same_person_from"].default
"""The confidence from which a link makes two pseudonyms one person, where nothing else is said."""

_CHECK, _PERSON, _PURPOSE = "tombstone key", "tombstone", "erasure"
_SHORTEST_KEY = 32


class Tombstones(Section):
    """HMAC-SHA-256 digests of purged pseudonyms under one key; without the key they say nothing of who it was.

    Examples
    --------
    >>> buried = Tombstones().with_people(["a"], key=bytes(32))
    >>> buried.hide(pd.Series(["a", "b"]), key=bytes(32))
    array([ True, False])
    >>> len(buried)
    1
    """

    check: str = ""
    people: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.people)

    def with_people(self, people: Iterable[str], *, key: Key) -> Tombstones:
        """These and more; all are under one key, and another is refused."""
        secret = self._secret(key)
        buried = {*self.people, *keyed_digests(secret, [_PERSON], people)}
        return Tombstones(check=keyed_digest(secret, _CHECK), people=tuple(sorted(buried)))

    def hide(self, people: pd.Series[Any], *, key: Key | None) -> np.ndarray:
        """Which of the given pseudonyms are among them."""
        if not self.people:
            return np.zeros(len(people), dtype=bool)
        secret = self._secret(key)
        codes, distinct = pd.factorize(people)
        buried = np.isin(keyed_digests(secret, [_PERSON], [str(p) for p in distinct]), self.people)
        return np.asarray(np.append(buried, False)[codes])

    def rekeyed(self, mapping: pd.Series[str], *, key: Key | None) -> Tombstones:
        """These, and the new pseudonyms (the values) of those whose old ones (the index) are among them."""
        if not self.people:
            return self
        buried = mapping[self.hide(pd.Series(mapping.index, dtype="str"), key=key)]
        return self.with_people(buried, key=self._secret(key))

    def _secret(self, key: Key | None) -> bytes:
        where = "tombstones"
        if key is None:
            what = f"there are {len(self):,}, and no key to tell whose rows must stay out"
            then = "Give the key under which they were purged (key=, or --erasure-key)"
            raise RefusedError.at(where, what, then=then)
        secret = key_for(key, _PURPOSE).secret if isinstance(key, PseudonymKey) else key
        if not isinstance(secret, bytes):
            raise TypeError("key is no key. Expected: bytes, or a PseudonymKey made for the purpose erasure.")
        if len(secret) < _SHORTEST_KEY:
            raise RefusedError.at(where, "the key is too short", expected=f"at least {_SHORTEST_KEY} random bytes")
        if self.people and keyed_digest(secret, _CHECK) != self.check:
            raise RefusedError.at(where, "the key is not the one under which they were purged", then="Give that key")
        return secret


@dataclass(frozen=True)
class Purged:
    """What a purge did, in pseudonyms.

    Parameters
    ----------
    found
        How many of those given the store held, in whatever row.
    before
        How many others of them had been purged before.
    unknown
        How many of them the store never held, as far as it can tell; they are kept out of later extracts all the same.
    linked
        How many others were taken out because they are linked to somebody given.
    left
        How many others stay, though they are linked to somebody given.
    """

    found: int
    before: int
    unknown: int
    linked: int
    left: int


def pseudonyms_in(people: Iterable[str]) -> tuple[str, ...]:
    """The given pseudonyms, each once and sorted; what cannot be one is refused, before anything is purged.

    Examples
    --------
    >>> pseudonyms_in(["b", "a", "b"])
    ('a', 'b')
    >>> pseudonyms_in("ab")
    Traceback (most recent call last):
        ...
    TypeError: people is one text. Expected: several pseudonyms, or Events.purge for one.
    """
    if isinstance(people, str):
        raise TypeError("people is one text. Expected: several pseudonyms, or Events.purge for one.")
    named = list(people)
    if wrong := sum(not isinstance(person, str) for person in named):
        raise TypeError(f"{wrong:,} of {len(named):,} pseudonyms are no text. Expected: str.")
    if empty := sum(not person.strip() for person in named):
        raise ValueError(f"{empty:,} of {len(named):,} pseudonyms are empty. Nobody is called so.")
    return tuple(sorted(set(named)))


def require_one_to_one(mapping: pd.Series[str], people: Collection[str]) -> None:
    """Refuse new pseudonyms by old ones that leave somebody out, or would make two people one."""
    then = "Make the mapping again, with rotate, from everybody's raw identifiers"
    if missing := len(set(people).difference(mapping.index)):
        what = f"{missing:,} of {len(people):,} people are not in the mapping"
        raise DataError.at("mapping", what, expected="everybody's old pseudonym", then=then)
    if twice := int(mapping.duplicated().sum() + mapping.index.duplicated().sum()):
        raise DataError.at("mapping", f"{twice:,} pseudonyms are there twice", expected="each once", then=then)


def linked_to(links: pd.DataFrame, people: Collection[str], *, least: float) -> frozenset[str]:
    """Who else is the same person as one of ``people`` by the links as they stand at the end, through any number.

    Of the decisions about two pseudonyms that stand, the latest counts, and of several on one day one that does not
    merge them, as when rows are built: a split, or a merge with less confidence than ``least``.

    Examples
    --------
    >>> links = pd.DataFrame({"person_id": ["a", "c", "d"], "other_id": ["b", "b", "a"], "kind": "merge",
    ...     "confidence": [1.0, 0.9, 0.5], "known_date": pd.Timestamp("2024-01-01"), "known_until": pd.NaT})
    >>> sorted(linked_to(links, {"a"}, least=0.9))
    ['b', 'c']
    """
    standing = links[links["known_until"].isna()]
    pairs = np.sort(standing[["person_id", "other_id"]].to_numpy(dtype=object), axis=1)
    merge = (standing["kind"] == "merge") & (standing["confidence"] >= least)
    decided = pd.DataFrame({"one": pairs[:, 0], "two": pairs[:, 1], "merge": merge.to_numpy()})
    order = np.lexsort((~decided["merge"], standing["known_date"]))
    last = decided.iloc[order].drop_duplicates(["one", "two"], keep="last")
    merged, found = last[last["merge"]], set(people)
    while True:
        touched = merged[merged["one"].isin(found) | merged["two"].isin(found)]
        more = found | {*touched["one"], *touched["two"]}
        if more == found:
            return frozenset(found - set(people))
        found = more
