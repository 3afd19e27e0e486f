"""The end of a droplet: alone, or with what is associated with it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.actions import destruction
from sandbox.actions.action_log import Started
from sandbox.actions.destruction import KINDS, Resources
from sandbox.api import droplets, errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet.droplets import Droplet
from sandbox.numbers import whole

WITH_RESOURCES = ("droplet:delete", *(f"{resource}:delete" for resource in KINDS.values()))
OLD_NAME = "floating_ips"
PACE = 2  # how long it takes with resources, as a multiple of the setting action_seconds


@needs("droplet:delete")
def destroy(request: web.Request, caller: Caller) -> web.Response:
    """DELETE /v2/droplets/{droplet_id}: the droplet alone, at once."""
    droplet = _free(request, caller)
    now = caller.world.clock.now()
    caller.world.actions.start(caller.fleet, droplet, "destroy", {}, {}, now, now)
    caller.world.actions.settle(now)
    return web.Response(status=204, content_type="application/json")


@needs("droplet:read")
def associated(request: web.Request, caller: Caller) -> web.Response:
    """GET …/destroy_with_associated_resources: what there is, as far as the caller may see it."""
    found = destruction.associated(caller.fleet.holdings, droplets.of(request, caller))
    seen = {kind: there if caller.may(f"{KINDS[kind]}:read") else [] for kind, there in found.items()}
    return web.json_response(destruction.with_old_names(seen))


@needs(*WITH_RESOURCES)
def selective(request: web.Request, caller: Caller) -> web.Response:
    """DELETE …/selective: with the resources that the body names by id."""
    droplet = _free(request, caller)
    body = caller.json() if caller.body else {}
    resources = destruction.associated(caller.fleet.holdings, droplet)
    try:
        wanted = destruction.chosen(resources, _wanted(body))
    except LookupError as error:
        raise errors.unprocessable(f"{error.args[0]} is not associated with this Droplet.") from error
    return _start(caller, droplet, body, wanted)


@needs(*WITH_RESOURCES)
def dangerous(request: web.Request, caller: Caller) -> web.Response:
    """DELETE …/dangerous: with all of them, and only with the header that says so."""
    droplet = _free(request, caller)
    if request.headers.get("X-Dangerous", "").lower() != "true":
        raise errors.unprocessable("The X-Dangerous header must be true.")
    return _start(caller, droplet, {}, destruction.associated(caller.fleet.holdings, droplet))


@needs("droplet:delete")
def status(request: web.Request, caller: Caller) -> web.Response:
    """GET …/status, also when the droplet is gone."""
    last = _last(request, caller)
    return web.json_response(destruction.status(last.action, last.order["name"], last.order["resources"]))


@needs(*WITH_RESOURCES)
def retry(request: web.Request, caller: Caller) -> web.Response:
    """POST …/retry: once more what failed; 409 while it is under way."""
    last = _last(request, caller)
    if last.action.status == "in-progress":
        raise errors.ApiError(409, "The request could not be completed due to a conflict.")
    return _start(caller, _free(request, caller), last.asked, last.order["resources"])


def _free(request: web.Request, caller: Caller) -> Droplet:
    droplet = droplets.of(request, caller)
    if droplet.get("locked"):
        raise errors.unprocessable("Droplet already has a pending event.")
    return droplet


def _last(request: web.Request, caller: Caller) -> Started:
    asked = whole(request.match_info["droplet_id"])
    found = None if asked is None else caller.world.actions.destruction(caller.fleet, asked)
    if found is None:
        raise errors.not_found()
    return found


def _start(caller: Caller, droplet: Droplet, asked: dict[str, Any], resources: Resources) -> web.Response:
    world, now = caller.world, caller.world.clock.now()
    order = {"resources": resources, "name": droplet.get("name")}
    ends_at = now + world.settings.action_seconds * PACE
    world.actions.start(
        caller.fleet, droplet, "destroy", asked, order, now, ends_at
    ).fails = world.settings.actions_fail
    return web.Response(status=202)


def _wanted(body: dict[str, Any]) -> dict[str, Any]:
    for name, ids in body.items():
        if name not in (*KINDS, OLD_NAME):
            raise errors.unprocessable(f"{name} is not a kind of associated resource.")
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise errors.unprocessable(f"{name} must be a list of ids.")
    return {**body, "reserved_ips": [*body.get("reserved_ips", []), *body.get(OLD_NAME, [])]}
