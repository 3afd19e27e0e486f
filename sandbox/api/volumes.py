"""Block storage volumes."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import errors, paging
from sandbox.api.authorization import Caller, requires


@requires("block_storage:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/volumes."""
    found = list(caller.fleet.resources.volumes.values())
    return paging.list_response(request, "volumes", found, lambda each: _as_json(caller, each))


@requires("block_storage:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/volumes/{volume_id}."""
    volume = caller.fleet.resources.volumes.get(request.match_info["volume_id"])
    if volume is None:
        raise errors.not_found()
    return web.json_response({"volume": _as_json(caller, volume)})


def _as_json(caller: Caller, volume: dict[str, Any]) -> dict[str, Any]:
    tags = volume["tags"] if caller.allows("tag:read") else None
    return {**volume, "region": caller.region(volume["region"]), "tags": tags}
