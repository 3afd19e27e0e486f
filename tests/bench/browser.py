"""A browser without a screen: requests pages of Conveyor over one kept connection, and measures the time."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from time import monotonic, perf_counter
from typing import Self
from urllib.parse import urlencode

from django.conf import settings

_IDLE = 4.0
"""Seconds after which a kept connection is replaced: gunicorn closes idle connections after five."""


@dataclass(frozen=True)
class Page:
    """A response. `seconds`: from the first byte sent until the last byte received."""

    status: int
    body: str
    seconds: float
    location: str = ""


class Browser:
    """Signed in with `session`, a session key; empty for nobody. Use it in one thread only."""

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.cookies = {settings.SESSION_COOKIE_NAME: session} if session else {}
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._last = 0.0

    def get(self, path: str = "/droplets/", **headers: str) -> Page:
        """The page at `path`. Raises RuntimeError if the status is not 200."""
        page = self.request("GET", path, headers=headers)
        if page.status != 200:
            raise RuntimeError(f"{path} answered {page.status}: {page.body[:500]!r}")
        return page

    def request(
        self,
        method: str,
        path: str,
        *,
        fields: Mapping[str, str] | list[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """The answer, whatever its status; redirects are not followed. Raises OSError or HTTPException without one."""
        if monotonic() - self._last > _IDLE:
            self.close()
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), "Accept": "text/html"}
        body = None
        if fields is not None:
            body, sent["Content-Type"] = urlencode(fields), "application/x-www-form-urlencoded"
        start = perf_counter()
        try:
            self._connection.request(method, path, body, sent | dict(headers or {}))
            answer = self._connection.getresponse()
            content = answer.read()
        except BaseException:
            self.close()
            raise
        seconds = perf_counter() - start
        self._last = monotonic()
        for header in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {name: cookie.value for name, cookie in SimpleCookie(header).items()}
        if answer.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        return Page(answer.status, content.decode(), seconds, answer.headers.get("Location", ""))

    def follow_up(self) -> Page:
        """The request that an open page makes by itself: reload the droplets that are due, and return the fleet."""
        return self.get("/droplets/?edition=another", **{"HX-Request": "true"})

    def another(self) -> Browser:
        """Another connection of the same browser."""
        other = Browser(self.port, "")
        other.cookies = dict(self.cookies)
        return other

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
