"""Readings of teams while nobody looks: which connections are due, reading them, and the latest complete reading.

A page that finds nothing in the cache shows that reading: after a restart, and where web processes and workers share no
cache because there is no Redis.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.background import usable_connections
from accounts.models import Connection
from common import metrics
from common.cache import decoded
from digitalocean_client import api
from droplets.calls import rate_limit
from droplets.fleet import cache as fleet_cache
from droplets.fleet import outcomes
from droplets.fleet import refresh as fleet_refresh
from droplets.fleet.cache import CachedFleet
from droplets.fleet.summary import DropletSummary
from droplets.models import TeamReading

_SECONDS = 45.0
"""For all connections of one message: longer than each may take (`refresh.DEADLINE`)."""

_LEASE = timedelta(seconds=180)
"""Longer than a task may run."""

_SOON = timedelta(seconds=30)

_SPREAD = 0.2
"""Readings are put off by up to this part of their interval, at random: what was due together is not for long."""

MOST_ACTION_PAGES = 10
"""Calls that may follow a reading, for the actions of the team (`droplets.changes.actions`)."""

_MOST_DUE = 1_000  # connections that one run of the schedule sends


class Reading(NamedTuple):
    """A complete reading of a connection's droplets."""

    connection: Connection
    entry: CachedFleet
    droplets: tuple[DropletSummary, ...]


def interval() -> timedelta:
    """How often a connection is read, if its number of droplets allows it. Zero for never."""
    return timedelta(minutes=settings.WATCH_MINUTES)


def due() -> list[UUID]:
    """Primary keys of connections to read now, the longest due first. Connections that are new get their row here."""
    if not interval():
        return []
    now = timezone.now()
    new = usable_connections().filter(reading=None)
    rows = [TeamReading(connection=each, due_at=now) for each in new]
    TeamReading.objects.bulk_create(rows, batch_size=1_000, ignore_conflicts=True)
    usable = TeamReading.objects.filter(_is_due(now), connection__in=usable_connections())
    return list(usable.order_by("due_at").values_list("pk", flat=True)[:_MOST_DUE])


def read(pks: Iterable[UUID]) -> tuple[list[Reading], list[TeamReading]]:
    """Read those of these connections that are due and nobody else reads, several at once.

    Returns the readings that are complete and new, and the rows of all that were tried, for `finish`.
    """
    rows = _claim(pks)
    connections = [row.connection for row in rows]
    keys = [connection.pk for connection in connections]
    began = timezone.now()
    fleet_refresh.refresh(connections, fleet_cache.load(keys), deadline=monotonic() + _SECONDS)
    cached = fleet_cache.load(keys)
    droplets = fleet_cache.droplets(cached)
    outcomes.store(connections, cached, droplets)
    found = []
    for row in rows:
        entry = cached.get(row.pk) or CachedFleet()
        row.tried_at = began
        row.outcome = entry.failure.code if entry.failure else "" if entry.is_whole else "incomplete"
        row.due_at = _next(entry)
        if entry.is_due(began, row.connection.generation):  # whoever had the lease of its reload has not ended it
            row.due_at = timezone.now() + _SOON
        is_new = entry.failure is None and entry.taken_at != row.taken_at
        if _is_complete(entry) and is_new and row.pk in droplets:
            found.append(Reading(row.connection, entry, droplets[row.pk]))
    return found, rows


def finish(rows: Sequence[TeamReading]) -> None:
    """Give the leases back and store when each is due next. What another one has claimed since is left alone."""
    for row in rows:
        metrics.add(metrics.READINGS, outcome=row.outcome or "ok")
        TeamReading.objects.filter(pk=row.pk, lease_id=row.lease_id).update(
            lease_id=None, due_at=row.due_at, tried_at=row.tried_at, outcome=row.outcome
        )


def encode(reading: Reading) -> dict[str, object]:
    """The fields of a `TeamReading` that store a reading."""
    return {
        "taken_at": reading.entry.taken_at,
        "entry": msgspec.msgpack.encode((fleet_cache.FORMAT, reading.entry)),
        "droplets": zlib.compress(msgspec.msgpack.encode(reading.droplets), 1),
    }


def droplets_of(row: TeamReading) -> tuple[DropletSummary, ...] | None:
    """The droplets of a row; None where it has none, or where another version of Conveyor has stored them."""
    if _entry(row) is None:
        return None
    return decoded(zlib.decompress(row.droplets), tuple[DropletSummary, ...], "A reading")


def stored(pks: Iterable[UUID]) -> dict[UUID, tuple[CachedFleet, tuple[DropletSummary, ...]]]:
    """The latest complete readings of these connections, for pages, unless they are too old to be shown.

    The page's process holds them from then on, like those of the cache.
    """
    oldest = timezone.now() - fleet_cache.USABLE
    found = {}
    for row in TeamReading.objects.filter(pk__in=list(pks), taken_at__gt=oldest):
        entry, droplets = _entry(row), droplets_of(row)
        if entry is not None and droplets is not None:
            fleet_cache.hold(row.pk, entry, droplets)
            found[row.pk] = entry, droplets
    return found


def _entry(row: TeamReading) -> CachedFleet | None:
    head = decoded(bytes(row.entry), tuple[int, msgspec.Raw], "A reading") if row.entry else None
    if head is None or head[0] != fleet_cache.FORMAT:
        return None
    return decoded(bytes(head[1]), CachedFleet, "A reading")


def _is_due(now: datetime) -> Q:
    """Also where it is due later than it can be: then the clock was wrong when it was stored."""
    return Q(due_at__lte=now) | Q(due_at__gt=now + timedelta(days=1))


def _claim(pks: Iterable[UUID]) -> list[TeamReading]:
    now, lease = timezone.now(), uuid4()
    # Which connections may be used is asked first: the UPDATE looks at the row alone, so that it decides who is first.
    usable = list(usable_connections().filter(pk__in=list(pks)).values_list("pk", flat=True))
    TeamReading.objects.filter(_is_due(now), pk__in=usable).update(lease_id=lease, due_at=now + _LEASE)
    rows = TeamReading.objects.filter(lease_id=lease).defer("entry", "droplets")
    return list(rows.select_related("connection__account__user", "connection__token"))


def _is_complete(entry: CachedFleet) -> bool:
    """Whether its droplets are all that the team had at that moment, and can be compared with others."""
    return entry.is_whole and not entry.unreadable and not entry.outdated_parts and entry.taken_at is not None


def _next(entry: CachedFleet) -> datetime:
    """When to read again: after the interval, but never so often that it takes more than a fifth of the hourly limit.

    `reload_at` knows the limit of the latest answer, and how long to wait after a failure.
    """
    now = timezone.now()
    calls = sum(max(-(-total // api.PER_PAGE), 1) for total in entry.remembered)
    spread = random.uniform(0, _SPREAD)  # noqa: S311  # so that not all are due together; no secret
    span = max(interval(), rate_limit.fresh_for(calls + MOST_ACTION_PAGES)) * (1 + spread)
    return max(now + span, entry.reload_at or now)
