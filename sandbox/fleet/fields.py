"""Reads fields of a droplet that a test may have changed: a value of the wrong type counts as empty."""

from __future__ import annotations

from typing import Any

from sandbox.fleet.droplets import Droplet


def list_field(droplet: Droplet, name: str) -> list[Any]:
    """A list, such as its tags."""
    found = droplet.get(name)
    return found if isinstance(found, list) else []


def number_field(droplet: Droplet, name: str) -> int:
    """A whole number, such as its disk in GB; 0 for anything else."""
    found = droplet.get(name)
    return found if type(found) is int and found >= 0 else 0


def object_field(droplet: Droplet, name: str) -> dict[str, Any]:
    """An object, such as its image."""
    found = droplet.get(name)
    return found if isinstance(found, dict) else {}


def region_slug(droplet: Droplet) -> str:
    """The slug of its region, or an empty string."""
    return str(object_field(droplet, "region").get("slug", ""))
