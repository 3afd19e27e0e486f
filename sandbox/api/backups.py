"""Backup policies: a droplet's own, and the supported ones."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.api.authorization import Caller, requires
from sandbox.api.droplets import find_droplet
from sandbox.fleet import backups, policies
from sandbox.fleet.droplets import Droplet


@requires("droplet:read")
def policy(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/backups/policy."""
    return web.json_response({"policy": _record(caller, find_droplet(request, caller))})


@requires("droplet:read")
def supported(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/backups/supported_policies."""
    return web.json_response({"supported_policies": policies.supported()})


def _record(caller: Caller, droplet: Droplet) -> dict[str, Any]:
    """The policy as JSON. A droplet without backups has neither a policy nor a backup window."""
    found = backups.implied_policy(droplet)
    schedule = caller.fleet.resources.schedules.get(droplet.get("id", 0))
    if found is not None and schedule is not None:
        found = schedule.policy
    result: dict[str, Any] = {"droplet_id": droplet.get("id"), "backup_enabled": found is not None}
    if found is not None:
        result |= {"backup_policy": found.describe(), "next_backup_window": droplet.get("next_backup_window")}
    return result
