"""Doing something to a droplet: written down first, sent once, and its answer, or the lack of one, written down too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Connection
from digitalocean_client import actions as actions_api
from digitalocean_client import errors
from digitalocean_client.actions_schema import Ordered
from digitalocean_client.schema import Droplet
from droplets.actions import availability, timing, transitions
from droplets.actions.kinds import KINDS, Kind
from droplets.calls import rate_limit
from droplets.calls.parallel import token_of
from droplets.fleet import summary
from droplets.models import Action

TIMEOUT = 10.0
"""Seconds that a request may take. What is not answered by then is looked for."""

_UNDECIDED = (errors.TooSlow, errors.AnswerLost, errors.UnexpectedAnswer)
"""After these it is not known whether the request took effect."""


class NotOffered(Exception):
    """This cannot be done to the droplet as it stands, or not with the connection's access. `offer` says why."""

    def __init__(self, offer: availability.Availability) -> None:
        super().__init__(offer.why_not or f"missing {', '.join(offer.missing)}")
        self.offer = offer


def begin(connection: Connection, droplet: Droplet, kind: Kind, parameters: Mapping[str, Any], *, key: UUID) -> Action:
    """Do it, once for each `key` of a person: who comes with the same one again gets the same row, as it is by now.

    `droplet` is as DigitalOcean has just told it, `parameters` as the kind's form has checked them. Returns the row, in
    whatever status the answer left it. Raises `NotOffered`, `Connection.DoesNotExist` where the team was disconnected
    meanwhile, or the `DigitalOceanError` that kept it from being sent; then nothing is written down either.
    """
    if known := known_by(connection, key):
        return known
    # Reading the droplet took its time: the connection may be narrower by now, or gone.
    connection = Connection.objects.of(connection.user).get(pk=connection.pk)
    offer = availability.availability_of(
        kind, connection, droplet, Action.objects.of_droplet(connection, droplet.id).in_flight()
    )
    if not offer.is_open:
        if known := known_by(connection, key):
            return known  # of two at once with this key, the other one is what stands in the way
        raise NotOffered(offer)
    if later := rate_limit.reserve(connection.pk, 1):
        raise errors.RateLimited("not sent, to stay under the limit", retry_at=later)
    token = token_of(connection, deadline=monotonic() + settings.FLEET_DEADLINE)
    if isinstance(token, errors.DigitalOceanError):
        raise token
    row = _record(connection, droplet, kind, parameters, key)
    if row is None:
        return Action.objects.get(user=connection.user, key=key)
    _send(connection, row, token)
    row.refresh_from_db()
    return row


def known_by(connection: Connection, key: UUID) -> Action | None:
    """What this person has sent with a form's key before."""
    return Action.objects.filter(user=connection.user, key=key).first()


def _record(
    connection: Connection, droplet: Droplet, kind: Kind, parameters: Mapping[str, Any], key: UUID
) -> Action | None:
    """The new row; None where somebody else has just made it."""
    try:
        with transaction.atomic():
            return Action.objects.create(
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
    except IntegrityError:
        return None


def _send(connection: Connection, row: Action, token: str) -> None:
    deadline = monotonic() + TIMEOUT  # before the row is claimed: who slept in between has no time left to send
    now = timezone.now()
    claim = Action.objects.filter(pk=row.pk, status=Action.Status.RECORDED)
    if not claim.update(status=Action.Status.SENDING, sent_at=now, ask_at=now + timing.SEND_LEASE):
        return
    row.status = Action.Status.SENDING
    try:
        try:
            answer = _request(row, token, deadline)
        except errors.TokenRejected:
            # Not let in, so nothing was done: the one refusal after which the same may be sent again.
            fresh = token_of(connection, deadline=deadline, rejected=token)
            if isinstance(fresh, errors.DigitalOceanError):
                raise
            answer = _request(row, fresh, deadline)
    except errors.NotFound as error:
        if row.kind == "destroy":
            transitions.done(row, words=transitions.GONE_ALREADY, request_id=error.request_id)
        else:
            transitions.refused(row, error)
    except errors.NotAllowed as error:
        transitions.refused(row, error, words=_not_allowed(connection, KINDS[row.kind]))
    except errors.DigitalOceanError as error:
        rate_limit.note_limit(connection.pk, error)
        if isinstance(error, _UNDECIDED) or (error.status or 0) >= 500 or error.status == 408:
            transitions.ask_again(row, timezone.now())
        elif isinstance(error, errors.Unavailable):
            transitions.lost(row, f"{error.sentence} {transitions.NEVER_ARRIVED}")
        else:
            transitions.refused(row, error)
    else:
        if isinstance(answer, str):
            transitions.done(row, request_id=answer)
        else:
            ask_at = timezone.now() + timing.FIRST
            transitions.took_on(row, answer.action, request_id=answer.request_id, ask_at=ask_at)


def _not_allowed(connection: Connection, kind: Kind) -> str:
    """A 403 does not say what is missing."""
    granted = connection.scope or "none"
    return (
        f"DigitalOcean did not allow this. It takes the scopes {' and '.join(kind.scopes)}, and a role that "
        f"has them in the team; this connection was granted {granted}."
    )


def _request(row: Action, token: str, deadline: float) -> Ordered | str:
    if row.kind == "destroy":
        return actions_api.destroy(token, row.droplet_id, deadline=deadline)
    return actions_api.order(token, row.droplet_id, row.kind, row.parameters, deadline=deadline)
