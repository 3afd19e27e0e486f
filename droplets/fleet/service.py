"""Every droplet of every team that a person has connected: from the cache, and reloaded where that is due."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import Connection, User
from common import metrics
from digitalocean_client import errors
from droplets.fleet import cache as fleet_cache
from droplets.fleet import outcomes, problems, readings, same_team
from droplets.fleet import refresh as fleet_refresh
from droplets.fleet.cache import CachedFleet
from droplets.fleet.items import FleetItem, Team
from droplets.fleet.problems import ConnectionProblem
from droplets.fleet.source import Source
from droplets.fleet.summary import DropletSummary

_LONGEST_WAIT = 60.0
"""Seconds after which an open page asks again in any case: a team may have been connected in another tab."""


@dataclass(frozen=True)
class Fleet:
    """`team_count` counts the connected teams, `known_count` those of them whose droplets are known.

    `read_at` is when the oldest of the shown droplets were read, None where nothing was. `version` changes with
    whatever a page of the fleet shows; `reload_after` is the seconds after which asking again makes sense.
    """

    sources: tuple[Source, ...]
    team_count: int
    known_count: int
    read_at: datetime | None
    version: str
    reload_after: float

    @cached_property
    def items(self) -> tuple[FleetItem, ...]:
        """Each droplet once, even where several connections to one team list it. Made when first asked for."""
        items: dict[tuple[str, int], FleetItem] = {}
        for source in self._shown:
            for droplet in source.droplets:
                items.setdefault((source.team.key, droplet.id), FleetItem(droplet, source.team))
        return tuple(items.values())

    @property
    def teams(self) -> tuple[Team, ...]:
        """The teams that `items` are from, and those that have none."""
        return tuple(source.team for source in self._shown)

    @property
    def unread_teams(self) -> dict[str, str]:
        """In a word or two, why nothing is known of a team's droplets, by team key."""
        known = {source.team.key for source in self.sources if source.is_known}
        return {
            source.team.key: problems.word_of(source.problem)
            for source in self._shown
            if source.problem and source.team.key not in known
        }

    @property
    def items_key(self) -> tuple[tuple[Team, str], ...] | None:
        """Equal for two fleets with the same `items` and `teams`. None while a first load still adds to them."""
        if any(source.partial for source in self._shown):
            return None
        return tuple((source.team, source.cached.version if source.cached else "") for source in self._shown)

    @property
    def _shown(self) -> list[Source]:
        return [source for source in self.sources if not source.is_shown_elsewhere]

    @property
    def problems(self) -> tuple[ConnectionProblem, ...]:
        return tuple(source.problem for source in self.sources if source.problem)

    @property
    def is_whole(self) -> bool:
        """Whether every droplet of every team is here, and could be decoded."""
        return all(source.is_complete or source.is_shown_elsewhere for source in self.sources)


def read_fleet(user: User, *, wait: bool) -> Fleet:
    """The fleet of a person, within PAGE_DEADLINE seconds. Never raises for a team.

    Cached droplets are returned at once and reloaded in the background where that is due; with `wait` the reload is
    waited for. Teams of which nothing is cached are waited for in any case.
    """
    deadline = monotonic() + settings.PAGE_DEADLINE
    connections = list(Connection.objects.for_user(user))
    cached, droplets = _load(connections)
    due = [connection for connection in connections if _is_due(connection, cached.get(connection.pk))]
    _count(connections, cached, due)
    if due:
        _reload(due, cached, deadline, wait=wait)
        cached, droplets = _load(connections)
    outcomes.store(connections, cached, droplets)
    running = fleet_refresh.running([connection.pk for connection in connections])
    sources = [_source(connection, cached, droplets, running) for connection in connections]
    return _fleet(_with_problems(sources))


def request_reload(connection: Connection) -> None:
    """Have a connection's droplets read again by the next page: its owner asks, or something was done to one."""
    fleet_cache.request_reload(connection.pk)


def _load(connections: Sequence[Connection]) -> tuple[dict[UUID, CachedFleet], dict[UUID, tuple[DropletSummary, ...]]]:
    cached = fleet_cache.load(connection.pk for connection in connections)
    droplets = fleet_cache.droplets(cached)
    lost = [pk for pk, entry in cached.items() if entry.version and pk not in droplets]
    missing = [connection.pk for connection in connections if connection.pk not in cached]
    for pk in lost:
        cached[pk] = fleet_cache.without_droplets(cached[pk])
    if lost or missing:
        for pk, (entry, known) in readings.stored(lost + missing).items():
            cached[pk], droplets[pk] = entry, known
    return cached, droplets


