"""A log-in or connection that begins on another host of Conveyor ends at BASE_URL, where the callback leads."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from tests.support.person import LOGIN, Person

pytestmark = pytest.mark.django_db
CALLBACK = "/accounts/digitalocean/login/callback/"
ELSEWHERE = {"host": "localhost"}
OTHERS = {"host": "localhost:8005"}


# Works


def test_digitalocean_is_told_the_callback_at_base_url(alice: Person, settings: Any) -> None:
    settings.BASE_URL = "https://127.0.0.1:8443"

    there = alice.leave()

    assert parse_qs(urlsplit(there).query)["redirect_uri"] == [f"https://127.0.0.1:8443{CALLBACK}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8005"])
def test_a_page_at_base_url_stays_there(client: Client, host: str) -> None:
    assert client.get("/accounts/login/", headers={"host": host}).status_code == 200


# Handles


@pytest.mark.parametrize("path", ["/accounts/login/?next=/droplets/", "/accounts/signup/", f"{LOGIN}?process=connect"])
@pytest.mark.parametrize("headers", [ELSEWHERE, OTHERS])
def test_an_account_page_of_another_host_leads_to_base_url(client: Client, path: str, headers: dict[str, str]) -> None:
    answer = client.get(path, headers=headers)

    assert (answer.status_code, answer["Location"]) == (302, f"http://127.0.0.1{path}")
    assert client.head(path, headers=headers)["Location"] == answer["Location"]


def test_other_pages_stay_where_they_are(alice: Person) -> None:
    assert alice.client.get("/droplets/", headers=ELSEWHERE).status_code == 200


def test_connecting_from_another_host_goes_on_at_base_url(alice: Person) -> None:
    answer = alice.client.post(f"{LOGIN}?process=connect", headers=ELSEWHERE)

    assert answer["Location"] == "http://127.0.0.1/accounts/3rdparty/"


def test_reconnecting_from_another_host_goes_on_at_base_url(alice: Person) -> None:
    connection = alice.connect("Acme Web")
    for what in ("reconnect", "act"):
        answer = alice.client.post(f"/accounts/connections/{connection.pk}/{what}/", headers=ELSEWHERE)

        assert answer["Location"] == "http://127.0.0.1/accounts/3rdparty/"


def test_logging_in_with_digitalocean_from_another_host_goes_on_at_base_url(client: Client) -> None:
    answer = client.post(f"{LOGIN}?process=login", headers=ELSEWHERE)

    assert answer["Location"] == "http://127.0.0.1/accounts/login/"


def test_a_host_that_is_not_conveyors_is_refused(client: Client) -> None:
    assert client.get("/accounts/login/", headers={"host": "evil.example.com"}).status_code == 400
