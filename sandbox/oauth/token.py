"""POST /v1/oauth/token and POST /v1/oauth/revoke."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web

from sandbox import errors, people
from sandbox.grants import clients, grants
from sandbox.grants.errors import invalid_request, unsupported_grant_type
from sandbox.grants.grants import Grant, TokenPair
from sandbox.simulation import SIMULATION, Simulation
from sandbox.traffic import request_info


async def token(request: web.Request) -> web.Response:
    """POST /v1/oauth/token: exchange a code or a refresh token for a new pair. Raises OAuthError."""
    simulation = request.app[SIMULATION]
    parameters = await request_info.request_parameters(request)
    if "grant_type" not in parameters:
        raise invalid_request("Missing required parameter: grant_type.")
    client_id = clients.authenticate(simulation.store, request.headers.get("Authorization", ""), parameters)
    match parameters["grant_type"]:
        case "authorization_code":
            code, uri = _need(parameters, "code"), _need(parameters, "redirect_uri")
            verifier = parameters.get("code_verifier", "")
            pair = grants.exchange(simulation.store, simulation.settings, client_id, code, uri, verifier)
        case "refresh_token":
            pair = grants.refresh(simulation.store, simulation.settings, client_id, _need(parameters, "refresh_token"))
            simulation.counters.refreshed(pair.grant.id)
        case _:
            raise unsupported_grant_type()
    return _private(_answer(simulation, pair))


async def revoke(request: web.Request) -> web.Response:
    """POST /v1/oauth/revoke: revoke the pair of the named token. The response is always an empty object."""
    simulation = request.app[SIMULATION]
    parameters = await request_info.request_parameters(request)
    found = grants.find_by_access_token(simulation.store, request_info.bearer_token(request), live=True)
    if found is None:
        raise errors.unauthorized()
    grants.revoke(simulation.store, simulation.settings, found[0], _need(parameters, "token"))
    return _private({})


def _answer(simulation: Simulation, pair: TokenPair) -> dict[str, Any]:
    settings = simulation.settings
    found: dict[str, Any] = {"access_token": pair.access_token, "token_type": "bearer"}
    if settings.expires_in_in_answer:
        found["expires_in"] = max(0, round(pair.expires_at - time.time()))
    if settings.refresh_token_in_answer:
        found["refresh_token"] = pair.refresh_token
    if settings.scope_in_answer:
        found["scope"] = pair.grant.scope
    if settings.info_in_answer:
        found["info"] = _info(simulation, pair.grant)
    return found


def _info(simulation: Simulation, grant: Grant) -> dict[str, str]:
    user, team = people.user(simulation.store, grant.user_uuid), people.team(simulation.store, grant.team_uuid)
    found = {"name": user.name, "email": user.email, "uuid": user.uuid} if user else {}
    return found if team is None else {**found, "team_uuid": team.uuid, "team_name": team.name}


def _need(parameters: dict[str, str], name: str) -> str:
    if not parameters.get(name):
        raise invalid_request(f"Missing required parameter: {name}.")
    return parameters[name]


def _private(body: dict[str, Any]) -> web.Response:
    return web.json_response(body, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
