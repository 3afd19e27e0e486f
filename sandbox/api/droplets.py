"""Droplets: list them, show one, destroy one."""

from __future__ import annotations

from aiohttp import web

from sandbox import errors, paging
from sandbox.api.authorization import Caller, requires
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fleets import Query, Visibility, visible_fields
from sandbox.numbers import parse_number


@requires("droplet:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets: one page of the team's droplets. GPU droplets are a separate list (type=gpus)."""
    parameters = request.query
    page = paging.requested_page(parameters)
    query = Query(
        page=page.number,
        per_page=page.size,
        kind=parameters.get("type", "droplets"),
        tag=parameters.get("tag_name", ""),
        name=parameters.get("name", ""),
        link_parameters=tuple((name, value) for name, value in parameters.items() if name != "page"),
    )
    if query.kind not in ("droplets", "gpus"):
        raise errors.unprocessable("type must be one of droplets, gpus.")
    if query.tag and (query.name or "type" in parameters):
        raise errors.unprocessable("tag_name can not be combined with name or type.")
    if query.tag and not caller.allows("tag:read"):
        raise errors.forbidden()
    body = caller.fleet.page(query, visibility(caller), f"http://{request.host}/v2/droplets")
    return web.Response(body=body, content_type="application/json", charset="utf-8")


@requires("droplet:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}, GPU droplets included."""
    return web.json_response({"droplet": visible_fields(find_droplet(request, caller), visibility(caller))})


@requires("droplet:delete")
def destroy(request: web.Request, caller: Caller) -> web.Response:
    """DELETE /v2/droplets/{droplet_id}: at once; volumes, snapshots and reserved addresses stay."""
    droplet = find_droplet(request, caller)
    if droplet.get("locked"):
        raise errors.unprocessable("Droplet already has a pending event.")
    now = caller.simulation.clock.now()
    caller.simulation.actions.start(caller.fleet, droplet, "destroy", {}, {}, now, now)
    caller.simulation.actions.complete_due(now)
    return web.Response(status=204, content_type="application/json")


def find_droplet(request: web.Request, caller: Caller) -> Droplet:
    """The droplet in the request's path. Raises ApiError (404) when the team has no such droplet."""
    droplet_id = parse_number(request.match_info["droplet_id"])
    droplet = None if droplet_id is None else caller.fleet.find(droplet_id)
    if droplet is None:
        raise errors.not_found()
    return droplet


def visibility(caller: Caller) -> Visibility:
    """Which fields of a droplet the caller may see."""
    return Visibility(
        images=caller.allows("image:read"),
        tags=caller.allows("tag:read"),
        volumes=caller.allows("block_storage:read"),
        vpcs=caller.allows("vpc:read"),
        sizes=caller.allows("sizes:read"),
    )
