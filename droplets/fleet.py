"""Every droplet of every team that a person has connected: read at once, added up, with what is wrong said per team."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Connection, User
from droplets import fanout, troubles
from droplets.items import Item, Team
from droplets.listing import Listed
from droplets.rows import by_name
from droplets.totals import Totals
from droplets.troubles import Trouble

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fleet:
    """`teams` counts the connected teams, `answered` those of them that something came from."""

    items: tuple[Item, ...]
    totals: Totals
    troubles: tuple[Trouble, ...]
    teams: int
    answered: int
    read_at: datetime


def read(user: User) -> Fleet:
    """The fleet of a person, as far as it can be read within FLEET_DEADLINE seconds. Never raises for a team."""
    until = monotonic() + settings.FLEET_DEADLINE
    connections = list(Connection.objects.of(user))
    listed = fanout.read(connections, until=until) if connections else {}
    now = timezone.now()
    _leave_counts(listed, now)
    _log_errors(listed)
    items = _items(connections, listed)
    answered = {team_of(c) for c in connections if listed[c.pk].has_ordinary or listed[c.pk].has_gpus}
    return Fleet(
        items=items,
        totals=Totals.of(item.row for item in items),
        troubles=_troubles(connections, listed),
        teams=len({team_of(connection) for connection in connections}),
        answered=len(answered),
        read_at=now,
    )


def team_of(connection: Connection) -> str:
    """What two connections to one team have in common; outside of a team, the user's own uuid."""
    return connection.team_uuid or connection.user_uuid


def _items(connections: Sequence[Connection], listed: dict[UUID, Listed]) -> tuple[Item, ...]:
    """All droplets by name. A team that two DigitalOcean users have linked counts once."""
    items: dict[tuple[str, int], Item] = {}
    for connection in connections:
        team = Team.of(connection)
        for row in listed[connection.pk].rows:
            items.setdefault((team.key, row.id), Item(row, team))
    return tuple(sorted(items.values(), key=lambda item: by_name(item.row)))


def _troubles(connections: Sequence[Connection], listed: dict[UUID, Listed]) -> tuple[Trouble, ...]:
    whole = {team_of(connection) for connection in connections if listed[connection.pk].is_complete}
    found = (
        troubles.of_listing(connection, listed[connection.pk], elsewhere=_is_elsewhere(connection, listed, whole))
        for connection in connections
    )
    return tuple(trouble for trouble in found if trouble)


def _is_elsewhere(connection: Connection, listed: dict[UUID, Listed], whole: set[str]) -> bool:
    return team_of(connection) in whole and not listed[connection.pk].is_complete


def _leave_counts(listed: dict[UUID, Listed], now: datetime) -> None:
    """Leave on each connection how many droplets a whole reading found, and when: the Connections page shows it."""
    whole = [
        Connection(pk=key, droplet_count=found.total, droplets_read_at=now)
        for key, found in listed.items()
        if found.is_complete
    ]
    # One statement however many there are; one that was disconnected meanwhile is simply not there to be updated.
    Connection.objects.bulk_update(whole, ["droplet_count", "droplets_read_at"])


def _log_errors(listed: dict[UUID, Listed]) -> None:
    for key, found in listed.items():
        if found.error:
            log.warning("A team's droplets could not be read whole: %s", found.error, extra={"connection": str(key)})
