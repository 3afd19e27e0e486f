"""Control API: faults."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.control.handlers import Body, allow_only
from sandbox.simulation import Simulation


def add(simulation: Simulation, body: Body) -> Any:
    """POST faults."""
    return {"id": simulation.faults.add(body)}


def list_all(simulation: Simulation, body: Body) -> Any:
    """GET faults."""
    return simulation.faults.as_json()


def clear(simulation: Simulation, body: Body) -> Any:
    """DELETE faults."""
    allow_only(body)
    simulation.faults.clear()
    return {}


def remove(simulation: Simulation, body: Body) -> Any:
    """DELETE faults/{fault_id}."""
    fault_id = str(body["path:fault_id"])
    if not fault_id.isdigit() or not simulation.faults.remove(int(fault_id)):
        raise errors.not_found()
    return {}
