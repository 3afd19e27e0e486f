"""Tags, and how much bears them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aiohttp import web

from sandbox import paging
from sandbox.api.gate import Caller, needs
from sandbox.fleet.fields import values

# What can bear a tag, and the scope that it takes to see so (API reference, "List All Tags").
KINDS = {
    "droplets": "droplet:read",
    "images": "image:read",
    "volumes": "block_storage:read",
    "volume_snapshots": "block_storage_snapshot:read",
    "databases": "database:read",
}


@needs("tag:read")
def listing(request: web.Request, caller: Caller) -> web.Response:
    """GET /v2/tags, by name. Names differing in case alone are one tag, written as it was first."""
    base_url = f"http://{request.host}/v2"
    names: dict[str, str] = {}
    bearers: dict[str, dict[str, list[str]]] = {}
    for kind, tag, path in _borne(caller):
        names.setdefault(tag.lower(), tag)
        bearers.setdefault(tag.lower(), {}).setdefault(kind, []).append(f"{base_url}/{path}")

    def described(key: str) -> dict[str, Any]:
        seen = {kind: bearers[key].get(kind, []) for kind, scope in KINDS.items() if caller.may(scope)}
        everything = [uri for uris in seen.values() for uri in uris]
        resources = {kind: _counted(uris) for kind, uris in seen.items()}
        return {"name": names[key], "resources": {**_counted(everything), **resources}}

    return paging.answer(request, "tags", sorted(names), described)


def _borne(caller: Caller) -> Iterator[tuple[str, str, str]]:
    """Kind of resource, tag and path, for every tag on everything of the team."""
    holdings = caller.fleet.holdings
    bearers: list[tuple[str, str, Iterable[dict[str, Any]]]] = [
        ("droplets", "droplets", caller.fleet.all()),
        ("volumes", "volumes", holdings.volumes.values()),
        ("volume_snapshots", "snapshots", holdings.volume_snapshots.values()),
        ("images", "images", [held.image for held in holdings.images.values()]),
    ]
    for kind, path, all_of_them in bearers:
        for bearer in all_of_them:
            for tag in values(bearer, "tags"):
                yield kind, str(tag), f"{path}/{bearer.get('id')}"


def _counted(uris: list[str]) -> dict[str, Any]:
    return {"count": len(uris)} | ({"last_tagged_uri": uris[-1]} if uris else {})
