"""Links in emails start with BASE_URL, whatever the Host header of the request was."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client

pytestmark = pytest.mark.django_db

HOST = {"host": "localhost"}


@pytest.fixture(autouse=True)
def _base_url(settings: Any) -> None:
    settings.BASE_URL = "https://conveyor.example.com"


def the_email() -> str:
    [email] = mail.outbox
    assert "localhost" not in email.body
    assert "\nconveyor.example.com\n" in f"{email.body}\n"
    return str(email.body)


def test_the_link_that_resets_a_password(client: Client, django_user_model: Any) -> None:
    django_user_model.objects.create_user(email="alice@example.com", password="a-long-password")

    client.post("/accounts/password/reset/", {"email": "alice@example.com"}, headers=HOST)

    assert "https://conveyor.example.com/accounts/password/reset/key/" in the_email()


def test_the_link_that_confirms_an_address(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "alice@example.com", "password1": "a-long-password"}, headers=HOST)

    assert "https://conveyor.example.com/accounts/confirm-email/" in the_email()


def test_the_link_for_somebody_without_an_account(client: Client) -> None:
    client.post("/accounts/password/reset/", {"email": "nobody@example.com"}, headers=HOST)

    assert "https://conveyor.example.com/accounts/signup/" in the_email()
