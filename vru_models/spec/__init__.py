"""What is declared: the Spec, its schemas, all date arithmetic, all hashing."""

from vru_models.spec.calendar import Span
from vru_models.spec.spec import Spec
from vru_models.spec.tables import CodeList, TableSchema

__all__ = ["CodeList", "Span", "Spec", "TableSchema"]
