"""What a request is about, read once on its way in: for faults to match, counters to count and the log to show."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from sandbox.api import errors
from sandbox.numbers import whole
from sandbox.oauth import grants
from sandbox.store import Store

TOKEN_PATH = "/v1/oauth/token"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `team` is None where no team is known, and empty for a token outside of every team."""

    method: str
    path: str
    endpoint: str  # such as "GET /v2/droplets/{droplet_id}" or "POST /v1/oauth/token refresh_token"
    grant_type: str
    team: str | None
    grant_id: int | None
    page: int
    type: str


async def parameters(request: web.Request) -> dict[str, str]:
    """Form fields and query parameters together; a form field wins, and of a repeated one the first counts.

    Raises ApiError for a form that cannot be read.
    """
    found = {name: request.query[name] for name in request.query}
    if request.method == "POST":
        try:
            form = await request.post()
        except (LookupError, ValueError, web.HTTPException) as error:  # charset, encoding, size
            raise errors.ApiError(400, "The request's body cannot be read.") from error
        found |= {name: value for name in form if isinstance(value := form[name], str)}
    return found


def bearer(request: web.Request) -> str:
    """The bearer token of a request, or nothing."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.isascii() else ""


async def read(request: web.Request, store: Store) -> Call:
    """Look at a request without judging it. Raises ApiError for a form that cannot be read."""
    path = request.path.rstrip("/") or "/"
    resource = request.match_info.route.resource
    endpoint = f"{request.method} {resource.canonical.rstrip('/') if resource else 'elsewhere'}"
    grant_type, team, grant_id = "", None, None
    if path == TOKEN_PATH and request.method == "POST":
        given = await parameters(request)
        grant_type = given.get("grant_type", "")
        endpoint = f"{endpoint} {grant_type}".rstrip()
        if grant_type == "refresh_token":
            grant = grants.of_refresh_token(store, given.get("refresh_token", ""))
            team, grant_id = (grant.team_uuid, grant.id) if grant else (None, None)
        elif grant_type == "authorization_code":
            team = grants.team_of_code(store, given.get("code", ""))
    elif token := bearer(request):
        found = grants.of_access_token(store, token, live=False)
        team, grant_id = (found[0].team_uuid, found[0].id) if found else (None, None)
    return Call(
        method=request.method,
        path=request.path,
        endpoint=endpoint,
        grant_type=grant_type,
        team=team,
        grant_id=grant_id,
        page=whole(request.query.get("page", "1")) or 1,
        type=request.query.get("type", "droplets"),
    )
