"""What the evidence needs of a ledger; the ledger itself is downstream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class Recorder(Protocol):
    """Something that what happened can be written to and asked of."""

    def append(self, kind: str, **body: Any) -> Any:
        """Add one entry; bodies hold digests, counts and text, never a float or a person."""

    def find(self, kind: str, **match: Any) -> Iterable[Any]:
        """The entries of a kind whose body holds these values."""
