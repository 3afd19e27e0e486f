"""Block storage volumes."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api import errors
from sandbox.api.gate import Caller, needs


@needs("block_storage:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/volumes."""
    found = list(caller.fleet.holdings.volumes.values())
    return paging.answer(request, "volumes", found, lambda each: _shown(caller, each))


@needs("block_storage:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/volumes/{volume_id}."""
    volume = caller.fleet.holdings.volumes.get(request.match_info["volume_id"])
    if volume is None:
        raise errors.not_found()
    return web.json_response({"volume": _shown(caller, volume)})


def _shown(caller: Caller, volume: dict[str, Any]) -> dict[str, Any]:
    tags = volume["tags"] if caller.may("tag:read") else None
    return {**volume, "region": caller.region(volume["region"]), "tags": tags}
