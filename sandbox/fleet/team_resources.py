"""What a team has beside its droplets. The other modules of this package fill and read it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sandbox.fleet.action import Action
from sandbox.fleet.policies import Policy
from sandbox.fleet.reserved import Reserved
from sandbox.people import Team

FIRST_NEW_IMAGE = 190_000_000  # above the ids of all generated images
IDS_PER_TEAM = 1_000_000  # ids of new images for each team


@dataclass(frozen=True, slots=True)
class PrivateImage:
    """A private image as JSON, and the id of the droplet that it was taken of."""

    image: dict[str, Any]
    droplet_id: int


@dataclass
class Schedule:
    """A droplet's backups: its policy, the ids of its backups, oldest first, and the start of its next window."""

    policy: Policy
    backups: list[int]
    window: int  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class PowerChange:
    """A droplet was turned on or off, or rebooted, at a time in seconds since the epoch."""

    at: float
    on: bool


@dataclass
class TeamResources:
    """The resources of one team. For tokens without a team, `team` is None and everything is empty."""

    seed: int
    team: Team | None
    images: dict[int, PrivateImage] = field(default_factory=dict)
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    firewalls: list[dict[str, Any]] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)  # IPv4
    reserved_v6: list[Reserved] = field(default_factory=list)
    schedules: dict[int, Schedule] = field(default_factory=dict)  # by droplet
    schedules_due: float = math.inf  # when the next window closes
    power_changes: dict[int, list[PowerChange]] = field(
        default_factory=dict
    )  # by droplet; the first is the state before all changes
    past_actions: dict[int, list[Action]] = field(default_factory=dict)  # generated, of droplets with requested actions
    original_disks: dict[int, int] = field(default_factory=dict)  # GB, by droplet, where the disk was enlarged
    tags: dict[str, str] = field(default_factory=dict)  # as first written, by their lower case
    images_made: int = 0

    @property
    def key(self) -> str:
        """Makes the generated resources of one team differ from another's."""
        return self.team.uuid if self.team else ""

    def new_image_id(self) -> int:
        """An id for another private image, unique over all teams."""
        self.images_made += 1
        return FIRST_NEW_IMAGE + (self.team.number if self.team else 0) * IDS_PER_TEAM + self.images_made
