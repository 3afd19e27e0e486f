"""Counts requests, and how many run at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sandbox.traffic.request_info import RequestInfo

Key = TypeVar("Key")


class Counters:
    """Counters since the start or the last reset. A request is in flight until its response is handed over."""

    def __init__(self) -> None:
        """Start at zero."""
        self._by_endpoint: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()
        self._by_team: Counter[str] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._in_flight_max: Counter[str] = Counter()
        self._refreshes: Counter[int] = Counter()
        self._refreshing: Counter[int] = Counter()
        self._refreshing_max: Counter[int] = Counter()

    @contextmanager
    def in_flight(self, info: RequestInfo) -> Iterator[None]:
        """Count a request, and count it as in flight inside the block."""
        self._by_endpoint[info.endpoint] += 1
        if info.team is not None:
            self._by_team[info.team] += 1
        with _incremented(self._in_flight, self._in_flight_max, info.endpoint):
            if info.grant_type == "refresh_token" and info.grant_id is not None:
                with _incremented(self._refreshing, self._refreshing_max, info.grant_id):
                    yield
            else:
                yield

    def answered(self, info: RequestInfo, status: int | None) -> None:
        """Count how a request was answered; `status` is None without a complete response."""
        self._by_status[f"{info.endpoint} {status or 'none'}"] += 1

    def refreshed(self, grant_id: int) -> None:
        """Count a successful refresh of this grant."""
        self._refreshes[grant_id] += 1

    def as_json(self) -> dict[str, Any]:
        """For the control API. JSON turns the ids of grants into strings."""
        return {
            "by_endpoint": dict(self._by_endpoint),
            "by_status": dict(self._by_status),
            "by_team": dict(self._by_team),
            "in_flight_max": dict(self._in_flight_max),
            "refreshes": dict(self._refreshes),
            "refreshes_at_once_max": dict(self._refreshing_max),
        }


@contextmanager
def _incremented(now: Counter[Key], most: Counter[Key], key: Key) -> Iterator[None]:
    now[key] += 1
    most[key] = max(most[key], now[key])
    try:
        yield
    finally:
        now[key] -= 1
