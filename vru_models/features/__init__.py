"""Events to the cells of X: who is who and in view, what each feed could say, and one kernel that counts."""

from vru_models.features.status import STATUS

__all__ = ["STATUS"]
