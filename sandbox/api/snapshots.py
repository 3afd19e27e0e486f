"""Snapshots and backups: a droplet's, and a team's."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api import droplets, errors
from sandbox.api.gate import Caller, needs
from sandbox.fleet import snapshots
from sandbox.fleet.fields import values
from sandbox.fleet.holdings import Held

IN_A_DROPLET = (
    "id", "name", "distribution", "slug", "public", "regions", "created_at", "min_disk_size", "size_gigabytes", "type",
)  # fmt: skip
IN_A_LIST = ("name", "created_at", "regions", "min_disk_size", "size_gigabytes")
RESOURCES = ("droplet", "volume")


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


@needs("snapshot:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/snapshots: of droplets and of volumes, or of one of the two."""
    kind = request.query.get("resource_type")
    if kind not in (None, *RESOURCES):
        raise errors.unprocessable(f"resource_type must be one of {', '.join(RESOURCES)}.")
    tags = caller.may("tag:read")
    holdings = caller.fleet.holdings
    found: list[Held | dict[str, Any]] = []
    if kind != "volume":
        found += [each for each in holdings.images.values() if each.image["type"] == "snapshot"]
    if kind != "droplet":
        found += holdings.volume_snapshots.values()
    return paging.answer(request, "snapshots", found, lambda each: _listed(each, tags=tags))


def _of_droplet(held: Held) -> dict[str, Any]:
    return {name: held.image[name] for name in IN_A_DROPLET}


def _listed(held: Held | dict[str, Any], *, tags: bool) -> dict[str, Any]:
    """Here ids are texts, as those of volumes' snapshots have to be."""
    if isinstance(held, dict):
        return held if tags else {**held, "tags": None}
    return {
        "id": str(held.image["id"]),
        "resource_id": str(held.droplet_id),
        "resource_type": "droplet",
        "tags": held.image["tags"] if tags else None,
        **{name: held.image[name] for name in IN_A_LIST},
    }
