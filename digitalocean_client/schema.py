"""What DigitalOcean says of droplets, as types. Only the fields that Conveyor uses; whatever else comes is skipped.

Lenient on purpose: with a narrow scope fields arrive null, empty or not at all, and DigitalOcean adds fields and
statuses as it pleases. What no reader could make sense of (a number that is a text, a date without a zone) costs that
one droplet, never the page it came on. Shapes: https://docs.digitalocean.com/reference/api/ (Droplets).
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from digitalocean_client.http import Allowance, Answer
from digitalocean_client.text import Text

log = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 1
"""Ids are integers without a documented bound; this is what databases and msgspec hold."""


UNREADABLE = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""What reading one item may end in: another shape, a number beyond every bound, a depth beyond reason."""

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
    """`id` is what a private image has in place of a slug."""

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
    """What a list of droplets needs of each: decoding what nobody looks at takes time, thousands of times over.

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
    """All that its own address tells of a droplet. `kernel` is null for whatever was made after March 2017."""

    disk_info: list[Disk] | None = None
    gpu_info: Gpu | None = None
    kernel: Kernel | None = None
    vpc_uuid: str | None = None
    features: list[str] | None = None
    volume_ids: list[str] | None = None
    snapshot_ids: list[Id] | None = None
    backup_ids: list[Id] | None = None
    next_backup_window: BackupWindow | None = None


class Page(msgspec.Struct, frozen=True):
    """A page of a listing: what could be read, how many rows could not, how many droplets the whole listing has.

    `allowance` is what the token may still call.
    """

    droplets: list[ListedDroplet]
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


class _ReadablePage(msgspec.Struct):
    droplets: list[ListedDroplet]
    meta: _Meta


class _DropletAnswer(msgspec.Struct):
    droplet: msgspec.Raw


def page(answer: Answer) -> Page:
    """A page of `GET /v2/droplets`. Raises `UnexpectedAnswer` where the frame is not there; an odd row costs itself."""
    with suppress(*UNREADABLE):
        if _is_plain(answer.body):
            whole = _readable_page.decode(answer.body)
            return Page(whole.droplets, 0, whole.meta.total, answer.request_id, answer.allowance)
    # Row by row takes half as long again, and is only for a page that has something odd on it.
    frame = answer.decode(_PageAnswer)
    droplets = []
    for row in frame.droplets:
        try:
            droplets.append(_listed_droplet.decode(printable(row)))
        except UNREADABLE as error:
            # msgspec's messages name types and places, never a value.
            log.warning("A droplet cannot be read: %s", error, extra={"digitalocean_request_id": answer.request_id})
    return Page(droplets, len(frame.droplets) - len(droplets), frame.meta.total, answer.request_id, answer.allowance)


def droplet(answer: Answer) -> Droplet:
    """The droplet of `GET /v2/droplets/{id}`. Raises `UnexpectedAnswer` when it cannot be read."""
    try:
        return _droplet.decode(printable(answer.decode(_DropletAnswer).droplet))
    except UNREADABLE as error:
        raise answer.unexpected(str(error)[:200]) from None


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment at the edge of the calendar has no other zone; it is told as the nonsense that it is."""
    try:
        return moment.astimezone(UTC) if moment else None
    except OverflowError:
        raise ValueError("a moment out of every calendar") from None


def printable(raw: msgspec.Raw) -> msgspec.Raw | bytes:
    """The JSON with every text in it as `Text` would make it.

    Nearly all that DigitalOcean sends is plain, which one look at the bytes tells: control characters come escaped, the
    others are not ASCII. A look at each text would take longer than all the rest of decoding. Raises `UNREADABLE`.
    """
    octets = bytes(raw)
    if _is_plain(octets):
        return raw
    return msgspec.json.encode(_printable(msgspec.json.decode(octets)))


def _is_plain(octets: bytes) -> bool:
    return octets.isascii() and b"\\" not in octets and b"\x7f" not in octets


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return str(Text(value))
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if isinstance(value, dict):
        return {key: _printable(each) for key, each in value.items()}
    return value


def text_hook(kind: type, value: Any) -> Text:
    """msgspec's `dec_hook` for types that hold a `Text`."""
    if kind is Text and isinstance(value, str):
        return Text(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


_droplet = msgspec.json.Decoder(Droplet)
_listed_droplet = msgspec.json.Decoder(ListedDroplet)
_readable_page = msgspec.json.Decoder(_ReadablePage)
