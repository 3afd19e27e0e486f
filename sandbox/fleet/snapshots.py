"""Private images: snapshots and backups of droplets."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable

from sandbox.clock import epoch, iso
from sandbox.fleet.droplets import TODAY, Droplet
from sandbox.fleet.fields import amount, part, region_slug, values
from sandbox.fleet.holdings import Held, Holdings

REASONS = ("before-upgrade", "golden", "before-migration", "pre-release", "clean")


def disk_share(droplet_id: object) -> float:
    """How much of its disk a droplet uses, about: the same at every asking."""
    return 0.14 + 0.55 * (zlib.crc32(f"disk/{droplet_id}".encode()) / 2**32)


def used_gigabytes(holdings: Holdings, droplet: Droplet) -> float:
    """How much a droplet has written to its disk. A larger disk does not make it more."""
    disk: int = holdings.first_disks.get(droplet["id"]) or amount(droplet, "disk")
    return disk_share(droplet["id"]) * disk


def take(holdings: Holdings, droplet: Droplet, kind: str, name: str, image_id: int, moment: float) -> None:
    """Put an image of the droplet into the team's table. `kind` is snapshot or backup."""
    size = used_gigabytes(holdings, droplet) * (0.82 + image_id % 100 / 1_000)
    source = part(droplet, "image")
    image = {
        "id": image_id,
        "name": name,
        "distribution": source.get("distribution", "Ubuntu"),
        "slug": None,
        "public": False,
        "regions": [region_slug(droplet)],
        "created_at": iso(moment),
        "min_disk_size": amount(droplet, "disk"),
        "type": kind,
        "size_gigabytes": round(max(1.1, size), 2),
        "description": "",
        "tags": [],
        "status": "available",
    }
    holdings.images[image_id] = Held(image, droplet["id"])


def take_in(holdings: Holdings, droplet: Droplet) -> None:
    """Put the images that a made-up droplet speaks of into the table: its snapshots, and one that it was made from."""
    image = part(droplet, "image")
    if image.get("public") is False and type(image.get("id")) is int:
        # The droplet that it was taken of is no more.
        holdings.images.setdefault(image["id"], Held(image, max(1, droplet["id"] - 1_000)))
    born = epoch(droplet.get("created_at")) or TODAY.timestamp()
    for image_id in values(droplet, "snapshot_ids"):
        if type(image_id) is int and image_id not in holdings.images:
            chance = random.Random(f"{holdings.seed}/snapshot/{image_id}")
            moment = born + chance.uniform(0.1, 1) * max(60.0, TODAY.timestamp() - born)
            name = f"{droplet.get('name')}-{chance.choice(REASONS)}"
            if chance.random() < 0.5:
                name = default_name(droplet, moment)
            take(holdings, droplet, "snapshot", name, image_id, moment)


def default_name(droplet: Droplet, moment: float) -> str:
    """What a snapshot is called that nobody named: the droplet and the milliseconds, as in the API reference."""
    return f"{droplet.get('name')}-{int(moment * 1_000)}"


def of(holdings: Holdings, image_ids: Iterable[object]) -> list[Held]:
    """The images of these ids that the team has, in their order."""
    return [holdings.images[each] for each in image_ids if isinstance(each, int) and each in holdings.images]
