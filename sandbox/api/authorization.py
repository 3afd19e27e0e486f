"""Checks that run before every API handler: the token, its scopes and its rate limits."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import errors, people
from sandbox.fleet.fleets import Fleet
from sandbox.grants import grants, scopes
from sandbox.grants.grants import Grant
from sandbox.simulation import SIMULATION, Simulation
from sandbox.traffic import request_info
from sandbox.traffic.rate_limits import RateLimit


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of an API handler: the token's grant, its team if it has one, and the body of the request."""

    simulation: Simulation
    grant: Grant
    team: people.Team | None
    body: bytes

    @property
    def fleet(self) -> Fleet:
        """The droplets and other resources of the caller's team."""
        return self.simulation.fleets.for_team(self.team)

    def json(self) -> dict[str, Any]:
        """The JSON object in the request's body. Raises ApiError (400) for anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise errors.ApiError(400, "The request body must be a JSON object.")
        return found

    def allows(self, scope: str) -> bool:
        """Whether the granted scope includes a fine-grained scope such as `droplet:read`."""
        return scopes.allows(self.grant.scope, scope)

    def region(self, region: dict[str, Any]) -> dict[str, Any]:
        """A region object as this caller may see it: its list of sizes needs the scope sizes:read."""
        return region if self.allows("sizes:read") else {**region, "sizes": []}

    def require(self, *needed: str) -> None:
        """Raise ApiError (403) unless the granted scope includes all of these."""
        if not all(map(self.allows, needed)):
            raise errors.forbidden()


Handler = Callable[[web.Request], Awaitable[web.Response]]
ApiHandler = Callable[[web.Request, Caller], web.Response]


def requires(*needed: str) -> Callable[[ApiHandler], Handler]:
    """Decorate an API handler: it runs only with a valid token that has these scopes and is within its rate limits.

    Due actions are completed before the handler runs. The rate limit headers are added to its response.
    """

    def decorate(api_handler: ApiHandler) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            simulation = request.app[SIMULATION]
            token = request_info.bearer_token(request)
            found = grants.find_by_access_token(simulation.store, token, live=True)
            if found is None:
                return _error_response(
                    request, errors.unauthorized(), simulation.limits.without_token(simulation.settings)
                )
            rate_limit = simulation.limits.count(token, simulation.settings)
            if not rate_limit.allowed:
                return _error_response(request, errors.ApiError(429, "API rate limit exceeded."), rate_limit)
            simulation.actions.complete_due(simulation.clock.now())
            body = await request.read() if request.can_read_body else b""
            caller = Caller(simulation, found[0], people.team(simulation.store, found[0].team_uuid), body)
            try:
                caller.require(*needed)
                answer = api_handler(request, caller)
            except errors.ApiError as error:
                return _error_response(request, error, rate_limit)
            answer.headers.update(rate_limit.headers())
            return answer

        return handler

    return decorate


@requires()
def unknown_path(request: web.Request, caller: Caller) -> web.Response:
    """Any other path under /v2/: 401 without a valid token, else 404."""
    raise errors.not_found()


def _error_response(request: web.Request, error: errors.ApiError, rate_limit: RateLimit) -> web.Response:
    answer = errors.response(error.status, error.message, request["request_id"])
    answer.headers.update(rate_limit.headers())
    return answer
