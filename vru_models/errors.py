"""What this library raises: one family, each message saying where, what, what was expected and what to do next.

A message never contains a person's value. Rows are named by number, sets by size, columns and codes by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar, Self


class VruError(Exception):
    """Base of every error that this library raises on purpose; ``exit_code`` is what the command line returns."""

    exit_code: ClassVar[int] = 70

    @classmethod
    def at(cls, where: object, what: str, *, expected: str = "", then: str = "") -> Self:
        """An error in the house form: where, what is wrong, what was expected, what to do next.

        Examples
        --------
        >>> raise SpecError.at("cohort.age_to", "9 is below age_from (10)", expected="age_to >= age_from")
        Traceback (most recent call last):
            ...
        vru_models.errors.SpecError: cohort.age_to: 9 is below age_from (10). Expected: age_to >= age_from.
        """
        parts = [f"{where}: {what.rstrip('.')}."]
        if expected:
            parts.append(f"Expected: {expected.rstrip('.')}.")
        if then:
            parts.append(f"{then.rstrip('.')}.")
        return cls(" ".join(parts))

    @classmethod
    def unknown(cls, where: object, name: str, known: Iterable[str], *, then: str = "") -> Self:
        """An error for a name that was not declared, with the declared ones and the nearest of them.

        Examples
        --------
        >>> raise SpecError.unknown("features[3].indicator", "suspensions", ["suspension", "missing_episode"])
        Traceback (most recent call last):
            ...
        vru_models.errors.SpecError: features[3].indicator: 'suspensions' is not known. Expected: one of
        missing_episode, suspension. Did you mean 'suspension'?
        """
        declared = sorted(known)
        near = difflib.get_close_matches(name, declared, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else then
        message = f"{where}: '{name}' is not known. Expected: one of {', '.join(declared) or '(none declared)'}. {hint}"
        return cls(message.strip())


class SpecError(VruError):
    """A declaration that cannot be used: an unreadable file, an unknown key, a refused or contradictory choice."""

    exit_code = 2


class DataError(VruError):
    """Data that break the declared schema, or that are too few for what was asked."""

    exit_code = 4


class LeakageError(DataError):
    """Something in a dataset could only have been known later."""


class RefusedError(VruError):
    """A step that is refused: a signature, an expiry date, an approval, a failing check, a gate."""

    exit_code = 3


class LedgerError(RefusedError):
    """A ledger that is not what was written: broken chain, unreadable entry, wrong order."""


class StorageError(VruError):
    """A path that is missing, unreadable or not writable."""

    exit_code = 74


class LockedError(VruError):
    """Another run holds, or has already finished, the same output."""

    exit_code = 75
