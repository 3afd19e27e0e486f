"""A browser with nobody's eyes on it: asks for a page of Conveyor over a kept connection, and takes the time."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Self

from django.conf import settings

_IDLE = 4.0
"""Seconds after which a kept connection is not used again: gunicorn closes it after five."""


@dataclass(frozen=True)
class Page:
    """An answer. `seconds` from the first byte sent until the last one received."""

    status: int
    body: str
    seconds: float


class Browser:
    """Signed in by `session`, the session's key. Not to be shared between threads."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}", "Accept": "text/html"}
        self._last = 0.0

    def get(self, path: str = "/droplets/", **headers: str) -> Page:
        """The page at `path`. Raises RuntimeError where it is not a 200."""
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
        """What an open page asks for by itself: the fleet as it is after what is due has been renewed."""
        return self.get("/droplets/?edition=another", **{"HX-Request": "true"})

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
