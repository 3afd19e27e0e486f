"""POST /v1/oauth/token and POST /v1/oauth/revoke."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from sandbox import people
from sandbox.api import errors
from sandbox.faults import calls
from sandbox.oauth import clients, grants
from sandbox.oauth.errors import invalid_request, unsupported_grant_type
from sandbox.oauth.grants import Grant, Pair
from sandbox.world import WORLD, World


async def token(request: web.Request) -> web.Response:
    """A code or a refresh token against a new pair. Raises Refused."""
    world = request.app[WORLD]
    given = await calls.parameters(request)
    if "grant_type" not in given:
        raise invalid_request("Missing required parameter: grant_type.")
    client_id = clients.authenticate(world.store, request.headers.get("Authorization", ""), given)
    match given["grant_type"]:
        case "authorization_code":
            code, uri = _need(given, "code"), _need(given, "redirect_uri")
            verifier = given.get("code_verifier", "")
            pair = grants.exchange(world.store, world.settings, client_id, code, uri, verifier)
        case "refresh_token":
            pair = grants.refresh(world.store, world.settings, client_id, _need(given, "refresh_token"))
            world.counters.refreshed(pair.grant.id)
        case _:
            raise unsupported_grant_type()
    return _private(_answer(world, pair))


async def revoke(request: web.Request) -> web.Response:
    """Kill the pair of the token that is named, by its own authority. An empty object, whatever it was."""
    world = request.app[WORLD]
    given = await calls.parameters(request)
    found = grants.of_access_token(world.store, calls.bearer(request), live=True)
    if found is None:
        raise errors.unauthorized()
    grants.revoke(world.store, world.settings, found[0], _need(given, "token"))
    return _private({})


def _answer(world: World, pair: Pair) -> dict[str, Any]:
    settings = world.settings
    found: dict[str, Any] = {"access_token": pair.access_token, "token_type": "bearer"}
    if settings.expires_in_in_answer:
        found["expires_in"] = max(0, round(pair.expires_at - time.time()))
    if settings.refresh_token_in_answer:
        found["refresh_token"] = pair.refresh_token
    if settings.scope_in_answer:
        found["scope"] = pair.grant.scope
    if settings.info_in_answer:
        found["info"] = _info(world, pair.grant)
    return found


def _info(world: World, grant: Grant) -> dict[str, str]:
    user, team = people.user(world.store, grant.user_uuid), people.team(world.store, grant.team_uuid)
    found = {"name": user.name, "email": user.email, "uuid": user.uuid} if user else {}
    return found if team is None else {**found, "team_uuid": team.uuid, "team_name": team.name}


def _need(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise invalid_request(f"Missing required parameter: {name}.")
    return given[name]


def _private(body: dict[str, Any]) -> web.Response:
    return web.json_response(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
