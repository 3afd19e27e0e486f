"""What stands around a droplet, as types: lenient, as `digitalocean_client.schema` is, and with only what a page shows.

Shapes: https://docs.digitalocean.com/reference/api/ (Droplets, Block Storage, Firewalls, VPCs, Reserved IPs).
"""

from __future__ import annotations

from typing import Any

import msgspec

from digitalocean_client.schema import Amount, Count, Id, Moment, Region, in_utc
from digitalocean_client.text import Text


class Copy(msgspec.Struct):
    """A snapshot or a backup of a droplet. `size_gigabytes` is what is billed."""

    id: Id
    name: Text | None = None
    created_at: Moment | None = None
    size_gigabytes: Amount | None = None

    def __post_init__(self) -> None:
        self.created_at = in_utc(self.created_at)


class Plan(msgspec.Struct):
    """When backups are made. `plan` is daily or weekly, `weekday` SUN to SAT, `hour` of UTC; the period in days."""

    plan: Text | None = None
    weekday: Text | None = None
    hour: Count | None = None
    retention_period_days: Count | None = None


class Policy(msgspec.Struct):
    backup_policy: Plan | None = None


class Rule(msgspec.Struct):
    """`ports` is one, a range such as 8000-9000, "0" or "all" for all, empty for icmp."""

    protocol: Text | None = None
    ports: Text | None = None
    sources: dict[str, Any] | None = None
    destinations: dict[str, Any] | None = None


class Firewall(msgspec.Struct):
    """`status` is waiting, succeeded or failed."""

    id: Text
    name: Text | None = None
    status: Text | None = None
    inbound_rules: list[Rule] | None = None
    outbound_rules: list[Rule] | None = None


class Volume(msgspec.Struct):
    """`size_gigabytes` in GiB."""

    id: Text
    name: Text | None = None
    droplet_ids: list[Id] | None = None
    size_gigabytes: Count | None = None
    filesystem_type: Text | None = None


class Vpc(msgspec.Struct):
    """`ip_range` in CIDR notation."""

    id: Text
    name: Text | None = None
    ip_range: Text | None = None
    default: bool | None = None


class _Assigned(msgspec.Struct):
    id: Id


class ReservedIp(msgspec.Struct):
    ip: Text
    droplet: _Assigned | None = None
    region: Region | None = None
