"""What names a person: columns that look like direct identifiers, and keyed pseudonyms in their place."""

from vru_models.identifiers.pseudonyms import PseudonymKey, pseudonymise, rotate
from vru_models.identifiers.scan import scan_identifiers

__all__ = ["PseudonymKey", "pseudonymise", "rotate", "scan_identifiers"]
