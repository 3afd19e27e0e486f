"""Droplets: the list, and one of them."""

from __future__ import annotations

from aiohttp import web

from sandbox import paging
from sandbox.api import errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.listing import Query, Sight, shown
from sandbox.numbers import whole


@needs("droplet:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """One page of the team's droplets. GPU droplets are a list of their own (type=gpus)."""
    asked = request.query
    page = paging.asked(asked)
    query = Query(
        page=page.number,
        per_page=page.size,
        kind=asked.get("type", "droplets"),
        tag=asked.get("tag_name", ""),
        name=asked.get("name", ""),
        given=tuple((name, value) for name, value in asked.items() if name != "page"),
    )
    if query.kind not in ("droplets", "gpus"):
        raise errors.unprocessable("type must be one of droplets, gpus.")
    if query.tag and (query.name or "type" in asked):
        raise errors.unprocessable("tag_name can not be combined with name or type.")
    if query.tag and not caller.may("tag:read"):
        raise errors.forbidden()
    body = caller.fleet.page(query, sight(caller), f"http://{request.host}/v2/droplets")
    return web.Response(body=body, content_type="application/json", charset="utf-8")


@needs("droplet:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """One droplet of the team, of either kind."""
    return web.json_response({"droplet": shown(of(request, caller), sight(caller))})


@needs("droplet:delete")
def destroy(request: web.Request, caller: Caller) -> web.Response:
    """DELETE /v2/droplets/{droplet_id}: at once; volumes, snapshots and reserved addresses stay."""
    droplet = of(request, caller)
    if droplet.get("locked"):
        raise errors.unprocessable("Droplet already has a pending event.")
    now = caller.world.clock.now()
    caller.world.actions.start(caller.fleet, droplet, "destroy", {}, {}, now, now)
    caller.world.actions.settle(now)
    return web.Response(status=204, content_type="application/json")


def of(request: web.Request, caller: Caller) -> Droplet:
    """The droplet that the path names. Raises ApiError (404) when the team has none of that id."""
    asked = whole(request.match_info["droplet_id"])
    droplet = None if asked is None else caller.fleet.find(asked)
    if droplet is None:
        raise errors.not_found()
    return droplet


def sight(caller: Caller) -> Sight:
    """How much of a droplet the caller may see."""
    return Sight(
        images=caller.may("image:read"),
        tags=caller.may("tag:read"),
        volumes=caller.may("block_storage:read"),
        vpcs=caller.may("vpc:read"),
        sizes=caller.may("sizes:read"),
    )
