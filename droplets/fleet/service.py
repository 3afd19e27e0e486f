"""Every droplet of every team that a person has connected: as it was last read, renewed where that is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Connection, User
from digitalocean_client import errors
from droplets.fleet import cache as fleet_cache
from droplets.fleet import problems
from droplets.fleet import refresh as fleet_refresh
from droplets.fleet.cache import CachedFleet
from droplets.fleet.fetch import FetchResult
from droplets.fleet.items import FleetItem, Team
from droplets.fleet.problems import ConnectionProblem
from droplets.fleet.summary import DropletSummary

_SAME_TIME = timedelta(minutes=5)
"""Of two connections to one team the first is shown, unless the other's reading is newer than this."""

_LONGEST_WAIT = 60.0
"""Seconds after which an open page asks again in any case: a team may have been connected in another tab."""


@dataclass(frozen=True)
class Source:
    """One connection's part of the fleet. `so_far` is there while a first reading goes on beyond the page's time."""

    connection: Connection
    team: Team
    reading: CachedFleet | None
    rows: tuple[DropletSummary, ...]
    so_far: FetchResult | None = None
    is_running: bool = False
    is_slow: bool = False
    is_elsewhere: bool = False
    trouble: ConnectionProblem | None = None

    @property
    def is_answered(self) -> bool:
        """Whether anything is known of the team's droplets, be it that it has none."""
        return bool(self.rows) or (self.reading is not None and self.reading.taken_at is not None)

    @property
    def is_whole(self) -> bool:
        return self.reading is not None and self.reading.is_whole

    @property
    def is_complete(self) -> bool:
        """Whether every droplet is here: one that came and made no sense is not."""
        return self.reading is not None and self.reading.is_whole and not self.reading.unreadable


@dataclass(frozen=True)
class Fleet:
    """`teams` counts the connected teams, `answered` those of them that something is known of.

    `read_at` is of when the oldest droplets are that it shows, None where nothing was read. `edition` changes with
    whatever a page of it shows; `renew_after` is in how many seconds asking again makes sense.
    """

    sources: tuple[Source, ...]
    teams: int
    answered: int
    read_at: datetime | None
    edition: str
    renew_after: float

    @cached_property
    def items(self) -> tuple[FleetItem, ...]:
        """Each droplet once, however many connections of one team it was read through."""
        items: dict[tuple[str, int], FleetItem] = {}
        for source in self._shown:
            for row in source.rows:
                items.setdefault((source.team.key, row.id), FleetItem(row, source.team))
        return tuple(items.values())

    @property
    def shown_teams(self) -> tuple[Team, ...]:
        """The teams whose droplets are in `items`, though there may be none of them."""
        return tuple(source.team for source in self._shown)

    @property
    def contents(self) -> tuple[tuple[Team, str], ...] | None:
        """The same for two fleets with the same `items`; None while a first reading goes on and they still change."""
        if any(source.so_far for source in self._shown):
            return None
        return tuple((source.team, source.reading.edition if source.reading else "") for source in self._shown)

    @property
    def _shown(self) -> list[Source]:
        return [source for source in self.sources if not source.is_elsewhere]

    @property
    def troubles(self) -> tuple[ConnectionProblem, ...]:
        return tuple(source.trouble for source in self.sources if source.trouble)

    @property
    def is_whole(self) -> bool:
        """Whether every droplet of every team is here, and could be read."""
        return all(source.is_complete or source.is_elsewhere for source in self.sources)


def read_fleet(user: User, *, wait: bool) -> Fleet:
    """The fleet of a person, within FLEET_DEADLINE seconds. Never raises for a team.

    What has been read before is shown at once, and renewed behind it where it is due; `wait` to see that outcome.
    Teams of which nothing is known are waited for in any case.
    """
    deadline = monotonic() + settings.FLEET_DEADLINE
    connections = list(Connection.objects.for_user(user))
    known, rows = _load(connections)
    due = [connection for connection in connections if _is_due(connection, known.get(connection.pk))]
    if due:
        _renew(due, known, deadline, wait=wait)
        known, rows = _load(connections)
    _leave_counts(connections, known)
    running = fleet_refresh.running([connection.pk for connection in connections])
    sources = [_source(connection, known, rows, running) for connection in connections]
    return _fleet(_with_troubles(sources))


def expire(connection: Connection) -> None:
    """Have a connection's droplets read again at the next occasion: its owner asks, or something was done to one."""
    fleet_cache.expire(connection.pk)


def _load(connections: Sequence[Connection]) -> tuple[dict[UUID, CachedFleet], dict[UUID, tuple[DropletSummary, ...]]]:
    known = fleet_cache.load(connection.pk for connection in connections)
    rows = fleet_cache.rows(known)
    for pk, reading in known.items():
        if reading.edition and pk not in rows:
            known[pk] = fleet_cache.without_rows(reading)  # the cache has lost them
    return known, rows


def _is_due(connection: Connection, reading: CachedFleet | None) -> bool:
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return False
    return reading is None or reading.is_due(timezone.now(), connection.generation)


