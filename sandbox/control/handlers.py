"""Turns functions of the control API into request handlers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox import errors
from sandbox.simulation import SIMULATION, Simulation

Body = dict[str, Any]
Control = Callable[[Simulation, Body], Any]


def json_handler(act: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that calls `act` with the simulation and the JSON body and returns its result as JSON.

    An empty body is an empty object. Variables of the path are added to the body as `path:<name>`. A ValueError becomes
    a 422 with its message.
    """

    async def handler(request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.read() or b"{}")
        except ValueError as error:
            raise errors.ApiError(400, "The body must be JSON.") from error
        if not isinstance(body, dict):
            raise errors.ApiError(400, "The body must be a JSON object.")
        try:
            found = act(request.app[SIMULATION], body | {f"path:{k}": v for k, v in request.match_info.items()})
        except ValueError as error:
            raise errors.unprocessable(str(error)) from error
        return web.json_response(found)

    return handler


def allow_only(body: Body, *names: str) -> None:
    """Raise ValueError for a key that is not among `names`: a misspelt filter must not be ignored."""
    for name in body:
        if name not in names and not name.startswith("path:"):
            raise ValueError(f"unknown key {name!r}; known: {', '.join(names) or 'none'}")
