"""The recent log-in that connecting, reconnecting, disconnecting, switching and leaving ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse

from accounts.models import Revocation
from tests.support import totp
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored

CONNECT = "/accounts/digitalocean/login/?process=connect"
REAUTHENTICATE = "/accounts/reauthenticate/"

DOINGS: dict[str, Callable[[Person], HttpResponse]] = {
    "connect": lambda person: person.client.post(CONNECT),
    "reconnect": lambda person: person.client.post(_url(person, "reconnect")),
    "ask for write access": lambda person: person.client.post(_url(person, "act")),
    "disconnect": lambda person: person.client.post(_url(person, "disconnect")),
    "look at disconnecting": lambda person: person.client.get(_url(person, "disconnect")),
    "switch": lambda person: person.client.post(_url(person, "sign-in"), {"on": "1"}),
    "delete": lambda person: person.client.post("/accounts/delete/", {"email": person.email}),
    "look at deleting": lambda person: person.client.get("/accounts/delete/"),
}


def _url(person: Person, what: str) -> str:
    return f"/accounts/connections/{person.connection('Northwind').pk}/{what}/"


def log_in_again_needed(person: Person, *, seconds: float = 1801) -> None:
    """Let the log-in have been that long ago."""
    session = person.client.session
    session["logged_in_at"] -= seconds
    session.save()


class TestWorks:
    @pytest.mark.parametrize("doing", DOINGS)
    def test_a_log_in_of_half_an_hour_ago_is_recent(self, owner: Person, doing: str) -> None:
        log_in_again_needed(owner, seconds=1700)

        answer = DOINGS[doing](owner)

        assert not answer.headers.get("Location", "").startswith(REAUTHENTICATE)

    def test_the_button_is_taken_up_again_after_the_password(self, owner: Person, digitalocean: Sandbox) -> None:
        log_in_again_needed(owner)
        asked = owner.client.post("/accounts/digitalocean/login/", {"process": "connect", "next": "/droplets/"})

        there = owner.client.post(asked["Location"], {"password": PASSWORD})["Location"]

        assert there.startswith(f"{digitalocean.oauth_url}/authorize?")

    def test_the_password_is_as_good_as_a_log_in(self, owner: Person, digitalocean: Sandbox) -> None:
        log_in_again_needed(owner)
        asked = owner.client.post(CONNECT)
        assert says(owner.client.get(asked["Location"]), "Confirm your password")

        on = owner.client.post(asked["Location"], {"password": PASSWORD})

        assert on["Location"] == CONNECT
        assert says(owner.client.get(CONNECT), "Go to DigitalOcean")
        there = owner.client.post(CONNECT)["Location"]
        assert there.startswith(digitalocean.oauth_url)
        owner.come_back(digitalocean.authorize(there, team="Acme Web"))
        assert [each.team_name for each in owner.connections] == ["Acme Web", "Northwind"]

    def test_a_disconnect_goes_on_after_the_password(self, owner: Person, digitalocean: Sandbox) -> None:
        log_in_again_needed(owner)
        asked = owner.client.post(_url(owner, "disconnect"))

        owner.client.post(asked["Location"], {"password": PASSWORD})

        assert owner.connections == []
        assert digitalocean.live_grants() == []

    def test_a_reconnect_goes_on_after_the_password(self, owner: Person, digitalocean: Sandbox) -> None:
        before = owner.connection("Northwind")
        log_in_again_needed(owner)
        asked = owner.client.post(_url(owner, "reconnect"))

        there = owner.client.post(asked["Location"], {"password": PASSWORD})
        owner.come_back(digitalocean.authorize(there["Location"], team="Northwind"))

        [connection] = owner.connections
        assert (connection.pk, connection.generation) == (before.pk, before.generation + 1)

    def test_a_code_is_as_good_as_the_password(self, owner: Person) -> None:
        secret = totp.switch_on(owner.user)
        log_in_again_needed(owner)
        asked = owner.client.post(CONNECT)
        assert says(owner.client.get(asked["Location"]), "/accounts/2fa/reauthenticate/")

        owner.client.post("/accounts/2fa/reauthenticate/", {"code": totp.code(secret)})

        assert not owner.client.post(CONNECT)["Location"].startswith("/accounts/")

    def test_somebody_without_a_password_is_not_asked_for_one(self, owner: Person) -> None:
        user = owner.user
        user.set_unusable_password()
        user.save()
        owner.client.force_login(user)

        assert not owner.client.post(CONNECT)["Location"].startswith("/accounts/")


class TestRefuses:
    @pytest.mark.parametrize("doing", DOINGS)
    def test_an_old_log_in(self, owner: Person, digitalocean: Sandbox, doing: str) -> None:
        log_in_again_needed(owner)
        before = Stored.now()

        answer = DOINGS[doing](owner)

        assert answer.status_code == 302
        assert answer["Location"].startswith(f"{REAUTHENTICATE}?next=")
        assert Stored.now() == before
        assert not Revocation.objects.exists()
        assert len(digitalocean.live_grants()) == 1

    @pytest.mark.parametrize("moment", [2e10, 0, -1])
    def test_a_log_in_at_no_possible_time(self, owner: Person, moment: float) -> None:
        """A clock that went back must not make a log-in good for ever."""
        session = owner.client.session
        session["logged_in_at"] = moment
        session.save()

        assert owner.client.post(CONNECT)["Location"].startswith(REAUTHENTICATE)

    def test_a_session_that_knows_of_no_log_in(self, owner: Person) -> None:
        session = owner.client.session
        del session["logged_in_at"]
        session.save()

        assert owner.client.post(CONNECT)["Location"].startswith(REAUTHENTICATE)

    def test_a_wrong_password_goes_nowhere(self, owner: Person) -> None:
        log_in_again_needed(owner)
        asked = owner.client.post(_url(owner, "disconnect"))

        answer = owner.client.post(asked["Location"], {"password": "wrong"})

        assert says(answer, "Confirm your password", "Incorrect password")
        assert len(owner.connections) == 1

    def test_a_log_in_without_the_second_factor_is_none(self, owner: Person) -> None:
        totp.switch_on(owner.user)
        owner.log_out()

        owner.log_in()

        assert "logged_in_at" not in owner.client.session
        assert owner.client.post(CONNECT)["Location"].startswith("/accounts/login/")
