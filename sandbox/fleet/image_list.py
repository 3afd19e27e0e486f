"""The images that a team can use: the public ones, and its own snapshots and backups."""

from __future__ import annotations

from typing import Any

from sandbox.fleet import images
from sandbox.fleet.team_resources import TeamResources

Image = dict[str, Any]


def all_images(resources: TeamResources) -> list[Image]:
    """Every image, the team's own first. Retired public images are left out."""
    return private_images(resources) + public_images(application=False) + public_images(application=True)


def private_images(resources: TeamResources) -> list[Image]:
    """The team's private images, lowest id first."""
    return [resources.images[each].image for each in sorted(resources.images)]


def public_images(*, application: bool) -> list[Image]:
    """The available public images: the distributions, or the 1-Click applications."""
    offered = [each for each in (*images.PUBLIC, images.GPU_READY) if each.application == application]
    return [image for image in map(images.describe, offered) if image["status"] == "available"]


def find_image(resources: TeamResources, id_or_slug: int | str) -> Image | None:
    """An image by its id, or a public one by its slug. Retired images are found too."""
    if isinstance(id_or_slug, int) and id_or_slug in resources.images:
        return resources.images[id_or_slug].image
    for each in (*images.PUBLIC, images.GPU_READY):
        if id_or_slug in (each.id, each.slug):
            return images.describe(each)
    return None
