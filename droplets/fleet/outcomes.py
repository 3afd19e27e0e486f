"""Hands on how readings of connections ended, for the connection's state and for support (`accounts.outcomes`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from uuid import UUID

from accounts import outcomes
from accounts.models import Connection
from droplets.fleet import problems
from droplets.fleet.cache import CachedFleet


def store(
    connections: Iterable[Connection], cached: Mapping[UUID, CachedFleet], droplets: Mapping[UUID, Sized]
) -> None:
    """Store how the latest reading of each of these ended, unless that is stored, and how many droplets they have.

    On the thread of a page or a task: it uses the database. Never raises.
    """
    outcomes.note_readings(
        (connection, attempt)
        for connection in connections
        if (attempt := _attempt(connection, cached.get(connection.pk), len(droplets.get(connection.pk, ()))))
    )


def _attempt(connection: Connection, entry: CachedFleet | None, shown: int) -> outcomes.ReadingAttempt | None:
    """None where the connection has not been read, or nobody knows any more how that ended."""
    if entry is None or entry.tried_at is None:
        return None
    is_counted = entry.is_whole and entry.taken_at is not None
    result = problems.reading_result(entry)
    count = sum(entry.remembered) if is_counted else None
    counted_at = entry.taken_at if is_counted else None
    if result.outcome in (Connection.OK, connection.reading_outcome):
        # What was shown is stored when the outcome changes.
        return outcomes.ReadingAttempt(result, entry.tried_at, count=count, counted_at=counted_at)
    problem = problems.for_cached_fleet(connection, entry, shown, elsewhere=False)
    if problem is None:
        return outcomes.ReadingAttempt(result, entry.tried_at, count=count, counted_at=counted_at)
    return outcomes.ReadingAttempt(result, entry.tried_at, problem.shown, problem.as_of, count, counted_at)
