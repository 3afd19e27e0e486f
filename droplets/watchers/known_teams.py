"""What is known of a person's teams, from the cache and the database alone: no call to DigitalOcean.

The database has the readings of the workers. It is used where the cache knows less: without Redis each process has a
cache of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from accounts.models import Connection, User
from droplets.fleet import cache as fleet_cache
from droplets.fleet import problems, readings, refresh
from droplets.fleet.cache import CachedFleet
from droplets.fleet.items import FleetItem, Team
from droplets.models import TeamReading


@dataclass(frozen=True)
class Attempt:
    """The latest attempt to read a team. It failed for `failure`, at the latest since `failed_at`; "" if it did not."""

    ended_at: datetime
    failed_at: datetime
    failure: str = ""


@dataclass(frozen=True)
class KnownTeam:
    """`items` are all of a team's droplets, all decoded. Reading them began at `began_at`, ended at `taken_at`.

    Both are None where they are not known, and so is the latest `attempt`.
    """

    team: Team
    connections: frozenset[UUID]
    began_at: datetime | None
    taken_at: datetime | None
    items: tuple[FleetItem, ...]
    attempt: Attempt | None


def teams_of(user: User) -> list[KnownTeam]:
    """Each connected team once, even where several connections lead to it."""
    connections = list(Connection.objects.for_user(user))
    keys = [connection.pk for connection in connections]
    rows = {row.pk: row for row in TeamReading.objects.filter(pk__in=keys).defer("entry", "droplets")}
    cached = fleet_cache.load(keys)
    newer = [pk for pk, row in rows.items() if row.taken_at and row.taken_at > _taken_at(cached.get(pk))]
    cached |= {pk: entry for pk, (entry, _) in readings.stored(newer).items()}
    by_team: dict[str, list[Connection]] = {}
    for connection in connections:
        by_team.setdefault(Team.from_connection(connection).key, []).append(connection)
    return [_known(group, cached, rows) for group in by_team.values()]


def _taken_at(entry: CachedFleet | None) -> datetime:
    return entry.taken_at if entry and entry.taken_at else datetime.min.replace(tzinfo=UTC)


def _known(
    connections: Sequence[Connection], cached: Mapping[UUID, CachedFleet], rows: Mapping[UUID, TeamReading]
) -> KnownTeam:
    team = Team.from_connection(connections[0])
    keys = [connection.pk for connection in connections]
    latest = _latest([(pk, cached[pk]) for pk in keys if pk in cached], team)
    attempts = [_attempt(each, cached.get(each.pk), rows.get(each.pk)) for each in connections]
    # A team can be read as long as one of its connections works.
    attempt = max(filter(None, attempts), key=lambda each: (not each.failure, each.ended_at), default=None)
    return KnownTeam(team, frozenset(keys), *latest, attempt)


def _latest(
    cached: Iterable[tuple[UUID, CachedFleet]], team: Team
) -> tuple[datetime | None, datetime | None, tuple[FleetItem, ...]]:
    """The latest complete reading whose droplets the cache still has."""
    complete = [
        (entry.taken_at, pk, entry)
        for pk, entry in cached
        if entry.taken_at and entry.version and entry.is_whole and not entry.unreadable
    ]
    for taken_at, pk, entry in sorted(complete, key=lambda each: each[0], reverse=True):
        droplets = fleet_cache.droplets({pk: entry}).get(pk)
        if droplets is not None:
            is_latest = entry.tried_at == taken_at and entry.began_at
            began_at = entry.began_at if is_latest else taken_at - timedelta(seconds=refresh.DEADLINE)
            return began_at, taken_at, tuple(FleetItem(droplet, team) for droplet in droplets)
    return None, None, ()


def _attempt(connection: Connection, entry: CachedFleet | None, row: TeamReading | None) -> Attempt | None:
    now = timezone.now()
    failure = problems.failure_of(connection, entry)
    if connection.state == Connection.State.NEEDS_RECONNECT and failure:
        # Nobody tries any more. It goes on failing.
        return Attempt(now, connection.last_error_at or now, failure.sentence)
    if row and row.tried_at and (entry is None or entry.tried_at is None or row.tried_at > entry.tried_at):
        code = "" if row.outcome == "incomplete" else row.outcome
        return Attempt(row.tried_at, row.tried_at, f"The error was: {code.replace('_', ' ')}." if code else "")
    if entry and entry.tried_at:
        return Attempt(entry.tried_at, entry.tried_at, failure.sentence if failure else "")
    return None
