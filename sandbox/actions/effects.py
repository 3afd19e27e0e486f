"""What an action does to its droplet when it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.fleet import addresses, backups, belongings, power, regions, sizes, snapshots
from sandbox.fleet.droplets import Droplet, size_of
from sandbox.fleet.fields import amount, part, region_slug, values
from sandbox.fleet.listing import Fleet

Order = dict[str, Any]
Effect = Callable[[Fleet, Droplet, Order, float], None]


def _on(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    power.turn(fleet.holdings, droplet, now, on=True)


def _off(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    power.turn(fleet.holdings, droplet, now, on=False)


def _password_reset(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    """The password goes out by e-mail; all that is to be seen is that a running droplet boots."""
    if droplet["status"] == "active":
        power.turn(fleet.holdings, droplet, now, on=True)


def _snapshot(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    image_id = fleet.holdings.new_image_id()
    name = order.get("name") or snapshots.default_name(droplet, now)
    snapshots.take(fleet.holdings, droplet, "snapshot", name, image_id, now)
    droplet["snapshot_ids"] = [*values(droplet, "snapshot_ids"), image_id]


def _rename(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    droplet["name"] = order["name"]


def _resize(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    size = sizes.BY_SLUG[order["size"]]
    droplet |= {"memory": size.memory, "vcpus": size.vcpus, "size": size_of(size.slug), "size_slug": size.slug}
    if order["disk"]:
        fleet.holdings.first_disks.setdefault(droplet["id"], amount(droplet, "disk"))
        droplet |= {"disk": size.disk, "disk_info": sizes.disks(size)}


def _begin_backups(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    backups.begin(fleet.holdings, droplet, order["policy"], now)


def _end_backups(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    backups.end(fleet.holdings, droplet)


def _enable_ipv6(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    team = fleet.holdings.team.number if fleet.holdings.team else 0
    region = region_slug(droplet)
    place = regions.SLUGS.index(region) if region in regions.SLUGS else 0
    address = addresses.ipv6_address(team, place, droplet["id"] // 1_000, last=2)  # those made so end in 1
    droplet["networks"] = {**part(droplet, "networks"), "v6": [address]}
    droplet["features"] = [*values(droplet, "features"), "ipv6"]


def _new_disk(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    """Rebuild and restore alike: the droplet boots from another image."""
    droplet["image"] = order["image"]
    power.turn(fleet.holdings, droplet, now, on=True)


def _destroy(fleet: Fleet, droplet: Droplet, order: Order, now: float) -> None:
    belongings.release(fleet.holdings, droplet)
    for droplets in (fleet.ordinary, fleet.gpus):
        droplets[:] = [each for each in droplets if each is not droplet]


EFFECTS: dict[str, Effect] = {
    "power_on": _on,
    "power_off": _off,
    "power_cycle": _on,
    "shutdown": _off,
    "reboot": _on,
    "password_reset": _password_reset,
    "snapshot": _snapshot,
    "rename": _rename,
    "resize": _resize,
    "enable_backups": _begin_backups,
    "disable_backups": _end_backups,
    "change_backup_policy": _begin_backups,
    "enable_ipv6": _enable_ipv6,
    "rebuild": _new_disk,
    "restore": _new_disk,
    "destroy": _destroy,
}
