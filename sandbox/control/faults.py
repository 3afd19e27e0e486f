"""Control: faults."""

from __future__ import annotations

from typing import Any

from sandbox.api import errors
from sandbox.control.bodies import Given, only
from sandbox.world import World


def arrange(world: World, given: Given) -> Any:
    """POST faults."""
    return {"id": world.faults.add(given)}


def listed(world: World, given: Given) -> Any:
    """GET faults."""
    return world.faults.as_json()


def clear(world: World, given: Given) -> Any:
    """DELETE faults."""
    only(given)
    world.faults.clear()
    return {}


def drop(world: World, given: Given) -> Any:
    """DELETE faults/{fault_id}."""
    asked = str(given["path:fault_id"])
    if not asked.isdigit() or not world.faults.drop(int(asked)):
        raise errors.not_found()
    return {}
