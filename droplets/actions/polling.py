"""Polls DigitalOcean for the state of actions under way; one poller per action at a time.

An action whose answer was lost is looked for in the droplet's list of actions. It is never sent again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import droplets as droplets_api
from digitalocean_client import errors
from digitalocean_client.actions import DropletAction, TeamAction
from digitalocean_client.lists import ListPage
from droplets.actions import timing, transitions
from droplets.actions.availability import missing_scopes
from droplets.calls.parallel import fetch_all
from droplets.fleet.summary import tag_key
from droplets.models import Action

_AT_ONCE = 10
"""Rows that are polled side by side, each by a call of its own."""

_IN_ONE_CALL = 3
"""From so many on, the states of actions are read from the list of the team's latest actions, in one call."""

_LEASED = 100
"""Rows whose leases are taken together."""

Status = Action.Status


@dataclass(frozen=True)
class PollResult:
    """DigitalOcean's answer: the actions that were asked for, or that the droplet or the action is not known.

    `is_done`: the droplet is as the action was to make it. `asked_at`: before DigitalOcean was asked.
    """

    asked_at: datetime
    actions: tuple[DropletAction, ...] = ()
    is_gone: bool = False
    is_done: bool = False


def due(rows: QuerySet[Action]) -> list[Action]:
    """The rows to poll now, those that have waited longest first."""
    return list(rows.filter(is_due(timezone.now()), status__in=Action.IN_FLIGHT).order_by("ask_at"))


def follow(
    connection: Connection, rows: Sequence[Action], *, deadline: float
) -> Iterator[tuple[Action, errors.DigitalOceanError | None]]:
    """Poll these actions through this connection until `deadline` (of `time.monotonic`), and store their states.

    Yields each row whose lease this caller got, and the error if DigitalOcean could not be asked; such a row is polled
    again later. A row that was recorded but not sent in time is marked as lost and never sent.
    """
    for start in range(0, len(rows), _LEASED):
        some = {str(row.pk): row for row in rows[start : start + _LEASED] if _take_lease(row)}
        never_sent = {pk: row for pk, row in some.items() if row.status == Status.RECORDED}
        for row in never_sent.values():
            transitions.mark_lost(row, transitions.NEVER_SENT)
            yield row, None
        sent = {pk: row for pk, row in some.items() if pk not in never_sent}
        for pk, result in _results(connection, sent, deadline):
            yield some[pk], store(some[pk], result, is_own=some[pk].user == connection.user)


def by_connection(rows: Sequence[Action]) -> list[tuple[Connection, list[Action]]]:
    """The rows by the connection to poll them through: their own, or another one of their user to the same team.

    A row without a usable connection waits for one, and is given up after a day.
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


def _results(
    connection: Connection, rows: Mapping[str, Action], deadline: float
) -> Iterator[tuple[str, PollResult | errors.DigitalOceanError]]:
    """What DigitalOcean answers for each row."""
    listed = _listed(connection, rows, deadline)
    yield from listed.items()
    rest = [pk for pk in rows if pk not in listed]
    for start in range(0, len(rest), _AT_ONCE):
        calls = {pk: partial(ask, rows[pk]) for pk in rest[start : start + _AT_ONCE]}
        yield from fetch_all(connection, calls, deadline=deadline).items()


def _listed(
    connection: Connection, rows: Mapping[str, Action], deadline: float
) -> Mapping[str, PollResult | errors.DigitalOceanError]:
    """The results that one call has, where it pays. Older actions are not in the list; those are asked for singly."""
    known = {pk: row.digitalocean_id for pk, row in rows.items() if row.status == Status.IN_PROGRESS}
    if len(known) < _IN_ONE_CALL or missing_scopes(connection.scope, ["actions:read"]):
        return {}
    asked_at = timezone.now()
    answer = fetch_all(connection, {"list": _latest}, deadline=deadline)["list"]
    if isinstance(answer, errors.NotAllowed | errors.NotFound | errors.UnexpectedAnswer):
        return {}
    if isinstance(answer, errors.DigitalOceanError):
        return dict.fromkeys(known, answer)
    found = {each.id: each for each in answer.items}
    return {pk: PollResult(asked_at, (found[id_],)) for pk, id_ in known.items() if id_ in found}


def _latest(token: str, deadline: float) -> ListPage[TeamAction]:
    return actions_api.team_actions(token, 1, deadline)


def is_due(now: datetime) -> Q:
    """The condition for rows to poll. Also where they are due later than they can be: then the clock was set back."""
    return Q(ask_at__lte=now) | Q(ask_at__gt=now + timing.LATEST)


def _take_lease(row: Action) -> bool:
    """Take the lease of a row. False if another process was faster."""
    now = timezone.now()
    mine = Action.objects.filter(is_due(now), pk=row.pk, status=row.status)
    return bool(mine.update(ask_at=now + timing.POLL_LEASE))


def ask(row: Action, token: str, deadline: float) -> PollResult:
    """In a thread: what DigitalOcean knows of the row's action. Reads only what the row has loaded, no database."""
    droplet, asked_at = row.droplet_id, timezone.now()
    try:
        if row.kind == "destroy":
            droplets_api.droplet(token, droplet, deadline=deadline)
            return PollResult(asked_at)
        if row.kind in ("tag", "untag"):
            tags = map(tag_key, droplets_api.droplet(token, droplet, deadline=deadline).tags or ())
            return PollResult(asked_at, is_done=(tag_key(row.parameters["tag"]) in tags) == (row.kind == "tag"))
        if row.digitalocean_id is None:
            found = actions_api.actions_since(token, droplet, _earliest(row), deadline=deadline)
            return PollResult(asked_at, found)
        return PollResult(asked_at, (actions_api.action(token, droplet, row.digitalocean_id, deadline=deadline),))
    except errors.NotFound:
        return PollResult(asked_at, is_gone=True)


