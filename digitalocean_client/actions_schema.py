"""DigitalOcean's actions, and what a droplet can become, as types: lenient, as `digitalocean_client.schema` is.

Shapes: https://docs.digitalocean.com/reference/api/ (Droplet Actions, Sizes, Images).
"""

from __future__ import annotations

import msgspec

from digitalocean_client.schema import Amount, Count, Gpu, Id, Moment, in_utc
from digitalocean_client.text import Text


class DropletAction(msgspec.Struct):
    """`status` is in-progress, completed or errored; there is no word about how far it is, nor about what went wrong.

    `type` is a kind's slug, or one of those that Conveyor does not offer ("create").
    """

    id: Id
    status: Text | None = None
    type: Text | None = None
    started_at: Moment | None = None
    completed_at: Moment | None = None

    def __post_init__(self) -> None:
        self.started_at, self.completed_at = in_utc(self.started_at), in_utc(self.completed_at)


class Ordered(msgspec.Struct, frozen=True):
    """An action that DigitalOcean has taken on. `request_id` is its own, for its support."""

    action: DropletAction
    request_id: str


class Size(msgspec.Struct):
    """`memory` in MB, `disk` in GB, the price in US dollars. `regions` are slugs."""

    slug: Text
    available: bool | None = None
    regions: list[Text] | None = None
    vcpus: Count | None = None
    memory: Count | None = None
    disk: Count | None = None
    price_monthly: Amount | None = None
    description: Text | None = None
    gpu_info: Gpu | None = None


class Image(msgspec.Struct):
    """`type` is base, snapshot, backup, custom or admin; public ones may say snapshot too. `min_disk_size` in GB."""

    id: Id
    name: Text | None = None
    type: Text | None = None
    distribution: Text | None = None
    slug: Text | None = None
    public: bool | None = None
    regions: list[Text] | None = None
    created_at: Moment | None = None
    min_disk_size: Count | None = None
    status: Text | None = None
