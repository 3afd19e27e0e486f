"""Reads fields of a droplet, which a test may have made odd: what is not of its kind counts as nothing."""

from __future__ import annotations

from typing import Any

from sandbox.fleet.droplets import Droplet


def values(droplet: Droplet, name: str) -> list[Any]:
    """A list, such as its tags."""
    found = droplet.get(name)
    return found if isinstance(found, list) else []


def amount(droplet: Droplet, name: str) -> int:
    """A whole number, such as its disk in GB; an odd one is 0."""
    found = droplet.get(name)
    return found if type(found) is int and found >= 0 else 0


def part(droplet: Droplet, name: str) -> dict[str, Any]:
    """An object, such as its image."""
    found = droplet.get(name)
    return found if isinstance(found, dict) else {}


def region_slug(droplet: Droplet) -> str:
    """The slug of its region, or an empty text."""
    return str(part(droplet, "region").get("slug", ""))
