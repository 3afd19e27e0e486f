"""The endpoints for what belongs to a droplet. Each raises a `DigitalOceanError` and is safe in any thread.

The types have only what a page shows.
Shapes: https://docs.digitalocean.com/reference/api/ (Droplets, Block Storage, Firewalls, VPCs, Reserved IPs).
"""

import msgspec

from digitalocean_client import api, errors
from digitalocean_client.decoding import single_object
from digitalocean_client.lists import AllItems, all_items
from digitalocean_client.schema import Amount, BackupPolicy, Count, FirewallRule, Id, Moment, Region, in_utc


class StoredImage(msgspec.Struct):
    """A snapshot or a backup of a droplet. `size_gigabytes` is what is billed."""

    id: Id
    name: str | None = None
    created_at: Moment | None = None
    size_gigabytes: Amount | None = None

    def __post_init__(self) -> None:
        self.created_at = in_utc(self.created_at)


class Firewall(msgspec.Struct):
    """`status` is waiting, succeeded or failed."""

    id: str
    name: str | None = None
    status: str | None = None
    inbound_rules: list[FirewallRule] | None = None
    outbound_rules: list[FirewallRule] | None = None


class Volume(msgspec.Struct):
    """`size_gigabytes` in GiB."""

    id: str
    name: str | None = None
    droplet_ids: list[Id] | None = None
    size_gigabytes: Count | None = None
    filesystem_type: str | None = None


class Vpc(msgspec.Struct):
    """`ip_range` in CIDR notation."""

    id: str
    name: str | None = None
    ip_range: str | None = None
    default: bool | None = None


class _Assigned(msgspec.Struct):
    id: Id


class ReservedIp(msgspec.Struct):
    ip: str
    droplet: _Assigned | None = None
    region: Region | None = None


class _PolicyOfDroplet(msgspec.Struct):
    backup_policy: BackupPolicy | None = None


def snapshots(token: str, droplet: int, *, deadline: float) -> AllItems[StoredImage]:
    return all_items(token, f"/droplets/{droplet}/snapshots", "snapshots", StoredImage, deadline=deadline)


def backups(token: str, droplet: int, *, deadline: float) -> AllItems[StoredImage]:
    return all_items(token, f"/droplets/{droplet}/backups", "backups", StoredImage, deadline=deadline)


def backup_policy(token: str, droplet: int, *, deadline: float) -> BackupPolicy | None:
    """None where backups are off, which DigitalOcean may also say by null, a 404 or a 422."""
    try:
        answer = api.get(token, f"/droplets/{droplet}/backups/policy", deadline=deadline)
    except errors.NotFound:
        return None
    except errors.Refused as error:
        if error.status == 422:
            return None
        raise
    if answer.json().get("policy") is None:
        return None
    return single_object(answer, "policy", _PolicyOfDroplet).backup_policy


def firewalls(token: str, droplet: int, *, deadline: float) -> AllItems[Firewall]:
    return all_items(token, f"/droplets/{droplet}/firewalls", "firewalls", Firewall, deadline=deadline)


def volumes(token: str, *, deadline: float) -> AllItems[Volume]:
    """All volumes of the team: there is no endpoint for one droplet's."""
    return all_items(token, "/volumes", "volumes", Volume, deadline=deadline)


def vpcs(token: str, *, deadline: float) -> AllItems[Vpc]:
    return all_items(token, "/vpcs", "vpcs", Vpc, deadline=deadline)


def reserved_ips(token: str, *, deadline: float) -> AllItems[ReservedIp]:
    """All reserved IPs of the team."""
    return all_items(token, "/reserved_ips", "reserved_ips", ReservedIp, deadline=deadline)
