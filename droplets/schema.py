"""What DigitalOcean says of droplets, as types. Only the fields that Conveyor uses; whatever else comes is skipped.

Lenient on purpose: with a narrow scope fields arrive null, empty or not at all, and DigitalOcean adds fields and
statuses as it pleases. What no reader could make sense of (a number that is a text, a date without a zone) costs that
one droplet, never the page it came on. Shapes: https://docs.digitalocean.com/reference/api/ (Droplets).
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from accounts.digitalocean.wire import Allowance, Answer

log = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 1
"""Ids are integers without a documented bound; this is what databases and msgspec hold."""


class Text(str):
    """A text from outside, safe to show: control, format and bidi characters stand in it as "\ufffd"."""

    __slots__ = ()

    def __new__(cls, text: str) -> Text:
        if not text.isprintable():  # of all spaces only the ordinary one is
            text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
        return super().__new__(cls, text)


Id = Annotated[int, msgspec.Meta(ge=1, le=LARGEST_ID)]
Count = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Size(msgspec.Struct):
    """`memory` in MB, `disk` in GB, `transfer` in TB a month, prices in US dollars.

    The hourly price comes with float noise (0.00743999984115362).
    """

    slug: Text | None = None
    description: Text | None = None
    transfer: Amount | None = None
    price_monthly: Amount | None = None
    price_hourly: Amount | None = None


class Region(msgspec.Struct):
    slug: Text | None = None
    name: Text | None = None


class Image(msgspec.Struct):
    """`id` is what a private image has in place of a slug; `size_gigabytes` in GB."""

    id: Id | None = None
    slug: Text | None = None
    name: Text | None = None
    distribution: Text | None = None
    public: bool | None = None
    size_gigabytes: Amount | None = None


class Address(msgspec.Struct):
    """An address of version 4 or 6. `type` is public or private; a private one has "nil", "" or null as gateway."""

    ip_address: Text | None = None
    gateway: Text | None = None
    type: Text | None = None


class Networks(msgspec.Struct):
    v4: list[Address] | None = None
    v6: list[Address] | None = None


class Kernel(msgspec.Struct):
    name: Text | None = None
    version: Text | None = None


class Quantity(msgspec.Struct):
    """`unit` is "gib" in all that DigitalOcean documents."""

    amount: Count | None = None
    unit: Text | None = None


class Disk(msgspec.Struct):
    """`type` is local, boot or scratch."""

    type: Text | None = None
    size: Quantity | None = None


class Gpu(msgspec.Struct):
    count: Count | None = None
    model: Text | None = None
    vram: Quantity | None = None


class Window(msgspec.Struct):
    start: Moment | None = None
    end: Moment | None = None

    def __post_init__(self) -> None:
        self.start, self.end = in_utc(self.start), in_utc(self.end)


class Droplet(msgspec.Struct, kw_only=True):
    """A droplet, as both the listings and its own address describe it. `memory` in MB, `disk` in GB.

    `status` is new, active, off or archive. `locked` while an action blocks others. `kernel` is null for whatever was
    made after March 2017, networks are empty while a droplet is new.
    """

    id: Id
    name: Text | None = None
    status: Text | None = None
    locked: bool | None = None
    vcpus: Count | None = None
    memory: Count | None = None
    disk: Count | None = None
    disk_info: list[Disk] | None = None
    gpu_info: Gpu | None = None
    created_at: Moment | None = None
    size_slug: Text | None = None
    size: Size | None = None
    region: Region | None = None
    image: Image | None = None
    kernel: Kernel | None = None
    networks: Networks | None = None
    vpc_uuid: Text | None = None
    tags: list[Text] | None = None
    features: list[Text] | None = None
    volume_ids: list[Text] | None = None
    snapshot_ids: list[Id] | None = None
    backup_ids: list[Id] | None = None
    next_backup_window: Window | None = None

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


class Page(msgspec.Struct, frozen=True):
    """A page of a listing: what could be read, how many rows could not, how many droplets the whole listing has.

    `allowance` is what the token may still call.
    """

    droplets: list[Droplet]
    unreadable: int
    total: int
    request_id: str
    allowance: Allowance | None

    @property
    def length(self) -> int:
        return len(self.droplets) + self.unreadable


class _Meta(msgspec.Struct):
    total: Count


class _PageAnswer(msgspec.Struct):
    droplets: list[msgspec.Raw]
    meta: _Meta


class _DropletAnswer(msgspec.Struct):
    droplet: msgspec.Raw


def page(answer: Answer) -> Page:
    """A page of `GET /v2/droplets`. Raises `UnexpectedAnswer` where the frame is not there; an odd row costs itself."""
    frame = answer.decode(_PageAnswer)
    droplets = []
    for row in frame.droplets:
        try:
            droplets.append(_droplet.decode(row))
        except msgspec.MsgspecError as error:
            # msgspec's messages name types and places, never a value.
            log.warning("A droplet cannot be read: %s", error, extra={"digitalocean_request_id": answer.request_id})
    return Page(droplets, len(frame.droplets) - len(droplets), frame.meta.total, answer.request_id, answer.allowance)


def droplet(answer: Answer) -> Droplet:
    """The droplet of `GET /v2/droplets/{id}`. Raises `UnexpectedAnswer` when it cannot be read."""
    try:
        return _droplet.decode(answer.decode(_DropletAnswer).droplet)
    except msgspec.MsgspecError as error:
        raise answer.unexpected(str(error)[:200]) from None


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment at the edge of the calendar has no other zone; it is told as the nonsense that it is."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        raise ValueError("a moment out of every calendar") from None


def text_hook(kind: type, value: Any) -> Text:
    """msgspec's `dec_hook` for types that hold a `Text`."""
    if kind is Text and isinstance(value, str):
        return Text(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


_droplet = msgspec.json.Decoder(Droplet, dec_hook=text_hook)
