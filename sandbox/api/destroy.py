"""DELETE /v2/droplets/{id}."""

from __future__ import annotations

from aiohttp import web

from sandbox.api import droplets, errors
from sandbox.api.gate import Caller, needs


@needs("droplet:delete")
def destroy(request: web.Request, caller: Caller) -> web.Response:
    """The droplet alone: 204, and it is gone."""
    droplet = droplets.of(request, caller)
    if droplet.get("locked"):
        raise errors.unprocessable("Droplet already has a pending event.")
    now = caller.world.clock.now()
    caller.world.actions.start(caller.fleet, droplet, "destroy", {}, {}, now, now)
    caller.world.actions.settle(now)
    return web.Response(status=204, content_type="application/json")
