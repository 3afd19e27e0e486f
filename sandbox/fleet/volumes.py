"""Block storage: the volumes on droplets, and spare ones."""

from __future__ import annotations

import random
import uuid
from typing import Any

from sandbox.clock import epoch, iso
from sandbox.fleet import regions, sizes
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import region_slug, values
from sandbox.fleet.holdings import Holdings

Volume = dict[str, Any]

PURPOSES = ("data", "pgdata", "media", "backups", "volume")
GIBIBYTES = (10, 20, 50, 100, 100, 250, 500, 1_000)


def take_in(holdings: Holdings, droplet: Droplet) -> None:
    """Make the volumes that a made-up droplet names, unless they are there."""
    born = epoch(droplet.get("created_at")) or TODAY.timestamp()
    for volume_id in values(droplet, "volume_ids"):
        if isinstance(volume_id, str) and volume_id not in holdings.volumes:
            tags = values(droplet, "tags")
            _make(holdings, volume_id, region_slug(droplet), [droplet["id"]], born + 3_600, tags[:1])


def spare(holdings: Holdings, region: str) -> None:
    """Make the volumes that a team has kept from droplets long gone: two, in a region that it uses."""
    for number in range(2):
        volume_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{holdings.seed}/{holdings.key}/volume/{number}"))
        _make(holdings, volume_id, region, [], TODAY.timestamp() - (200 + number * 90) * 86_400, [])


def _make(
    holdings: Holdings, volume_id: str, region: str, droplet_ids: list[int], created: float, tags: list[str]
) -> None:
    chance = random.Random(f"{holdings.seed}/volume/{volume_id}")
    purpose = chance.choice(PURPOSES)
    moment = min(created + chance.randrange(40 * 86_400), max(created, TODAY.timestamp()))
    holdings.volumes[volume_id] = {
        "id": volume_id,
        "region": regions.describe(region, sizes.offered_in(region)) if region in regions.NAMES else {},
        "droplet_ids": droplet_ids,
        "name": f"{purpose}-{region or 'nowhere'}-{chance.randrange(16**4):04x}",
        "description": "" if chance.random() < 0.7 else f"Block store for {purpose}",
        "size_gigabytes": chance.choice(GIBIBYTES),
        "created_at": iso(moment),
        "filesystem_type": chance.choice(("ext4", "ext4", "xfs")),
        "filesystem_label": purpose,
        "tags": list(tags),
    }


def of(holdings: Holdings, droplet: Droplet) -> list[Volume]:
    """The volumes on a droplet, as far as the team has what the droplet names."""
    names = values(droplet, "volume_ids")
    return [holdings.volumes[each] for each in names if isinstance(each, str) and each in holdings.volumes]


def detach(holdings: Holdings, droplet: Droplet) -> None:
    """The droplet goes; its volumes stay, on nothing."""
    for volume in of(holdings, droplet):
        volume["droplet_ids"] = [each for each in volume["droplet_ids"] if each != droplet.get("id")]
