"""The one place that sends emails. Each is an event of the audit log, whether the mail server accepted it or not."""

import logging

from django.conf import settings
from django.core.mail import EmailMessage

from accounts import security_events
from accounts.models import Connection, Event, User

log = logging.getLogger(__name__)


def send(
    message: EmailMessage, template: str, *, user: User | None = None, connection: Connection | None = None
) -> bool:
    """Send a message to its one recipient. Returns False, and logs why, if the mail server did not accept it.

    `template` names the email's purpose in the log. A mail server's answer may contain the address, so of an error
    only the class and the number are logged.
    """
    outcome, note = "ok", template
    if settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend"):
        outcome = "dropped, no EMAIL_URL"
    try:
        message.send()
    except Exception as error:
        number = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
        outcome, note = "failed", f"{template}, {type(error).__name__} {number or ''}".strip()
        log.error("An email could not be sent", extra={"template": template, "error": note})
    security_events.record(
        Event.Kind.EMAIL, outcome, email=message.to[0], user=user, note=note, actor="emails", subject=connection
    )
    return outcome != "failed"
