"""The sandbox's clock: the machine's time plus what a test has added."""

from __future__ import annotations

import time
from datetime import UTC, datetime

LAST = 253_402_300_799.0  # the end of the year 9999, the last that can be formatted


class Clock:
    """The time for actions, backups and metrics. Tokens and rate limits use the machine's time."""

    def __init__(self) -> None:
        """Start at the machine's time."""
        self._ahead = 0.0

    def now(self) -> float:
        """The time in seconds since the epoch."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock ahead by seconds. It cannot go back: actions that completed stay completed."""
        self._ahead += seconds


def iso(moment: float) -> str:
    """A time in the API's format. `moment` is in seconds since the epoch."""
    moment = min(max(0.0, moment), LAST)
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19] + "Z"  # strftime takes ten times as long


def epoch(text: object) -> float | None:
    """A time in the API's format as seconds since the epoch, or None for any other value."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
