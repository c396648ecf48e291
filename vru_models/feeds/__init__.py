"""Agency extracts in, through one gate."""

from vru_models.feeds.feeds import Feeds
from vru_models.feeds.gate import admit
from vru_models.feeds.read import read_feeds, write_extracts

__all__ = ["Feeds", "admit", "read_feeds", "write_extracts"]
