"""Makes a team's droplets. Everything follows from the seed, the team and the place in the list.

Ages are counted back from a fixed day, not from now, so the same seed gives the same fleet on any day.
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

TODAY = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)  # the world's fixed "now"
ID_SPACE = 540_000  # a thousandth of the ids in use on that day
OLDEST = 11 * 365 * 86_400  # seconds: the oldest droplet's age
EXTERNAL_KERNELS_UNTIL = datetime(2017, 3, 1, tzinfo=UTC)  # droplets made later have "kernel": null (API reference)
OLD_KERNEL = {
    "id": 7515,
    "name": "DigitalOcean GrubLoader v0.2 (20160714)",
    "version": "2016.07.13-DigitalOcean_loader_Ubuntu",
}


def fleet(seed: int, team: Team, count: int) -> list[Droplet]:
    """The `count` ordinary droplets of a team, oldest first."""
    return [_ordinary(seed, team, index, count) for index in range(count)]


def gpu_fleet(seed: int, team: Team, count: int) -> list[Droplet]:
    """The GPU droplets of a team: at most three, in two teams of three, and none beside a handful of droplets."""
    return [_gpu(seed, team, index) for index in range(gpu_count(team, count))]


def gpu_count(team: Team, count: int) -> int:
    """How many GPU droplets a team of `count` ordinary ones has."""
    return min((3, 2, 0)[(team.number - 1) % 3], count // 25)


def another(seed: int, team: Team, index: int) -> Droplet:
    """One more ordinary droplet, newer than all that `fleet` made."""
    return _ordinary(seed, team, index, 0)


def _ordinary(seed: int, team: Team, index: int, count: int) -> Droplet:
    chance = random.Random(f"{seed}/{team.uuid}/{index}")
    created = _created(index, count)
    role = _role(chance, team.theme)
    stage = chance.choices([name for name, _ in STAGES], [weight for _, weight in STAGES])[0]
    size = sizes.BY_SLUG[chance.choices(role.sizes, [len(role.sizes) - at for at in range(len(role.sizes))])[0]]
    region = chance.choices(_homes(seed, team.uuid), (10, 4, 2, 1))[0]
    name = names.ordinary(chance, role, stage, region, size.slug, names.host_name(team.name), 1 + index // 6)
    place = (index + 1) * max(1, ID_SPACE // count) if index < count else ID_SPACE + index + 1
    droplet = _droplet(seed, team, index, place, chance, created, region, size, name)
    droplet["tags"] = _tags(chance, role, stage, team)
    if role.volumes and chance.random() < 0.7:
        droplet["volume_ids"] = [_uuid(chance) for _ in range(chance.choice((1, 1, 2)))]
    return droplet


def _gpu(seed: int, team: Team, index: int) -> Droplet:
    chance = random.Random(f"{seed}/{team.uuid}/gpu/{index}")
    size = chance.choices(sizes.GPU, (6, 1, 3, 3, 4))[0]
    created = TODAY - timedelta(seconds=chance.randrange(3_600, 400 * 86_400))
    name = names.gpu(chance, size.slug, index + 1)
    place = ID_SPACE * 3 // 2 + index
    region = chance.choice(regions.GPU_SLUGS)
    droplet = _droplet(seed, team, place, place, chance, created, region, size, name)
    droplet["tags"] = ["gpu"]
    droplet["gpu_info"] = sizes.gpu_info(size)
    return droplet


def _droplet(
    seed: int, team: Team, index: int, place: int, chance: random.Random, created: datetime, region: str,
    size: sizes.Size, name: str,
) -> Droplet:  # fmt: skip
    """What ordinary and GPU droplets share. `place` orders the ids."""
    status = _status(chance, created)
    ipv6 = chance.random() < 0.4
    backed_up = chance.random() < 0.3 and status != "new"
    created_at = _iso(created)
    image = images.pick(chance, created.year, gpu=bool(size.gpus))
    if not size.gpus and chance.random() < 0.12:
        image = images.own_snapshot(chance, name, region, created_at, size.disk)
    features = [
        feature
        for feature, there in (
            ("backups", backed_up),
            ("ipv6", ipv6),
            ("monitoring", chance.random() < 0.6),
            ("droplet_agent", created.year >= 2021),
            ("private_networking", True),
        )
        if there
    ]
    return {
        "id": _id(place, team),
        "name": name,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "disk_info": sizes.disks(size),
        "locked": status == "new" or chance.random() < 0.01,
        "status": status,
        "kernel": dict(OLD_KERNEL) if created < EXTERNAL_KERNELS_UNTIL else None,
        "created_at": created_at,
        "features": features,
        "backup_ids": _image_ids(chance, 4) if backed_up else [],
        "next_backup_window": _backup_window(chance) if backed_up else None,
        "snapshot_ids": _image_ids(chance, chance.choice((1, 1, 2, 3))) if chance.random() < 0.15 else [],
        "image": image,
        "volume_ids": [],
        "size": size_of(size.slug),
        "size_slug": size.slug,
        # An address is given out when the droplet has been built.
        "networks": {"v4": [], "v6": []}
        if status == "new"
        else addresses.networks(team.number, regions.SLUGS.index(region), index, ipv6=ipv6),
        "region": _region(region),
        "tags": [],
        "vpc_uuid": vpcs.uuid_of(seed, team.uuid, region),
    }


@cache
def size_of(slug: str) -> dict[str, Any]:
    """A size as in a droplet. All droplets of the size share it: ten thousand need not hold ten thousand copies."""
    return sizes.describe(sizes.BY_SLUG[slug])


@cache
def _region(slug: str) -> dict[str, Any]:
    return regions.describe(slug, sizes.offered_in(slug))


@cache
def _homes(seed: int, team_uuid: str) -> tuple[str, ...]:
    """The four regions that a team uses, its favourite first."""
    return tuple(random.Random(f"{seed}/{team_uuid}/regions").sample(regions.SLUGS, 4))


def _role(chance: random.Random, theme: str) -> Role:
    roles = ROLES[theme]
    return chance.choices(roles, [role.weight for role in roles])[0]


def _created(index: int, count: int) -> datetime:
    """When the `index`th of `count` was made: many of late, few long ago, always later than the one before."""
    if index >= count:
        return TODAY + timedelta(minutes=index - count + 1)
    from_the_end = (count - index) / count
    wobble = (index * 7_919 % 1_000) / 1_000 / count
    return TODAY - timedelta(seconds=int(OLDEST * (from_the_end - wobble * 0.9) ** 2.4) + 60)


def _status(chance: random.Random, created: datetime) -> str:
    if TODAY - created < timedelta(minutes=90):
        return "new"
    return chance.choices(("active", "off", "archive"), (880, 105, 15))[0]


def _tags(chance: random.Random, role: Role, stage: str, team: Team) -> list[str]:
    if chance.random() < 0.15:
        return []
    tags = [*role.tags, f"env:{stage}"]
    if chance.random() < 0.25:
        tags.append(chance.choice(("team:core", "team:growth", "terraform", "k8s", "backup-weekly", "owner:ada")))
    if chance.random() < 0.02:
        tags.append(f"{names.host_name(team.name).removesuffix('.example')}:customer-facing-do-not-delete")
    return tags


def _id(place: int, team: Team) -> int:
    """Nine digits, rising with age, unique in a world of up to a thousand teams: the last three tell the team."""
    return place * 1_000 + team.number % 1_000


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _image_ids(chance: random.Random, count: int) -> list[int]:
    return sorted(chance.randrange(50_000_000, 190_000_000) for _ in range(count))


def _backup_window(chance: random.Random) -> dict[str, str]:
    start = datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=chance.randrange(7), hours=4 * chance.randrange(6))
    return {"start": _iso(start), "end": _iso(start + timedelta(hours=4))}


def _iso(moment: datetime) -> str:
    return iso(moment.timestamp())
