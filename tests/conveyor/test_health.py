"""Health checks, and the headers of every response."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.messages import INFO
from django.contrib.sessions.backends.base import SessionBase
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conveyor.middleware import HostMessageStorage


@pytest.mark.parametrize("host", ["testserver", "10.0.0.5", "10.0.0.5:8000", "evil.example.com", "no host at all"])
def test_healthz_needs_no_database_and_no_host(client: Client, caplog: pytest.LogCaptureFixture, host: str) -> None:
    answer = client.get("/healthz", headers={"host": host})

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert "no-store" in answer["Cache-Control"]
    assert caplog.records == []


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.9", "::1", "fe80::1%eth0", ""])
def test_readyz_is_for_probes_by_address(client: Client, address: str) -> None:
    answer = client.get("/readyz", headers={"host": "10.0.0.5"}, REMOTE_ADDR=address)

    assert (answer.status_code, answer.json()) == (200, {"database": True, "cache": True})


@pytest.mark.django_db
@pytest.mark.parametrize("sender", [{"REMOTE_ADDR": "8.8.8.8"}, {"HTTP_X_FORWARDED_FOR": "8.8.8.8"}])
def test_readyz_is_for_staff_and_for_no_other_visitor(
    client: Client, django_user_model: Any, sender: dict[str, str]
) -> None:
    user = django_user_model.objects.create_user(email="alice@example.com")

    assert client.get("/readyz", **sender).status_code == 404
    client.force_login(user)
    assert client.get("/readyz", **sender).status_code == 404
    django_user_model.objects.update(is_staff=True)
    assert client.get("/readyz", **sender).status_code == 200


def test_security_txt_names_a_contact(client: Client, settings: Any) -> None:
    settings.SECURITY_CONTACT = "mailto:security@example.com"

    answer = client.get("/.well-known/security.txt")

    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert fields["Contact"] == "mailto:security@example.com"
    assert fields["Canonical"] == "http://127.0.0.1/.well-known/security.txt"
    assert datetime.fromisoformat(fields["Expires"]) > datetime.now(UTC) + timedelta(days=100)


@pytest.fixture
def collected(tmp_path: Path, settings: Any) -> None:
    (tmp_path / "style.css").write_text("a {}")
    settings.STATIC_ROOT = tmp_path


@pytest.mark.django_db
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("path", ["/static/style.css", "/healthz", "/.well-known/security.txt"])
def test_every_response_has_the_headers_that_protect_it(client: Client, path: str) -> None:
    answer = client.get(path)
    answer.close()  # a static file

    assert answer.status_code == 200
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert re.fullmatch("[0-9a-f]{16}", answer["X-Request-Id"])
    assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.django_db
def test_a_session_stores_its_activity_once_a_minute_and_a_new_address_at_once(
    client: Client, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_user(email="alice@example.com"))

    def writes(**sender: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/", **sender).status_code == 302
        return sum("usersessions" in query["sql"] and "SELECT" not in query["sql"] for query in queries)

    assert writes() > 0
    assert writes() == 0
    assert writes(REMOTE_ADDR="10.0.0.9") > 0
    assert UserSession.objects.get().ip == "10.0.0.9"
    assert writes(REMOTE_ADDR="10.0.0.9") == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "queries"), [("/healthz", 0), ("/.well-known/security.txt", 0), ("/accounts/password/reset/", 3)]
)
def test_a_signed_in_request_reads_what_it_shows_and_writes_nothing(
    client: Client, django_user_model: Any, path: str, queries: int
) -> None:
    """The third shows the person's name and jobs: session, person, jobs."""
    client.force_login(django_user_model.objects.create_user(email="ada@example.com"))
    client.get("/accounts/password/reset/")  # stores the activity of this minute

    with CaptureQueriesContext(connection) as found:
        assert client.get(path).status_code == 200

    assert len(found) == queries
    assert [query["sql"] for query in found if not query["sql"].startswith("SELECT")] == []


def test_messages_before_log_in_use_a_cookie_of_this_host_alone(rf: Any) -> None:
    request, response = rf.get("/"), HttpResponse()
    request.session = SessionBase()
    messages = HostMessageStorage(request)
    messages.add(INFO, "Signed out")

    messages.update(response)

    assert list(response.cookies) == ["__Host-conveyor-messages"]


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
        assert policy["form-action"] == "'self' https://cloud.digitalocean.com http://127.0.0.1"
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
