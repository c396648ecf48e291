"""What cannot be known where an outcome is seen only for those who were reviewed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from vru_models.findings import Finding, Findings
from vru_models.spec import Spec

_UNSEEN: Final = ("recall", "missed", "false_omission_rate")


def sees_everybody(spec: Spec) -> bool:
    """Whether the outcome is seen for everybody, so that who was missed can be counted."""
    return spec.outcome.ascertainment == "all"


def unseen(names: Iterable[str], spec: Spec) -> list[str]:
    """Of some names of figures, those about people who were not listed, whom nobody may have looked at."""
    return [] if sees_everybody(spec) else [name for name in names if name.startswith(_UNSEEN)]


def without_unseen(table: pd.DataFrame, spec: Spec, *, instead: Any = float("nan")) -> pd.DataFrame:
    """The table with such figures undefined; their positives are those among the reviewed alone."""
    return table.assign(**dict.fromkeys(unseen(map(str, table.columns), spec), instead))


def reviews(spec: Spec) -> Findings:
    """VRU408: that recall cannot be known, where it cannot."""
    if sees_everybody(spec):
        return Findings()
    message = "the outcome is seen only for those reviewed: whom the list missed cannot be known without random places"
    return Findings([Finding("VRU408", "cannot tell", "recall", message)])
