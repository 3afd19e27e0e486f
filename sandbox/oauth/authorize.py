"""GET and POST /v1/oauth/authorize: the consent page, and the way back to the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from sandbox import people as sandbox_people
from sandbox.faults import calls
from sandbox.oauth import clients, grants, pages, scopes
from sandbox.world import WORLD, World

COOKIE = "sandbox_user"  # who is signed in to the sandbox in this browser
PATH = "/v1/oauth/authorize"


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for authorization that may be shown and answered: client, callback and scope are good."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str | None
    challenge: str
    parameters: Mapping[str, str]  # as they came, to come again with the form

    def back(self, **answer: str) -> web.Response:
        """Send the browser back to the application, with its own state."""
        if self.state is not None:
            answer["state"] = self.state
        joint = "&" if "?" in self.redirect_uri else "?"
        location = f"{self.redirect_uri}{joint}{urlencode(answer)}"
        return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})

    def back_with_error(self, error: str, description: str) -> web.Response:
        """Send the browser back with a refusal (RFC 6749 section 4.1.2.1)."""
        return self.back(error=error, error_description=description)


class Unanswerable(Exception):
    """The request is so wrong that the browser must not be sent back: DigitalOcean shows an error page."""


async def ask(request: web.Request) -> web.Response:
    """Show the consent page, or answer at once where `prompt=none` asks for that."""
    world = request.app[WORLD]
    try:
        wish = _wish(world, request.query)
    except Unanswerable as error:
        return pages.error(str(error))
    if (refusal := _refusal(wish)) is not None:
        return refusal
    if request.query.get("prompt") == "none":
        return _silently(request, world, wish)
    people = sandbox_people.users(world.store)
    chosen = request.query.get("user") or request.cookies.get(COOKIE)
    user = next((person for person in people if person.uuid == chosen), people[0])
    return pages.consent(
        action=PATH,
        user=user,
        others=[person for person in people if person != user],
        teams=sandbox_people.teams_of(world.store, user.uuid),
        client_id=wish.client_id,
        scope=wish.scope,
        parameters=wish.parameters,
        redirect_uri=wish.redirect_uri,
    )


async def decide(request: web.Request) -> web.Response:
    """Take the person's decision and send the browser back."""
    world = request.app[WORLD]
    given = await calls.parameters(request)
    try:
        wish = _wish(world, given)
        user, team_uuid = _person(world, given)
    except Unanswerable as error:
        return pages.error(str(error))
    if (refusal := _refusal(wish)) is not None:
        return refusal
    if given.get("decision") != "authorize":
        answer = wish.back_with_error("access_denied", "The resource owner or authorization server denied the request.")
    else:
        code = grants.new_code(
            world.store, wish.client_id, wish.redirect_uri, user.uuid, team_uuid, wish.scope, wish.challenge
        )
        answer = wish.back(code=code)
    # Cookies do not know ports: the path keeps this one away from an application on the same host.
    answer.set_cookie(COOKIE, user.uuid, path="/v1/oauth", httponly=True, samesite="Lax")
    return answer


def _wish(world: World, given: Mapping[str, str]) -> Wish:
    client_id, redirect_uri = given.get("client_id", ""), given.get("redirect_uri", "")
    if not clients.exists(world.store, client_id):
        raise Unanswerable("There is no application with this client_id.")
    if not clients.may_call_back(world.store, client_id, redirect_uri):
        raise Unanswerable("The redirect_uri is not a callback URL that this application has registered.")
    scope = " ".join(given.get("scope", "").split()) or scopes.DEFAULT
    if not scopes.known(scope):
        raise Unanswerable("The requested scope is invalid, unknown, or malformed.")
    own = {"user", "team", "decision"}
    return Wish(
        client_id=client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        state=given.get("state"),
        challenge=given.get("code_challenge", ""),
        parameters={name: value for name, value in given.items() if name not in own},
    )


def _refusal(wish: Wish) -> web.Response | None:
    """What is wrong in a way that the application may be told."""
    if wish.parameters.get("response_type") != "code":
        return wish.back_with_error(
            "unsupported_response_type", "The authorization server does not support this response type."
        )
    if wish.challenge and wish.parameters.get("code_challenge_method") != "S256":
        return wish.back_with_error("invalid_request", "The code_challenge_method must be S256.")
    return None


def _person(world: World, given: Mapping[str, str]) -> tuple[sandbox_people.User, str]:
    user = sandbox_people.user(world.store, given.get("user", ""))
    if user is None:
        raise Unanswerable("There is no such user here.")
    theirs = [team.uuid for team in sandbox_people.teams_of(world.store, user.uuid)] or [sandbox_people.NO_TEAM]
    team_uuid = given.get("team", sandbox_people.NO_TEAM)
    if given.get("decision") == "authorize" and team_uuid not in theirs:
        raise Unanswerable(f"{user.name} cannot choose that team.")
    return user, team_uuid


def _silently(request: web.Request, world: World, wish: Wish) -> web.Response:
    """`prompt=none`: back at once with a code where consent was given before, else with what is missing."""
    user = sandbox_people.user(world.store, request.cookies.get(COOKIE, ""))
    if user is None:
        return wish.back_with_error("login_required", "The user is not signed in.")
    grant = grants.consented(world.store, wish.client_id, user.uuid, wish.scope)
    if grant is None:
        return wish.back_with_error("consent_required", "The user has not authorized this application.")
    code = grants.new_code(
        world.store, wish.client_id, wish.redirect_uri, user.uuid, grant.team_uuid, wish.scope, wish.challenge
    )
    return wish.back(code=code)
