"""What a request is about, read once when it arrives: for faults, counters and the log."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from sandbox import errors
from sandbox.grants import grants
from sandbox.numbers import parse_number
from sandbox.store import Store

TOKEN_PATH = "/v1/oauth/token"


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """One request. `team` is a uuid, empty for a token without a team, and None where the token is unknown."""

    method: str
    path: str
    endpoint: str  # such as "GET /v2/droplets/{droplet_id}" or "POST /v1/oauth/token refresh_token"
    grant_type: str
    team: str | None
    grant_id: int | None
    page: int
    type: str


async def request_parameters(request: web.Request) -> dict[str, str]:
    """Form fields and query parameters together. A form field wins; of a repeated name the first value counts.

    Raises ApiError (400) for a form that cannot be read.
    """
    found = {name: request.query[name] for name in request.query}
    if request.method == "POST":
        try:
            form = await request.post()
        except (LookupError, ValueError, web.HTTPException) as error:  # charset, encoding, size
            raise errors.ApiError(400, "The request's body cannot be read.") from error
        found |= {name: value for name in form if isinstance(value := form[name], str)}
    return found


def bearer_token(request: web.Request) -> str:
    """The bearer token of a request, or an empty string."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.isascii() else ""


async def inspect(request: web.Request, store: Store) -> RequestInfo:
    """Read what a request is about, without checking it. Raises ApiError (400) for a form that cannot be read."""
    path = request.path.rstrip("/") or "/"
    resource = request.match_info.route.resource
    endpoint = f"{request.method} {resource.canonical.rstrip('/') if resource else 'elsewhere'}"
    grant_type, team, grant_id = "", None, None
    if path == TOKEN_PATH and request.method == "POST":
        parameters = await request_parameters(request)
        grant_type = parameters.get("grant_type", "")
        endpoint = f"{endpoint} {grant_type}".rstrip()
        if grant_type == "refresh_token":
            grant = grants.find_by_refresh_token(store, parameters.get("refresh_token", ""))
            team, grant_id = (grant.team_uuid, grant.id) if grant else (None, None)
        elif grant_type == "authorization_code":
            team = grants.team_for_code(store, parameters.get("code", ""))
    elif token := bearer_token(request):
        found = grants.find_by_access_token(store, token, live=False)
        team, grant_id = (found[0].team_uuid, found[0].id) if found else (None, None)
    return RequestInfo(
        method=request.method,
        path=request.path,
        endpoint=endpoint,
        grant_type=grant_type,
        team=team,
        grant_id=grant_id,
        page=parse_number(request.query.get("page", "1")) or 1,
        type=request.query.get("type", "droplets"),
    )
