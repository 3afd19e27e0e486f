"""Control: a team's droplets, more of them, fewer, or odd ones."""

from __future__ import annotations

import copy
from typing import Any

from sandbox import people
from sandbox.api import errors
from sandbox.control.bodies import Given, only
from sandbox.faults import pointers
from sandbox.fleet import belongings
from sandbox.fleet.listing import Fleet
from sandbox.world import World


def change(world: World, given: Given) -> Any:
    """POST teams/{team_uuid}/droplets: count, then remove, then add, then patch."""
    only(given, "count", "remove", "add", "patch", "gpus")
    team = people.team(world.store, str(given["path:team_uuid"]))
    if team is None:
        raise errors.not_found()
    world.actions.settle(world.clock.now())
    if "count" in given:
        world.fleets.resize(team, _count(given, "count"))
    fleet = world.fleets.of(team)
    if "remove" in given:
        kept = max(0, len(fleet.ordinary) - _count(given, "remove"))
        for droplet in fleet.ordinary[kept:]:
            belongings.release(fleet.holdings, droplet)
        del fleet.ordinary[kept:]
    if "add" in given:
        world.fleets.add(team, _count(given, "add"))
    for patch in given.get("patch", []):
        _patch(fleet, patch, gpus=given.get("gpus") is True)
    fleet.change()
    return {"droplets": len(fleet.ordinary), "gpus": len(fleet.gpus)}


def _patch(fleet: Fleet, patch: Any, *, gpus: bool) -> None:
    """Change one droplet: `{index, set: {field or JSON pointer: value}, remove: [field or JSON pointer]}`."""
    if not isinstance(patch, dict) or type(patch.get("index")) is not int:
        raise ValueError("a patch must be an object with an index")
    only(patch, "index", "set", "remove")
    droplets = fleet.gpus if gpus else fleet.ordinary
    try:
        droplet = copy.deepcopy(droplets[patch["index"]])
        for place, value in patch.get("set", {}).items():
            droplet = pointers.put(droplet, _pointer(place), value)
        for place in patch.get("remove", []):
            droplet = pointers.remove(droplet, _pointer(place))
    except LookupError as error:
        raise ValueError(f"the patch does not fit: {error}") from error
    droplets[patch["index"]] = droplet
    belongings.take_in(fleet.holdings, droplet)


def _pointer(place: str) -> str:
    return place if place.startswith("/") or place == "" else f"/{place}"


def _count(given: Given, name: str) -> int:
    if type(given[name]) is not int or given[name] < 0:
        raise ValueError(f"{name} must be a whole number, not below zero")
    return int(given[name])
