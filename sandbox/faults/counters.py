"""Counts what came in, and how much of it at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sandbox.faults.calls import Call

Key = TypeVar("Key")


class Counters:
    """All counts since the start or the last reset. A request counts from arrival until its answer is handed over."""

    def __init__(self) -> None:
        """All zero."""
        self._by_endpoint: Counter[str] = Counter()
        self._by_team: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._in_flight_max: Counter[str] = Counter()
        self._refreshes: Counter[int] = Counter()
        self._refreshing: Counter[int] = Counter()
        self._refreshing_max: Counter[int] = Counter()

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Count a request, and count it as in flight meanwhile."""
        self._by_endpoint[call.endpoint] += 1
        if call.team is not None:
            self._by_team[call.team] += 1
        with _held(self._in_flight, self._in_flight_max, call.endpoint):
            if call.grant_type == "refresh_token" and call.grant_id is not None:
                with _held(self._refreshing, self._refreshing_max, call.grant_id):
                    yield
            else:
                yield

    def refreshed(self, grant_id: int) -> None:
        """A refresh of this grant took effect."""
        self._refreshes[grant_id] += 1

    def as_json(self) -> dict[str, Any]:
        """For the control API. JSON turns the grants' ids into strings."""
        return {
            "by_endpoint": dict(self._by_endpoint),
            "by_team": dict(self._by_team),
            "in_flight_max": dict(self._in_flight_max),
            "refreshes": dict(self._refreshes),
            "refreshes_at_once_max": dict(self._refreshing_max),
        }


@contextmanager
def _held(now: Counter[Key], most: Counter[Key], key: Key) -> Iterator[None]:
    now[key] += 1
    most[key] = max(most[key], now[key])
    try:
        yield
    finally:
        now[key] -= 1
