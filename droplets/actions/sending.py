"""Sends an action: records a row first, sends the request once, then stores the answer or that none came."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import errors, executor
from digitalocean_client import tags as tags_api
from digitalocean_client.actions import StartedAction
from digitalocean_client.schema import Droplet
from droplets.actions import timing, transitions
from droplets.actions.availability import Availability, availability_of
from droplets.actions.kinds import KINDS, Kind
from droplets.calls import rate_limit
from droplets.calls.parallel import token_of
from droplets.fleet import summary
from droplets.models import Action

TIMEOUT = 10.0
"""Seconds that a request may take. An action without an answer by then is looked up at DigitalOcean."""

_UNDECIDED = (errors.TooSlow, errors.AnswerLost, errors.UnexpectedAnswer)
"""After these it is not known whether the request took effect."""


class NotAvailable(Exception):
    """The droplet's state or the connection's scope does not allow this action. `availability` says why."""

    def __init__(self, availability: Availability) -> None:
        super().__init__(availability.why_not or f"missing {', '.join(availability.missing)}")
        self.availability = availability


def begin(connection: Connection, droplet: Droplet, kind: Kind, parameters: Mapping[str, Any], *, key: UUID) -> Action:
    """Send the action once for each `key` of a user, and return its row in the status that the answer left it in.

    A second call with the same key returns the same row and sends nothing. `droplet` must be fresh from DigitalOcean,
    `parameters` validated by the kind's form. Raises `NotAvailable`, `Connection.DoesNotExist` where the team was
    disconnected meanwhile, or the `DigitalOceanError` that prevented sending. No row is created then.
    """
    if known := known_by(connection, key):
        return known
    # While the droplet was read, the connection may have lost scopes or been deleted.
    connection = Connection.objects.for_user(connection.user).get(pk=connection.pk)
    in_flight = Action.objects.of_droplet(connection, droplet.id).in_flight()
    available = availability_of(kind, connection, droplet, in_flight)
    if not available.is_open:
        if known := known_by(connection, key):
            return known  # another request with this key was faster, and its action is what blocks this one
        raise NotAvailable(available)
    if later := rate_limit.reserve(connection.pk, 1):
        raise errors.RateLimited("not sent, to stay under the limit", retry_at=later)
    token = token_of(connection, deadline=monotonic() + settings.PAGE_DEADLINE)
    if isinstance(token, errors.DigitalOceanError):
        raise token
    row = _record(connection, droplet, kind, parameters, key)
    if row is None:
        return Action.objects.get(user=connection.user, key=key)
    send(connection, [row], token)
    row.refresh_from_db()
    return row


def known_by(connection: Connection, key: UUID) -> Action | None:
    """The row of an action that this user has sent with the same form key before."""
    return Action.objects.filter(user=connection.user, key=key).first()


def new_row(connection: Connection, droplet: Droplet, kind: Kind, parameters: Mapping[str, Any], key: UUID) -> Action:
    """The row of a new action, not saved yet."""
    return Action(
        user=connection.user,
        key=key,
        connection_id=connection.pk,
        team_uuid=connection.team_uuid,
        team_name=connection.team_name,
        droplet_id=droplet.id,
        droplet_name=summary.name_of(droplet)[:255],
        kind=kind.slug,
        parameters=dict(parameters),
        ask_at=timezone.now() + timedelta(seconds=TIMEOUT),
    )


def _record(
    connection: Connection, droplet: Droplet, kind: Kind, parameters: Mapping[str, Any], key: UUID
) -> Action | None:
    """The new row, or None where another request with this key has just created it."""
    row = new_row(connection, droplet, kind, parameters, key)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return None
    return row


def send(connection: Connection, rows: Iterable[Action], token: str) -> None:
    """Send the requests of these recorded rows side by side, each once, and store each answer, or that none came."""
    calls: executor.Calls[UUID, StartedAction | str] = executor.Calls()
    sent: dict[UUID, tuple[Action, float]] = {}
    for row in rows:
        if deadline := _claim(row):
            sent[row.pk] = row, deadline
            calls.start(row.pk, _request, row, token, deadline)
    repeated: set[UUID] = set()
    for pk, answer in calls.completed():
        row, deadline = sent[pk]
        if isinstance(answer, errors.TokenRejected) and pk not in repeated:
            # A 401 means that nothing was done. It is the only answer after which the request is sent again.
            fresh = token_of(connection, deadline=deadline, rejected=token)
            if isinstance(fresh, str):
                repeated.add(pk)
                calls.start(pk, _request, row, fresh, deadline)
                continue
        _store(connection, row, answer)


def _claim(row: Action) -> float | None:
    """Claim the row for sending. Returns the request's deadline, or None where another process was faster."""
    # Set before the row is claimed: a process that was stopped in between has no time left, so it sends nothing after
    # others have given the row up.
    deadline = monotonic() + TIMEOUT
    now = timezone.now()
    claim = Action.objects.filter(pk=row.pk, status=Action.Status.RECORDED)
    if not claim.update(status=Action.Status.SENDING, sent_at=now, ask_at=now + timing.SEND_LEASE):
        return None
    row.status = Action.Status.SENDING
    return deadline


def _store(connection: Connection, row: Action, answer: StartedAction | str | errors.DigitalOceanError) -> None:
    """Store what the answer to the row's request means."""
    match answer:
        case errors.NotFound() if row.kind == "destroy":
            transitions.mark_done(row, message=transitions.GONE_ALREADY, request_id=answer.request_id)
        case errors.NotAllowed():
            transitions.mark_refused(row, answer, message=_not_allowed(answer, connection, KINDS[row.kind]))
        case errors.DigitalOceanError():
            rate_limit.note_limit(connection.pk, answer)
            _store_error(row, answer)
        case str(request_id):
            transitions.mark_done(row, request_id=request_id)
        case started:
            ask_at = timezone.now() + timing.FIRST
            transitions.mark_accepted(row, started.action, request_id=started.request_id, ask_at=ask_at)


def _store_error(row: Action, error: errors.DigitalOceanError) -> None:
    if isinstance(error, _UNDECIDED) or (error.status or 0) >= 500 or error.status == 408:
        transitions.schedule_poll(row, timezone.now())
    elif isinstance(error, errors.Unavailable):
        transitions.mark_lost(row, f"{error.sentence} {transitions.NEVER_ARRIVED}")
    else:
        transitions.mark_refused(row, error)


def _not_allowed(error: errors.NotAllowed, connection: Connection, kind: Kind) -> str:
    """DigitalOcean's own message, and what the action needs: a 403 does not always say what is missing."""
    own = "" if error.sentence == errors.NotAllowed.sentence else error.sentence
    return (
        f"{own or 'DigitalOcean did not allow this.'} This action needs {' and '.join(kind.scopes)}, and a role in the "
        f"team that may do it. This connection was granted {connection.scope or 'nothing'}."
    )


def _request(row: Action, token: str, deadline: float) -> StartedAction | str:
    if row.kind == "destroy":
        return actions_api.destroy(token, row.droplet_id, deadline=deadline)
    if row.kind == "tag":
        return tags_api.tag(token, row.droplet_id, row.parameters["tag"], deadline=deadline)
    if row.kind == "untag":
        return tags_api.untag(token, row.droplet_id, row.parameters["tag"], deadline=deadline)
    return actions_api.start(token, row.droplet_id, row.kind, row.parameters, deadline=deadline)
