"""What becomes of actions that are under way: whoever looks at them asks DigitalOcean, one at a time for each.

An action whose answer was lost is looked for among what was done to its droplet. It is never sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.actions import DropletAction
from droplets.actions import timing, transitions
from droplets.calls.parallel import Call, fetch_all
from droplets.models import Action

_AT_ONCE = 10

Status = Action.Status


@dataclass(frozen=True)
class Look:
    """What a look at DigitalOcean showed: the actions asked for, or that the droplet or the action is not known."""

    actions: tuple[DropletAction, ...] = ()
    is_gone: bool = False


def due(rows: QuerySet[Action]) -> list[Action]:
    """Those of the rows that may be asked about now, the most patient first."""
    return list(rows.filter(status__in=Action.IN_FLIGHT, ask_at__lte=timezone.now()).order_by("ask_at"))


def follow(
    connection: Connection, rows: Sequence[Action], *, deadline: float
) -> Iterator[tuple[Action, errors.DigitalOceanError | None]]:
    """Ask through this connection how these stand, by `deadline` (of `time.monotonic`), and write it down.

    Yields each row that it was this caller's turn to ask about, and the error where DigitalOcean could not be asked:
    such a row stays as it was, for the next time. One that was written down and not sent in time never will be.
    """
    for start in range(0, len(rows), _AT_ONCE):
        some = {str(row.pk): row for row in rows[start : start + _AT_ONCE] if _take(row)}
        never_sent = {pk: row for pk, row in some.items() if row.status == Status.RECORDED}
        for row in never_sent.values():
            transitions.mark_lost(row, transitions.NEVER_SENT)
            yield row, None
        asked_at = timezone.now()
        looks = fetch_all(
            connection, {pk: _question(row) for pk, row in some.items() if pk not in never_sent}, deadline=deadline
        )
        for pk, look in looks.items():
            yield some[pk], _settle(some[pk], look, asked_at, is_own=some[pk].user == connection.user)


def by_connection(rows: Sequence[Action]) -> list[tuple[Connection, list[Action]]]:
    """The rows with the connection to ask through: their own, or another of their owner's to the same team.

    Those that have none any more wait for one, for a day.
    """
    owners = {row.user_id for row in rows}
    theirs = list(Connection.objects.select_related("account__user", "token").filter(account__user__in=owners))
    by_key: dict[object, Connection] = {(each.account.user_id, each.team_uuid): each for each in theirs}
    by_key |= {(each.account.user_id, each.pk): each for each in theirs}
    found: dict[UUID, tuple[Connection, list[Action]]] = {}
    for row in rows:
        connection = by_key.get((row.user_id, row.connection_id))
        if connection is None and row.team_uuid:
            connection = by_key.get((row.user_id, row.team_uuid))
        if connection:
            found.setdefault(connection.pk, (connection, []))[1].append(row)
        elif _is_old(row):
            transitions.mark_lost(
                row, transitions.NEVER_SENT if row.status == Status.RECORDED else transitions.NO_ACCESS
            )
    return list(found.values())


def _take(row: Action) -> bool:
    """Whether it is ours to ask about now."""
    now = timezone.now()
    mine = Action.objects.filter(pk=row.pk, status=row.status, ask_at__lte=now)
    return bool(mine.update(ask_at=now + timing.POLL_LEASE))


def _question(row: Action) -> Call[Look]:
    if row.kind == "destroy":
        return partial(_whether_there, row.droplet_id)
    if row.digitalocean_id is None:
        return partial(_since, row.droplet_id, _earliest(row))
    return partial(_one, row.droplet_id, row.digitalocean_id)


def _whether_there(droplet: int, token: str, deadline: float) -> Look:
    try:
        droplets_api.droplet(token, droplet, deadline=deadline)
    except errors.NotFound:
        return Look(is_gone=True)
    return Look()


def _since(droplet: int, since: datetime, token: str, deadline: float) -> Look:
    try:
        return Look(actions_api.actions_since(token, droplet, since, deadline=deadline))
    except errors.NotFound:
        return Look(is_gone=True)


def _one(droplet: int, action: int, token: str, deadline: float) -> Look:
    try:
        return Look((actions_api.action(token, droplet, action, deadline=deadline),))
    except errors.NotFound:
        return Look(is_gone=True)


def _settle(
    row: Action, look: Look | errors.DigitalOceanError, asked_at: datetime, *, is_own: bool
) -> errors.DigitalOceanError | None:
    """Write down what a look showed. `is_own` where it went through a connection of whose action it is."""
    now = timezone.now()
    ask_at = now + timing.pause(row.sent_at, now)
    if isinstance(look, errors.DigitalOceanError):
        if is_own and isinstance(look, errors.NeedsReconnect) and _is_old(row):
            transitions.mark_lost(row, transitions.NO_ACCESS)
            return None
        # That a colleague's access does not work is nothing that its owner should have to wait for.
        transitions.schedule_poll(row, max(ask_at, look.retry_at or ask_at) if is_own else now)
        return look
    if row.status == Status.IN_PROGRESS and look.actions:
        transitions.mark_progress(row, look.actions[0], ask_at=ask_at)
    elif row.kind == "destroy" and look.is_gone:
        transitions.mark_done(row)
    elif not any(transitions.adopt(row, told, ask_at=ask_at) for told in _candidates(row, look)):
        if _is_hopeless(row, asked_at):
            transitions.mark_lost(row, _words(row, look))
        else:
            transitions.schedule_poll(row, ask_at)
    return None


def _candidates(row: Action, look: Look) -> list[DropletAction]:
    """What of these may be the row's action, the closest to its request first."""
    sent_at = row.sent_at
    if sent_at is None or row.status != Status.SENDING:
        return []
    latest = sent_at + timing.SEND_LEASE + timing.CLOCK_SKEW
    began = [(each.started_at, each) for each in look.actions if each.type == row.kind and each.started_at]
    near = [(abs(at - sent_at), each.id, each) for at, each in began if _earliest(row) <= at <= latest]
    return [each for _, _, each in sorted(near, key=lambda item: item[:2])]


def _earliest(row: Action) -> datetime:
    """Before that nothing that DigitalOcean began can be it."""
    return (row.sent_at or row.recorded_at) - timing.CLOCK_SKEW


def _is_hopeless(row: Action, asked_at: datetime) -> bool:
    """Whether DigitalOcean, asked at that moment, would have known of it."""
    return row.sent_at is None or asked_at > row.sent_at + timing.SEND_LEASE + timing.LOST_AFTER


def _is_old(row: Action) -> bool:
    """Whether its owner has had the time to let Conveyor in again."""
    return timezone.now() > (row.sent_at or row.recorded_at) + timing.ABANDONED


def _words(row: Action, look: Look) -> str:
    if not look.is_gone:
        return transitions.NEVER_ARRIVED
    return transitions.FORGOTTEN if row.status == Status.IN_PROGRESS else transitions.DROPLET_GONE
