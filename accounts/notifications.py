"""Emails that Conveyor sends on its own, outside a request."""

import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import emails
from accounts.models import Connection, User

log = logging.getLogger(__name__)


def needs_reconnect(connection: Connection) -> None:
    """Email the owner that a team must be reconnected. Call it once per lost pair. Never raises."""
    send(
        "needs_reconnect",
        connection.user,
        connection=connection,
        url=settings.BASE_URL + reverse("socialaccount_connections"),
    )


def droplet_destroyed(connection_id: UUID, droplet_name: str) -> None:
    """Email the connection's owner, if it still exists, that a droplet was destroyed through Conveyor. Never raises."""
    connection = Connection.objects.select_related("account__user").filter(pk=connection_id).first()
    if connection:
        send(
            "droplet_destroyed",
            connection.user,
            connection=connection,
            droplet_name=droplet_name,
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
        return emails.send(message, template, user=user, connection=context.get("connection"))
    except Exception:
        log.exception("An email could not be prepared or recorded", extra={"template": template})
        return False
