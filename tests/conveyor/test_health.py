"""Health, and what every answer carries."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client


def test_healthz_needs_no_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_readyz_says_that_both_answer(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"database": True, "cache": True})


@pytest.mark.django_db
def test_readyz_names_a_database_that_does_not_answer(client: Client) -> None:
    with patch("conveyor.views.connection.cursor", side_effect=OperationalError("password=hunter2")):
        answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, {"database": False, "cache": True})


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/"])
def test_nothing_is_changed_by_a_post(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_every_page_allows_itself_alone(client: Client, settings: Any) -> None:
    for path in ("/", "/accounts/login/", "/accounts/signup/", "/nowhere/"):
        answer = client.get(path)

        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert policy["form-action"] == "'self' https://cloud.digitalocean.com"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
        assert set(policy) == {"default-src", "form-action", "frame-ancestors", "base-uri", "object-src"}
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert re.fullmatch("[0-9a-f]{16}", answer["X-Request-Id"])


@pytest.mark.django_db
def test_the_front_page_leads_those_signed_in_to_their_fleet(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user(email="alice@example.com"))

    answer = client.get("/")

    assert (answer.status_code, answer["Location"]) == (302, "/droplets/")
