"""Coming back from DigitalOcean: whatever goes wrong ends on a page that says so, and nothing is changed."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse

from accounts.digitalocean import oauth
from accounts.models import Connection, Event, Revocation, User
from tests.support.person import Person
from tests.support.sandbox import CALLBACK, Sandbox
from tests.support.stored import Stored, kept_pairs, secrets_in, session_of, stray_grants
from tests.support.waiting import until

EXCHANGE = {"path": "^/v1/oauth/token$", "grant_type": "authorization_code"}
ACCOUNT = {"path": "^/v2/account$"}
REVOKE = {"path": "^/v1/oauth/revoke$"}
CALLBACK_PATH = "/accounts/digitalocean/login/callback/"


def says(answer: HttpResponse, *sentences: str) -> bool:
    """Whether a page holds all of these, and no secret."""
    text = html.unescape(answer.content.decode())
    assert not secrets_in([text])
    for sentence in sentences:
        assert sentence in text, f"{sentence!r} is not on the page:\n{text}"
    return True


def assert_refused(answer: HttpResponse, before: Stored, sandbox: Sandbox, *sentences: str) -> None:
    """A page that says what happened; nothing stored has changed; no grant is left alive and unowed."""
    assert 400 <= answer.status_code < 600
    assert answer.status_code != 500
    assert says(answer, *sentences)
    assert Stored.now() == before
    assert stray_grants(sandbox) == []


@pytest.fixture
def owner(alice: Person) -> Person:
    """Alice, who has Northwind connected: what must not change when connecting Acme Web goes wrong."""
    alice.connect("Northwind")
    return alice


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that do not come: Conveyor waits less long for them."""
    monkeypatch.setattr(oauth, "TIMEOUT", 0.7)


def wait_less(request: pytest.FixtureRequest, kind: str) -> None:
    if kind in ("hang", "drip", "delay"):
        request.getfixturevalue("impatient")


class TestWorks:
    @pytest.mark.parametrize("missing", ["refresh_token", "scope", "expires_in", "info"])
    def test_what_the_answer_may_leave_out(self, alice: Person, digitalocean: Sandbox, missing: str) -> None:
        """RFC 6749 §5.1 requires access_token and token_type alone; `info` is DigitalOcean's own."""
        digitalocean.settings(**{f"{missing}_in_answer": False})

        connection = alice.connect("Acme Web")

        assert connection.scope == "read"  # where none is told, it is what was asked for
        assert (connection.expires_at is None) == (missing == "expires_in")
        assert (kept_pairs()[0][1] == "") == (missing == "refresh_token")
        assert not Revocation.objects.exists()

    @pytest.mark.parametrize("null", ["refresh_token", "scope", "expires_in", "info"])
    def test_null_is_as_good_as_missing(self, alice: Person, digitalocean: Sandbox, null: str) -> None:
        digitalocean.fault("patch", **EXCHANGE, set={f"/{null}": None})

        connection = alice.connect("Acme Web")

        assert connection.scope == "read"
        assert stray_grants(digitalocean) == []

    def test_the_same_team_by_another_digitalocean_user_is_another_connection(
        self, owner: Person, bob: Person, digitalocean: Sandbox
    ) -> None:
        mine, theirs = owner.connection("Northwind"), bob.connect("Northwind")

        assert theirs.pk != mine.pk
        assert theirs.team_uuid == mine.team_uuid
        assert len(digitalocean.live_grants()) == 2

    def test_a_grant_of_less_keeps_what_reaches_further(self, owner: Person, digitalocean: Sandbox) -> None:
        Connection.objects.update(scope="read write")
        before = Stored.now()

        answer = owner.go("Northwind")

        assert answer.status_code == 302
        assert says(owner.client.get("/accounts/3rdparty/"), "connected already, with more access than this")
        assert Stored.now() == before
        assert len(digitalocean.live_grants()) == 1


