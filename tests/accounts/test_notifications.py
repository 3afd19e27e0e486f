"""Emails that Conveyor sends on its own. Those about a lost connection are in test_tokens."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core import mail

from accounts import notifications
from accounts.models import Event
from tests.support.emails import emails_to
from tests.support.person import Person


def test_the_owner_is_told_of_a_destroyed_droplet(alice: Person) -> None:
    connection = alice.connect("Acme Web")

    notifications.droplets_destroyed(connection.pk, ["db-primary"])

    [*_, text] = emails_to(alice.email)
    assert "[Conveyor] Droplet db-primary was destroyed" in text
    assert "The droplet db-primary of Acme Web was destroyed" in text
    assert "/accounts/settings/" in text


def test_many_droplets_are_one_email(alice: Person) -> None:
    connection = alice.connect("Acme Web")

    assert notifications.droplets_destroyed(connection.pk, [f"web-{number}" for number in range(105)])

    [*_, text] = emails_to(alice.email)
    assert "[Conveyor] 105 droplets of Acme Web were destroyed" in text
    assert "- web-99\nand 5 more." in text
    assert "web-100" not in text


def test_a_connection_that_is_gone_has_nobody_to_tell(db: None) -> None:
    assert notifications.droplets_destroyed(uuid4(), ["db-primary"])

    assert mail.outbox == []


def test_a_mail_server_that_is_down_breaks_nothing(alice: Person, settings: Any) -> None:
    connection = alice.connect("Acme Web")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

    notifications.droplets_destroyed(connection.pk, ["db-primary"])

    event = Event.objects.filter(kind="email").latest("pk")
    assert (event.outcome, event.user, event.connection_id) == ("failed", alice.user, connection.pk)
    assert event.detail.startswith("droplets_destroyed, ConnectionRefusedError ")


def test_a_bug_in_an_email_breaks_nothing(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = alice.connect("Acme Web")
    monkeypatch.setattr(notifications, "render_to_string", lambda *_: 1 / 0)

    notifications.droplets_destroyed(connection.pk, ["db-primary"])
