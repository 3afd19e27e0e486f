"""The log of actions: started by requests, completed when the clock reaches their end, kept until the process ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sandbox.actions import history
from sandbox.actions.effects import EFFECTS
from sandbox.fleet.action import Action
from sandbox.fleet.droplets import Droplet
from sandbox.fleet.fields import object_field
from sandbox.fleet.fleets import Fleet

FIRST_ID = 9_000_000_001  # above the ids of all generated actions


@dataclass
class LoggedAction:
    """An action that was requested over the API, and the fleet of its droplet.

    body: the request's JSON body. parameters: what `validation.validate` made of it. ends_at: seconds since the epoch.
    fails: the action will end as errored, without effect.
    """

    action: Action
    fleet: Fleet
    body: dict[str, Any]
    parameters: dict[str, Any]
    ends_at: float
    fails: bool = False


class ActionLog:
    """Every action since the process started. There is no background task: `complete_due` completes what is due."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._entries: list[LoggedAction] = []
        self._running: list[LoggedAction] = []
        self._due = math.inf

    def start(
        self, fleet: Fleet, droplet: Droplet, type_: str, body: dict[str, Any], parameters: dict[str, Any], now: float,
        ends_at: float,
    ) -> LoggedAction:  # fmt: skip
        """Add an action, and lock its droplet until the action ends."""
        # Later changes of the droplet must not change its generated past.
        fleet.resources.past_actions.setdefault(droplet["id"], history.past_actions(fleet.resources, droplet))
        action = Action(
            id=FIRST_ID + len(self._entries),
            type=type_,
            status="in-progress",
            started_at=now,
            completed_at=None,
            droplet_id=droplet["id"],
            region=object_field(droplet, "region"),
        )
        entry = LoggedAction(action, fleet, body, parameters, ends_at)
        self._entries.append(entry)
        self._running.append(entry)
        self._due = min(self._due, ends_at)
        droplet["locked"] = True
        fleet.clear_pages()
        return entry

    def complete_due(self, now: float) -> None:
        """Complete every action whose end has come, in the order of their ends."""
        while self._due <= now:
            self._finish(min(self._running, key=lambda each: each.ends_at))

    def finish(self, action_id: int, now: float, *, fails: bool) -> bool:
        """End one action now. Returns False when no action of this id is in progress."""
        entry = next((each for each in self._running if each.action.id == action_id), None)
        if entry is None:
            return False
        entry.ends_at, entry.fails = now, fails
        self._finish(entry)
        return True

    def _finish(self, entry: LoggedAction) -> None:
        self._running.remove(entry)
        self._due = min((each.ends_at for each in self._running), default=math.inf)
        action, fleet = entry.action, entry.fleet
        action.completed_at = entry.ends_at
        action.status = "errored" if entry.fails else "completed"
        droplet = fleet.find(action.droplet_id)
        if droplet is None:
            return
        droplet["locked"] = False
        if not entry.fails:
            EFFECTS[action.type](fleet, droplet, entry.parameters, entry.ends_at)
        fleet.clear_pages()

    def of_droplet(self, fleet: Fleet, droplet: Droplet) -> list[Action]:
        """The actions on one droplet, latest first."""
        past = fleet.resources.past_actions.get(droplet["id"])
        found = history.past_actions(fleet.resources, droplet) if past is None else past
        requested = [each.action for each in self._entries if each.fleet is fleet]
        return _latest_first([*found, *(each for each in requested if each.droplet_id == droplet["id"])])

    def of_fleet(self, fleet: Fleet) -> list[Action]:
        """The actions on all droplets of a team, latest first, destroyed droplets included."""
        past_actions = fleet.resources.past_actions
        found = [each.action for each in self._entries if each.fleet is fleet]
        found += chain.from_iterable(past_actions.values())
        for droplet in fleet.all():
            if droplet.get("id") not in past_actions:
                found += history.past_actions(fleet.resources, droplet)
        return _latest_first(found)

    def as_json(self) -> list[dict[str, Any]]:
        """Every requested action, oldest first, for the control API."""
        return [
            {
                "id": each.action.id,
                "team": each.fleet.resources.team.uuid if each.fleet.resources.team else "",
                "droplet_id": each.action.droplet_id,
                "type": each.action.type,
                "status": each.action.status,
                "started_at": each.action.started_at,
                "completed_at": each.action.completed_at,
                "body": each.body,
            }
            for each in self._entries
        ]


def _latest_first(actions: list[Action]) -> list[Action]:
    return sorted(actions, key=lambda action: (action.started_at, action.id), reverse=True)
