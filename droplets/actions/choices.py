"""The sizes and images that DigitalOcean accepts for a droplet."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from digitalocean_client.actions import Image, Size
from digitalocean_client.schema import Droplet
from digitalocean_client.schema import DropletImage as DropletImage
from droplets.fleet import summary


@dataclass(frozen=True)
class SizeChoice:
    """A size that a droplet can be resized to. `difference` to its present price, in US dollars a month."""

    size: Size
    difference: float | None

    @property
    def slug(self) -> str:
        return str(self.size.slug)


@dataclass(frozen=True)
class ImageChoice:
    """An image that a droplet can be rebuilt from. `api_value` is its slug or id, as the API wants it."""

    name: str
    is_own: bool
    api_value: str | int

    @property
    def value(self) -> str:
        return str(self.api_value)


def sizes(found: Iterable[Size], droplet: Droplet) -> tuple[SizeChoice, ...]:
    """The sizes available in the droplet's region with a disk at least as large, cheapest first.

    A disk cannot shrink. A GPU droplet can only get another GPU size, and the other way round.
    """
    region = droplet.region.slug if droplet.region else None
    now = droplet.size.price_monthly if droplet.size else None
    disk = droplet.disk or 0
    fitting = [
        size
        for size in found
        if size.available
        and region in (size.regions or ())
        and (size.disk or 0) >= disk
        and (size.gpu_info is None) == (droplet.gpu_info is None)
        and size.slug != droplet.size_slug
    ]
    fitting.sort(key=lambda size: (size.price_monthly or 0, str(size.slug)))
    return tuple(SizeChoice(size, _difference(size.price_monthly, now)) for size in fitting)


def _difference(price: float | None, now: float | None) -> float | None:
    return None if price is None or now is None else price - now


def images(distributions: Iterable[Image], own: Iterable[Image], droplet: Droplet) -> tuple[ImageChoice, ...]:
    """The images that fit the droplet: distributions by name, then the team's own images, the latest first.

    Backups are left out: DigitalOcean can restore a backup, but cannot rebuild from one.
    """
    public = sorted(_fitting(distributions, droplet), key=lambda image: (summary.natural(_name(image)), image.id))
    private = sorted(_fitting(own, droplet), key=lambda image: image.id, reverse=True)
    return (
        *(ImageChoice(_name(image), False, str(image.slug) if image.slug else image.id) for image in public),
        *(ImageChoice(_name(image), True, image.id) for image in private if image.type != "backup"),
    )


def _fitting(found: Iterable[Image], droplet: Droplet) -> list[Image]:
    region = droplet.region.slug if droplet.region else None
    return [
        image
        for image in found
        if region in (image.regions or ())
        and (droplet.disk is None or (image.min_disk_size or 0) <= droplet.disk)
        and image.status in (None, "available")
    ]


def _name(image: Image) -> str:
    shown = DropletImage(image.id, image.slug, image.name, image.distribution, image.public)
    return str(summary.image_name(shown)) or f"Image {image.id}"


def grouped(found: Iterable[ImageChoice]) -> list[Any]:
    """The choices of a `<select>` in groups, an empty one first."""
    distributions = [(image.value, image.name) for image in found if not image.is_own]
    own = [(image.value, image.name) for image in found if image.is_own]
    groups = [("Distributions", distributions), ("Your snapshots and images", own)]
    return [("", "Choose an image"), *(group for group in groups if group[1])]


def current_image(found: Iterable[ImageChoice], droplet: Droplet) -> str:
    """The value of the image that the droplet was created from; empty where it is not in `found`."""
    if droplet.image is None:
        return ""
    now = {str(droplet.image.slug), str(droplet.image.id)}
    return next((image.value for image in found if image.value in now), "")
