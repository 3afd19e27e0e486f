"""A droplet in a fleet: its summary, and the team it belongs to."""

from typing import Self
from uuid import UUID

import msgspec

from accounts.models import Connection
from droplets.fleet.statuses import DropletStatus, status_of
from droplets.fleet.summary import DropletSummary


class Team(msgspec.Struct, frozen=True, gc=False):
    """A team as a page shows it. `key` is the same for all connections to one team; `connection` is used in URLs.

    `initial` and `color` (a number) are those of the square beside its name.
    """

    key: str
    name: str
    initial: str
    color: int
    connection: UUID

    @classmethod
    def from_connection(cls, connection: Connection) -> Self:
        return cls(
            key=connection.team_key,
            name=connection.team_name,
            initial=connection.initial,
            color=connection.color,
            connection=connection.pk,
        )


class FleetItem(msgspec.Struct, frozen=True, gc=False):
    """Immutable, since pages of one person share it between threads."""

    droplet: DropletSummary
    team: Team

    @property
    def status(self) -> DropletStatus:
        return status_of(self.droplet.status)
