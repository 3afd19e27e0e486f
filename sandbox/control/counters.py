"""Control API: request counters, the request log and the list of grants."""

from __future__ import annotations

from typing import Any

from sandbox.control.handlers import Body, allow_only
from sandbox.grants import grants
from sandbox.simulation import Simulation
from sandbox.traffic.counters import Counters


def counters(simulation: Simulation, body: Body) -> Any:
    """GET counters."""
    return simulation.counters.as_json()


def reset_counters(simulation: Simulation, body: Body) -> Any:
    """POST counters/reset. Requests in progress are counted in the old counters."""
    allow_only(body)
    simulation.counters = Counters()
    return {}


def ledger(simulation: Simulation, body: Body) -> Any:
    """GET ledger."""
    return grants.ledger(simulation.store)


def pairs(simulation: Simulation, body: Body) -> Any:
    """GET pairs."""
    return grants.pairs(simulation.store)


def requests(simulation: Simulation, body: Body) -> Any:
    """GET requests."""
    return simulation.log.as_json()
