"""Control: what was counted, what was asked, which grants stand."""

from __future__ import annotations

from typing import Any

from sandbox.control.bodies import Given, only
from sandbox.faults.counters import Counters
from sandbox.oauth import grants
from sandbox.world import World


def counters(world: World, given: Given) -> Any:
    """GET counters."""
    return world.counters.as_json()


def reset_counters(world: World, given: Given) -> Any:
    """POST counters/reset. Requests still under way finish in the old books."""
    only(given)
    world.counters = Counters()
    return {}


def ledger(world: World, given: Given) -> Any:
    """GET ledger."""
    return grants.ledger(world.store)


def requests(world: World, given: Given) -> Any:
    """GET requests."""
    return world.log.as_json()
