"""Emails to everybody whom an incident has touched: confirmed once, sent by the workers, each person once."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import emails, security_events
from accounts.incident_models import IncidentEmail, IncidentRecipient
from accounts.models import Event, User
from accounts.second_factor_reset import can_be_emailed

PERMISSION = "accounts.send_incident_email"

_SECONDS = 60.0
"""A worker sends for so long, and leaves the rest to the next message: below the limit of a task."""

_BATCH = 1_000
_Status = IncidentRecipient.Status


def confirm(key: UUID, staff: User, *, subject: str, text: str, incident: str, people: Iterable[int]) -> int:
    """Store the email and its recipients. Returns how many. The same key again does nothing, and returns the same."""
    with transaction.atomic():
        email, is_new = IncidentEmail.objects.get_or_create(
            pk=key, defaults={"staff": staff, "subject": subject, "text": text, "incident": incident}
        )
        if is_new:
            rows = [IncidentRecipient(email=email, user_id=pk) for pk in people]
            IncidentRecipient.objects.bulk_create(rows, batch_size=_BATCH)
            note = f"email about the incident {incident} to {len(rows)} people"
            security_events.record(Event.Kind.STAFF_ACT, staff=staff, note=note)
    return email.recipients.count()


def message(email: IncidentEmail, user: User) -> EmailMessage:
    """What the person gets."""
    body = render_to_string("accounts/email/incident_message.txt", {"text": email.text, "base_url": settings.BASE_URL})
    subject = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{email.subject}"
    return EmailMessage(subject, body, None, [user.email])


def waiting() -> list[UUID]:
    """The emails that somebody still waits for."""
    rows = IncidentRecipient.objects.filter(status=_Status.WAITING).order_by().values_list("email", flat=True)
    return list(rows.distinct()[:_BATCH])


def send_some(key: UUID) -> bool:
    """Send to those that wait, for a minute at most. Returns whether some wait still.

    Any number of workers may do it at once: each takes a recipient for itself before it sends.
    """
    until = monotonic() + _SECONDS
    found = IncidentRecipient.objects.filter(email=key, status=_Status.WAITING).select_related("email", "user")
    for recipient in found.order_by("pk")[:_BATCH]:
        if monotonic() > until:
            break
        _send(recipient)
    return found.exists()


def progress(email: IncidentEmail) -> list[tuple[str, int]]:
    """How many recipients are in each status, in words."""
    rows = dict(email.recipients.values_list("status").annotate(Count("pk")).order_by())
    return [(_Status(status).label, rows[status]) for status in _Status.values if status in rows]


def _send(recipient: IncidentRecipient) -> None:
    is_mine = _change(recipient, _Status.WAITING, _Status.SENDING)
    if not is_mine:
        return
    if not recipient.user.is_active or not can_be_emailed(recipient.user):
        _change(recipient, _Status.SENDING, _Status.SKIPPED)
        return
    is_sent = emails.send(message(recipient.email, recipient.user), "incident", user=recipient.user)
    _change(recipient, _Status.SENDING, _Status.SENT if is_sent else _Status.FAILED)


def _change(recipient: IncidentRecipient, old: str, new: str) -> bool:
    rows = IncidentRecipient.objects.filter(pk=recipient.pk, status=old)
    return bool(rows.update(status=new, changed_at=timezone.now()))
