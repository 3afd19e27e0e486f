"""A browser without a screen: requests pages of Conveyor over one kept connection, and measures the time."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Self

from django.conf import settings

_IDLE = 4.0
"""Seconds after which a kept connection is replaced: gunicorn closes idle connections after five."""


@dataclass(frozen=True)
class Page:
    """A response. `seconds`: from the first byte sent until the last byte received."""

    status: int
    body: str
    seconds: float


class Browser:
    """Signed in with `session`, a session key. Use it in one thread only."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}", "Accept": "text/html"}
        self._last = 0.0

    def get(self, path: str = "/droplets/", **headers: str) -> Page:
        """The page at `path`. Raises RuntimeError if the status is not 200."""
        if monotonic() - self._last > _IDLE:
            self._connection.close()
        start = perf_counter()
        self._connection.request("GET", path, headers=self._headers | headers)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = perf_counter() - start
        self._last = monotonic()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:500]!r}")
        return Page(answer.status, body.decode(), seconds)

    def follow_up(self) -> Page:
        """The request that an open page makes by itself: reload the droplets that are due, and return the fleet."""
        return self.get("/droplets/?edition=another", **{"HX-Request": "true"})

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
