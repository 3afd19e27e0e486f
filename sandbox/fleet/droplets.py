"""Generates a team's droplets. The seed, the team and the position in the list decide everything.

Ages count back from a fixed date, so that the same seed generates the same droplets on any day.
"""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sandbox.clock import iso
from sandbox.fleet import addresses, images, names, regions, sizes, vpcs
from sandbox.fleet.roles import ROLES, STAGES, Role
from sandbox.people import Team

Droplet = dict[str, Any]

TODAY = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)  # the fixed date that droplets are generated for
ID_SPACE = 540_000  # a thousandth of the highest id on that date
OLDEST = 11 * 365 * 86_400  # the oldest droplet's age in seconds
EXTERNAL_KERNELS_UNTIL = datetime(2017, 3, 1, tzinfo=UTC)  # later droplets have "kernel": null (API reference)
OLD_KERNEL = {
    "id": 7515,
    "name": "DigitalOcean GrubLoader v0.2 (20160714)",
    "version": "2016.07.13-DigitalOcean_loader_Ubuntu",
}


def fleet(seed: int, team: Team, count: int) -> list[Droplet]:
    """The `count` ordinary droplets of a team, oldest first."""
    return [_ordinary(seed, team, index, count) for index in range(count)]


def gpu_fleet(seed: int, team: Team, count: int) -> list[Droplet]:
    """The GPU droplets of a team: see `gpu_count`."""
    return [_gpu(seed, team, index) for index in range(gpu_count(team, count))]


