"""What is left of people who were purged: keyed digests, by which they are kept out of later extracts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from vru_models.errors import RefusedError
from vru_models.spec.digest import keyed_digest, keyed_digests
from vru_models.spec.section import Section

_CHECK, _PERSON = "tombstone key", "tombstone"
_SHORTEST_KEY = 32


class Tombstones(Section):
    """HMAC-SHA-256 digests of purged pseudonyms under one key; without the key they say nothing of who it was.

    Examples
    --------
    >>> buried = Tombstones().with_person("a", key=bytes(32))
    >>> buried.hide(pd.Series(["a", "b"]), key=bytes(32))
    array([ True, False])
    >>> len(buried)
    1
    """

    check: str = ""
    people: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.people)

    def with_person(self, person_id: str, *, key: bytes) -> Tombstones:
        """These and one more; all are under one key, and another is refused."""
        self._require(key)
        people = tuple(sorted({*self.people, keyed_digest(key, _PERSON, person_id)}))
        return Tombstones(check=keyed_digest(key, _CHECK), people=people)

    def hide(self, people: pd.Series[Any], *, key: bytes | None) -> np.ndarray:
        """Which of the given pseudonyms are among them."""
        if not self.people:
            return np.zeros(len(people), dtype=bool)
        self._require(key)
        codes, distinct = pd.factorize(people)
        buried = np.isin(keyed_digests(key or b"", [_PERSON], [str(p) for p in distinct]), self.people)
        return np.asarray(np.append(buried, False)[codes])

    def _require(self, key: bytes | None) -> None:
        where = "tombstones"
        if key is None:
            what = f"there are {len(self):,}, and no key to tell whose rows must stay out"
            then = "Give the key under which they were purged (key=, or --erasure-key)"
            raise RefusedError.at(where, what, then=then)
        if len(key) < _SHORTEST_KEY:
            raise RefusedError.at(where, "the key is too short", expected=f"at least {_SHORTEST_KEY} random bytes")
        if self.people and keyed_digest(key, _CHECK) != self.check:
            raise RefusedError.at(where, "the key is not the one under which they were purged", then="Give that key")
