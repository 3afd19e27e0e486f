"""Snapshots and backups: those of one droplet."""

from __future__ import annotations

from aiohttp import web

from sandbox import paging
from sandbox.api import droplets
from sandbox.api.gate import Caller, needs
from sandbox.fleet import snapshots
from sandbox.fleet.fields import values
from sandbox.fleet.holdings import Held

IN_A_DROPLET = (
    "id", "name", "distribution", "slug", "public", "regions", "created_at", "min_disk_size", "size_gigabytes", "type",
)  # fmt: skip


@needs("droplet:read")
def of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/snapshots."""
    ids = values(droplets.of(request, caller), "snapshot_ids")
    return paging.answer(request, "snapshots", snapshots.of(caller.fleet.holdings, ids), _of_droplet)


@needs("droplet:read")
def backups_of_droplet(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/droplets/{droplet_id}/backups, oldest first."""
    ids = values(droplets.of(request, caller), "backup_ids")
    return paging.answer(request, "backups", snapshots.of(caller.fleet.holdings, ids), _of_droplet)


def _of_droplet(held: Held) -> dict[str, object]:
    return {name: held.image[name] for name in IN_A_DROPLET}
