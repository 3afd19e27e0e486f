"""The letters that Conveyor has sent, and the links in them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core import mail


def letters_to(email: str) -> list[str]:
    """Subject and text of each letter to this address, oldest first."""
    return [f"{letter.subject}\n{letter.body}" for letter in mail.outbox if email in letter.to]


def link_to(email: str, containing: str) -> str:
    """The path of the newest link in a letter to this address that has `containing` in it."""
    for letter in reversed(letters_to(email)):
        for url in re.findall(r"https?://\S+", letter):
            if containing in url:
                parts = urlsplit(str(url))
                return parts.path + (f"?{parts.query}" if parts.query else "")
    raise LookupError(f"no letter to {email} has a link with {containing!r}: {letters_to(email)}")
