"""Conveyor's settings, but without Redis everything that is cached is written to a file too."""

from conveyor.settings import *  # noqa: F403
from conveyor.settings import CACHES, REDIS_URL

if not REDIS_URL:
    CACHES["default"]["BACKEND"] = "tests.browser.recorded_cache.RecordedCache"
