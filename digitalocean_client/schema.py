"""DigitalOcean's droplets, and the types that several endpoints share. Only the fields that Conveyor uses.

All but an id is optional, for the reasons in `digitalocean_client.decoding`.
Shapes: https://docs.digitalocean.com/reference/api/ (Droplets).
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

LARGEST_ID = 2**63 - 1
"""DigitalOcean documents no bound for ids; this is the largest integer that a database column holds."""

Id = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class DropletSize(msgspec.Struct, gc=False):
    """`memory` in MB, `disk` in GB, `transfer` in TB a month, prices in US dollars.

    The hourly price comes with float noise (0.00743999984115362).
    """

    slug: str | None = None
    description: str | None = None
    transfer: Amount | None = None
    price_monthly: Amount | None = None
    price_hourly: Amount | None = None


class Region(msgspec.Struct, gc=False):
    slug: str | None = None
    name: str | None = None


class DropletImage(msgspec.Struct, gc=False):
    """A private image has no slug, only an `id`."""

    id: Id | None = None
    slug: str | None = None
    name: str | None = None
    distribution: str | None = None
    public: bool | None = None


class Address(msgspec.Struct, gc=False):
    """An address of version 4 or 6. `type` is public or private."""

    ip_address: str | None = None
    type: str | None = None


class Networks(msgspec.Struct, gc=False):
    v4: list[Address] | None = None
    v6: list[Address] | None = None


class Kernel(msgspec.Struct, gc=False):
    name: str | None = None
    version: str | None = None


class Quantity(msgspec.Struct, gc=False):
    """`unit` is "gib" in all that DigitalOcean documents."""

    amount: Count | None = None
    unit: str | None = None


class Disk(msgspec.Struct, gc=False):
    """`type` is local, boot or scratch."""

    type: str | None = None
    size: Quantity | None = None


class Gpu(msgspec.Struct, gc=False):
    count: Count | None = None
    model: str | None = None
    vram: Quantity | None = None


class BackupWindow(msgspec.Struct, gc=False):
    start: Moment | None = None
    end: Moment | None = None

    def __post_init__(self) -> None:
        self.start, self.end = in_utc(self.start), in_utc(self.end)


class ListedDroplet(msgspec.Struct, kw_only=True, gc=False):
    """The fields that the list of droplets needs. Decoding the others too would slow down a list of thousands.

    `memory` in MB, `disk` in GB. `status` is new, active, off or archive. `locked` while an action blocks others.
    Networks are empty while a droplet is new.
    """

    id: Id
    name: str | None = None
    status: str | None = None
    locked: bool | None = None
    vcpus: Count | None = None
    memory: Count | None = None
    disk: Count | None = None
    created_at: Moment | None = None
    size_slug: str | None = None
    size: DropletSize | None = None
    region: Region | None = None
    image: DropletImage | None = None
    networks: Networks | None = None
    tags: list[str] | None = None
    features: list[str] | None = None

    def __post_init__(self) -> None:
        self.created_at = in_utc(self.created_at)

    @property
    def public_v4(self) -> list[Address]:
        return self._addresses("v4", "public")

    @property
    def private_v4(self) -> list[Address]:
        return self._addresses("v4", "private")

    @property
    def public_v6(self) -> list[Address]:
        return self._addresses("v6", "public")

    def _addresses(self, version: str, kind: str) -> list[Address]:
        all_: list[Address] = (getattr(self.networks, version) if self.networks else None) or []
        return [address for address in all_ if address.type == kind and address.ip_address]


class Droplet(ListedDroplet, kw_only=True, gc=False):
    """A droplet in full, from its own endpoint. `kernel` is null for droplets created after March 2017."""

    disk_info: list[Disk] | None = None
    gpu_info: Gpu | None = None
    kernel: Kernel | None = None
    vpc_uuid: str | None = None
    volume_ids: list[str] | None = None
    snapshot_ids: list[Id] | None = None
    backup_ids: list[Id] | None = None
    next_backup_window: BackupWindow | None = None


class BackupPolicy(msgspec.Struct):
    """When backups are made: `plan` (daily, weekly or another), `weekday` (SUN to SAT), `hour` (UTC).

    Each backup is kept for `retention_period_days`.
    """

    plan: str | None = None
    weekday: str | None = None
    hour: Count | None = None
    retention_period_days: Count | None = None


class FirewallRule(msgspec.Struct):
    """`ports` is one port, a range such as 8000-9000, "0" or "all" for all, empty for ICMP."""

    protocol: str | None = None
    ports: str | None = None
    sources: dict[str, Any] | None = None
    destinations: dict[str, Any] | None = None


def in_utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC; None at the edge of the calendar, where it has no other time zone."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        return None
