"""Control: the clock, and the actions that came in."""

from __future__ import annotations

from typing import Any

from sandbox.api import errors
from sandbox.control.bodies import Given, only
from sandbox.world import World

ENDS = ("completed", "errored")


def clock(world: World, given: Given) -> Any:
    """POST clock: `forward` by seconds; an empty body only reads it."""
    only(given, "forward")
    forward = given.get("forward", 0)
    if isinstance(forward, bool) or not isinstance(forward, int | float) or not 0 <= forward <= 1e9:
        raise ValueError("forward must be a number of seconds, not below zero")
    world.clock.forward(forward)
    world.actions.settle(world.clock.now())
    return {"now": world.clock.now()}


def listed(world: World, given: Given) -> Any:
    """GET actions: what really reached the droplets, whether the answer arrived or not."""
    world.actions.settle(world.clock.now())
    return world.actions.as_json()


def end(world: World, given: Given) -> Any:
    """POST actions/{action_id}: end one that is under way, as completed or errored."""
    only(given, "status")
    if given.get("status") not in ENDS:
        raise ValueError(f"status must be one of {', '.join(ENDS)}")
    now = world.clock.now()
    world.actions.settle(now)
    asked = str(given["path:action_id"])
    if not asked.isdigit() or not world.actions.end(int(asked), now, fails=given["status"] == "errored"):
        raise errors.not_found()
    return {}
