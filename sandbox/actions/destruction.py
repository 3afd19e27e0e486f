"""The end of a droplet, alone or together with what it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.actions.action import Action
from sandbox.clock import iso
from sandbox.fleet import belongings, reserved, snapshots, volumes
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import values
from sandbox.fleet.holdings import Holdings
from sandbox.fleet.listing import Fleet

Resource = dict[str, str]  # id, name, cost: USD a month if it stays when the droplet goes
Resources = dict[str, list[Resource]]

# What belongs to a droplet and outlives it, and the scopes that it takes to see it and to destroy it.
KINDS = {
    "reserved_ips": "reserved_ip",
    "snapshots": "image",
    "volumes": "block_storage",
    "volume_snapshots": "block_storage_snapshot",
}


def associated(holdings: Holdings, droplet: Droplet) -> Resources:
    """What would stay, and cost, when the droplet alone is destroyed."""
    mounted = volumes.of(holdings, droplet)
    return {
        "reserved_ips": [
            _resource(each.number, each.ip, reserved.MONTHLY)
            for each in holdings.reserved
            if each.droplet_id == droplet.get("id")
        ],
        "snapshots": [
            _resource(held.image["id"], held.image["name"], held.image["size_gigabytes"] * snapshots.MONTHLY)
            for held in snapshots.of(holdings, values(droplet, "snapshot_ids"))
        ],
        "volumes": [_resource(each["id"], each["name"], each["size_gigabytes"] * volumes.MONTHLY) for each in mounted],
        "volume_snapshots": [
            _resource(each["id"], each["name"], each["size_gigabytes"] * volumes.SNAPSHOT_MONTHLY)
            for volume in mounted
            for each in volumes.snapshots_of(holdings, volume)
        ],
    }


def destroy(fleet: Fleet, droplet: Droplet, order: dict[str, Any], now: float) -> None:
    """Take the droplet out of its fleet, and with it the `resources` of the order, if it has any."""
    holdings = fleet.holdings
    belongings.release(holdings, droplet)
    for droplets in (fleet.ordinary, fleet.gpus):
        droplets[:] = [each for each in droplets if each is not droplet]
    ids = {kind: {each["id"] for each in found} for kind, found in order.get("resources", {}).items()}
    holdings.reserved = [each for each in holdings.reserved if each.number not in ids.get("reserved_ips", ())]
    for image_id in ids.get("snapshots", ()):
        holdings.images.pop(int(image_id), None)
    for volume_id in ids.get("volumes", ()):
        holdings.volumes.pop(volume_id, None)
    for snapshot_id in ids.get("volume_snapshots", ()):
        holdings.volume_snapshots.pop(snapshot_id, None)


def status(action: Action, name: str, resources: Resources) -> dict[str, Any]:
    """How a destruction goes, with what it takes along."""
    end: dict[str, str] = {}
    if action.completed_at is not None and action.status == "completed":
        end = {"destroyed_at": iso(action.completed_at)}
    elif action.completed_at is not None:
        end = {"error_message": "The resource could not be destroyed."}
    told: dict[str, Any] = {
        "droplet": {"id": str(action.droplet_id), "name": name, **end},
        "resources": {
            kind: [{"id": each["id"], "name": each["name"], **end} for each in found]
            for kind, found in with_old_names(resources).items()
        },
        "failures": sum(map(len, resources.values())) if action.status == "errored" else 0,
    }
    return told if action.completed_at is None else {**told, "completed_at": iso(action.completed_at)}


def with_old_names(resources: Resources) -> Resources:
    """The resources, reserved addresses under their old name as well."""
    return {**resources, "floating_ips": resources["reserved_ips"]}


def chosen(resources: Resources, wanted: dict[str, Iterable[str]]) -> Resources:
    """Of the resources those whose ids are wanted. Raises LookupError with the first id that is not among them."""
    found: Resources = {}
    for kind, there in resources.items():
        by_id = {each["id"]: each for each in there}
        for asked in wanted.get(kind, ()):
            if asked not in by_id:
                raise LookupError(asked)
        found[kind] = [each for each in there if each["id"] in set(wanted.get(kind, ()))]
    return found


def _resource(id_: object, name: str, cost: float) -> Resource:
    return {"id": str(id_), "name": name, "cost": f"{cost:.2f}"}
