"""JSON for programs: one object, which says how complete it is before it lists the droplets."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet
from droplets.fleet.source import Source


def lines(fleet: Fleet, items: Iterable[FleetItem]) -> Iterator[str]:
    """`read_at`, `complete`, `teams` with the problem of each, then `droplets`, one in each line."""
    head = {
        "read_at": fleet.read_at,
        "complete": fleet.is_whole,
        "teams": [_team(source) for source in fleet.sources if not source.is_shown_elsewhere],
    }
    yield f'{_encoded(head)[:-1]},"droplets":['
    between = "\n"
    for item in items:
        yield between + _encoded(_droplet(item))
        between = ",\n"
    yield "\n]}\n"


def _encoded(value: dict[str, Any]) -> str:
    # msgspec writes numbers that JSON does not have, such as infinity, as null.
    return msgspec.json.encode(value).decode()


def _team(source: Source) -> dict[str, Any]:
    return {
        "uuid": source.team.key,
        "name": source.team.name,
        "complete": source.is_complete,
        "read_at": source.cached.oldest_at if source.cached else None,
        "droplets": len(source.droplets),
        "trouble": source.problem.happened if source.problem else None,
    }


def _droplet(item: FleetItem) -> dict[str, Any]:
    droplet = item.droplet
    return {
        "team": {"uuid": item.team.key, "name": item.team.name},
        "id": droplet.id,
        "name": droplet.name,
        "status": droplet.status,
        "locked": droplet.locked,
        "region": {"slug": droplet.region_slug, "name": droplet.region},
        "size": droplet.size_slug,
        "vcpus": droplet.vcpus,
        "memory_mb": droplet.memory,
        "disk_gb": droplet.disk,
        "image": droplet.image,
        "public_addresses": droplet.public,
        "private_addresses": droplet.private,
        "tags": droplet.tags,
        "monthly_usd": droplet.monthly,
        "created_at": droplet.created_at,
    }
