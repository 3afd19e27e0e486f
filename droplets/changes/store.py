"""Changes in the database: storing what a reading shows, reading it back, and deleting what is old."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from accounts.models import Connection, User
from droplets.changes.compare import Difference, compare
from droplets.fleet import readings
from droplets.fleet.readings import Reading
from droplets.models import Action, Change, TeamReading

_LOCK = 0x636F6E7665796F72  # of PostgreSQL's advisory locks: any number that nothing else uses
_CLOCK_SKEW = timedelta(minutes=1)  # between DigitalOcean's clock and Conveyor's
_DELETED_AT_ONCE = 5_000

_RESTARTS = {"power_cycle", "reboot", "password_reset", "rebuild", "restore"}
_CAUSES: dict[str, set[str]] = {
    Change.Kind.GONE: {"destroy"},
    Change.Kind.RENAMED: {"rename"},
    Change.Kind.RESIZED: {"resize"},
    Change.Kind.PRICE: {"resize"},
    Change.Kind.ADDRESSES: {"enable_ipv6"},
    Change.Kind.POWERED_ON: {"power_on", *_RESTARTS},
    Change.Kind.POWERED_OFF: {"power_off", "shutdown", *_RESTARTS},
    Change.Kind.STATUS: {"power_on", "power_off", "shutdown", *_RESTARTS},
}
"""The kinds of actions that a change may be the effect of."""


def changes_since(user: User, id: int) -> QuerySet[Change]:
    """The changes with a higher id than this that the user may see, the oldest first. Slice it: there may be many."""
    return Change.objects.visible_to(user).filter(id__gt=id).order_by("id")


def latest_id() -> int:
    """The highest id of all changes, 0 where there is none."""
    return Change.objects.aggregate(latest=Max("id"))["latest"] or 0


def store_reading(reading: Reading) -> None:
    """Store a reading, and what has changed since the latest one of the team, by whichever connection, in one go.

    The first reading of a team makes no changes. One that began before the latest ended is not stored: which of the two
    is newer is not known, and the next one will tell.
    """
    connection, taken_at = reading.connection, reading.entry.taken_at or timezone.now()
    fields = readings.encode(reading)
    with transaction.atomic():
        team = Connection.objects.of_team(connection).values("pk")
        # In the same order everywhere, so that two readers of a team wait for each other and not both for ever.
        rows = TeamReading.objects.select_for_update().filter(pk__in=team).defer("entry", "droplets").order_by("pk")
        latest = max((row for row in rows if row.taken_at), key=lambda row: row.taken_at or taken_at, default=None)
        if latest and latest.taken_at:
            is_clock_back = latest.taken_at > timezone.now()
            if not is_clock_back and (reading.entry.began_at or taken_at) < latest.taken_at:
                return
            if is_clock_back:  # the latest one must not stay the latest for as long as the clock was moved
                TeamReading.objects.filter(pk__in=team, taken_at__gte=taken_at).update(taken_at=reading.entry.began_at)
            if bytes(latest.droplets) != fields["droplets"]:
                before = readings.droplets_of(latest)
                differences = compare(before, reading.droplets) if before is not None else []
                _store(differences, connection, since=min(latest.taken_at, taken_at), at=taken_at)
        TeamReading.objects.filter(pk=connection.pk).update(**fields)


def delete_old_changes() -> None:
    """Delete changes that are older than CHANGE_DAYS."""
    old = Change.objects.filter(at__lt=timezone.now() - timedelta(days=settings.CHANGE_DAYS)).order_by("id")
    while pks := list(old.values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        Change.objects.filter(pk__in=pks).delete()


def _store(differences: Sequence[Difference], connection: Connection, *, since: datetime, at: datetime) -> None:
    if not differences:
        return
    actions = _actions(differences, connection, since, at)
    changes = []
    for droplet, name, kind, before, after in differences:
        causes = _CAUSES.get(kind, set())
        action = next((each for each in actions if each.droplet_id == droplet and each.kind in causes), None)
        changes.append(
            Change(
                team_key=connection.team_key,
                team_name=connection.team_name,
                droplet_id=droplet,
                droplet_name=name,
                kind=kind,
                before=before,
                after=after,
                since=since,
                at=at,
                action_id=action.pk if action else None,
                user_id=action.user_id if action else None,
            )
        )
    insert(changes)


def insert(changes: Sequence[Change]) -> None:
    """Store new changes, in a transaction that holds the rows of the team's readings. What is stored already stays."""
    if database.vendor == "postgresql":
        # Sequences give out ids before the commit. One writer at a time keeps them in the order of the commits.
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    Change.objects.bulk_create(changes, ignore_conflicts=True, batch_size=1_000)


def _actions(
    differences: Sequence[Difference], connection: Connection, since: datetime, at: datetime
) -> QuerySet[Action]:
    """The actions sent by Conveyor that these may be the effects of, the latest first."""
    through = Q(team_uuid=connection.team_uuid) if connection.team_uuid else Q(connection_id=connection.pk)
    return Action.objects.filter(
        through,
        Q(ended_at=None) | Q(ended_at__gte=since - _CLOCK_SKEW),
        droplet_id__in={each.droplet for each in differences},
        status__in=[Action.Status.SENDING, Action.Status.IN_PROGRESS, Action.Status.COMPLETED],
        recorded_at__lte=at,
    ).order_by("-recorded_at")
