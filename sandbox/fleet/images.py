"""Images of droplets: DigitalOcean's distributions by year, marketplace images, and a team's own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.fleet import regions


@dataclass(frozen=True, slots=True)
class Image:
    """A public image. `since` and `until` are the years in which new droplets use it.

    application: whether it is a 1-Click application of the marketplace, not a plain distribution.
    """

    id: int
    slug: str
    distribution: str
    name: str
    since: int
    until: int
    gigabytes: float
    weight: int
    application: bool = False


PUBLIC = (
    Image(17154032, "ubuntu-14-04-x64", "Ubuntu", "14.04.5 x64", 2014, 2018, 1.82, 4),
    Image(53893572, "ubuntu-16-04-x64", "Ubuntu", "16.04.7 (LTS) x64", 2016, 2020, 1.93, 5),
    Image(69463186, "ubuntu-18-04-x64", "Ubuntu", "18.04 (LTS) x64", 2018, 2022, 2.21, 7),
    Image(112929454, "ubuntu-20-04-x64", "Ubuntu", "20.04 (LTS) x64", 2020, 2024, 2.36, 9),
    Image(129211873, "ubuntu-22-04-x64", "Ubuntu", "22.04 (LTS) x64", 2022, 2026, 2.48, 10),
    Image(155133621, "ubuntu-24-04-x64", "Ubuntu", "24.04 (LTS) x64", 2024, 2027, 2.61, 14),
    Image(45446242, "debian-9-x64", "Debian", "9 x64", 2017, 2021, 1.54, 2),
    Image(86718194, "debian-11-x64", "Debian", "11 x64", 2021, 2024, 1.71, 3),
    Image(137778143, "debian-12-x64", "Debian", "12 x64", 2023, 2027, 1.83, 5),
    Image(50944795, "centos-7-x64", "CentOS", "7.6 x64", 2014, 2022, 2.47, 3),
    Image(119705245, "rockylinux-9-x64", "Rocky Linux", "9 x64", 2022, 2027, 2.92, 2),
    Image(160232537, "fedora-41-x64", "Fedora", "41 x64", 2024, 2026, 2.33, 1),
    Image(150134374, "docker-20-04", "Ubuntu", "Docker 25.0.3 on Ubuntu 22.04", 2021, 2027, 3.58, 3, True),
    Image(143976417, "wordpress-20-04", "Ubuntu", "WordPress 6.4 on Ubuntu 22.04", 2021, 2027, 4.24, 1, True),
)
GPU_READY = Image(166407044, "gpu-h100x1-base", "Ubuntu", "AI/ML Ready H100x1", 2024, 2027, 18.47, 1, True)


def pick(rng: random.Random, year: int, *, gpu: bool) -> dict[str, Any]:
    """A random image for a droplet that was created in `year`."""
    if gpu:
        return describe(GPU_READY)
    fitting = [image for image in PUBLIC if image.since <= year <= image.until] or [PUBLIC[0]]
    return describe(rng.choices(fitting, [image.weight for image in fitting])[0])


@cache
def describe(image: Image) -> dict[str, Any]:
    """A public image as JSON. All droplets of the image share this one object."""
    return {
        "id": image.id,
        "name": image.name,
        "distribution": image.distribution,
        "slug": image.slug,
        "public": True,
        "regions": list(regions.SLUGS),
        "created_at": f"{image.since}-05-15T05:47:50Z",
        "min_disk_size": 7 if image.gigabytes < 4 else 25,
        "type": "base",
        "size_gigabytes": image.gigabytes,
        "description": f"{image.distribution} {image.name} image",
        "tags": [],
        "status": "available" if image.until >= 2026 else "retired",
    }


def own_snapshot(rng: random.Random, name: str, region: str, created_at: str, disk: int) -> dict[str, Any]:
    """A snapshot of another droplet of the team, from which this droplet was created."""
    return {
        "id": rng.randrange(40_000_000, 190_000_000),
        "name": f"{name}-{created_at[:10]}",
        "distribution": rng.choice(("Ubuntu", "Ubuntu", "Debian")),
        "slug": None,
        "public": False,
        "regions": [region],
        "created_at": created_at,
        "min_disk_size": disk,
        "type": "snapshot",
        "size_gigabytes": round(rng.uniform(2.1, disk * 0.6 + 2.2), 2),
        "description": "",
        "tags": [],
        "status": "available",
    }