def gpu_count(team: Team, count: int) -> int:
    """How many GPU droplets a team with `count` ordinary ones has: at most three; every third team has none."""
    return min((3, 2, 0)[(team.number - 1) % 3], count // 25)


def another(seed: int, team: Team, index: int) -> Droplet:
    """One more ordinary droplet, newer than all that `fleet` generated."""
    return _ordinary(seed, team, index, 0)


def _ordinary(seed: int, team: Team, index: int, count: int) -> Droplet:
    rng = random.Random(f"{seed}/{team.uuid}/{index}")
    created = _created(index, count)
    role = _role(rng, team.theme)
    stage = rng.choices([name for name, _ in STAGES], [weight for _, weight in STAGES])[0]
    size = sizes.BY_SLUG[rng.choices(role.sizes, [len(role.sizes) - at for at in range(len(role.sizes))])[0]]
    region = rng.choices(_team_regions(seed, team.uuid), (10, 4, 2, 1))[0]
    name = names.ordinary(rng, role, stage, region, size.slug, names.host_name(team.name), 1 + index // 6)
    order = (index + 1) * max(1, ID_SPACE // count) if index < count else ID_SPACE + index + 1
    droplet = _droplet(seed, team, index, order, rng, created, region, size, name)
    droplet["tags"] = _tags(rng, role, stage, team)
    if role.volumes and rng.random() < 0.7:
        droplet["volume_ids"] = [_uuid(rng) for _ in range(rng.choice((1, 1, 2)))]
    return droplet


def _gpu(seed: int, team: Team, index: int) -> Droplet:
    rng = random.Random(f"{seed}/{team.uuid}/gpu/{index}")
    size = rng.choices(sizes.GPU, (6, 1, 3, 3, 4))[0]
    created = TODAY - timedelta(seconds=rng.randrange(3_600, 400 * 86_400))
    name = names.gpu(rng, size.slug, index + 1)
    order = ID_SPACE * 3 // 2 + index
    region = rng.choice(regions.GPU_SLUGS)
    droplet = _droplet(seed, team, order, order, rng, created, region, size, name)
    droplet["tags"] = ["gpu"]
    droplet["gpu_info"] = sizes.gpu_info(size)
    return droplet


def _droplet(
    seed: int, team: Team, index: int, order: int, rng: random.Random, created: datetime, region: str,
    size: sizes.Size, name: str,
) -> Droplet:  # fmt: skip
    """The fields that ordinary and GPU droplets share. `order` decides the order of ids."""
    status = _status(rng, created)
    ipv6 = rng.random() < 0.4
    backed_up = rng.random() < 0.3 and status != "new"
    created_at = _iso(created)
    image = images.pick(rng, created.year, gpu=bool(size.gpus))
    if not size.gpus and rng.random() < 0.12:
        image = images.own_snapshot(rng, name, region, created_at, size.disk)
    features = [
        feature
        for feature, there in (
            ("backups", backed_up),
            ("ipv6", ipv6),
            ("monitoring", rng.random() < 0.6),
            ("droplet_agent", created.year >= 2021),
            ("private_networking", True),
        )
        if there
    ]
    return {
        "id": _id(order, team),
        "name": name,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "disk_info": sizes.disks(size),
        "locked": status == "new" or rng.random() < 0.01,
        "status": status,
        "kernel": dict(OLD_KERNEL) if created < EXTERNAL_KERNELS_UNTIL else None,
        "created_at": created_at,
        "features": features,
        "backup_ids": _image_ids(rng, 4) if backed_up else [],
        "next_backup_window": _backup_window(rng) if backed_up else None,
        "snapshot_ids": _image_ids(rng, rng.choice((1, 1, 2, 3))) if rng.random() < 0.15 else [],
        "image": image,
        "volume_ids": [],
        "size": size_of(size.slug),
        "size_slug": size.slug,
        # A droplet has no address until it has been created.
        "networks": {"v4": [], "v6": []}
        if status == "new"
        else addresses.networks(team.number, regions.SLUGS.index(region), index, ipv6=ipv6),
        "region": _region(region),
        "tags": [],
        "vpc_uuid": vpcs.make_uuid(seed, team.uuid, region),
    }


@cache
def size_of(slug: str) -> dict[str, Any]:
    """A size object as in a droplet. All droplets of the size share it, to save memory."""
    return sizes.describe(sizes.BY_SLUG[slug])


@cache
def _region(slug: str) -> dict[str, Any]:
    return regions.describe(slug, sizes.offered_in(slug))


@cache
def _team_regions(seed: int, team_uuid: str) -> tuple[str, ...]:
    """The four regions that a team uses, the most used first."""
    return tuple(random.Random(f"{seed}/{team_uuid}/regions").sample(regions.SLUGS, 4))


def _role(rng: random.Random, theme: str) -> Role:
    roles = ROLES[theme]
    return rng.choices(roles, [role.weight for role in roles])[0]


def _created(index: int, count: int) -> datetime:
    """When droplet number `index` of `count` was created: most are recent, each is later than the one before."""
    if index >= count:
        return TODAY + timedelta(minutes=index - count + 1)
    from_the_end = (count - index) / count
    wobble = (index * 7_919 % 1_000) / 1_000 / count
    return TODAY - timedelta(seconds=int(OLDEST * (from_the_end - wobble * 0.9) ** 2.4) + 60)


def _status(rng: random.Random, created: datetime) -> str:
    if TODAY - created < timedelta(minutes=90):
        return "new"
    return rng.choices(("active", "off", "archive"), (880, 105, 15))[0]


def _tags(rng: random.Random, role: Role, stage: str, team: Team) -> list[str]:
    if rng.random() < 0.15:
        return []
    tags = [*role.tags, f"env:{stage}"]
    if rng.random() < 0.25:
        tags.append(rng.choice(("team:core", "team:growth", "terraform", "k8s", "backup-weekly", "owner:ada")))
    if rng.random() < 0.02:
        tags.append(f"{names.host_name(team.name).removesuffix('.example')}:customer-facing-do-not-delete")
    return tags


def _id(order: int, team: Team) -> int:
    """Nine digits, higher for newer droplets. The last three are the team's number: unique for a thousand teams."""
    return order * 1_000 + team.number % 1_000


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def _image_ids(rng: random.Random, count: int) -> list[int]:
    return sorted(rng.randrange(50_000_000, 190_000_000) for _ in range(count))


def _backup_window(rng: random.Random) -> dict[str, str]:
    start = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=rng.randrange(7), hours=4 * rng.randrange(6))
    return {"start": _iso(start), "end": _iso(start + timedelta(hours=4))}


def _iso(moment: datetime) -> str:
    return iso(moment.timestamp())