def _count(connections: Sequence[Connection], cached: Mapping[UUID, CachedFleet], due: Sequence[Connection]) -> None:
    """How much of what a page asks for is in the cache, for monitoring."""
    for connection in connections:
        entry = cached.get(connection.pk)
        result = "missing" if entry is None or not entry.version else "old" if connection in due else "fresh"
        metrics.add(metrics.CACHED_FLEETS, result=result)


def _is_due(connection: Connection, cached: CachedFleet | None) -> bool:
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return False
    return cached is None or cached.is_due(timezone.now(), connection.generation)


def _reload(due: Sequence[Connection], cached: Mapping[UUID, CachedFleet], deadline: float, *, wait: bool) -> None:
    waited_for = [c for c in due if wait or not _can_be_shown(cached.get(c.pk))]
    in_background = [c for c in due if c not in waited_for]
    # Start background reloads first: starting them takes no time.
    if in_background:
        fleet_refresh.refresh(in_background, cached, deadline=monotonic())
    if waited_for:
        fleet_refresh.refresh(waited_for, cached, deadline=deadline)


def _can_be_shown(cached: CachedFleet | None) -> bool:
    """Whether the page can show this without waiting. False if nothing is cached, or if a new token is needed."""
    if cached is None or not cached.version:
        return False
    return cached.failure is None or cached.failure.code != errors.TokenRejected.code


def _source(
    connection: Connection,
    cached: Mapping[UUID, CachedFleet],
    droplets: Mapping[UUID, tuple[DropletSummary, ...]],
    running: Mapping[UUID, fleet_refresh.FleetRefresh],
) -> Source:
    entry = cached.get(connection.pk)
    team = Team.from_connection(connection)
    load = running.get(connection.pk)
    if load and not (entry and entry.version):
        partial = load.partial_result()
        return Source(connection, team, entry, partial.droplets, partial, is_loading=True, is_slow=True)
    return Source(
        connection,
        team,
        entry,
        droplets.get(connection.pk, ()),
        is_loading=load is not None,
        is_slow=load is not None and load.is_slow,
    )


def _with_problems(sources: Sequence[Source]) -> tuple[Source, ...]:
    elsewhere = same_team.shown_elsewhere(sources)
    return tuple(
        replace(source, is_shown_elsewhere=is_elsewhere, problem=_problem(source, is_elsewhere))
        for source in sources
        for is_elsewhere in [source.connection.pk in elsewhere]
    )


def _problem(source: Source, is_shown_elsewhere: bool) -> ConnectionProblem | None:
    connection, cached, partial, shown = source.connection, source.cached, source.partial, len(source.droplets)
    needs_owner = connection.state == Connection.State.NEEDS_RECONNECT
    if partial is not None:
        return problems.for_loading(connection, shown, shown + partial.missing + partial.unreadable)
    is_unknown = cached is None or (cached.taken_at is None and problems.failure_of(connection, cached) is None)
    if is_unknown and not needs_owner:
        return problems.for_loading(connection, 0, 0)  # another process loads it
    if cached and source.is_slow and not is_shown_elsewhere and cached.taken_at:
        return problems.for_slow(connection, cached, shown)
    return problems.for_cached_fleet(connection, cached, shown, elsewhere=is_shown_elsewhere)


def _fleet(sources: tuple[Source, ...]) -> Fleet:
    moments = [s.cached.oldest_at for s in sources if s.cached and s.cached.oldest_at and not s.is_shown_elsewhere]
    return Fleet(
        sources=sources,
        team_count=len({source.team.key for source in sources}),
        known_count=len({source.team.key for source in sources if source.is_known}),
        read_at=min(moments, default=None),
        version=_version(sources),
        reload_after=_reload_after(sources, timezone.now()),
    )


def _version(sources: Iterable[Source]) -> str:
    shown = [
        (
            source.team,
            source.connection.state,
            source.cached.version if source.cached else "",
            source.cached.tried_at if source.cached else None,
            len(source.droplets),
            source.is_slow,
        )
        for source in sources
    ]
    return sha256(repr(shown).encode()).hexdigest()[:16]


def _reload_after(sources: Iterable[Source], now: datetime) -> float:
    waits = []
    for source in sources:
        if source.connection.state == Connection.State.NEEDS_RECONNECT:
            continue
        if source.is_loading or source.cached is None or source.cached.reload_at is None:
            return 0.0
        waits.append((source.cached.reload_at - now).total_seconds())
    return max(min(waits, default=_LONGEST_WAIT), 0.0)
