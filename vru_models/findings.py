"""Findings: the coded outcome of any check, never only a pass or a fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pandas as pd

Status = Literal["pass", "fail", "cannot tell", "not applicable"]
_MANY = 3
_ORDER: tuple[Status, ...] = ("fail", "cannot tell", "not applicable", "pass")


@dataclass(frozen=True)
class Finding:
    """What one check concluded about one thing.

    Parameters
    ----------
    code
        ``VRU1xx`` feeds, ``2xx`` leakage and time, ``3xx`` fairness, ``4xx`` performance, ``5xx`` drift,
        ``6xx`` the account (ledger, release, approval).
    status
        ``pass``, ``fail``, ``cannot tell`` or ``not applicable``. What could not be checked is never a pass.
    where
        What the check was about: a feed, an attribute, a split.
    message
        One sentence with the counts. For ``cannot tell`` and ``not applicable`` it gives the reason.
    figures
        The numbers behind the message, by name. Counts and codes only, never a person's value.

    Examples
    --------
    >>> Finding("VRU302", "cannot tell", "sex", "recall gap: 85 more people would tell", {"n": 41})
    Finding(VRU302 cannot tell, sex: recall gap: 85 more people would tell)
    """

    code: str
    status: Status
    where: str
    message: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"status {self.status!r} is not one of {', '.join(get_args(Status))}")
        if not self.message:
            raise ValueError(f"finding {self.code} on {self.where} has no message")

    def __repr__(self) -> str:
        return f"Finding({self.code} {self.status}, {self.where}: {self.message})"

    def record(self) -> dict[str, Any]:
        """The finding as plain JSON types."""
        return {
            "code": self.code,
            "status": self.status,
            "where": self.where,
            "message": self.message,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True)
class Findings:
    """Findings in the order they were made; add two with ``+``.

    Examples
    --------
    >>> found = Findings([Finding("VRU101", "pass", "attendance", "rows in = rows accepted + rows quarantined")])
    >>> found.worst
    'pass'
    >>> list(found.frame().columns)
    ['code', 'status', 'where', 'message']
    """

    items: tuple[Finding, ...] = ()

    def __init__(self, items: Iterable[Finding] = ()) -> None:
        object.__setattr__(self, "items", tuple(items))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __add__(self, other: Findings) -> Findings:
        return Findings(self.items + tuple(other))

    def __repr__(self) -> str:
        head = ", ".join(f"{n} {status.replace('_', ' ')}" for status, n in self.counts.items() if n) or "none"
        ranked = sorted(self, key=lambda f: _ORDER.index(f.status))
        return "\n".join([f"Findings: {head}", *dict.fromkeys(self._line(f) for f in ranked)])

    def _line(self, finding: Finding) -> str:
        """One finding in one line; of many that pass, or do not apply for the same reason, all share a line."""
        passes = [f.where for f in self if f.code == finding.code and f.status == finding.status == "pass"]
        if len(passes) > _MANY:
            return f"  {finding.code} pass           all {len(passes)}: {', '.join(passes)}"
        alike = [
            f.where for f in self if (f.code, f.status, f.message) == (finding.code, finding.status, finding.message)
        ]
        if finding.status == "not applicable" and len(alike) > _MANY:
            return f"  {finding.code} {finding.status:<14} {', '.join(alike)}: {finding.message}"
        return f"  {finding.code} {finding.status:<14} {finding.where}: {finding.message}"

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each status, gravest first, by names fit for a record: ``cannot_tell``."""
        return {status.replace(" ", "_"): len(self.with_status(status)) for status in _ORDER}

    @property
    def worst(self) -> Status:
        """The gravest status present; of no findings at all, ``not applicable``."""
        return next((s for s in _ORDER if any(f.status == s for f in self)), "not applicable")

    def where(self, keep: Callable[[Finding], bool]) -> Findings:
        """The findings for which ``keep`` is true."""
        return Findings(f for f in self if keep(f))

    def with_status(self, *statuses: Status) -> Findings:
        """The findings with one of these statuses."""
        return self.where(lambda f: f.status in statuses)

    def frame(self) -> pd.DataFrame:
        """One row per finding: code, status, where, message."""
        return pd.DataFrame([f.record() for f in self], columns=["code", "status", "where", "message"])

    def records(self) -> list[dict[str, Any]]:
        """Every finding as plain JSON types, in order."""
        return [f.record() for f in self]

    @classmethod
    def from_records(cls, records: Iterable[Mapping[str, Any]]) -> Findings:
        """Findings from what :meth:`records` returned."""
        return cls(Finding(**record) for record in records)
