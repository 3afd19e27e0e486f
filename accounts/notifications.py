"""Emails that Conveyor sends on its own, outside a request."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import emails
from accounts.models import Connection, User

log = logging.getLogger(__name__)

_MOST_NAMES = 100  # of droplets in an email


def needs_reconnect(connection: Connection) -> None:
    """Email the owner that a team must be reconnected. Call it once per lost pair. Never raises."""
    send(
        "needs_reconnect",
        connection.user,
        connection=connection,
        url=settings.BASE_URL + reverse("socialaccount_connections"),
    )


def droplets_destroyed(connection_id: UUID, names: Sequence[str]) -> bool:
    """Email the connection's owner that these droplets were destroyed through Conveyor. Never raises.

    Returns whether there is nothing left to do: it was accepted, or there is nobody to tell.
    """
    connection = Connection.objects.select_related("account__user").filter(pk=connection_id).first()
    if connection is None or not connection.user.has_own_email:
        return True
    return send(
        "droplets_destroyed",
        connection.user,
        connection=connection,
        names=names[:_MOST_NAMES],
        count=len(names),
        more=len(names) - _MOST_NAMES,
        url=settings.BASE_URL + reverse("accounts:settings"),
    )


def send(template: str, user: User, headers: dict[str, str] | None = None, **context: Any) -> bool:
    """Send an email of `templates/accounts/email/` to the user. Returns whether it was accepted. Never raises."""
    if not user.has_own_email:
        return False
    try:
        # Not through allauth's adapter: it needs a request, and a command has none.
        subject = " ".join(render_to_string(f"accounts/email/{template}_subject.txt", context).split())
        body = render_to_string(f"accounts/email/{template}_message.txt", context)
        subject = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}"
        message = EmailMessage(subject, body, None, [user.email], headers=headers)
        # A user who has just been deleted has no key any more.
        return emails.send(message, template, user=user if user.pk else None, connection=context.get("connection"))
    except Exception:
        log.exception("An email could not be prepared or recorded", extra={"template": template})
        return False
