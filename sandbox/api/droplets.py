"""GET /v2/droplets and GET /v2/droplets/{id}."""

from __future__ import annotations

from aiohttp import web

from sandbox.api import errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet.listing import Query, Sight, shown
from sandbox.numbers import whole

PER_PAGE_DEFAULT, PER_PAGE_MOST = 20, 200


@needs("droplet:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """One page of the team's droplets. GPU droplets are a list of their own (type=gpus)."""
    asked = request.query
    query = Query(
        page=_number(asked.get("page"), "page", 1, None),
        per_page=_number(asked.get("per_page"), "per_page", PER_PAGE_DEFAULT, PER_PAGE_MOST),
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
    fleet = caller.world.fleets.of(caller.team)
    body = fleet.page(query, _sight(caller), f"http://{request.host}/v2/droplets")
    return web.Response(body=body, content_type="application/json", charset="utf-8")


@needs("droplet:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """One droplet of the team, of either kind."""
    asked = whole(request.match_info["droplet_id"])
    droplet = None if asked is None else caller.world.fleets.of(caller.team).find(asked)
    if droplet is None:
        raise errors.not_found()
    return web.json_response({"droplet": shown(droplet, _sight(caller))})


def _sight(caller: Caller) -> Sight:
    return Sight(
        images=caller.may("image:read"),
        tags=caller.may("tag:read"),
        volumes=caller.may("block_storage:read"),
        vpcs=caller.may("vpc:read"),
        sizes=caller.may("sizes:read"),
    )


def _number(text: str | None, name: str, default: int, most: int | None) -> int:
    if text is None:
        return default
    number = whole(text)
    if number is None or number < 1 or (most is not None and number > most):
        bounds = "1 or more" if most is None else f"1 to {most}"
        raise errors.unprocessable(f"{name} must be a number, {bounds}.")
    return number
