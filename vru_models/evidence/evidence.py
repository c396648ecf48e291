"""Evidence: what was measured of a run, as tables first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from vru_models.errors import DataError, StorageError
from vru_models.findings import Findings
from vru_models.spec.digest import canonical_json, digest_json
from vru_models.spec.storage import read_file, write_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT: Final = "vru-evidence/1"


@dataclass(frozen=True)
class Evidence:
    """Tables and findings about one run, all from the sealed split unless a table says otherwise.

    Parameters
    ----------
    headline
        The figures that are quoted first, by name: see :func:`~vru_models.evidence.evaluate.evaluate`.
    tables
        ``comparison`` (every model at capacity), ``by_split``, ``paired``, ``reliability``, ``decision_curve``,
        ``choice``, ``regret``, ``labels``, ``sensitivity`` (those who left, the treated)
        and, with an audit file, ``groups`` and ``verdicts`` (fairness). Unprotected:
        for inside use. What leaves is :func:`~vru_models.evidence.published.published`.
    findings
        Every finding so far: data, leakage, choice, performance, fairness.
    run_digest
        The run this is about.
    """

    headline: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]
    findings: Findings
    run_digest: str
    spec_digest: str

    @property
    def digest(self) -> str:
        """SHA-256 over everything this holds."""
        return digest_json(self._head())

    def frame(self, name: str = "comparison") -> pd.DataFrame:
        """One of the tables; without a name, every model beside the winner at capacity."""
        if name not in self.tables:
            raise ValueError(f"no table '{name}'. Expected: one of {', '.join(sorted(self.tables))}.")
        return self.tables[name].copy()

    def plot(self) -> Figure:
        """Precision at capacity by model, reliability, recall by group, precision over time: one page."""
        from vru_models.evidence.plots import plot_evidence  # noqa: PLC0415  matplotlib is loaded only to draw

        return plot_evidence(self)

    def __repr__(self) -> str:
        head = ", ".join(f"{name} {value}" for name, value in self.headline.items() if isinstance(value, str | int))
        return f"Evidence({head})\n{self.findings!r}"

    def _head(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "headline": _plain(dict(self.headline)),
            "tables": {name: _table(frame) for name, frame in self.tables.items()},
            "findings": _plain(self.findings.records()),
            "run": self.run_digest,
            "spec": self.spec_digest,
        }

    def to_json(self) -> bytes:
        """Canonical JSON with its own digest; what is undefined is null."""
        return canonical_json(self._head() | {"digest": self.digest})

    def save(self, folder: str | Path) -> None:
        """Write ``evidence.json`` into a new folder, whole or not at all."""
        write_folder(folder, {"evidence.json": self.to_json()}, role="evidence")

    @classmethod
    def open(cls, folder: str | Path) -> Evidence:
        """Evidence from a folder that :meth:`save` wrote."""
        file = Path(folder) / "evidence.json"
        if not file.is_file():
            raise StorageError.at(
                "evidence", "holds no evidence.json", expected="an evidence folder", then="Run evaluate first"
            )
        return cls.from_json(read_file(file, 2**28, role="evidence"))

    @classmethod
    def from_json(cls, content: bytes) -> Evidence:
        """Evidence from the very bytes that :meth:`to_json` gave; anything else is a :class:`DataError`."""
        try:
            head = json.loads(content)
            given = cls(
                headline=head["headline"],
                tables={name: _stored_table(table) for name, table in head["tables"].items()},
                findings=Findings.from_records(head["findings"]),
                run_digest=head["run"],
                spec_digest=head["spec"],
            )
            same = head["format"] == FORMAT and given.to_json() == content
        except (ValueError, TypeError, KeyError, AttributeError):
            same = False
        if not same:
            raise DataError.at("evidence", "is not what was written", expected=FORMAT, then="Run evaluate again")
        return given


def _table(frame: pd.DataFrame) -> dict[str, Any]:
    return {"columns": list(frame.columns), "rows": _plain(frame.to_numpy(dtype=object).tolist())}


def _stored_table(table: Mapping[str, Any]) -> pd.DataFrame:
    """The table again; a column in which nothing is defined holds numbers."""
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    frame = pd.DataFrame(rows, columns=table["columns"])
    return frame.astype(dict.fromkeys(frame.columns[frame.isna().all()], "float64"))


def _plain(value: Any) -> Any:
    """JSON types only: undefined is null, numbers keep six significant decimals, dates are ISO text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, str | bool | int) or value is None:
        return value
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    number = value.item() if hasattr(value, "item") else value
    return round(number, 6) if isinstance(number, float) else number
