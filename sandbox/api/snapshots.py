"""Snapshots and backups of one droplet."""

from __future__ import annotations

from aiohttp import web

from sandbox import paging
from sandbox.api.authorization import Caller, requires
from sandbox.api.droplets import find_droplet
from sandbox.fleet import snapshots
from sandbox.fleet.fields import list_field
from sandbox.fleet.team_resources import PrivateImage

IN_A_DROPLET = (
    "id", "name", "distribution", "slug", "public", "regions", "created_at", "min_disk_size", "size_gigabytes", "type",
)  # fmt: skip


@requires("droplet:read")
def of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/snapshots."""
    ids = list_field(find_droplet(request, caller), "snapshot_ids")
    return paging.list_response(request, "snapshots", snapshots.by_ids(caller.fleet.resources, ids), _of_droplet)


@requires("droplet:read")
def backups_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/backups, oldest first."""
    ids = list_field(find_droplet(request, caller), "backup_ids")
    return paging.list_response(request, "backups", snapshots.by_ids(caller.fleet.resources, ids), _of_droplet)


def _of_droplet(entry: PrivateImage) -> dict[str, object]:
    return {name: entry.image[name] for name in IN_A_DROPLET}