def _renew(due: Sequence[Connection], known: Mapping[UUID, CachedFleet], deadline: float, *, wait: bool) -> None:
    blank = [c for c in due if not _can_be_shown(known.get(c.pk))]
    shown = [c for c in due if c not in blank]
    if wait:
        blank, shown = list(due), []
    # Those that nobody waits for go first: beginning them takes no time.
    if shown:
        fleet_refresh.refresh(shown, known, deadline=monotonic())
    if blank:
        fleet_refresh.refresh(blank, known, deadline=deadline)


def _can_be_shown(reading: CachedFleet | None) -> bool:
    """Whether its page need not wait: not where nothing is there, nor where only a page can renew its access."""
    if reading is None or not reading.edition:
        return False
    return reading.failure is None or reading.failure.code != errors.TokenRejected.code


def _source(
    connection: Connection,
    known: Mapping[UUID, CachedFleet],
    rows: Mapping[UUID, tuple[DropletSummary, ...]],
    running: Mapping[UUID, fleet_refresh.FleetRefresh],
) -> Source:
    reading = known.get(connection.pk)
    team = Team.of(connection)
    renewal = running.get(connection.pk)
    if renewal and not (reading and reading.edition):
        so_far = renewal.so_far() or FetchResult()
        return Source(connection, team, reading, so_far.rows, so_far, is_running=True, is_slow=True)
    return Source(
        connection,
        team,
        reading,
        rows.get(connection.pk, ()),
        is_running=renewal is not None,
        is_slow=renewal is not None and renewal.is_slow,
    )


def _with_troubles(sources: Sequence[Source]) -> tuple[Source, ...]:
    shown_elsewhere = {source.connection.pk for group in _by_team(sources) for source in _spare(group)}
    return tuple(_with_trouble(source, source.connection.pk in shown_elsewhere) for source in sources)


def _by_team(sources: Sequence[Source]) -> list[list[Source]]:
    in_order = sorted(sources, key=lambda source: source.team.key)
    return [list(group) for _, group in groupby(in_order, key=lambda source: source.team.key)]


def _spare(group: Sequence[Source]) -> list[Source]:
    """Those of one team's connections that need not be shown, since another one's reading is whole."""
    whole = [(source, source.reading.taken_at) for source in group if source.reading and source.is_whole]
    moments = [taken_at for _, taken_at in whole if taken_at]
    for source, taken_at in whole:
        if taken_at and taken_at >= max(moments) - _SAME_TIME:
            return [other for other in group if other is not source]
    return []


def _with_trouble(source: Source, is_elsewhere: bool) -> Source:
    return replace(source, is_elsewhere=is_elsewhere, trouble=_trouble(source, is_elsewhere))


def _trouble(source: Source, is_elsewhere: bool) -> ConnectionProblem | None:
    connection, reading, so_far, shown = source.connection, source.reading, source.so_far, len(source.rows)
    needs_owner = connection.state == Connection.State.NEEDS_RECONNECT
    if so_far is not None:
        return problems.for_waiting(connection, shown, shown + so_far.missing + so_far.unreadable)
    is_unknown = reading is None or (reading.taken_at is None and problems.failure_of(connection, reading) is None)
    if is_unknown and not needs_owner:
        return problems.for_waiting(connection, 0, 0)  # another process is at it
    if reading and source.is_slow and not is_elsewhere and reading.taken_at:
        return problems.for_slow(connection, reading, shown)
    return problems.for_cached_fleet(connection, reading, shown, elsewhere=is_elsewhere)


def _fleet(sources: tuple[Source, ...]) -> Fleet:
    now = timezone.now()
    moments = [s.reading.oldest_at for s in sources if s.reading and s.reading.oldest_at and not s.is_elsewhere]
    return Fleet(
        sources=sources,
        teams=len({source.team.key for source in sources}),
        answered=len({source.team.key for source in sources if source.is_answered}),
        read_at=min(moments, default=None),
        edition=_edition(sources),
        renew_after=_renew_after(sources, now),
    )


def _edition(sources: Iterable[Source]) -> str:
    seen = [
        (
            source.team,
            source.connection.state,
            source.reading.edition if source.reading else "",
            source.reading.tried_at if source.reading else None,
            len(source.rows),
            source.is_slow,
        )
        for source in sources
    ]
    return sha256(repr(seen).encode()).hexdigest()[:16]


def _renew_after(sources: Iterable[Source], now: datetime) -> float:
    waits = []
    for source in sources:
        if source.connection.state == Connection.State.NEEDS_RECONNECT:
            continue
        if source.is_running or source.reading is None or source.reading.renew_at is None:
            return 0.0
        waits.append((source.reading.renew_at - now).total_seconds())
    return max(min(waits, default=_LONGEST_WAIT), 0.0)


def _leave_counts(connections: Sequence[Connection], known: Mapping[UUID, CachedFleet]) -> None:
    """Leave on each connection how many droplets a whole reading found, and when: the Connections page shows it."""
    news = []
    for connection in connections:
        reading = known.get(connection.pk)
        if not reading or not reading.is_whole or reading.taken_at is None:
            continue
        if connection.droplets_read_at is None or connection.droplets_read_at < reading.taken_at:
            connection.droplet_count = sum(reading.remembered)
            connection.droplets_read_at = reading.taken_at
            news.append(connection)
    # One statement however many there are; one that was disconnected meanwhile is simply not there to be updated.
    Connection.objects.bulk_update(news, ["droplet_count", "droplets_read_at"])
