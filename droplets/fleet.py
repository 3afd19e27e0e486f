"""Every droplet of every team that a person has connected: as it was last read, renewed where that is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.digitalocean import errors
from accounts.models import Connection, User
from droplets import readings, renewals, troubles
from droplets.catalog import Catalog
from droplets.items import Item, Team
from droplets.listing import Listed
from droplets.memory import Shelf
from droplets.readings import Reading
from droplets.rows import Row
from droplets.troubles import Trouble

_SAME_TIME = timedelta(minutes=5)
"""Of two connections to one team the first is shown, unless the other's reading is newer than this."""

_LONGEST_WAIT = 60.0
"""Seconds after which an open page asks again in any case: a team may have been connected in another tab."""


@dataclass(frozen=True)
class Source:
    """One connection's part of the fleet. `so_far` is there while a first reading goes on beyond the page's time."""

    connection: Connection
    team: Team
    reading: Reading | None
    rows: tuple[Row, ...]
    so_far: Listed | None = None
    is_running: bool = False
    is_slow: bool = False
    is_elsewhere: bool = False
    trouble: Trouble | None = None

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

    catalog: Catalog
    sources: tuple[Source, ...]
    teams: int
    answered: int
    read_at: datetime | None
    edition: str
    renew_after: float

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(source.trouble for source in self.sources if source.trouble)

    @property
    def is_whole(self) -> bool:
        """Whether every droplet of every team is here, and could be read."""
        return all(source.is_complete or source.is_elsewhere for source in self.sources)


def read(user: User, *, wait: bool) -> Fleet:
    """The fleet of a person, within FLEET_DEADLINE seconds. Never raises for a team.

    What has been read before is shown at once, and renewed behind it where it is due; `wait` to see that outcome.
    Teams of which nothing is known are waited for in any case.
    """
    until = monotonic() + settings.FLEET_DEADLINE
    connections = list(Connection.objects.of(user))
    known, rows = _load(connections)
    due = [connection for connection in connections if _is_due(connection, known.get(connection.pk))]
    if due:
        _renew(due, known, until, wait=wait)
        known, rows = _load(connections)
    _leave_counts(connections, known)
    running = renewals.under_way([connection.pk for connection in connections])
    sources = [_source(connection, known, rows, running) for connection in connections]
    return _fleet(user, _with_troubles(sources))


def expire(connection: Connection) -> None:
    """Have a connection's droplets read again at the next occasion: its owner asks, or something was done to one."""
    readings.expire(connection.pk)


def _load(connections: Sequence[Connection]) -> tuple[dict[UUID, Reading], dict[UUID, tuple[Row, ...]]]:
    known = readings.load(connection.pk for connection in connections)
    rows = readings.rows(known)
    for pk, reading in known.items():
        if reading.edition and pk not in rows:
            known[pk] = readings.without_rows(reading)  # the cache has lost them
    return known, rows


def _is_due(connection: Connection, reading: Reading | None) -> bool:
    if connection.state == Connection.State.NEEDS_RECONNECT:
        return False
    return reading is None or reading.is_due(timezone.now(), connection.generation)


def _renew(due: Sequence[Connection], known: Mapping[UUID, Reading], until: float, *, wait: bool) -> None:
    blank = [c for c in due if not _can_be_shown(known.get(c.pk))]
    shown = [c for c in due if c not in blank]
    if wait:
        blank, shown = list(due), []
    # Those that nobody waits for go first: beginning them takes no time.
    if shown:
        renewals.renew(shown, known, until=monotonic())
    if blank:
        renewals.renew(blank, known, until=until)


def _can_be_shown(reading: Reading | None) -> bool:
    """Whether its page need not wait: not where nothing is there, nor where only a page can renew its access."""
    if reading is None or not reading.edition:
        return False
    return reading.failure is None or reading.failure.code != errors.TokenRejected.code


def _source(
    connection: Connection,
    known: Mapping[UUID, Reading],
    rows: Mapping[UUID, tuple[Row, ...]],
    running: Mapping[UUID, renewals.Renewal],
) -> Source:
    reading = known.get(connection.pk)
    team = Team.of(connection)
    renewal = running.get(connection.pk)
    if renewal and not (reading and reading.edition):
        so_far = renewal.so_far() or Listed()
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


def _trouble(source: Source, is_elsewhere: bool) -> Trouble | None:
    connection, reading, so_far, shown = source.connection, source.reading, source.so_far, len(source.rows)
    needs_owner = connection.state == Connection.State.NEEDS_RECONNECT
    if so_far is not None:
        return troubles.of_waiting(connection, shown, shown + so_far.missing + so_far.unreadable)
    is_unknown = reading is None or (reading.taken_at is None and troubles.failure_of(connection, reading) is None)
    if is_unknown and not needs_owner:
        return troubles.of_waiting(connection, 0, 0)  # another process is at it
    if reading and source.is_slow and not is_elsewhere and reading.taken_at:
        return troubles.of_slow(connection, reading, shown)
    return troubles.of_reading(connection, reading, shown, elsewhere=is_elsewhere)


def _fleet(user: User, sources: tuple[Source, ...]) -> Fleet:
    now = timezone.now()
    moments = [s.reading.oldest_at for s in sources if s.reading and s.reading.oldest_at and not s.is_elsewhere]
    return Fleet(
        catalog=_catalog(user, [source for source in sources if not source.is_elsewhere]),
        sources=sources,
        teams=len({source.team.key for source in sources}),
        answered=len({source.team.key for source in sources if source.is_answered}),
        read_at=min(moments, default=None),
        edition=_edition(sources),
        renew_after=_renew_after(sources, now),
    )


def _catalog(user: User, sources: Sequence[Source]) -> Catalog:
    """Computed once for each set of readings, and kept for the person's next page."""
    key = tuple((source.team, source.reading.edition if source.reading else "") for source in sources)
    is_for_keeps = not any(source.so_far for source in sources)
    kept = _catalogs.get(user.pk)
    if kept and is_for_keeps and kept[0] == key:
        return kept[1]
    catalog = Catalog(_items(sources), [source.team for source in sources])
    if is_for_keeps:
        _catalogs.put(user.pk, (key, catalog), len(catalog.items))
    return catalog


_catalogs: Shelf[object, tuple[object, Catalog]] = Shelf()


def _items(sources: Iterable[Source]) -> list[Item]:
    """Each droplet once, however many connections of one team it was read through."""
    items: dict[tuple[str, int], Item] = {}
    for source in sources:
        for row in source.rows:
            items.setdefault((source.team.key, row.id), Item(row, source.team))
    return list(items.values())


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


def _leave_counts(connections: Sequence[Connection], known: Mapping[UUID, Reading]) -> None:
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
