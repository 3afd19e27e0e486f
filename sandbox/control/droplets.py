"""Control API: a team's droplets: how many there are, and their fields."""

from __future__ import annotations

import copy
from typing import Any

from sandbox import errors, people
from sandbox.control.handlers import Body, allow_only
from sandbox.faults import json_pointer
from sandbox.fleet import droplet_resources
from sandbox.fleet.fleets import Fleet
from sandbox.simulation import Simulation


def change(simulation: Simulation, body: Body) -> Any:
    """POST teams/{team_uuid}/droplets: count, then remove, then add, then patch."""
    allow_only(body, "count", "remove", "add", "patch", "gpus")
    team = people.team(simulation.store, str(body["path:team_uuid"]))
    if team is None:
        raise errors.not_found()
    simulation.actions.complete_due(simulation.clock.now())
    if "count" in body:
        simulation.fleets.recreate(team, _count(body, "count"))
    fleet = simulation.fleets.for_team(team)
    if "remove" in body:
        kept = max(0, len(fleet.ordinary) - _count(body, "remove"))
        for droplet in fleet.ordinary[kept:]:
            droplet_resources.remove(fleet.resources, droplet)
        del fleet.ordinary[kept:]
    if "add" in body:
        simulation.fleets.add(team, _count(body, "add"))
    for patch in body.get("patch", []):
        _patch(fleet, patch, gpus=body.get("gpus") is True)
    fleet.clear_pages()
    return {"droplets": len(fleet.ordinary), "gpus": len(fleet.gpus)}


def _patch(fleet: Fleet, patch: Any, *, gpus: bool) -> None:
    """Change one droplet: `{index, set: {field or JSON pointer: value}, remove: [field or JSON pointer]}`."""
    if not isinstance(patch, dict) or type(patch.get("index")) is not int:
        raise ValueError("a patch must be an object with an index")
    allow_only(patch, "index", "set", "remove")
    droplets = fleet.gpus if gpus else fleet.ordinary
    try:
        droplet = copy.deepcopy(droplets[patch["index"]])
        for path, value in patch.get("set", {}).items():
            droplet = json_pointer.set_value(droplet, _pointer(path), value)
        for path in patch.get("remove", []):
            droplet = json_pointer.remove_value(droplet, _pointer(path))
    except LookupError as error:
        raise ValueError(f"the patch does not fit: {error}") from error
    droplets[patch["index"]] = droplet
    droplet_resources.add(fleet.resources, droplet)


def _pointer(path: str) -> str:
    return path if path.startswith("/") or path == "" else f"/{path}"


def _count(body: Body, name: str) -> int:
    if type(body[name]) is not int or body[name] < 0:
        raise ValueError(f"{name} must be a whole number, not below zero")
    return int(body[name])
