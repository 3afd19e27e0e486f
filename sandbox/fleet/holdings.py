"""What a team has beside its droplets: tables that the other files of this room fill and read."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sandbox.actions.action import Action
from sandbox.fleet.policies import Policy
from sandbox.fleet.reserved import Reserved
from sandbox.people import Team

FIRST_NEW_IMAGE = 190_000_000  # above the ids of all made-up images
ROOM = 1_000_000  # ids of new images for each team


@dataclass(frozen=True, slots=True)
class Held:
    """A private image as the API shows it, and the droplet that it was taken of."""

    image: dict[str, Any]
    droplet_id: int


@dataclass
class Schedule:
    """A droplet's backups: its policy, the ids of its backups, oldest first, and when its next window opens."""

    policy: Policy
    backups: list[int]
    window: int  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class Switch:
    """A droplet was turned on or off, or booted again, at a moment in seconds since the epoch."""

    at: float
    on: bool


@dataclass
class Holdings:
    """One team's tables. Outside of every team, `team` is None and all of them are empty."""

    seed: int
    team: Team | None
    images: dict[int, Held] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    firewalls: list[dict[str, Any]] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)  # IPv4
    reserved_v6: list[Reserved] = field(default_factory=list)
    schedules: dict[int, Schedule] = field(default_factory=dict)  # by droplet
    schedules_due: float = math.inf  # when the first of the open or coming windows closes
    switches: dict[int, list[Switch]] = field(default_factory=dict)  # by droplet; the first tells what was before
    pasts: dict[int, list[Action]] = field(default_factory=dict)  # made up, of droplets that were acted upon since
    first_disks: dict[int, int] = field(default_factory=dict)  # GB, by droplet whose disk was enlarged
    images_made: int = 0

    @property
    def key(self) -> str:
        """What tells one team's made-up things from another's."""
        return self.team.uuid if self.team else ""

    def new_image_id(self) -> int:
        """An id for one more private image, unique in the world."""
        self.images_made += 1
        return FIRST_NEW_IMAGE + (self.team.number if self.team else 0) * ROOM + self.images_made
