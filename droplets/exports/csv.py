"""The fleet as CSV."""

from collections.abc import Iterable, Iterator

from common.spreadsheet import table
from droplets.fleet.items import FleetItem

COLUMNS = (
    "team", "team_uuid", "id", "name", "status", "locked", "region", "region_slug", "size_slug", "vcpus", "memory_mb",
    "disk_gb", "image", "public_addresses", "private_addresses", "tags", "monthly_usd", "created_at",
)  # fmt: skip


def lines(items: Iterable[FleetItem]) -> Iterator[str]:
    """The header, and a line for each droplet. Several addresses or tags share one cell, with spaces between."""
    return table(COLUMNS, map(_cells, items))


def _cells(item: FleetItem) -> tuple[object, ...]:
    droplet, team = item.droplet, item.team
    return (
        team.name, team.key, droplet.id, droplet.name, droplet.status, "true" if droplet.locked else "false",
        droplet.region, droplet.region_slug, droplet.size_slug, droplet.vcpus, droplet.memory, droplet.disk,
        droplet.image, " ".join(droplet.public), " ".join(droplet.private), " ".join(droplet.tags), droplet.monthly,
        droplet.created_at.isoformat() if droplet.created_at else "",
    )  # fmt: skip
