"""Rows with known answers, carried in a release and scored again before anybody is."""

from __future__ import annotations

import json
from typing import Final

import numpy as np
import pandas as pd

from vru_models.errors import DataError, RefusedError
from vru_models.models import Card
from vru_models.spec.digest import canonical_json

N_ROWS: Final = 64
TOLERANCE: Final = 1e-12
"""Largest difference allowed in a probability; points must be equal."""


def known_rows(card: Card) -> pd.DataFrame:
    """Made-up rows that between them visit every bin of every feature, and "not known"; no person's.

    Row ``i`` takes, of feature ``j``, position ``i // (1 + j mod 3) + j`` of its bins and NaN, going round.
    """
    rows = np.arange(max(N_ROWS, *(3 * (len(f.points) + 1) for f in card.features)))
    columns = {}
    for j, feature in enumerate(card.features):
        last = feature.edges[-1] if feature.edges else 0.0
        ends = np.array([*feature.edges, last + max(1.0, abs(last)), np.nan])
        columns[feature.name] = ends[(rows // (1 + j % 3) + j) % len(ends)]
    return pd.DataFrame(columns)


def known_answers(card: Card) -> bytes:
    """The rows with their points and probabilities, as canonical JSON; NaN is null."""
    rows = known_rows(card)
    points = card.points(rows)
    return canonical_json(
        {
            "features": list(rows.columns),
            "rows": rows.astype(object).where(rows.notna(), None).to_numpy().tolist(),
            "points": points.tolist(),
            "probability": card.probability(points).tolist(),
        }
    )


def check_known_answers(card: Card, stored: bytes) -> int:
    """The number of rows whose answers were reproduced; refused at the first difference, or with too few rows."""
    try:
        known = json.loads(stored)
        rows = pd.DataFrame(known["rows"], columns=known["features"], dtype=np.float64)
        points = card.points(rows)
        same = points.tolist() == known["points"] and len(rows) >= N_ROWS
        same &= np.allclose(card.probability(points), known["probability"], rtol=0, atol=TOLERANCE)
    except (ValueError, TypeError, KeyError, DataError):
        same = False
    if not same:
        what = "the card does not give the answers it was approved with"
        raise RefusedError.at(
            "release: known_answers.json", what, then="Do not score; ask the approver for a new release"
        )
    return len(rows)
