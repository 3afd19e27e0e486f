"""GET /v2/account."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import errors, people
from sandbox.api.authorization import Caller, requires

STATUS_MESSAGES = {
    "warning": "Your account needs attention: a payment has failed.",
    "locked": "Your account is locked. Please contact support.",
}


@requires("account:read")
def account(request: web.Request, caller: Caller) -> web.Response:
    """The token's user, and its team if it has one. Limits that need a missing scope are zero."""
    user = people.user(caller.simulation.store, caller.grant.user_uuid)
    if user is None:
        raise errors.unauthorized()
    found: dict[str, Any] = {
        "droplet_limit": 25 if caller.allows("droplet:read") else 0,
        "floating_ip_limit": 5 if caller.allows("reserved_ip:read") else 0,
        "email": user.email,
        "name": user.name,
        "uuid": user.uuid,
        "email_verified": True,
        "status": user.status,
        "status_message": user.status_message
        if user.status_message is not None
        else STATUS_MESSAGES.get(user.status, ""),
    }
    if caller.team is not None:
        found["team"] = {"uuid": caller.team.uuid, "name": caller.team.name}
    return web.json_response({"account": found})
