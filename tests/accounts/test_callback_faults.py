"""Coming back while DigitalOcean is in trouble: a page that says so, nothing changed, the grant given back."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Event, Revocation
from digitalocean_client import oauth
from tests.support.callback import ACCOUNT, EXCHANGE, REVOKE, assert_refused
from tests.support.pages import says
from tests.support.person import Person
from tests.support.raw import http, raw
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, secrets_in


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that do not come: Conveyor waits less long for them."""
    monkeypatch.setattr(oauth, "TIMEOUT", 0.7)


def wait_less(request: pytest.FixtureRequest, kind: str) -> None:
    if kind in ("hang", "drip", "delay"):
        request.getfixturevalue("impatient")


# What the token endpoint does × the page's title. Nothing of it gives Conveyor a token that works.
TROUBLE = {
    "500": ("status", {"status": 500}, "DigitalOcean is having trouble"),
    "503": ("status", {"status": 503}, "DigitalOcean is having trouble"),
    "429": ("status", {"status": 429, "headers": {"retry-after": "30"}}, "DigitalOcean's rate limit is reached"),
    "403 without a code": ("status", {"status": 403}, "DigitalOcean sent an unexpected answer"),
    "hang": ("hang", {"seconds": 20}, "DigitalOcean answered too slowly"),
    "slow": ("delay", {"seconds": 3}, "DigitalOcean answered too slowly"),
    "reset": ("reset", {}, "DigitalOcean's answer was lost"),
    "empty": ("empty", {}, "DigitalOcean sent an unexpected answer"),
    "204": ("empty", {"status": 204}, "DigitalOcean sent an unexpected answer"),
    "HTML 200": ("html", {"status": 200}, "DigitalOcean sent an unexpected answer"),
    "HTML 502": ("html", {"status": 502}, "DigitalOcean is having trouble"),
    "a list": ("json", {"json": []}, "DigitalOcean sent an unexpected answer"),
    "a number": ("json", {"json": 7}, "DigitalOcean sent an unexpected answer"),
    "a text": ("json", {"json": "yes"}, "DigitalOcean sent an unexpected answer"),
    "null": ("json", {"json": None}, "DigitalOcean sent an unexpected answer"),
    "nothing in it": ("json", {"json": {}}, "DigitalOcean sent an unexpected answer"),
    "an error with 200": ("json", {"json": {"error": "invalid_grant"}}, "DigitalOcean sent an unexpected answer"),
    "nested too deep": ("body", {"body": "[" * 50_000}, "DigitalOcean sent an unexpected answer"),
    "half a surrogate": ("body", {"body": '{"access_token": "\\ud800"}'}, "DigitalOcean sent an unexpected answer"),
    "no content type": (
        "body",
        {"body": "access_token=abc", "content_type": ""},
        "DigitalOcean sent an unexpected answer",
    ),
}

# The exchange took effect, and what came back is spoilt. The token that came is good enough to be revoked with.
SPOILT: dict[str, dict[str, Any]] = {
    "expires soon": {"/expires_in": "soon"},
    "expires in the past": {"/expires_in": -1},
    "expires at once": {"/expires_in": 0},
    "expires after the sun": {"/expires_in": 1e30},
    "expires in a list": {"/expires_in": [30]},
    "a refresh token with a space": {"/refresh_token": "dor v1"},
    "a refresh token with a newline": {"/refresh_token": "dor\nv1"},
    "a number for a refresh token": {"/refresh_token": 5},
    "a list for a scope": {"/scope": ["read"]},
    "a scope that cannot be shown": {"/scope": "read\x00write"},
    "a scope without end": {"/scope": "read " * 5000},
    "null for the access token": {"/access_token": None},
    "a number for the access token": {"/access_token": 5},
    "an access token with a space": {"/access_token": "doo v1"},
    "an access token with a newline": {"/access_token": "doo\r\nX-Evil: 1"},
    "an access token of nothing": {"/access_token": ""},
    "an access token without end": {"/access_token": "a" * 5000},
}


class TestHandlesTheTokenEndpoint:
    @pytest.mark.parametrize("name", TROUBLE)
    def test_trouble(self, owner: Person, digitalocean: Sandbox, name: str, request: pytest.FixtureRequest) -> None:
        kind, more, title = TROUBLE[name]
        wait_less(request, kind)
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault(kind, **EXCHANGE, **more)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, title, "Start again from Conveyor")
        assert not Revocation.objects.exists()
        assert digitalocean.counters().by_endpoint["POST /v1/oauth/token authorization_code"] == 2  # sent once

    @pytest.mark.parametrize("status", [302, 307, 308])
    def test_a_redirect_is_not_followed(self, owner: Person, digitalocean: Sandbox, status: int) -> None:
        """A 307 would have the code and the client secret posted once more, to whoever it names."""
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        before = Stored.now()

        with raw(http(b'{"access_token": "x"}')) as elsewhere:
            digitalocean.fault("redirect", **EXCHANGE, location=elsewhere.url, status=status)
            answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean sent an unexpected answer")
        assert elsewhere.requests == []

    def test_it_is_down(self, owner: Person, digitalocean: Sandbox, settings: Any) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        settings.DIGITAL_OCEAN_OAUTH_URL = "http://127.0.0.1:9/v1/oauth"
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean is having trouble", "in a few minutes")

    @pytest.mark.parametrize(
        ("kind", "more", "title"),
        [
            ("drip", {"interval": 0.1}, "DigitalOcean answered too slowly"),
            ("drip", {"interval": 0.05, "drip_headers": True}, "DigitalOcean answered too slowly"),
            ("truncate", {"at": 60}, "DigitalOcean's answer was lost"),
            ("reset", {"phase": "after"}, "DigitalOcean's answer was lost"),
        ],
    )
    def test_an_answer_that_never_quite_arrives(
        self, owner: Person, digitalocean: Sandbox, impatient: None, kind: str, more: Any, title: str
    ) -> None:
        """It took effect, and nobody has the token: the one grant that cannot be given back."""
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault(kind, **EXCHANGE, **more)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert 400 <= answer.status_code < 600
        assert answer.status_code != 500
        assert says(answer, title, "Start again from Conveyor")
        assert Stored.now() == before

    @pytest.mark.parametrize("name", SPOILT)
    def test_spoilt_answers_are_given_back(self, owner: Person, digitalocean: Sandbox, name: str) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("patch", **EXCHANGE, set=SPOILT[name])
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean sent an unexpected answer")
        assert len(digitalocean.live_grants()) == 1
        assert not Revocation.objects.exists()

    @pytest.mark.parametrize("field", ["uuid", "team_uuid"])
    def test_it_names_another_than_the_account(self, owner: Person, digitalocean: Sandbox, field: str) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("patch", **EXCHANGE, set={f"/info/{field}": "f" * 40})
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean sent an unexpected answer")
        assert len(digitalocean.live_grants()) == 1


