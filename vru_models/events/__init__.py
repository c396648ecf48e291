"""What happened, when, and when this partnership knew: pseudonymised, bitemporal events."""

from vru_models.events.events import Events
from vru_models.events.recording import record_events

__all__ = ["Events", "record_events"]
