"""Droplets out of nothing, for what needs no DigitalOcean."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from droplets.fleet.items import FleetItem, Team
from droplets.fleet.summary import DropletSummary

TEAMS = (
    Team("acme", "Acme Web", "A", 0, UUID(int=1)),
    Team("north", "Northwind", "N", 1, UUID(int=2)),
    Team("side", "Side projects", "S", 2, UUID(int=3)),
)


def item(id_: int, name: str = "", *, team: int = 0, **fields: Any) -> FleetItem:
    """A droplet of one of TEAMS; what is not given is not known."""
    nothing: dict[str, Any] = {
        "status": "active", "locked": False, "image": "", "region": "", "region_slug": "", "size_slug": "",
        "vcpus": None, "memory": None, "disk": None, "public": (), "private": (), "tags": (), "monthly": None,
        "created_at": None,
    }  # fmt: skip
    return FleetItem(DropletSummary(id=id_, name=name or f"droplet-{id_}", **nothing | fields), TEAMS[team])
