"""Emails about droplets that were destroyed through Conveyor, sent by the workers.

`Action.email_due_at` says that one is due. Destroying many droplets of a team is told in few emails, not in hundreds.
"""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from functools import partial
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from accounts import notifications
from common.tasks import KEEP, enqueue
from droplets.models import Action

log = logging.getLogger(__name__)

GATHER = timedelta(seconds=20)
"""What is destroyed within it after a first droplet of the team is told in the same email."""

_LEASE = timedelta(minutes=2)  # longer than sending can take
_PAUSE = timedelta(minutes=5)  # after the mail server did not accept it
_GIVE_UP = timedelta(days=1)


def enqueue_email(connection: UUID) -> None:
    """Let the workers email about this connection's destroyed droplets. Without a broker it is done here and now."""
    enqueue(email_destroyed, connection, countdown=GATHER.total_seconds(), or_else=partial(_send, connection, GATHER))


@shared_task(name="droplets.email_destroyed", queue=KEEP)
def email_destroyed(connection: str) -> None:
    """Send the email that is due to the owner of this connection."""
    _send(UUID(connection), timedelta())


@shared_task(name="droplets.send_due_emails", queue=KEEP)
def send_due_emails() -> None:
    """Send the connections whose owners an email is due to, to the workers."""
    for connection in _due_connections():
        enqueue(email_destroyed, connection)


def send_all_due() -> None:
    """The same for a host without workers: sent here."""
    for connection in _due_connections():
        _send(connection, timedelta())


def _due_connections() -> list[UUID]:
    due = Action.objects.filter(email_due_at__lte=timezone.now()).order_by()
    return list(due.values_list("connection_id", flat=True).distinct()[:1_000])


def _send(connection: UUID, early: timedelta) -> None:
    """Email about all that is due by `early` from now. Whoever moves `email_due_at` ahead sends it."""
    now = timezone.now()
    apart = random.randrange(10**6)  # noqa: S311  # tells two senders apart; no secret
    lease = now + _LEASE + timedelta(microseconds=apart)
    due = Action.objects.filter(connection_id=connection, email_due_at__lte=now + early)
    if not due.update(email_due_at=lease):
        return
    mine = Action.objects.filter(connection_id=connection, email_due_at=lease)
    rows = list(mine.order_by("ended_at", "pk"))
    if notifications.droplets_destroyed(connection, [row.droplet_name for row in rows]):
        mine.update(email_due_at=None)
        return
    mine.filter(ended_at__lt=now - _GIVE_UP).update(email_due_at=None)
    mine.update(email_due_at=now + _PAUSE)
    log.warning("An email about destroyed droplets was not accepted", extra={"connection": str(connection)})
