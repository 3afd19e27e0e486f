"""Coming back from DigitalOcean: who is let in, and who is told what is wrong with the way they came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts import revocations
from accounts.models import Connection, Event, Revocation, User
from tests.support.callback import EXCHANGE, PATH, assert_refused
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import CALLBACK, Sandbox
from tests.support.stored import Stored, kept_pairs, session_of, stray_grants


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

    def test_with_pkce(self, alice: Person, digitalocean: Sandbox, settings: Any) -> None:
        """Its setting is off by default: DigitalOcean documents it for public clients only."""
        assert "code_challenge" not in alice.leave()
        providers = {"digitalocean": settings.SOCIALACCOUNT_PROVIDERS["digitalocean"] | {"OAUTH_PKCE_ENABLED": True}}
        settings.SOCIALACCOUNT_PROVIDERS = providers

        there = alice.leave()

        assert "code_challenge_method=S256" in there
        alice.come_back(digitalocean.authorize(there, team="Acme Web"))
        assert alice.connections

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
        assert says(owner.client.get("/accounts/3rdparty/"), "already connected, with more access than this")
        assert Stored.now() == before
        assert len(digitalocean.live_grants()) == 1


class TestRefuses:
    def test_denied(self, owner: Person, digitalocean: Sandbox) -> None:
        before = Stored.now()

        answer = owner.go("Acme Web", decision="deny")

        assert answer.status_code == 302
        page = owner.client.get(answer["Location"])
        assert page.status_code == 200
        assert says(page, "Nothing was connected", "You cancelled the authorization", "Back to your connections")
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []

    @pytest.mark.parametrize(
        "query", ["error=server_error", "error=consent_required&error_description=%3Cb%3Eno%3C/b%3E", "", "code"]
    )
    def test_no_code(self, owner: Person, digitalocean: Sandbox, query: str) -> None:
        there = owner.leave()
        state = there.split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.get(f"{PATH}?{query}&state={state}")

        assert_refused(answer, before, digitalocean, "Start again from Conveyor", "Go to your connections")
        assert "<b>no</b>" not in answer.content.decode()

    @pytest.mark.parametrize("state", ["", "&state=", "&state=unknown", "&state=%00", "&state=%F0%9F%98%80"])
    def test_a_state_that_is_missing_or_unknown(self, owner: Person, digitalocean: Sandbox, state: str) -> None:
        owner.leave()
        before = Stored.now()

        answer = owner.client.get(f"{PATH}?code=abc{state}")

        assert_refused(answer, before, digitalocean, "This link has already been used", "start again from Conveyor")
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

        assert_refused(answer, before, digitalocean, "only in the browser that started the authorization")

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
        assert says(answer, "This authorization has expired", "Start again from Conveyor")
        assert Stored.now() == before

    @pytest.mark.parametrize("code", ["x" * 5000, "%00", "%0D%0AX-Evil:%201", "%F0%9F%98%80", "nobody-gave-this"])
    def test_a_code_that_is_none(self, owner: Person, digitalocean: Sandbox, code: str) -> None:
        state = owner.leave().split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.get(f"{PATH}?code={code}&state={state}")

        assert_refused(answer, before, digitalocean, "This authorization has expired")

    def test_a_posted_callback(self, owner: Person, digitalocean: Sandbox) -> None:
        state = owner.leave().split("state=")[1].split("&")[0]
        before = Stored.now()

        answer = owner.client.post(PATH, {"code": "abc", "state": state})

        assert answer.status_code == 405
        assert_refused(answer, before, digitalocean)

    def test_conveyors_own_credentials_are_wrong(
        self, owner: Person, digitalocean: Sandbox, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.DIGITAL_OCEAN_CLIENT_SECRET = "not-the-secret"
        before = Stored.now()

        answer = owner.go("Acme Web")

        assert_refused(answer, before, digitalocean, "Conveyor is not set up correctly", "tell the administrator")
        assert "not-the-secret" not in answer.content.decode() + caplog.text
        assert any(record.levelname == "CRITICAL" for record in caplog.records)  # loud for the operator

    def test_a_grant_that_fell_due_on_the_way(
        self, owner: Person, digitalocean: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(revocations, "PENDING_LIFETIME", timedelta(0))
        before = Stored.now()

        answer = owner.go("Acme Web")

        assert_refused(answer, before, digitalocean, "That took too long", "Start again from Conveyor")

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

        assert_refused(answer, before, digitalocean, "This link has already been used", "Go to log in")

    def test_switched_off_in_between(self, owner: Person, digitalocean: Sandbox) -> None:
        """The session is still there, and the person is not: the grant is in hand and has to go back."""
        callback = digitalocean.authorize(owner.leave(), team="Acme Web")
        User.objects.filter(pk=owner.user.pk).update(is_active=False)
        before = Stored.now()

        answer = owner.come_back(callback)

        assert_refused(answer, before, digitalocean, "You were logged out", "Log in and connect the team again")
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


def _age_states(person: Person, *, seconds: float) -> None:
    """Let the round trips that are under way have begun that much earlier."""
    session = person.client.session
    session["socialaccount_states"] = {
        state: (data, begun - seconds, provider)
        for state, (data, begun, provider) in session["socialaccount_states"].items()
    }
    session.save()
