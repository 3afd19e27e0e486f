"""VPCs: the default VPC of each region that a team uses. All its droplets of the region are in it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sandbox.fleet import addresses, regions

VPC = dict[str, Any]


def make_uuid(seed: int, team_uuid: str, region: str) -> str:
    """The id of a team's default VPC in a region."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{seed}/{team_uuid}/vpc/{region}"))


def create(seed: int, team_uuid: str, number: int, used: Iterable[str]) -> list[VPC]:
    """The VPCs of team number `number` in the regions that it uses."""
    found = []
    for region in sorted(used):
        vpc_id = make_uuid(seed, team_uuid, region)
        found.append(
            {
                "id": vpc_id,
                "urn": f"do:vpc:{vpc_id}",
                "name": f"default-{region}",
                "description": "",
                "region": region,
                "ip_range": addresses.private_network(number, regions.SLUGS.index(region)),
                "default": True,
                "created_at": "2015-03-13T19:20:47.442049222Z",
            }
        )
    return found
