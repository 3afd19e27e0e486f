"""Emails that Conveyor sends on its own, outside a request."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Connection

log = logging.getLogger(__name__)


def needs_reconnect(connection: Connection) -> None:
    """Email the owner that a team must be reconnected. Call it once per lost pair. Never raises."""
    user = connection.user
    if not user.has_own_email:
        return
    context = {"connection": connection, "url": f"{settings.BASE_URL}{reverse('socialaccount_connections')}"}
    try:
        # Not through allauth's adapter: it needs a request, and a command has none.
        subject = render_to_string("accounts/email/needs_reconnect_subject.txt", context).strip()
        body = render_to_string("accounts/email/needs_reconnect_message.txt", context)
        send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", body, None, [user.email])
    except Exception:
        log.exception("An email could not be sent", extra={"connection": str(connection.pk)})
