"""Validates the body of an action request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox import errors
from sandbox.actions.kinds import KINDS
from sandbox.fleet import image_list, policies, sizes
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import list_field, number_field, region_slug
from sandbox.fleet.policies import Policy
from sandbox.fleet.team_resources import TeamResources

Body = dict[str, Any]
Reader = Callable[[TeamResources, Droplet, Body], Body]

NAME_MOST = 255  # characters
HOST_NAME = re.compile(r"[a-zA-Z0-9]?[a-z0-9A-Z.\-]*[a-z0-9A-Z]", re.ASCII)  # as for creating a droplet


def validate(resources: TeamResources, droplet: Droplet, type_: str, body: Body) -> Body:
    """Check that the action is possible and return its parameters. Raises ApiError (422)."""
    if droplet.get("locked"):
        raise errors.unprocessable("Droplet already has a pending event.")
    status = str(droplet.get("status"))
    if status not in KINDS[type_].statuses:
        wanted = " or ".join(sorted(KINDS[type_].statuses))
        raise errors.unprocessable(f"Droplet must be {wanted} for {type_}; it is {status}.")
    reader = READERS.get(type_)
    return {} if reader is None else reader(resources, droplet, body)


def _snapshot(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    name = body.get("name")
    if name is None:
        return {}
    if not isinstance(name, str) or not name.strip() or len(name) > NAME_MOST or not name.isprintable():
        raise errors.unprocessable("Name must be 1 to 255 printable characters.")
    return {"name": name}


def _rename(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    name = body.get("name")
    if not isinstance(name, str) or len(name) > NAME_MOST or not HOST_NAME.fullmatch(name):
        raise errors.unprocessable("Name: only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)")
    return {"name": name}


def _resize(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    slug, disk = body.get("size"), body.get("disk", False)
    size = sizes.BY_SLUG.get(slug) if isinstance(slug, str) else None
    if size is None:
        raise errors.unprocessable("You specified an invalid size for Droplet resize.")
    if type(disk) is not bool:
        raise errors.unprocessable("disk must be true or false.")
    if slug == droplet.get("size_slug"):
        raise errors.unprocessable("The Droplet has this size already.")
    if slug not in sizes.offered_in(region_slug(droplet)) or bool(size.gpus) != ("gpu_info" in droplet):
        raise errors.unprocessable("This size is not available for this Droplet.")
    if size.disk < number_field(droplet, "disk"):
        raise errors.unprocessable("This size is not available because it has a smaller disk.")
    return {"size": slug, "disk": disk}


def _enable_backups(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    if _has(droplet, "backups"):
        raise errors.unprocessable("Backups are already enabled for this Droplet.")
    return {"policy": policies.DEFAULT if body.get("backup_policy") is None else _policy(body["backup_policy"])}


def _change_backup_policy(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    _need_backups(droplet)
    return {"policy": _policy(body.get("backup_policy"))}


def _disable_backups(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    _need_backups(droplet)
    return {}


def _enable_ipv6(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    if _has(droplet, "ipv6"):
        raise errors.unprocessable("IPv6 is already enabled for this Droplet.")
    return {}


def _rebuild(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    image_id = body.get("image")
    image = image_list.find_image(resources, image_id) if isinstance(image_id, str) or type(image_id) is int else None
    if image is None or image["status"] != "available" or region_slug(droplet) not in image["regions"]:
        raise errors.unprocessable("You specified an invalid image for Droplet rebuild.")
    if (image["min_disk_size"] or 0) > number_field(droplet, "disk"):
        raise errors.unprocessable("This image needs a larger disk than the Droplet has.")
    return {"image": image}


def _restore(resources: TeamResources, droplet: Droplet, body: Body) -> Body:
    image_id = body.get("image")
    schedule = resources.schedules.get(droplet["id"])
    if type(image_id) is not int or schedule is None or image_id not in schedule.backups:
        raise errors.unprocessable("You specified an invalid image for Droplet restore.")
    return {"image": resources.images[image_id].image}


def _policy(policy: Any) -> Policy:
    if not isinstance(policy, dict):
        raise errors.unprocessable("backup_policy must be an object.")
    plan, hour, weekday = policy.get("plan"), policy.get("hour", 0), policy.get("weekday")
    if plan not in policies.PERIODS:
        raise errors.unprocessable(f"The backup plan must be one of {', '.join(policies.PERIODS)}.")
    if type(hour) is not int or hour not in policies.HOURS:
        raise errors.unprocessable(f"The backup hour must be one of {', '.join(map(str, policies.HOURS))}.")
    if plan == "weekly" and weekday not in policies.WEEKDAYS:
        raise errors.unprocessable(f"The backup weekday must be one of {', '.join(policies.WEEKDAYS)}.")
    return Policy(plan, hour, weekday if plan == "weekly" else None)


def _need_backups(droplet: Droplet) -> None:
    if not _has(droplet, "backups"):
        raise errors.unprocessable("Backups are not enabled for this Droplet.")


def _has(droplet: Droplet, feature: str) -> bool:
    return feature in list_field(droplet, "features")


READERS: dict[str, Reader] = {
    "snapshot": _snapshot,
    "rename": _rename,
    "resize": _resize,
    "enable_backups": _enable_backups,
    "disable_backups": _disable_backups,
    "change_backup_policy": _change_backup_policy,
    "enable_ipv6": _enable_ipv6,
    "rebuild": _rebuild,
    "restore": _restore,
}