# What /v2/account answers × the page's title.
ACCOUNT_TROUBLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "401": ("status", {"status": 401}, "DigitalOcean rejected the new token"),
    "403": ("status", {"status": 403}, "Your role in this team does not allow that"),
    "404": ("status", {"status": 404}, "DigitalOcean could not be reached"),
    "422": ("status", {"status": 422}, "DigitalOcean could not be reached"),
    "429": ("status", {"status": 429}, "DigitalOcean's rate limit is reached"),
    "500": ("status", {"status": 500}, "DigitalOcean is having trouble"),
    "hang": ("hang", {"seconds": 20}, "DigitalOcean answered too slowly"),
    "drip": ("drip", {"interval": 0.1}, "DigitalOcean answered too slowly"),
    "reset": ("reset", {}, "DigitalOcean's answer was lost"),
    "HTML 200": ("html", {"status": 200}, "DigitalOcean sent an unexpected answer"),
    "garbage": ("body", {"body": "\x00{]"}, "DigitalOcean sent an unexpected answer"),
    "a list": ("json", {"json": [1]}, "DigitalOcean sent an unexpected answer"),
    "no account": ("json", {"json": {"account": None}}, "DigitalOcean sent an unexpected answer"),
    "a number for a uuid": ("patch", {"set": {"/account/uuid": 7}}, "DigitalOcean sent an unexpected answer"),
    "an empty uuid": ("patch", {"set": {"/account/uuid": ""}}, "DigitalOcean sent an unexpected answer"),
    "a uuid with a colon": ("patch", {"set": {"/account/uuid": "a:b"}}, "DigitalOcean sent an unexpected answer"),
    "a uuid without end": ("patch", {"set": {"/account/uuid": "a" * 500}}, "DigitalOcean sent an unexpected answer"),
    "another user": ("patch", {"set": {"/account/uuid": "f" * 40}}, "DigitalOcean sent an unexpected answer"),
    "another team": ("patch", {"set": {"/account/team/uuid": "f" * 40}}, "DigitalOcean sent an unexpected answer"),
    "a redirect": (
        "redirect",
        {"location": "http://127.0.0.1:9/", "status": 302},
        "DigitalOcean sent an unexpected answer",
    ),
}


class TestHandlesTheAccountEndpoint:
    @pytest.mark.parametrize("name", ACCOUNT_TROUBLE)
    def test_the_grant_is_given_back(
        self, owner: Person, digitalocean: Sandbox, name: str, request: pytest.FixtureRequest
    ) -> None:
        kind, more, title = ACCOUNT_TROUBLE[name]
        wait_less(request, kind)
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault(kind, **ACCOUNT, **more)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, title)
        assert len(digitalocean.live_grants()) == 1
        assert not Revocation.objects.exists()

    def test_the_grant_is_queued_where_it_cannot_be_revoked(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("status", **ACCOUNT, status=500)
        digitalocean.fault("status", **REVOKE, status=503)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean is having trouble")
        assert len(digitalocean.live_grants()) == 2
        [queued] = Revocation.objects.all()
        assert (queued.reason, queued.attempts, queued.last_error) == ("unavailable", 1, "unavailable")
        assert not secrets_in(
            [str(queued), repr(queued), *Event.objects.values_list("detail", flat=True)],
        )

    def test_the_request_id_is_shown_for_support(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("status", **ACCOUNT, status=500)

        answer = owner.come_back(callback)

        asked = [each for each in digitalocean.recent_requests() if each["path"] == "/v2/account"][-1]
        assert asked["status"] == 500
        assert says(answer, asked["request_id"])


def test_a_name_that_nothing_can_show_is_made_one_that_can(owner: Person, digitalocean: Sandbox) -> None:
    """PostgreSQL takes no NUL, and no email's subject a second line."""
    digitalocean.fault("patch", **ACCOUNT, set={"/account/team/name": "Acme\x00\nWeb\u202e"})

    owner.go("Acme Web")

    assert "Acme Web" in [connection.team_name for connection in owner.connections]


def test_every_fine_grained_scope_at_once_is_kept(owner: Person, digitalocean: Sandbox) -> None:
    every = " ".join(sorted(f"resource_{number}:update" for number in range(150)))
    digitalocean.fault("patch", **EXCHANGE, set={"/scope": every})

    assert owner.connect("Acme Web").scope == every
