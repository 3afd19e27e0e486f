"""Coming back in two places at the same time."""

from __future__ import annotations

from functools import partial

import pytest
from django.http import HttpResponse

from accounts.models import Connection, Revocation
from tests.support.at_once import at_once, tab
from tests.support.callback import ACCOUNT
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, stray_grants
from tests.support.waiting import wait_until


@pytest.mark.django_db(transaction=True)
class TestHandles:
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
        tabs = [alice, tab(alice), tab(alice)]
        callbacks = [digitalocean.authorize(tab.leave(), team="Acme Web") for tab in tabs]

        answers = at_once(*(partial(tab.come_back, url) for tab, url in zip(tabs, callbacks, strict=True)))

        assert [answer.status_code for answer in answers] == [302, 302, 302]
        [connection] = alice.connections
        assert connection.generation == 3
        assert len(digitalocean.live_grants()) == 1
        assert stray_grants(digitalocean) == []
        assert not Revocation.objects.exists()

    def test_two_tabs_connect_two_teams(self, alice: Person, digitalocean: Sandbox) -> None:
        tabs = [alice, tab(alice)]
        callbacks = [
            digitalocean.authorize(tab.leave(), team=team)
            for tab, team in zip(tabs, ("Acme Web", "Northwind"), strict=True)
        ]

        at_once(*(partial(tab.come_back, url) for tab, url in zip(tabs, callbacks, strict=True)))

        assert [connection.team_name for connection in alice.connections] == ["Acme Web", "Northwind"]
        assert len(digitalocean.live_grants()) == 2

    def test_two_accounts_connect_one_team(self, alice: Person, digitalocean: Sandbox) -> None:
        """The same DigitalOcean user: one of them has it, the other is told so."""
        other = Person(digitalocean, "carol@example.com", "ada")
        other.sign_up()
        people = [alice, other]
        callbacks = [digitalocean.authorize(person.leave(), team="Acme Web") for person in people]

        answers = at_once(*(partial(person.come_back, url) for person, url in zip(people, callbacks, strict=True)))

        assert sorted(answer.status_code for answer in answers) == [302, 409]
        assert Connection.objects.count() == 1
        assert len(digitalocean.live_grants()) == 1
        assert stray_grants(digitalocean) == []

    def test_one_callback_opened_twice(self, alice: Person, digitalocean: Sandbox) -> None:
        """A double click on the consent page: the code works once."""
        callback = digitalocean.authorize(alice.leave(), team="Acme Web")
        tabs = [alice, tab(alice)]

        answers = at_once(*(partial(tab.come_back, callback) for tab in tabs))

        assert sorted(answer.status_code for answer in answers)[0] == 302
        assert sorted(answer.status_code for answer in answers)[1] in (400, 502)
        assert len(alice.connections) == 1
        assert len(digitalocean.live_grants()) == 1

    def test_the_account_is_deleted_meanwhile(self, alice: Person, digitalocean: Sandbox) -> None:
        callback = digitalocean.authorize(alice.leave(), team="Acme Web")
        other = tab(alice)

        def delete() -> HttpResponse:
            wait_until(lambda: digitalocean.counters().in_flight_max.get("GET /v2/account", 0) == 1)
            return other.client.post("/accounts/delete/", {"email": alice.email})

        answer, deleted = at_once(partial(alice.come_back, callback), delete)

        assert deleted.status_code == 200
        assert answer.status_code == 401
        assert says(answer, "You were logged out")
        assert Stored.now() == Stored([], [], [], [])
        assert digitalocean.live_grants() == []
