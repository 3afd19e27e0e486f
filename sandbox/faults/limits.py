"""Rate limits per token, rolling: each request counts for an hour from when it was made, and for a minute's burst."""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass

from sandbox.settings import Settings

HOUR = 3_600.0
BURST = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a token stands after a request. `retry_after` in seconds is there for a refused burst only."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # epoch seconds at which the oldest counted request stops counting
    retry_after: int | None = None

    def headers(self) -> dict[str, str]:
        """As DigitalOcean sends them."""
        found = {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }
        return found if self.retry_after is None else {**found, "retry-after": str(self.retry_after)}


class Limits:
    """What each token has used up. Kept in memory: a restart forgives."""

    def __init__(self) -> None:
        """Nothing used."""
        self._made: dict[str, deque[float]] = {}

    def stranger(self, settings: Settings) -> Standing:
        """The standing shown to a request without a working token: nothing is counted."""
        return Standing(True, settings.hourly_limit, settings.hourly_limit, int(time.time() + HOUR))

    def spend(self, token: str, settings: Settings) -> Standing:
        """Count one request of a token, unless a limit refuses it."""
        now = time.time()
        made = self._made.setdefault(token, deque())
        while made and made[0] <= now - HOUR:
            made.popleft()
        hourly, burst = settings.hourly_limit, settings.burst_limit
        reset = math.ceil(made[0] + HOUR) if made else math.ceil(now + HOUR)
        recent = len(made) - bisect_right(made, now - BURST)
        if burst and recent >= burst:
            wait = max(1, math.ceil(made[-burst] + BURST - now))
            return Standing(False, hourly, 0, reset, wait)
        if hourly and len(made) >= hourly:
            return Standing(False, hourly, 0, reset)
        made.append(now)
        return Standing(True, hourly, max(0, hourly - len(made)), reset)
