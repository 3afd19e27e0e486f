"""The images that a team can choose from: the public ones, and its own snapshots and backups."""

from __future__ import annotations

from typing import Any

from sandbox.fleet import images
from sandbox.fleet.holdings import Holdings

Image = dict[str, Any]


def listed(holdings: Holdings) -> list[Image]:
    """Every image, the team's own first; public ones that are no longer offered are left out."""
    return own(holdings) + public(application=False) + public(application=True)


def own(holdings: Holdings) -> list[Image]:
    """The team's private images, oldest id first."""
    return [holdings.images[each].image for each in sorted(holdings.images)]


def public(*, application: bool) -> list[Image]:
    """The public images on offer: the distributions, or the 1-Click applications."""
    offered = [each for each in (*images.PUBLIC, images.GPU_READY) if each.application == application]
    return [image for image in map(images.describe, offered) if image["status"] == "available"]


def find(holdings: Holdings, asked: int | str) -> Image | None:
    """An image by its id, or a public one by its slug; those that are no longer offered can be looked up still."""
    if isinstance(asked, int) and asked in holdings.images:
        return holdings.images[asked].image
    for each in (*images.PUBLIC, images.GPU_READY):
        if asked in (each.id, each.slug):
            return images.describe(each)
    return None
