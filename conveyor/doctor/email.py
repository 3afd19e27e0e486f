"""Checks of email: the mail server is reached, and a message is sent where an address is given."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from conveyor.doctor.findings import Finding, misconfigured, note, ok, unavailable

_NAME = "Email"


def check_email(address: str = "") -> Iterator[Finding]:
    """`address`: where to send a message to try it; empty for none."""
    if settings.EMAIL_BACKEND.endswith((".dummy.EmailBackend", ".console.EmailBackend")):
        finding = misconfigured if address else note
        yield finding(
            _NAME,
            "No emails are sent, so nobody can confirm an address or reset a password.",
            "Set EMAIL_URL, such as smtp+tls://user:password@mail.example.com:587; see docs/email.md.",
        )
        return
    try:
        connection = get_connection()
        if address:
            text = f"Conveyor at {settings.BASE_URL} can send emails.\n"
            EmailMessage("Conveyor can send emails", text, to=[address], connection=connection).send()
            yield ok(_NAME, "The mail server accepted a message. See that it arrives, and not as spam.")
        else:
            connection.open()
            connection.close()
            yield ok(_NAME, "The mail server answers. To send a message: manage.py doctor --email you@example.com")
    except Exception as error:  # smtplib, ssl and socket raise many kinds; their text may hold addresses
        number = getattr(error, "smtp_code", None) or getattr(error, "errno", None) or ""
        what = f"{type(error).__name__} {number}".strip()
        yield unavailable(_NAME, f"The mail server did not accept it ({what}).", _advice(error))


def _advice(error: Exception) -> str:
    match type(error).__name__:
        case "SMTPAuthenticationError":
            return "Correct the user and the password in EMAIL_URL."
        case "SMTPSenderRefused" | "SMTPDataError":
            return "The mail server refuses the sender: use an address of your domain in DEFAULT_FROM_EMAIL."
        case "SMTPRecipientsRefused":
            return "The mail server refuses this recipient: try another address, or see the mail server's log."
        case _:
            return "Check host, port and TLS in EMAIL_URL, and that a firewall lets Conveyor reach the mail server."
