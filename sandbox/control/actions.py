"""Control API: the clock and the actions."""

from __future__ import annotations

from typing import Any

from sandbox import errors
from sandbox.control.handlers import Body, allow_only
from sandbox.simulation import Simulation

ENDS = ("completed", "errored")


def clock(simulation: Simulation, body: Body) -> Any:
    """POST clock: move it ahead by `forward` seconds; an empty body only reads it."""
    allow_only(body, "forward")
    forward = body.get("forward", 0)
    if isinstance(forward, bool) or not isinstance(forward, int | float) or not 0 <= forward <= 1e9:
        raise ValueError("forward must be a number of seconds, not below zero")
    simulation.clock.advance(forward)
    simulation.actions.complete_due(simulation.clock.now())
    return {"now": simulation.clock.now()}


def list_all(simulation: Simulation, body: Body) -> Any:
    """GET actions: every action that took effect, whether its response arrived or not."""
    simulation.actions.complete_due(simulation.clock.now())
    return simulation.actions.as_json()


def finish(simulation: Simulation, body: Body) -> Any:
    """POST actions/{action_id}: end one that is in progress, as completed or errored."""
    allow_only(body, "status")
    if body.get("status") not in ENDS:
        raise ValueError(f"status must be one of {', '.join(ENDS)}")
    now = simulation.clock.now()
    simulation.actions.complete_due(now)
    action_id = str(body["path:action_id"])
    if not action_id.isdigit() or not simulation.actions.finish(int(action_id), now, fails=body["status"] == "errored"):
        raise errors.not_found()
    return {}
