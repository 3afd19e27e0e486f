"""The last thousand requests, without what is secret in them."""

from __future__ import annotations

from collections import deque
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

SECRET = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "token", "access_token"})
KEPT = 1_000


class RequestLog:
    """What was asked and what was answered, oldest first."""

    def __init__(self) -> None:
        """Empty."""
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def note(self, request: web.Request, status: int | None, fault: str | None, request_id: str) -> None:
        """Keep one request. No `status` means that no whole answer went out; `fault` is the kind that saw to it."""
        query = [(name, "***" if name in SECRET else value) for name, value in request.query.items()]
        self._entries.append(
            {
                "method": request.method,
                "path": request.path + (f"?{urlencode(query, safe=':/*')}" if query else ""),
                "status": status,
                "fault": fault,
                "request_id": request_id,
            }
        )

    def as_json(self) -> list[dict[str, Any]]:
        """For the control API."""
        return list(self._entries)
