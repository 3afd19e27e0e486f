"""Rate limits per token, with rolling windows of an hour and of a minute."""

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
class RateLimit:
    """A token's rate limit after a request. `retry_after`, in seconds, is set only when the burst limit is exceeded."""

    allowed: bool
    limit: int
    remaining: int
    reset: int  # epoch seconds at which the oldest counted request stops counting
    retry_after: int | None = None

    def headers(self) -> dict[str, str]:
        """The response headers, as DigitalOcean sends them."""
        found = {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }
        return found if self.retry_after is None else {**found, "retry-after": str(self.retry_after)}


class RateLimits:
    """The requests of each token. Kept in memory, so a restart clears them."""

    def __init__(self) -> None:
        """Start without requests."""
        self._made: dict[str, deque[float]] = {}

    def without_token(self, settings: Settings) -> RateLimit:
        """The rate limit that is shown to a request without a valid token. Nothing is counted."""
        return RateLimit(True, settings.hourly_limit, settings.hourly_limit, int(time.time() + HOUR))

    def count(self, token: str, settings: Settings) -> RateLimit:
        """Count one request of a token, unless it exceeds a limit."""
        now = time.time()
        times = self._made.setdefault(token, deque())
        while times and times[0] <= now - HOUR:
            times.popleft()
        hourly, burst = settings.hourly_limit, settings.burst_limit
        reset = math.ceil(times[0] + HOUR) if times else math.ceil(now + HOUR)
        recent = len(times) - bisect_right(times, now - BURST)
        if burst and recent >= burst:
            wait = max(1, math.ceil(times[-burst] + BURST - now))
            return RateLimit(False, hourly, 0, reset, wait)
        if hourly and len(times) >= hourly:
            return RateLimit(False, hourly, 0, reset)
        times.append(now)
        return RateLimit(True, hourly, max(0, hourly - len(times)), reset)