class TestRefuses:
    def test_denied(self, owner: Person, digitalocean: Sandbox) -> None:
        before = Stored.now()

        answer = owner.go("Acme Web", decision="deny")

        assert answer.status_code == 302
        page = owner.client.get(answer["Location"])
        assert page.status_code == 200
        assert says(page, "Nothing was connected", "You turned the request down", "Back to your connections")
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []

    @pytest.mark.parametrize(
        "query", ["error=server_error", "error=consent_required&error_description=%3Cb%3Eno%3C/b%3E", "", "code"]
    )
    def test_no_code(self, owner: Person, digitalocean: Sandbox, query: str) -> None:
        there = owner.leave()
        state = there.split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.get(f"{CALLBACK_PATH}?{query}&state={state}")

        assert_refused(answer, before, digitalocean, "Start again from Conveyor", "Go to your connections")
        assert "<b>no</b>" not in answer.content.decode()

    @pytest.mark.parametrize("state", ["", "&state=", "&state=unknown", "&state=%00", "&state=%F0%9F%98%80"])
    def test_a_state_that_is_missing_or_unknown(self, owner: Person, digitalocean: Sandbox, state: str) -> None:
        owner.leave()
        before = Stored.now()

        answer = owner.client.get(f"{CALLBACK_PATH}?code=abc{state}")

        assert_refused(answer, before, digitalocean, "This link is used up", "start again from Conveyor")
        assert digitalocean.counters().by_endpoint.get("POST /v1/oauth/token authorization_code", 0) == 1

    def test_a_replay_of_what_worked(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        assert owner.come_back(callback).status_code == 302
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "If you have just connected a team, it is connected.")

    def test_an_answer_in_another_browser(self, owner: Person, bob: Person, digitalocean: Sandbox) -> None:
        """Log-in CSRF: somebody else's callback address, opened by Bob, must not give Bob their team."""
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        before = Stored.now()

        answer = bob.come_back(callback)

        assert_refused(answer, before, digitalocean, "only in the browser that asked for it")

    def test_a_state_older_than_ten_minutes(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        _age_states(owner, seconds=601)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "That took longer than ten minutes", "Start again.")

    def test_a_state_just_young_enough(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        _age_states(owner, seconds=590)

        assert owner.come_back(callback).status_code == 302

    def test_a_used_code(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        code = callback.split("code=")[1].split("&")[0]
        spent = digitalocean.token(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK.replace(":8000", "")
        )
        assert spent.status_code == 200, spent.text
        before = Stored.now()

        answer = owner.come_back(callback)

        assert answer.status_code == 502
        assert says(answer, "This authorization is used up", "Start again from Conveyor")
        assert Stored.now() == before

    @pytest.mark.parametrize("code", ["x" * 5000, "%00", "%0D%0AX-Evil:%201", "%F0%9F%98%80", "nobody-gave-this"])
    def test_a_code_that_is_none(self, owner: Person, digitalocean: Sandbox, code: str) -> None:
        state = owner.leave().split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.get(f"{CALLBACK_PATH}?code={code}&state={state}")

        assert_refused(answer, before, digitalocean, "This authorization is used up")

    def test_a_posted_callback(self, owner: Person, digitalocean: Sandbox) -> None:
        state = owner.leave().split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.post(CALLBACK_PATH, {"code": "abc", "state": state})

        assert_refused(answer, before, digitalocean, "Start again from Conveyor")

    def test_conveyors_own_credentials_are_wrong(
        self, owner: Person, digitalocean: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.DIGITAL_OCEAN_CLIENT_SECRET = "not-the-secret"
        before = Stored.now()

        answer = owner.go("Acme Web")

        assert_refused(answer, before, digitalocean, "Conveyor is not set up correctly", "tell whoever runs")
        assert "not-the-secret" not in answer.content.decode() + caplog.text
        assert any(record.levelname == "CRITICAL" for record in caplog.records)  # loud for the operator

    def test_the_team_is_connected_by_somebody_else(self, owner: Person, digitalocean: Sandbox) -> None:
        """The same DigitalOcean user, another account here."""
        other = Person(digitalocean, "carol@example.com", "ada")
        other.sign_up()
        before = Stored.now()

        answer = other.go("Northwind")

        assert_refused(answer, before, digitalocean, "This team is connected to another account", "Nothing was changed")
        assert owner.email not in answer.content.decode()
        assert len(digitalocean.live_grants()) == 1

    def test_another_team_than_the_reconnect_asked_for(self, owner: Person, digitalocean: Sandbox) -> None:
        connection = owner.connection("Northwind")
        before = Stored.now()

        answer = owner.go("Acme Web", url=f"/accounts/connections/{connection.pk}/reconnect/")

        assert_refused(answer, before, digitalocean, "You chose another team", "choose Northwind", "ada@acme.example")
        assert len(digitalocean.live_grants()) == 1
        assert Event.objects.filter(kind=Event.Kind.REFUSED, outcome="another team", user=owner.user).exists()

    def test_another_digitalocean_user_than_the_reconnect_asked_for(self, owner: Person, digitalocean: Sandbox) -> None:
        connection = owner.connection("Northwind")
        before = Stored.now()

        answer = owner.go("Northwind", url=f"/accounts/connections/{connection.pk}/reconnect/", user="grace")

        assert_refused(answer, before, digitalocean, "You chose another team")

    def test_signed_out_in_between(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        owner.log_out()
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "This link is used up", "Go to log in")

    def test_switched_off_in_between(self, owner: Person, digitalocean: Sandbox) -> None:
        """The session is still there, and the person is not: the grant is in hand and has to go back."""
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        User.objects.filter(pk=owner.user.pk).update(is_active=False)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "You were signed out meanwhile", "Log in and connect it again")
        assert len(digitalocean.live_grants()) == 1

    @pytest.mark.parametrize("process", ["redirect", "nonsense"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_process_that_nobody_offers(
        self, owner: Person, digitalocean: Sandbox, process: str, method: str
    ) -> None:
        before = Stored.now()

        answer = getattr(owner.client, method)(f"/accounts/digitalocean/login/?process={process}&next=/droplets/")

        assert answer.status_code == 400
        assert_refused(answer, before, digitalocean, "This link does not work")

    def test_connecting_without_being_signed_in(self, visitor: Person) -> None:
        answer = visitor.client.post("/accounts/digitalocean/login/?process=connect")

        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/?next=")

    def test_a_get_only_asks(self, owner: Person) -> None:
        """A link on somebody else's page must not start anything."""
        answer = owner.client.get("/accounts/digitalocean/login/?process=connect")

        assert answer.status_code == 200
        assert says(answer, "Connect a team", "Go to DigitalOcean")
        assert not session_of(owner.client).get("socialaccount_states")


# What the token endpoint does × the page's title. Nothing of it gives Conveyor a token that works.
TROUBLE = {
    "500": ("status", {"status": 500}, "DigitalOcean is having trouble"),
    "503": ("status", {"status": 503}, "DigitalOcean is having trouble"),
    "429": ("status", {"status": 429, "headers": {"retry-after": "30"}}, "DigitalOcean asks to wait"),
    "403 without a code": ("status", {"status": 403}, "DigitalOcean's answer made no sense"),
    "hang": ("hang", {"seconds": 20}, "DigitalOcean answered too slowly"),
    "slow": ("delay", {"seconds": 3}, "DigitalOcean answered too slowly"),
    "reset": ("reset", {}, "DigitalOcean's answer was lost on the way"),
    "empty": ("empty", {}, "DigitalOcean's answer made no sense"),
    "204": ("empty", {"status": 204}, "DigitalOcean's answer made no sense"),
    "HTML 200": ("html", {"status": 200}, "DigitalOcean's answer made no sense"),
    "HTML 502": ("html", {"status": 502}, "DigitalOcean is having trouble"),
    "a list": ("json", {"json": []}, "DigitalOcean's answer made no sense"),
    "a number": ("json", {"json": 7}, "DigitalOcean's answer made no sense"),
    "a text": ("json", {"json": "yes"}, "DigitalOcean's answer made no sense"),
    "null": ("json", {"json": None}, "DigitalOcean's answer made no sense"),
    "nothing in it": ("json", {"json": {}}, "DigitalOcean's answer made no sense"),
    "an error with 200": ("json", {"json": {"error": "invalid_grant"}}, "DigitalOcean's answer made no sense"),
    "nested too deep": ("body", {"body": "[" * 50_000}, "DigitalOcean's answer made no sense"),
    "half a surrogate": ("body", {"body": '{"access_token": "\\ud800"}'}, "DigitalOcean's answer made no sense"),
    "no content type": (
        "body",
        {"body": "access_token=abc", "content_type": ""},
        "DigitalOcean's answer made no sense",
    ),
    "a redirect": (
        "redirect",
        {"location": "http://127.0.0.1:9/", "status": 307},
        "DigitalOcean's answer made no sense",
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
    "a text for info": {"/info": "ada"},
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

    def test_it_is_down(self, owner: Person, digitalocean: Sandbox, settings: Any) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        settings.DIGITAL_OCEAN_OAUTH_URL = "http://127.0.0.1:9/v1/oauth"
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean is having trouble", "best in a few minutes")

    @pytest.mark.parametrize(
        ("kind", "more", "title"),
        [
            ("drip", {"interval": 0.1}, "DigitalOcean answered too slowly"),
            ("drip", {"interval": 0.05, "drip_headers": True}, "DigitalOcean answered too slowly"),
            ("truncate", {"at": 60}, "DigitalOcean's answer was lost on the way"),
            ("reset", {"phase": "after"}, "DigitalOcean's answer was lost on the way"),
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

        assert_refused(answer, before, digitalocean, "DigitalOcean's answer made no sense")
        assert len(digitalocean.live_grants()) == 1
        assert not Revocation.objects.exists()

    @pytest.mark.parametrize("field", ["uuid", "team_uuid"])
    def test_it_names_another_than_the_account(self, owner: Person, digitalocean: Sandbox, field: str) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("patch", **EXCHANGE, set={f"/info/{field}": "f" * 40})
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean's answer made no sense")
        assert len(digitalocean.live_grants()) == 1


# What /v2/account answers × the page's title.
ACCOUNT_TROUBLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "401": ("status", {"status": 401}, "DigitalOcean did not accept its own access"),
    "403": ("status", {"status": 403}, "This access is not enough"),
    "404": ("status", {"status": 404}, "DigitalOcean could not be asked"),
    "422": ("status", {"status": 422}, "DigitalOcean could not be asked"),
    "429": ("status", {"status": 429}, "DigitalOcean asks to wait"),
    "500": ("status", {"status": 500}, "DigitalOcean is having trouble"),
    "hang": ("hang", {"seconds": 20}, "DigitalOcean answered too slowly"),
    "drip": ("drip", {"interval": 0.1}, "DigitalOcean answered too slowly"),
    "reset": ("reset", {}, "DigitalOcean's answer was lost on the way"),
    "HTML 200": ("html", {"status": 200}, "DigitalOcean's answer made no sense"),
    "garbage": ("body", {"body": "\x00{]"}, "DigitalOcean's answer made no sense"),
    "a list": ("json", {"json": [1]}, "DigitalOcean's answer made no sense"),
    "no account": ("json", {"json": {"account": None}}, "DigitalOcean's answer made no sense"),
    "a number for a uuid": ("patch", {"set": {"/account/uuid": 7}}, "DigitalOcean's answer made no sense"),
    "an empty uuid": ("patch", {"set": {"/account/uuid": ""}}, "DigitalOcean's answer made no sense"),
    "a uuid with a colon": ("patch", {"set": {"/account/uuid": "a:b"}}, "DigitalOcean's answer made no sense"),
    "a uuid without end": ("patch", {"set": {"/account/uuid": "a" * 500}}, "DigitalOcean's answer made no sense"),
    "another user": ("patch", {"set": {"/account/uuid": "f" * 40}}, "DigitalOcean's answer made no sense"),
    "another team": ("patch", {"set": {"/account/team/uuid": "f" * 40}}, "DigitalOcean's answer made no sense"),
    "no team": ("patch", {"remove": ["/account/team"]}, "DigitalOcean's answer made no sense"),
    "a redirect": (
        "redirect",
        {"location": "http://127.0.0.1:9/", "status": 302},
        "DigitalOcean's answer made no sense",
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

    def test_the_grant_is_owed_where_it_cannot_be_given_back(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("status", **ACCOUNT, status=500)
        digitalocean.fault("status", **REVOKE, status=503)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "DigitalOcean is having trouble")
        assert len(digitalocean.live_grants()) == 2
        [owed] = Revocation.objects.all()
        assert (owed.reason, owed.attempts, owed.last_error) == ("unavailable", 1, "unavailable")
        assert not secrets_in(
            [str(owed), repr(owed), *Event.objects.values_list("detail", flat=True)],
        )

    def test_the_request_id_is_shown_for_support(self, owner: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        digitalocean.fault("status", **ACCOUNT, status=500)

        answer = owner.come_back(callback)

        asked = [each for each in digitalocean.recent_requests() if each["path"] == "/v2/account"][-1]
        assert asked["status"] == 500
        assert says(answer, asked["request_id"])


def _age_states(person: Person, *, seconds: float) -> None:
    """Let the round trips that are under way have begun that much earlier."""
    session = person.client.session
    session["socialaccount_states"] = {
        state: (data, begun - seconds, provider)
        for state, (data, begun, provider) in session["socialaccount_states"].items()
    }
    session.save()


def _tab(person: Person) -> Person:
    """Another tab of the same browser."""
    tab = Person(person.sandbox, person.email, person.digitalocean)
    tab.client.cookies.update(person.client.cookies)
    return tab


def _at_once(*doings: Callable[[], HttpResponse]) -> list[HttpResponse]:
    """Do these side by side, each on a thread with a database connection of its own."""
    start = threading.Barrier(len(doings))

    def run(do: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            start.wait(10)
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(doings)) as pool:
        return [future.result(60) for future in [pool.submit(run, do) for do in doings]]


@pytest.mark.django_db(transaction=True)
class TestHandlesTwoAtOnce:
    @pytest.fixture
    def alice(self, digitalocean: Sandbox, transactional_db: None) -> Person:
        person = Person(digitalocean, "alice@example.com", "ada")
        person.sign_up()
        return person

    @pytest.fixture(autouse=True)
    def _overlap(self, alice: Person, digitalocean: Sandbox) -> None:
        """Both are in the middle of their callback at the same time."""
        digitalocean.fault("delay", **ACCOUNT, seconds=0.2)

    def test_two_tabs_connect_one_new_team(self, alice: Person, digitalocean: Sandbox) -> None:
        tabs = [alice, _tab(alice), _tab(alice)]
        callbacks = [digitalocean.authorize(tab.leave(), team="Acme Web") for tab in tabs]

        answers = _at_once(*(partial(tab.come_back, url) for tab, url in zip(tabs, callbacks, strict=True)))

        assert [answer.status_code for answer in answers] == [302, 302, 302]
        [connection] = alice.connections
        assert connection.generation == 3
        assert len(digitalocean.live_grants()) == 1
        assert stray_grants(digitalocean) == []
        assert not Revocation.objects.exists()

    def test_two_tabs_connect_two_teams(self, alice: Person, digitalocean: Sandbox) -> None:
        tabs = [alice, _tab(alice)]
        callbacks = [
            digitalocean.authorize(tab.leave(), team=team)
            for tab, team in zip(tabs, ("Acme Web", "Northwind"), strict=True)
        ]

        _at_once(*(partial(tab.come_back, url) for tab, url in zip(tabs, callbacks, strict=True)))

        assert [connection.team_name for connection in alice.connections] == ["Acme Web", "Northwind"]
        assert len(digitalocean.live_grants()) == 2

    def test_two_accounts_connect_one_team(self, alice: Person, digitalocean: Sandbox) -> None:
        """The same DigitalOcean user: one of them has it, the other is told so."""
        other = Person(digitalocean, "carol@example.com", "ada")
        other.sign_up()
        people = [alice, other]
        callbacks = [digitalocean.authorize(person.leave(), team="Acme Web") for person in people]

        answers = _at_once(*(partial(person.come_back, url) for person, url in zip(people, callbacks, strict=True)))

        assert sorted(answer.status_code for answer in answers) == [302, 409]
        assert Connection.objects.count() == 1
        assert len(digitalocean.live_grants()) == 1
        assert stray_grants(digitalocean) == []

    def test_one_callback_opened_twice(self, alice: Person, digitalocean: Sandbox) -> None:
        """A double click on the consent page: the code works once."""
        callback = digitalocean.authorize(alice.leave(), team="Acme Web")
        tabs = [alice, _tab(alice)]

        answers = _at_once(*(partial(tab.come_back, callback) for tab in tabs))

        assert sorted(answer.status_code for answer in answers)[0] == 302
        assert sorted(answer.status_code for answer in answers)[1] in (400, 502)
        assert len(alice.connections) == 1
        assert len(digitalocean.live_grants()) == 1

    def test_the_account_is_deleted_meanwhile(self, alice: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(alice.leave(), team="Acme Web")
        tab = _tab(alice)

        def delete() -> HttpResponse:
            until(lambda: digitalocean.counters().in_flight_max.get("GET /v2/account", 0) == 1)
            return tab.client.post("/accounts/delete/", {"email": alice.email})

        answer, deleted = _at_once(partial(alice.come_back, callback), delete)

        assert deleted.status_code == 200
        assert answer.status_code == 401
        assert says(answer, "You were signed out meanwhile")
        assert Stored.now() == Stored([], [], [], [])
        assert digitalocean.live_grants() == []
