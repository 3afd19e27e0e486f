"""HEAD and OPTIONS change nothing: Django checks no CSRF token for them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Event, User
from tests.support.callback import PATH
from tests.support.person import LOGIN, Person
from tests.support.stored import Stored, session_of


def _paths(resolver: URLResolver, prefix: str = "/") -> list[str]:
    """The URLs without parameters."""
    found: list[str] = []
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern).lstrip("^").rstrip("$").replace("\\", "")
        if isinstance(entry, URLResolver):
            found += _paths(entry, path)
        elif isinstance(entry, URLPattern) and not set("<(") & set(path):
            found.append(path)
    return found


class TestWorks:
    def test_get_shows_a_page(self, alice: Person) -> None:
        answer = alice.client.get(f"{LOGIN}?process=connect")

        assert answer.status_code == 200

    def test_post_leaves_for_digitalocean(self, alice: Person) -> None:
        assert alice.leave().startswith(alice.sandbox.oauth_url)


class TestRefuses:
    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
    @pytest.mark.parametrize("process", ["connect", "login"])
    def test_digitalocean_is_left_for_by_post_only(self, alice: Person, method: str, process: str) -> None:
        before = session_of(alice.client)

        answer = alice.client.generic(method, f"{LOGIN}?process={process}")

        assert answer.status_code == 405
        assert session_of(alice.client) == before

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST"])
    def test_the_callback_is_for_get_only(self, alice: Person, method: str) -> None:
        assert alice.client.generic(method, f"{PATH}?code=x&state=y").status_code == 405

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_no_view_acts_on_them(self, owner: Person, method: str) -> None:
        before = Stored.now()
        events = Event.objects.count()
        strict = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
        strict.cookies = owner.client.cookies

        for path in _paths(get_resolver()):
            answer = strict.generic(method, path)

            assert answer.status_code < 500, path
            assert not answer.headers.get("Location", "").startswith("http"), path
        now = Stored.now()  # a fleet that was read is noted in its connection
        assert (now.users, now.accounts, now.tokens) == (before.users, before.accounts, before.tokens)
        assert len(now.connections) == 1
        assert Event.objects.count() == events
        assert User.objects.count() == 1
        assert strict.get("/accounts/settings/").status_code == 200  # still logged in
