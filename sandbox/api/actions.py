"""Actions: ask for one, look how it goes, list what was done."""

from __future__ import annotations

from aiohttp import web

from sandbox import paging
from sandbox.actions import orders
from sandbox.actions.action import Action
from sandbox.actions.kinds import KINDS
from sandbox.api import droplets, errors
from sandbox.api.gate import Caller, needs
from sandbox.numbers import whole


@needs("droplet:update")
def order(request: web.Request, caller: Caller) -> web.Response:
    """POST /v2/droplets/{droplet_id}/actions: 201 with an action under way, which promises nothing."""
    body = caller.json()
    droplet = droplets.of(request, caller)
    type_ = body.get("type")
    if not isinstance(type_, str) or type_ not in KINDS:
        raise errors.unprocessable("You specified an invalid type for Droplet action.")
    caller.must(*KINDS[type_].scopes)
    fleet, world = caller.fleet, caller.world
    wanted = orders.read(fleet.holdings, droplet, type_, body)
    now, settings = world.clock.now(), world.settings
    started = world.actions.start(
        fleet, droplet, type_, body, wanted, now, now + settings.action_seconds * KINDS[type_].pace
    )
    started.fails = settings.actions_fail
    return web.json_response({"action": _shown(caller, started.action)}, status=201)


@needs("droplet:read")
def of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/actions, the latest first."""
    found = caller.world.actions.of_droplet(caller.fleet, droplets.of(request, caller))
    return paging.answer(request, "actions", found, lambda action: _shown(caller, action))


@needs("droplet:read")
def one_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/actions/{action_id}."""
    found = caller.world.actions.of_droplet(caller.fleet, droplets.of(request, caller))
    return _one(request, caller, found)


@needs("actions:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/actions: all of the team's droplets', the latest first."""
    found = caller.world.actions.of_fleet(caller.fleet)
    return paging.answer(request, "actions", found, lambda action: _shown(caller, action))


@needs("actions:read")
def one(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/actions/{action_id}."""
    return _one(request, caller, caller.world.actions.of_fleet(caller.fleet))


def _one(request: web.Request, caller: Caller, among: list[Action]) -> web.Response:
    asked = whole(request.match_info["action_id"])
    action = next((each for each in among if each.id == asked), None)
    if action is None:
        raise errors.not_found()
    return web.json_response({"action": _shown(caller, action)})


def _shown(caller: Caller, action: Action) -> dict[str, object]:
    return action.shown(sizes=caller.may("sizes:read"))
