"""The letters that Conveyor writes of its own accord."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Connection

log = logging.getLogger(__name__)


def needs_reconnect(connection: Connection) -> None:
    """Tell the owner, once, that a team has to be connected again. A letter that cannot be sent harms nothing."""
    user = connection.user
    if not user.has_own_email:
        return
    site = f"{settings.ACCOUNT_DEFAULT_HTTP_PROTOCOL}://{_host()}" if _host() else ""
    context = {"connection": connection, "url": f"{site}{reverse('socialaccount_connections')}"}
    try:
        # Not by allauth's adapter: it wants a request, and a command has none.
        subject = render_to_string("accounts/email/needs_reconnect_subject.txt", context).strip()
        body = render_to_string("accounts/email/needs_reconnect_message.txt", context)
        send_mail(f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}", body, None, [user.email])
    except Exception:
        log.exception("A letter could not be sent", extra={"connection": str(connection.pk)})


def _host() -> str:
    """Conveyor's own name, for letters written outside a request."""
    return next((host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"), "")
