"""GET and POST /v1/oauth/authorize: the consent page and the redirect to the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from sandbox import people as sandbox_people
from sandbox.grants import clients, grants, scopes
from sandbox.oauth import pages
from sandbox.simulation import SIMULATION, Simulation
from sandbox.traffic import request_info

COOKIE = "sandbox_user"  # the uuid of the user who is signed in in this browser
PATH = "/v1/oauth/authorize"


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request with a valid client, callback and scope."""

    client_id: str
    client_name: str
    redirect_uri: str
    scope: str
    state: str | None
    challenge: str
    parameters: Mapping[str, str]  # as received, for the form to send again

    def redirect(self, **parameters: str) -> web.Response:
        """Redirect the browser to the application, with the state that it sent."""
        if self.state is not None:
            parameters["state"] = self.state
        separator = "&" if "?" in self.redirect_uri else "?"
        location = f"{self.redirect_uri}{separator}{urlencode(parameters)}"
        return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})

    def redirect_with_error(self, error: str, description: str) -> web.Response:
        """Redirect the browser to the application with an error (RFC 6749 section 4.1.2.1)."""
        return self.redirect(error=error, error_description=description)


class InvalidRequest(Exception):
    """Client, callback, scope or user is invalid: the browser sees an error page and is not redirected."""


async def show_consent(request: web.Request) -> web.Response:
    """Show the consent page; with `prompt=none`, redirect at once."""
    simulation = request.app[SIMULATION]
    try:
        authorization = _parse_request(simulation, request.query)
    except InvalidRequest as invalid:
        return pages.error(str(invalid))
    if (response := _redirected_error(authorization)) is not None:
        return response
    if request.query.get("prompt") == "none":
        return _without_consent_page(request, simulation, authorization)
    people = sandbox_people.users(simulation.store)
    chosen = request.query.get("user") or request.cookies.get(COOKIE)
    user = next((person for person in people if person.uuid == chosen), people[0])
    return pages.consent(
        action=PATH,
        user=user,
        others=[person for person in people if person != user],
        teams=sandbox_people.teams_of(simulation.store, user.uuid),
        client_name=authorization.client_name,
        scope=authorization.scope,
        parameters=authorization.parameters,
        redirect_uri=authorization.redirect_uri,
    )


async def submit_consent(request: web.Request) -> web.Response:
    """Store the user's decision and redirect the browser to the application."""
    simulation = request.app[SIMULATION]
    parameters = await request_info.request_parameters(request)
    try:
        authorization = _parse_request(simulation, parameters)
        user, team_uuid = _user_and_team(simulation, parameters)
    except InvalidRequest as invalid:
        return pages.error(str(invalid))
    if (response := _redirected_error(authorization)) is not None:
        return response
    if parameters.get("decision") != "authorize":
        response = authorization.redirect_with_error(
            "access_denied", "The resource owner or authorization server denied the request."
        )
    else:
        code = grants.new_code(
            simulation.store,
            authorization.client_id,
            authorization.redirect_uri,
            user.uuid,
            team_uuid,
            authorization.scope,
            authorization.challenge,
        )
        response = authorization.redirect(code=code)
    # Cookies ignore ports: the path keeps this one from an application on the same host.
    response.set_cookie(COOKIE, user.uuid, path="/v1/oauth", httponly=True, samesite="Lax")
    return response


def _parse_request(simulation: Simulation, parameters: Mapping[str, str]) -> AuthorizationRequest:
    client_id, redirect_uri = parameters.get("client_id", ""), parameters.get("redirect_uri", "")
    client_name = clients.name_of(simulation.store, client_id)
    if client_name is None:
        raise InvalidRequest("There is no application with this client_id.")
    if not clients.is_registered_callback(simulation.store, client_id, redirect_uri):
        raise InvalidRequest("The redirect_uri is not a callback URL that this application has registered.")
    scope = " ".join(parameters.get("scope", "").split()) or scopes.DEFAULT
    if not scopes.known(scope):
        raise InvalidRequest("The requested scope is invalid, unknown, or malformed.")
    own = {"user", "team", "decision"}
    return AuthorizationRequest(
        client_id=client_id,
        client_name=client_name,
        redirect_uri=redirect_uri,
        scope=scope,
        state=parameters.get("state"),
        challenge=parameters.get("code_challenge", ""),
        parameters={name: value for name, value in parameters.items() if name not in own},
    )


def _redirected_error(authorization: AuthorizationRequest) -> web.Response | None:
    """A redirect for errors that the application may know of, or None."""
    if authorization.parameters.get("response_type") != "code":
        return authorization.redirect_with_error(
            "unsupported_response_type", "The authorization server does not support this response type."
        )
    if authorization.challenge and authorization.parameters.get("code_challenge_method") != "S256":
        return authorization.redirect_with_error("invalid_request", "The code_challenge_method must be S256.")
    return None


def _user_and_team(simulation: Simulation, parameters: Mapping[str, str]) -> tuple[sandbox_people.User, str]:
    user = sandbox_people.user(simulation.store, parameters.get("user", ""))
    if user is None:
        raise InvalidRequest("There is no such user.")
    allowed = [team.uuid for team in sandbox_people.teams_of(simulation.store, user.uuid)] or [sandbox_people.NO_TEAM]
    team_uuid = parameters.get("team", sandbox_people.NO_TEAM)
    if parameters.get("decision") == "authorize" and team_uuid not in allowed:
        raise InvalidRequest(f"{user.name} cannot choose that team.")
    return user, team_uuid


def _without_consent_page(
    request: web.Request, simulation: Simulation, authorization: AuthorizationRequest
) -> web.Response:
    """`prompt=none`: redirect with a code where the user has consented before, else with an error."""
    user = sandbox_people.user(simulation.store, request.cookies.get(COOKIE, ""))
    if user is None:
        return authorization.redirect_with_error("login_required", "The user is not signed in.")
    grant = grants.find_consent(simulation.store, authorization.client_id, user.uuid, authorization.scope)
    if grant is None:
        return authorization.redirect_with_error("consent_required", "The user has not authorized this application.")
    code = grants.new_code(
        simulation.store,
        authorization.client_id,
        authorization.redirect_uri,
        user.uuid,
        grant.team_uuid,
        authorization.scope,
        authorization.challenge,
    )
    return authorization.redirect(code=code)
