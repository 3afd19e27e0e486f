"""Before every API handler: whose token, does its scope reach, is there allowance left."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox import people
from sandbox.api import errors
from sandbox.faults import calls
from sandbox.faults.limits import Standing
from sandbox.fleet.listing import Fleet
from sandbox.oauth import grants, scopes
from sandbox.oauth.grants import Grant
from sandbox.world import WORLD, World


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and with what: the world, the grant behind the token, its team if any, the body of the request."""

    world: World
    grant: Grant
    team: people.Team | None
    body: bytes

    @property
    def fleet(self) -> Fleet:
        """The droplets of the caller's team, and what it has beside them."""
        return self.world.fleets.of(self.team)

    def json(self) -> dict[str, Any]:
        """The JSON object that the request carries. Raises ApiError (400) for anything else."""
        try:
            found = json.loads(self.body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise errors.ApiError(400, "The request body must be a JSON object.")
        return found

    def may(self, scope: str) -> bool:
        """Whether the granted scope reaches a fine-grained one."""
        return scopes.allows(self.grant.scope, scope)

    def region(self, region: dict[str, Any]) -> dict[str, Any]:
        """A region as the caller may see it: its sizes need a scope of their own."""
        return region if self.may("sizes:read") else {**region, "sizes": []}

    def must(self, *needed: str) -> None:
        """Raise ApiError (403) unless the granted scope reaches all of these."""
        if not all(map(self.may, needed)):
            raise errors.forbidden()


Handler = Callable[[web.Request], Awaitable[web.Response]]
Inner = Callable[[web.Request, Caller], web.Response]


def needs(*needed: str) -> Callable[[Inner], Handler]:
    """Let a handler be called with a working token of all these scopes only, and put the limits' headers on its answer.

    What is due by the clock is done before the handler looks.
    """

    def decorate(inner: Inner) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            world = request.app[WORLD]
            token = calls.bearer(request)
            found = grants.of_access_token(world.store, token, live=True)
            if found is None:
                return _refused(request, errors.unauthorized(), world.limits.stranger(world.settings))
            standing = world.limits.spend(token, world.settings)
            if not standing.allowed:
                return _refused(request, errors.ApiError(429, "API rate limit exceeded."), standing)
            world.actions.settle(world.clock.now())
            body = await request.read() if request.can_read_body else b""
            caller = Caller(world, found[0], people.team(world.store, found[0].team_uuid), body)
            try:
                caller.must(*needed)
                answer = inner(request, caller)
            except errors.ApiError as refusal:
                return _refused(request, refusal, standing)
            answer.headers.update(standing.headers())
            return answer

        return handler

    return decorate


@needs()
def nothing_here(request: web.Request, caller: Caller) -> web.Response:
    """An API path that there is not: 401 without a working token, as everywhere, and 404 with one."""
    raise errors.not_found()


def _refused(request: web.Request, refusal: errors.ApiError, standing: Standing) -> web.Response:
    answer = errors.answer(refusal.status, refusal.message, request["request_id"])
    answer.headers.update(standing.headers())
    return answer
