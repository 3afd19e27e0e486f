"""Reads the JSON bodies of control calls and answers the odd ones."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.api import errors
from sandbox.world import WORLD, World

Given = dict[str, Any]
Control = Callable[[World, Given], Any]


def call(act: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that hands the world and the JSON body (an object, or nothing) to `act` and answers its result.

    The path's own parts come with the body, as `path:<name>`. ValueError becomes a 422 with its sentence.
    """

    async def handler(request: web.Request) -> web.Response:
        try:
            given = json.loads(await request.read() or b"{}")
        except ValueError as error:
            raise errors.ApiError(400, "The body must be JSON.") from error
        if not isinstance(given, dict):
            raise errors.ApiError(400, "The body must be a JSON object.")
        try:
            found = act(request.app[WORLD], given | {f"path:{k}": v for k, v in request.match_info.items()})
        except ValueError as error:
            raise errors.unprocessable(str(error)) from error
        return web.json_response(found)

    return handler


def only(given: Given, *names: str) -> None:
    """Raise ValueError for a key that is not among `names`: a misspelt one must not pass as no filter at all."""
    for name in given:
        if name not in names and not name.startswith("path:"):
            raise ValueError(f"there is no {name!r} here; there is {', '.join(names) or 'nothing'}")
