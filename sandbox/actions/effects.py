"""What each type of action changes on its droplet when it completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.fleet import addresses, backups, droplet_resources, power, regions, sizes, snapshots
from sandbox.fleet.droplets import Droplet, size_of
from sandbox.fleet.fields import list_field, number_field, object_field, region_slug
from sandbox.fleet.fleets import Fleet

Parameters = dict[str, Any]
Effect = Callable[[Fleet, Droplet, Parameters, float], None]


def _on(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    power.set_power(fleet.resources, droplet, now, on=True)


def _off(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    power.set_power(fleet.resources, droplet, now, on=False)


def _password_reset(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    """The new password would go out by email. The only visible effect is that a running droplet boots."""
    if droplet["status"] == "active":
        power.set_power(fleet.resources, droplet, now, on=True)


def _snapshot(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    image_id = fleet.resources.new_image_id()
    name = parameters.get("name") or snapshots.default_name(droplet, now)
    snapshots.add_image(fleet.resources, droplet, "snapshot", name, image_id, now)
    droplet["snapshot_ids"] = [*list_field(droplet, "snapshot_ids"), image_id]


def _rename(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    droplet["name"] = parameters["name"]


def _resize(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    size = sizes.BY_SLUG[parameters["size"]]
    droplet |= {"memory": size.memory, "vcpus": size.vcpus, "size": size_of(size.slug), "size_slug": size.slug}
    if parameters["disk"]:
        fleet.resources.original_disks.setdefault(droplet["id"], number_field(droplet, "disk"))
        droplet |= {"disk": size.disk, "disk_info": sizes.disks(size)}


def _enable_backups(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    backups.enable(fleet.resources, droplet, parameters["policy"], now)


def _disable_backups(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    backups.disable(fleet.resources, droplet)


def _enable_ipv6(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    team = fleet.resources.team.number if fleet.resources.team else 0
    region = region_slug(droplet)
    region_number = regions.SLUGS.index(region) if region in regions.SLUGS else 0
    address = addresses.ipv6_address(team, region_number, droplet["id"] // 1_000, last=2)  # generated ones end in 1
    droplet["networks"] = {**object_field(droplet, "networks"), "v6": [address]}
    droplet["features"] = [*list_field(droplet, "features"), "ipv6"]


def _new_disk(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    """Rebuild and restore: the droplet boots from another image."""
    droplet["image"] = parameters["image"]
    power.set_power(fleet.resources, droplet, now, on=True)


def _destroy(fleet: Fleet, droplet: Droplet, parameters: Parameters, now: float) -> None:
    droplet_resources.remove(fleet.resources, droplet)
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
    "enable_backups": _enable_backups,
    "disable_backups": _disable_backups,
    "change_backup_policy": _enable_backups,
    "enable_ipv6": _enable_ipv6,
    "rebuild": _new_disk,
    "restore": _new_disk,
    "destroy": _destroy,
}
