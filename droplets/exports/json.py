"""Data for programs: one JSON object, with how whole it is before the droplets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from droplets.fleet.items import FleetItem
from droplets.fleet.service import Fleet, Source


def lines(fleet: Fleet, items: Iterable[FleetItem]) -> Iterator[str]:
    """`read_at`, `complete`, `teams` with what is wrong with each, then `droplets` one by one."""
    head = {
        "read_at": fleet.read_at,
        "complete": fleet.is_whole,
        "teams": [_team(source) for source in fleet.sources if not source.is_elsewhere],
    }
    yield f'{_encoded(head)[:-1]},"droplets":['
    between = "\n"
    for item in items:
        yield between + _encoded(_droplet(item))
        between = ",\n"
    yield "\n]}\n"


def _encoded(value: dict[str, Any]) -> str:
    # msgspec writes what is no number in JSON, such as infinity, as null.
    return msgspec.json.encode(value).decode()


def _team(source: Source) -> dict[str, Any]:
    trouble = source.trouble
    return {
        "uuid": source.team.key,
        "name": source.team.name,
        "complete": source.is_complete,
        "read_at": source.reading.oldest_at if source.reading else None,
        "droplets": len(source.rows),
        "trouble": trouble.happened if trouble else None,
    }


def _droplet(item: FleetItem) -> dict[str, Any]:
    row = item.row
    return {
        "team": {"uuid": item.team.key, "name": item.team.name},
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "locked": row.locked,
        "region": {"slug": row.region_slug, "name": row.region},
        "size": row.size_slug,
        "vcpus": row.vcpus,
        "memory_mb": row.memory,
        "disk_gb": row.disk,
        "image": row.image,
        "public_addresses": row.public,
        "private_addresses": row.private,
        "tags": row.tags,
        "monthly_usd": row.monthly,
        "created_at": row.created_at,
    }
