"""A droplet as the fleet's list shows it: flat, small, and with all that sorting and totals need."""

import re
from datetime import datetime
from typing import Self

import msgspec

from digitalocean_client.schema import Address, DropletImage, ListedDroplet, Region

_DIGITS = re.compile(r"([0-9]+)")
_ARCHITECTURE = re.compile(r" (\(LTS\) )?(x64|x32)$")
_PLACE_NUMBER = re.compile(r" [0-9]+$")


class DropletSummary(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`memory` in MB, `disk` in GB, `monthly` in US dollars. What DigitalOcean did not send is "" or None.

    `public` and `private` are all its IP addresses, those of version 4 before those of version 6. `has_backups` is
    whether automatic backups are enabled.
    """

    id: int
    name: str
    status: str
    locked: bool
    image: str
    region: str
    region_slug: str
    size_slug: str
    vcpus: int | None
    memory: int | None
    disk: int | None
    public: tuple[str, ...]
    private: tuple[str, ...]
    tags: tuple[str, ...]
    monthly: float | None
    created_at: datetime | None
    has_backups: bool | None = None

    @classmethod
    def from_droplet(cls, droplet: ListedDroplet) -> Self:
        region = droplet.region or Region()
        return cls(
            id=droplet.id,
            name=name_of(droplet),
            status=droplet.status or "",
            locked=bool(droplet.locked),
            image=image_name(droplet.image),
            region=place(region),
            region_slug=region.slug or "",
            size_slug=droplet.size_slug or "",
            vcpus=droplet.vcpus,
            memory=droplet.memory,
            disk=droplet.disk,
            public=_addresses(*droplet.public_v4, *droplet.public_v6),
            private=_addresses(*droplet.private_v4),
            tags=tuple(droplet.tags or ()),
            monthly=droplet.size.price_monthly if droplet.size else None,
            created_at=droplet.created_at,
            has_backups=None if droplet.features is None else "backups" in droplet.features,
        )

    @property
    def address(self) -> str:
        """The first public address, "" where there is none."""
        return self.public[0] if self.public else ""


def name_of(droplet: ListedDroplet) -> str:
    return (droplet.name or "").strip() or f"Droplet {droplet.id}"


def image_name(image: DropletImage | None) -> str:
    """“Ubuntu 24.04” for the public image “24.04 (LTS) x64” of “Ubuntu”; other images have their own name."""
    if image is None:
        return ""
    name = _ARCHITECTURE.sub("", image.name or "")
    if image.distribution and image.public and name[:1].isdigit():
        return f"{image.distribution} {name}"
    return name or image.distribution or image.slug or ""


def place(region: Region) -> str:
    """“Frankfurt” for “Frankfurt 1”: the number is in the slug, which is shown beside it."""
    return _PLACE_NUMBER.sub("", region.name or "") or (region.slug or "")


def _addresses(*addresses: Address) -> tuple[str, ...]:
    return tuple(address.ip_address for address in addresses if address.ip_address)


def tag_key(tag: str) -> str:
    """What is the same for two spellings of one tag. Tags ignore case: https://docs.digitalocean.com/reference/api/."""
    return tag.lower()


def by_name(droplet: DropletSummary) -> tuple[list[str | tuple[int, str]], int]:
    """A sort key: by name as `natural` sorts, equal names by id."""
    return natural(droplet.name), droplet.id


def natural(text: str) -> list[str | tuple[int, str]]:
    """A sort key that puts “web-2” before “web-10” and ignores case."""
    parts: list[str | tuple[int, str]] = list(_DIGITS.split(text.casefold()))
    # The odd parts are digits. Compared by length, then as text: Python refuses to make a number of thousands of them.
    parts[1::2] = [(len(digits), digits) for digits in (str(part).lstrip("0") for part in parts[1::2])]
    return parts