def is_unchanged(row: Action, result: PollResult) -> bool:
    """Whether the action is under way as the row says, so that there is nothing to store but when to ask again."""
    if row.status != Status.IN_PROGRESS or len(result.actions) != 1:
        return False
    [found] = result.actions
    is_same = (found.id, found.started_at) == (row.digitalocean_id, row.began_at)
    return is_same and transitions.is_under_way(found)


def store(
    row: Action, result: PollResult | errors.DigitalOceanError, *, is_own: bool
) -> errors.DigitalOceanError | None:
    """Store what the answer means for the row. `is_own`: the connection belongs to the user who started the action.

    Returns the error if DigitalOcean could not be asked.
    """
    now = timezone.now()
    ask_at = now + timing.pause(row.sent_at, now)
    if isinstance(result, errors.DigitalOceanError):
        if is_own and isinstance(result, errors.NeedsReconnect) and _is_old(row):
            transitions.mark_lost(row, transitions.NO_ACCESS)
            return None
        # If a colleague's access does not work, the user's own connection need not wait.
        # A rate limit may last for longer: then no call is made at that moment either (calls/rate_limit.py).
        later = min(max(ask_at, result.retry_at or ask_at), now + timing.LATEST)
        transitions.schedule_poll(row, later if is_own else now)
        return result
    if row.status == Status.IN_PROGRESS and result.actions:
        transitions.mark_progress(row, result.actions[0], ask_at=ask_at)
    elif result.is_done or (row.kind == "destroy" and result.is_gone):
        transitions.mark_done(row)
    elif not any(transitions.adopt(row, found, ask_at=ask_at) for found in _candidates(row, result)):
        if _is_lost(row, result.asked_at):
            transitions.mark_lost(row, _message(row, result))
        else:
            transitions.schedule_poll(row, ask_at)
    return None


def _candidates(row: Action, result: PollResult) -> list[DropletAction]:
    """The actions that could be this row's, the one that started closest to its request first."""
    sent_at = row.sent_at
    if sent_at is None or row.status != Status.SENDING:
        return []
    latest = sent_at + timing.SEND_LEASE + timing.CLOCK_SKEW
    began = [(each.started_at, each) for each in result.actions if each.type == row.kind and each.started_at]
    near = [(abs(at - sent_at), each.id, each) for at, each in began if _earliest(row) <= at <= latest]
    return [each for _, _, each in sorted(near, key=lambda item: item[:2])]


def _earliest(row: Action) -> datetime:
    """An action that DigitalOcean started before this moment cannot be this row's."""
    return (row.sent_at or row.recorded_at) - timing.CLOCK_SKEW


def _is_lost(row: Action, asked_at: datetime) -> bool:
    """Whether DigitalOcean would have known of it at that moment, so that it can be marked as lost."""
    return row.sent_at is None or asked_at > row.sent_at + timing.SEND_LEASE + timing.LOST_AFTER


def _is_old(row: Action) -> bool:
    """Whether the user has had a day to reconnect the team."""
    return timezone.now() > (row.sent_at or row.recorded_at) + timing.ABANDONED


def _message(row: Action, result: PollResult) -> str:
    if not result.is_gone:
        return transitions.NEVER_ARRIVED
    return transitions.FORGOTTEN if row.status == Status.IN_PROGRESS else transitions.DROPLET_GONE
