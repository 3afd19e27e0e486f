"""Background work on accounts: tokens are refreshed, revocations sent, old rows deleted. See conveyor/celery_config.py.

Each message may come twice, or at the same time on two machines: the leases of the rows decide who does what.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts import incident_emails, keepalive, outcomes, revocations, second_factor_reset, spill
from accounts.models import Event, SupportAct
from common.tasks import KEEP, enqueue

WITHIN = timedelta(days=7)
"""Tokens that expire this soon are refreshed, but none before half of its life: as the command's default."""

_PER_MESSAGE = 100
_DELETED_AT_ONCE = 5_000


@shared_task(name="accounts.refresh_tokens", queue=KEEP)
def refresh_tokens() -> None:
    """Find the connections whose tokens expire soon, and send them to the workers in parts."""
    _send_parts(refresh_some, keepalive.due_connections(WITHIN))


@shared_task(name="accounts.refresh_some", queue=KEEP)
def refresh_some(*pks: str) -> None:
    for _ in keepalive.refresh([UUID(pk) for pk in pks], within=WITHIN):
        pass  # what failed says so in the log and on its connection


@shared_task(name="accounts.send_revocations", queue=KEEP)
def send_revocations() -> None:
    """Find the revocations that are due, and send them to the workers in parts."""
    _send_parts(revoke_some, revocations.due())


@shared_task(name="accounts.revoke_some", queue=KEEP)
def revoke_some(*pks: str) -> None:
    for _ in keepalive.process_revocations([UUID(pk) for pk in pks]):
        pass


@shared_task(name="accounts.store_leftovers", queue=KEEP)
def store_leftovers() -> None:
    """Store what processes of this host that were killed have left in spill files."""
    spill.store_leftovers()


@shared_task(name="accounts.expire_resets", queue=KEEP)
def expire_resets() -> None:
    """End requests to reset a second factor that have expired."""
    second_factor_reset.expire()


@shared_task(name="accounts.delete_old_rows", queue=KEEP)
def delete_old_rows() -> None:
    """Delete ended sessions, and what is older than EVENT_DAYS: audit log, acts of support, outcomes of readings."""
    call_command("clearsessions")
    before = timezone.now() - timedelta(days=settings.EVENT_DAYS)
    SupportAct.objects.filter(at__lt=before).delete()
    old = Event.objects.filter(at__lt=before).order_by("pk")
    while pks := list(old.values_list("pk", flat=True)[:_DELETED_AT_ONCE]):
        Event.objects.filter(pk__in=pks).delete()
    outcomes.delete_old()


def _send_parts(task: Task[..., None], pks: Iterable[UUID]) -> None:
    pks = list(pks)
    for start in range(0, len(pks), _PER_MESSAGE):
        enqueue(task, *pks[start : start + _PER_MESSAGE])


@shared_task(name="accounts.send_incident_emails", queue=KEEP)
def send_incident_emails() -> None:
    """Send the emails about incidents that somebody still waits for to the workers."""
    for pk in incident_emails.waiting():
        enqueue(send_incident_email, pk)


@shared_task(name="accounts.send_incident_email", queue=KEEP)
def send_incident_email(pk: str) -> None:
    if incident_emails.send_some(UUID(pk)):
        enqueue(send_incident_email, pk)
