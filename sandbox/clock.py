"""The sandbox's own time: the machine's, and as far ahead of it as a test has moved it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

LAST = 253_402_300_799.0  # the end of the year 9999, after which there are no times to write


class Clock:
    """What actions, backups and metrics go by. Tokens and rate limits keep to the machine's time."""

    def __init__(self) -> None:
        """The machine's time."""
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead

    def forward(self, seconds: float) -> None:
        """Move ahead. There is no way back: what has happened stays."""
        self._ahead += seconds


def iso(moment: float) -> str:
    """Seconds since the epoch as the API writes a time."""
    moment = min(max(0.0, moment), LAST)
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19] + "Z"  # strftime takes ten times as long


def epoch(text: object) -> float | None:
    """A time of the API as seconds since the epoch, or None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=UTC).timestamp()
