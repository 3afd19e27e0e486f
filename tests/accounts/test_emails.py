"""Every email that Conveyor sends, or cannot send, is in the audit log, without its address and its text."""

from __future__ import annotations

import logging
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend

from accounts import notifications, security_events
from accounts.models import Event
from tests.support import totp
from tests.support.person import PASSWORD, Person

NEW = "another horse battery staple"


class Refusing(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise SMTPRecipientsRefused({messages[0].to[0]: (550, b"unknown: " + messages[0].to[0].encode())})


def recorded() -> list[tuple[str, str | None, str]]:
    """Template, user's address and outcome of all emails, oldest first."""
    events = Event.objects.filter(kind="email").select_related("user").order_by("pk")
    return [(each.detail.partition(",")[0], each.user.email if each.user else None, each.outcome) for each in events]


def sign_up(person: Person) -> None:
    person.client.post("/accounts/signup/", {"email": person.email, "password1": PASSWORD})


def use_everything(alice: Person) -> None:
    """What sends an email to somebody who has an account."""
    connection = alice.connect("Acme Web")
    notifications.droplets_destroyed(connection.pk, ["db-primary"])
    notifications.needs_reconnect(connection)
    alice.client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    alice.client.post("/accounts/password/reset/", {"email": alice.email})
    alice.client.post("/accounts/reauthenticate/", {"password": NEW})
    secret = alice.client.get("/accounts/2fa/totp/activate/").context["form"].secret
    alice.client.post("/accounts/2fa/totp/activate/", {"code": totp.code(secret)})
    alice.client.post("/accounts/2fa/totp/deactivate/")
    alice.client.post(f"/accounts/connections/{connection.pk}/disconnect/")


# Works


def test_each_email_is_one_event(transactional_db: None, alice: Person) -> None:
    mail.outbox.clear()
    Event.objects.all().delete()

    use_everything(alice)

    templates = [template for template, _, _ in recorded()]
    assert set(templates) == {
        "droplets_destroyed",
        "needs_reconnect",
        "password_changed",
        "password_reset_key",
        "totp_activated",
        "totp_deactivated",
    }
    assert recorded() == [(template, alice.email, "ok") for template in templates]
    assert len(templates) == len(mail.outbox)


@pytest.mark.django_db
def test_emails_to_who_signs_up_and_to_who_has_no_account(visitor: Person) -> None:
    sign_up(visitor)
    visitor.client.post("/accounts/password/reset/", {"email": "nobody@example.com"})

    assert recorded() == [("email_confirmation_signup", visitor.email, "ok"), ("unknown_account", None, "ok")]


def test_an_email_to_somebody_who_has_an_account_already(alice: Person, visitor: Person) -> None:
    visitor.email = alice.email
    cache.clear()
    Event.objects.all().delete()

    sign_up(visitor)

    assert recorded() == [("account_already_exists", alice.email, "ok")]


# Refuses


@pytest.mark.parametrize("refused", [False, True])
def test_neither_address_nor_text_nor_link(
    alice: Person, caplog: pytest.LogCaptureFixture, settings: Any, refused: bool
) -> None:
    mail.outbox.clear()
    cache.clear()
    if refused:
        settings.EMAIL_BACKEND = f"{__name__}.Refusing"

    with caplog.at_level(logging.INFO):
        alice.client.post("/accounts/password/reset/", {"email": alice.email})

    event = Event.objects.filter(kind="email").latest("pk")
    assert event.outcome == ("failed" if refused else "ok")
    assert f"address {security_events.hash_of(alice.email)}" in event.detail
    written = event.detail + "".join(
        str(record.__dict__) for record in caplog.records if record.name != "django.request"
    )
    assert alice.email not in written
    assert "/reset/key/" not in written


# Handles


def test_an_email_that_is_refused_loses_nothing(alice: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"

    connection = alice.connect("Acme Web")
    answer = alice.client.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    )

    assert answer.status_code == 302
    assert alice.user.check_password(NEW)
    assert alice.connection("Acme Web") == connection
    assert ("password_changed", alice.email, "failed") in recorded()


def test_without_a_mail_server_the_log_says_so(alice: Person, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    cache.clear()

    alice.client.post("/accounts/password/reset/", {"email": alice.email})

    assert recorded()[-1] == ("password_reset_key", alice.email, "dropped, no EMAIL_URL")
