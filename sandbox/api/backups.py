"""Backup policies: a droplet's own, and those that there are."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.api import droplets
from sandbox.api.gate import Caller, needs
from sandbox.fleet import backups, policies
from sandbox.fleet.droplets import Droplet


@needs("droplet:read")
def policy(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/backups/policy."""
    return web.json_response({"policy": _record(caller, droplets.of(request, caller))})


@needs("droplet:read")
def supported(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/backups/supported_policies."""
    return web.json_response({"supported_policies": policies.supported()})


def _record(caller: Caller, droplet: Droplet) -> dict[str, Any]:
    """Without backups there is neither a policy nor a window to tell of."""
    found = backups.of(droplet)
    schedule = caller.fleet.holdings.schedules.get(droplet.get("id", 0))
    if found is not None and schedule is not None:
        found = schedule.policy
    told: dict[str, Any] = {"droplet_id": droplet.get("id"), "backup_enabled": found is not None}
    if found is not None:
        told |= {"backup_policy": found.describe(), "next_backup_window": droplet.get("next_backup_window")}
    return told
