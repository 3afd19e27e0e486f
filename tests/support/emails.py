"""The emails that Conveyor has sent, and the links in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core import mail


def emails_to(email: str) -> list[str]:
    """Subject and text of each email to this address, oldest first."""
    return [f"{message.subject}\n{message.body}" for message in mail.outbox if email in message.to]


def link_to(email: str, containing: str) -> str:
    """The path of the newest link in an email to this address that has `containing` in it."""
    for message in reversed(emails_to(email)):
        for url in re.findall(r"https?://\S+", message):
            if containing in url:
                parts = urlsplit(str(url))
                return parts.path + (f"?{parts.query}" if parts.query else "")
    raise LookupError(f"no email to {email} has a link with {containing!r}: {emails_to(email)}")
