"""Retention: what is kept until when, and the removal of what has lived long enough, with proof in the ledger.

Downstream of every room that writes something, since it has to know where all of it lies and how each is recognised.
"""

from vru_models.retention.keeping import Artefact, beside, keeping
from vru_models.retention.removal import expire

__all__ = ["Artefact", "beside", "expire", "keeping"]
