"""What happened, when, and when this partnership knew: pseudonymised, bitemporal events."""

from vru_models.events.events import Events
from vru_models.events.recording import record_events
from vru_models.events.streaming import Recorded, record_extracts

__all__ = ["Events", "Recorded", "record_events", "record_extracts"]
