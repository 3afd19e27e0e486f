"""The last thousand requests, without secrets."""

from __future__ import annotations

from collections import deque
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

SECRET = frozenset({"client_secret", "code", "code_verifier", "refresh_token", "token", "access_token"})
KEPT = 1_000


class RequestLog:
    """Requests and the status of their responses, oldest first."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._entries: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def record(self, request: web.Request, status: int | None, fault: str | None, request_id: str) -> None:
        """Add one request. `status` is None without a complete response; `fault` is the kind of the applied fault."""
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
