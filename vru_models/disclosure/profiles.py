"""Small-number rules as data: what each publisher redacts and how it rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vru_models.errors import SpecError


@dataclass(frozen=True)
class Profile:
    """One small-number rule.

    Parameters
    ----------
    redact_up_to
        The largest count that is never shown, 0 included.
    round_to
        What every other count is rounded to the nearest of.
    source
        Where the rule is published.
    """

    name: str
    redact_up_to: int
    round_to: int
    source: str

    def __post_init__(self) -> None:
        if self.redact_up_to < 0 or self.round_to < 1:
            raise ValueError(f"profile {self.name}: a threshold is at least 0 and a rounding base at least 1")


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {"opensafely": Profile("opensafely", 7, 5, "OpenSAFELY documentation, statistical disclosure control")}
)


def profile_named(name: str) -> Profile:
    """The profile of that name.

    Examples
    --------
    >>> profile_named("opensafety")
    Traceback (most recent call last):
        ...
    vru_models.errors.SpecError: disclosure.profile: 'opensafety' is not known. Expected: one of opensafely.
    Did you mean 'opensafely'?
    """
    if name not in PROFILES:
        raise SpecError.unknown("disclosure.profile", name, PROFILES)
    return PROFILES[name]
