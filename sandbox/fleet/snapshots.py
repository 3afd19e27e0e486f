"""Private images: snapshots and backups of droplets."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable

from sandbox.clock import epoch, iso
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import list_field, number_field, object_field, region_slug
from sandbox.fleet.team_resources import PrivateImage, TeamResources

REASONS = ("before-upgrade", "golden", "before-migration", "pre-release", "clean")


def disk_share(droplet_id: object) -> float:
    """The used share of a droplet's disk, from 0 to 1. The same id always gives the same share."""
    return 0.14 + 0.55 * (zlib.crc32(f"disk/{droplet_id}".encode()) / 2**32)


def used_gigabytes(resources: TeamResources, droplet: Droplet) -> float:
    """How many GB a droplet uses of its disk. Enlarging the disk does not change it."""
    disk: int = resources.original_disks.get(droplet["id"]) or number_field(droplet, "disk")
    return disk_share(droplet["id"]) * disk


def add_image(resources: TeamResources, droplet: Droplet, kind: str, name: str, image_id: int, moment: float) -> None:
    """Add an image of the droplet. `kind` is snapshot or backup; `moment` is in seconds since the epoch."""
    size = used_gigabytes(resources, droplet) * (0.82 + image_id % 100 / 1_000)
    source = object_field(droplet, "image")
    image = {
        "id": image_id,
        "name": name,
        "distribution": source.get("distribution", "Ubuntu"),
        "slug": None,
        "public": False,
        "regions": [region_slug(droplet)],
        "created_at": iso(moment),
        "min_disk_size": number_field(droplet, "disk"),
        "type": kind,
        "size_gigabytes": round(max(1.1, size), 2),
        "description": "",
        "tags": [],
        "status": "available",
    }
    resources.images[image_id] = PrivateImage(image, droplet["id"])


def add_from_droplet(resources: TeamResources, droplet: Droplet) -> None:
    """Add the private images of a generated droplet: its snapshots, and the one that it was created from."""
    image = object_field(droplet, "image")
    if image.get("public") is False and type(image.get("id")) is int:
        # The droplet that it was taken of no longer exists.
        resources.images.setdefault(image["id"], PrivateImage(image, max(1, droplet["id"] - 1_000)))
    born = epoch(droplet.get("created_at")) or TODAY.timestamp()
    for image_id in list_field(droplet, "snapshot_ids"):
        if type(image_id) is int and image_id not in resources.images:
            rng = random.Random(f"{resources.seed}/snapshot/{image_id}")
            moment = born + rng.uniform(0.1, 1) * max(60.0, TODAY.timestamp() - born)
            name = f"{droplet.get('name')}-{rng.choice(REASONS)}"
            if rng.random() < 0.5:
                name = default_name(droplet, moment)
            add_image(resources, droplet, "snapshot", name, image_id, moment)


def default_name(droplet: Droplet, moment: float) -> str:
    """The name of a snapshot without a name: the droplet's and milliseconds, as in the API reference."""
    return f"{droplet.get('name')}-{int(moment * 1_000)}"


def by_ids(resources: TeamResources, image_ids: Iterable[object]) -> list[PrivateImage]:
    """The team's images of these ids, in the same order. Unknown ids are left out."""
    return [resources.images[each] for each in image_ids if isinstance(each, int) and each in resources.images]
