"""The book of actions: started by requests, finished by the clock, kept as long as the process lives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sandbox.actions import history
from sandbox.actions.action import Action
from sandbox.actions.effects import EFFECTS
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import part
from sandbox.fleet.listing import Fleet

FIRST_ID = 9_000_000_001  # above the ids of all made-up actions


@dataclass
class Started:
    """An action that came in over the API, with the fleet that it acts upon.

    asked: the body of the request. order: what it comes to. ends_at: seconds since the epoch. fails: it will end
    errored.
    """

    action: Action
    fleet: Fleet
    asked: dict[str, Any]
    order: dict[str, Any]
    ends_at: float
    fails: bool = False


class Book:
    """Every action since the process started. Nothing runs behind: `settle` finishes what is due when it is called."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._started: list[Started] = []
        self._running: list[Started] = []
        self._due = math.inf

    def start(
        self, fleet: Fleet, droplet: Droplet, type_: str, asked: dict[str, Any], order: dict[str, Any], now: float,
        ends_at: float,
    ) -> Started:  # fmt: skip
        """Enter an action, and lock its droplet until it is done."""
        # What the droplet will say of itself later must not change its made-up past.
        fleet.holdings.pasts.setdefault(droplet["id"], history.of(fleet.holdings, droplet))
        action = Action(
            id=FIRST_ID + len(self._started),
            type=type_,
            status="in-progress",
            started_at=now,
            completed_at=None,
            droplet_id=droplet["id"],
            region=part(droplet, "region"),
        )
        started = Started(action, fleet, asked, order, ends_at)
        self._started.append(started)
        self._running.append(started)
        self._due = min(self._due, ends_at)
        droplet["locked"] = True
        fleet.change()
        return started

    def settle(self, now: float) -> None:
        """Finish every action whose time has come, in their order."""
        while self._due <= now:
            self._finish(min(self._running, key=lambda each: each.ends_at))

    def end(self, action_id: int, now: float, *, fails: bool) -> bool:
        """Finish one action at once. False when none of this id is under way."""
        started = next((each for each in self._running if each.action.id == action_id), None)
        if started is None:
            return False
        started.ends_at, started.fails = now, fails
        self._finish(started)
        return True

    def _finish(self, started: Started) -> None:
        self._running.remove(started)
        self._due = min((each.ends_at for each in self._running), default=math.inf)
        action, fleet = started.action, started.fleet
        action.completed_at = started.ends_at
        action.status = "errored" if started.fails else "completed"
        droplet = fleet.find(action.droplet_id)
        if droplet is None:
            return
        droplet["locked"] = False
        if not started.fails:
            EFFECTS[action.type](fleet, droplet, started.order, started.ends_at)
        fleet.change()

    def of_droplet(self, fleet: Fleet, droplet: Droplet) -> list[Action]:
        """What was done to a droplet, the latest first."""
        past = fleet.holdings.pasts.get(droplet["id"])
        found = history.of(fleet.holdings, droplet) if past is None else past
        mine = [each.action for each in self._started if each.fleet is fleet]
        return _latest_first([*found, *(each for each in mine if each.droplet_id == droplet["id"])])

    def of_fleet(self, fleet: Fleet) -> list[Action]:
        """What was done to all of a team's droplets, the latest first; also to those destroyed meanwhile."""
        pasts = fleet.holdings.pasts
        found = [each.action for each in self._started if each.fleet is fleet]
        found += chain.from_iterable(pasts.values())
        for droplet in fleet.all():
            if droplet.get("id") not in pasts:
                found += history.of(fleet.holdings, droplet)
        return _latest_first(found)

    def as_json(self) -> list[dict[str, Any]]:
        """Every action that took effect as a request, for the control API: oldest first."""
        return [
            {
                "id": each.action.id,
                "team": each.fleet.holdings.team.uuid if each.fleet.holdings.team else "",
                "droplet_id": each.action.droplet_id,
                "type": each.action.type,
                "status": each.action.status,
                "started_at": each.action.started_at,
                "completed_at": each.action.completed_at,
                "asked": each.asked,
            }
            for each in self._started
        ]


def _latest_first(actions: list[Action]) -> list[Action]:
    return sorted(actions, key=lambda action: (action.started_at, action.id), reverse=True)
