"""Agency extracts in, pseudonymised events out."""

from vru_models.feeds.events import Events
from vru_models.feeds.feeds import Feeds
from vru_models.feeds.gate import admit
from vru_models.feeds.identifiers import scan_identifiers
from vru_models.feeds.read import read_feeds, write_extracts
from vru_models.feeds.recording import record_events

__all__ = ["Events", "Feeds", "admit", "read_feeds", "record_events", "scan_identifiers", "write_extracts"]
