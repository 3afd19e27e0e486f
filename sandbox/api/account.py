"""GET /v2/account: whose token this is, and for which team."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import people
from sandbox.api import errors
from sandbox.api.gate import Caller, needs

STATUS_MESSAGES = {
    "warning": "Your account needs attention: a payment has failed.",
    "locked": "Your account is locked. Please contact support.",
}


@needs("account:read")
def account(request: web.Request, caller: Caller) -> web.Response:
    """The user, and the team where the token acts for one. Limits that the scope does not reach are zero."""
    user = people.user(caller.world.store, caller.grant.user_uuid)
    if user is None:
        raise errors.unauthorized()
    found: dict[str, Any] = {
        "droplet_limit": 25 if caller.may("droplet:read") else 0,
        "floating_ip_limit": 5 if caller.may("reserved_ip:read") else 0,
        "email": user.email,
        "name": user.name,
        "uuid": user.uuid,
        "email_verified": True,
        "status": user.status,
        "status_message": STATUS_MESSAGES.get(user.status, ""),
    }
    if caller.team is not None:
        found["team"] = {"uuid": caller.team.uuid, "name": caller.team.name}
    return web.json_response({"account": found})
