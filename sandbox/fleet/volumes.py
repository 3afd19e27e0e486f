"""Block storage volumes, attached to droplets or not."""

from __future__ import annotations

import random
import uuid
from typing import Any

from sandbox.clock import epoch, iso
from sandbox.fleet import regions, sizes
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import list_field, region_slug
from sandbox.fleet.team_resources import TeamResources

Volume = dict[str, Any]

PURPOSES = ("data", "pgdata", "media", "backups", "volume")
GIBIBYTES = (10, 20, 50, 100, 100, 250, 500, 1_000)


def add_from_droplet(resources: TeamResources, droplet: Droplet) -> None:
    """Create the volumes in a generated droplet's `volume_ids`, unless they exist."""
    born = epoch(droplet.get("created_at")) or TODAY.timestamp()
    for volume_id in list_field(droplet, "volume_ids"):
        if isinstance(volume_id, str) and volume_id not in resources.volumes:
            tags = list_field(droplet, "tags")
            _add(resources, volume_id, region_slug(droplet), [droplet["id"]], born + 3_600, tags[:1])


def add_unattached(resources: TeamResources, region: str) -> None:
    """Create two volumes that are attached to no droplet, in a region that the team uses."""
    for number in range(2):
        volume_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resources.seed}/{resources.key}/volume/{number}"))
        _add(resources, volume_id, region, [], TODAY.timestamp() - (200 + number * 90) * 86_400, [])


def _add(
    resources: TeamResources, volume_id: str, region: str, droplet_ids: list[int], created: float, tags: list[str]
) -> None:
    rng = random.Random(f"{resources.seed}/volume/{volume_id}")
    purpose = rng.choice(PURPOSES)
    moment = min(created + rng.randrange(40 * 86_400), max(created, TODAY.timestamp()))
    resources.volumes[volume_id] = {
        "id": volume_id,
        "region": regions.describe(region, sizes.offered_in(region)) if region in regions.NAMES else {},
        "droplet_ids": droplet_ids,
        "name": f"{purpose}-{region or 'nowhere'}-{rng.randrange(16**4):04x}",
        "description": "" if rng.random() < 0.7 else f"Block store for {purpose}",
        "size_gigabytes": rng.choice(GIBIBYTES),
        "created_at": iso(moment),
        "filesystem_type": rng.choice(("ext4", "ext4", "xfs")),
        "filesystem_label": purpose,
        "tags": list(tags),
    }


def attached_to(resources: TeamResources, droplet: Droplet) -> list[Volume]:
    """The team's volumes in the droplet's `volume_ids`."""
    names = list_field(droplet, "volume_ids")
    return [resources.volumes[each] for each in names if isinstance(each, str) and each in resources.volumes]


def detach(resources: TeamResources, droplet: Droplet) -> None:
    """Detach the volumes of a droplet that is destroyed."""
    for volume in attached_to(resources, droplet):
        volume["droplet_ids"] = [each for each in volume["droplet_ids"] if each != droplet.get("id")]
