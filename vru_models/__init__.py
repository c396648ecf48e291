"""Auditable models that prioritise offers of support, for Violence Reduction Units."""

__version__ = "0.1.0"
