"""How common an outcome is in each group: of whom something was found, which is not of whom there was need."""

from __future__ import annotations

import pandas as pd

from vru_models.dataset import Dataset
from vru_models.dataset.label_card import label_columns
from vru_models.disclosure.protect import Protected, protect
from vru_models.errors import SpecError
from vru_models.fairness.sensitive import join_sensitive
from vru_models.spec import Spec

_COUNTS = ["rows", "labelled", "positives"]


def base_rates(spec: Spec, data: Dataset, sensitive: pd.DataFrame, outcome: str | None = None) -> Protected:
    """The label card by group: rows, labelled, positives and base rate of each group of each declared attribute.

    Over all as-of dates, so that a person counts once for each date. A difference between groups can lie in need, in
    who is looked at, or in who leaves; the label cannot tell these apart.

    Parameters
    ----------
    sensitive
        The audit file: ``person_id`` and the attributes that the spec's ``fairness`` names. A missing value is the
        group ``not recorded``.
    outcome
        The name of one of ``spec.outcomes``; by default the one that is asked about.

    Raises
    ------
    SpecError
        The declaration is about areas.

    Returns
    -------
    Protected
        ``attribute, group, rows, labelled, positives, base_rate`` under the spec's small-number profile.
    """
    if spec.fairness is None:
        raise SpecError.at("fairness", "is not declared: an area has no protected characteristics")
    y, _ = (data.rows[column] for column in label_columns(spec, outcome or spec.outcome.name))
    groups = join_sensitive(data.rows, sensitive)[list(spec.fairness.sensitive)]
    counts = pd.DataFrame({"rows": 1, "labelled": y.notna(), "positives": y == 1}, index=y.index).astype(int)
    tables = [
        counts.groupby(column.to_numpy()).sum().rename_axis("group").reset_index().assign(attribute=str(name))
        for name, column in groups.items()
    ]
    table = pd.concat(tables, ignore_index=True)[["attribute", "group", *_COUNTS]]
    rates = {"base_rate": ("positives", "labelled")}
    return protect(table, counts=_COUNTS, rates=rates, profile=spec.disclosure.profile)
