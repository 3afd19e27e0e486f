"""Actions: create one, show one, list them."""

from __future__ import annotations

from aiohttp import web

from sandbox import errors, paging
from sandbox.actions import validation
from sandbox.actions.kinds import KINDS
from sandbox.api.authorization import Caller, requires
from sandbox.api.droplets import find_droplet
from sandbox.fleet.action import Action
from sandbox.numbers import parse_number


@requires("droplet:update")
def create(request: web.Request, caller: Caller) -> web.Response:
    """POST /v2/droplets/{droplet_id}/actions: 201 with an action in progress, which may still fail."""
    body = caller.json()
    droplet = find_droplet(request, caller)
    type_ = body.get("type")
    if not isinstance(type_, str) or type_ not in KINDS:
        raise errors.unprocessable("You specified an invalid type for Droplet action.")
    caller.require(*KINDS[type_].scopes)
    fleet, simulation = caller.fleet, caller.simulation
    parameters = validation.validate(fleet.resources, droplet, type_, body)
    now, settings = simulation.clock.now(), simulation.settings
    entry = simulation.actions.start(
        fleet, droplet, type_, body, parameters, now, now + settings.action_seconds * KINDS[type_].duration
    )
    entry.fails = settings.actions_fail
    return web.json_response({"action": _as_json(caller, entry.action)}, status=201)


@requires("droplet:read")
def of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/actions, latest first."""
    found = caller.simulation.actions.of_droplet(caller.fleet, find_droplet(request, caller))
    return paging.list_response(request, "actions", found, lambda action: _as_json(caller, action))


@requires("droplet:read")
def one_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/actions/{action_id}."""
    found = caller.simulation.actions.of_droplet(caller.fleet, find_droplet(request, caller))
    return _one(request, caller, found)


@requires("actions:read")
def list_all(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/actions: those of all the team's droplets, latest first."""
    found = caller.simulation.actions.of_fleet(caller.fleet)
    return paging.list_response(request, "actions", found, lambda action: _as_json(caller, action))


@requires("actions:read")
def show(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/actions/{action_id}."""
    return _one(request, caller, caller.simulation.actions.of_fleet(caller.fleet))


def _one(request: web.Request, caller: Caller, among: list[Action]) -> web.Response:
    action_id = parse_number(request.match_info["action_id"])
    action = next((each for each in among if each.id == action_id), None)
    if action is None:
        raise errors.not_found()
    return web.json_response({"action": _as_json(caller, action)})


def _as_json(caller: Caller, action: Action) -> dict[str, object]:
    return action.as_json(sizes=caller.allows("sizes:read"))
