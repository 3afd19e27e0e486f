"""Before every API handler: whose token, does its scope reach, is there allowance left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox import cast
from sandbox.api import errors
from sandbox.oauth import grants, scopes
from sandbox.oauth.grants import Grant
from sandbox.trouble import calls
from sandbox.trouble.limits import Standing
from sandbox.world import WORLD, World


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what for: the world, the grant behind the token, and its team if any."""

    world: World
    grant: Grant
    team: cast.Team | None

    def may(self, scope: str) -> bool:
        """Whether the granted scope reaches a fine-grained one."""
        return scopes.allows(self.grant.scope, scope)


ANY = ""  # no scope in particular

Handler = Callable[[web.Request], Awaitable[web.Response]]
Inner = Callable[[web.Request, Caller], web.Response]


def needs(scope: str) -> Callable[[Inner], Handler]:
    """Let a handler be called with a working token of this scope only, and put the limits' headers on its answer."""

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
            caller = Caller(world, found[0], cast.team(world.store, found[0].team_uuid))
            try:
                if scope != ANY and not caller.may(scope):
                    raise errors.forbidden()
                answer = inner(request, caller)
            except errors.ApiError as refusal:
                return _refused(request, refusal, standing)
            answer.headers.update(standing.headers())
            return answer

        return handler

    return decorate


@needs(ANY)
def nothing_here(request: web.Request, caller: Caller) -> web.Response:
    """An API path that there is not: 401 without a working token, as everywhere, and 404 with one."""
    raise errors.not_found()


def _refused(request: web.Request, refusal: errors.ApiError, standing: Standing) -> web.Response:
    answer = errors.answer(refusal.status, refusal.message, request["request_id"])
    answer.headers.update(standing.headers())
    return answer
