"""The search of the support desk leads from any id to the person."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Connection, Event, OutcomeInterval, Revocation, User
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.staff import make_staff

SEARCH = "/admin/people/"


def leads_to(staff: Person, words: object, person: Person) -> bool:
    """Whether the search for these words opens the person's page."""
    answer = staff.client.get(SEARCH, {"q": str(words)})
    assert answer.status_code == 302, text_of(answer)
    assert answer["Location"] == f"{SEARCH}{person.user.pk}/"
    return True


class TestWorks:
    def test_every_page_of_the_desk_has_the_search(self, agent: Person, owner: Person) -> None:
        for address in ("/admin/", SEARCH, f"{SEARCH}{owner.user.pk}/", "/admin/accounts/event/"):
            assert says(agent.client.get(address), f'action="{SEARCH}"')

    @pytest.mark.parametrize("words", ["alice@example.com", "  ALICE@example.com ", "Northwind", "ada@acme.example"])
    def test_an_address_or_a_team(self, agent: Person, owner: Person, words: str) -> None:
        assert leads_to(agent, words, owner)

    def test_the_ids_of_a_connection(self, agent: Person, owner: Person, digitalocean: Sandbox) -> None:
        team, user = digitalocean.team("Northwind").uuid, digitalocean.user("ada").uuid

        for words in (team, team.upper(), user, owner.connection("Northwind").pk, owner.user.pk):
            assert leads_to(agent, words, owner)

    def test_an_address_that_waits_to_be_confirmed(self, agent: Person, owner: Person) -> None:
        EmailAddress.objects.create(user=owner.user, email="new@example.com", verified=False, primary=False)

        assert leads_to(agent, "new@example.com", owner)

    def test_conveyors_request_id(self, agent: Person, owner: Person) -> None:
        owner.log_out()
        answer = owner.log_in()

        event = Event.objects.filter(kind="log_in", user=owner.user).latest("pk")
        assert event.page_request_id == answer["X-Request-Id"]
        assert leads_to(agent, answer["X-Request-Id"], owner)

    def test_conveyors_request_id_of_a_connect(self, agent: Person, owner: Person) -> None:
        assert leads_to(agent, owner.go("Acme Web")["X-Request-Id"], owner)

    def test_digitaloceans_request_id_of_an_event(self, agent: Person, owner: Person) -> None:
        connection = owner.connection("Northwind")
        Event.objects.create(kind="refresh", actor="tokens", connection_id=connection.pk, request_id="do-1")

        assert leads_to(agent, "do-1", owner)

    def test_digitaloceans_request_id_of_an_interval(self, agent: Person, owner: Person) -> None:
        now = timezone.now()
        pk = owner.connection("Northwind").pk
        OutcomeInterval.objects.create(
            user=owner.user,
            connection_id=pk,
            team_name="x",
            outcome="x",
            started_at=now,
            last_at=now,
            request_id="do-2",
        )
        Connection.objects.update(reading_request_id="do-3")

        assert leads_to(agent, "do-2", owner)
        assert leads_to(agent, "do-3", owner)

    def test_digitaloceans_request_id_of_a_revocation(self, agent: Person, owner: Person) -> None:
        pk = owner.connection("Northwind").pk
        Revocation.objects.create(token="x", reason="disconnected", connection_id=pk, request_id="do-4")

        assert leads_to(agent, "do-4", owner)

    def test_a_connection_that_is_gone(self, agent: Person, owner: Person) -> None:
        pk = owner.connection("Northwind").pk
        owner.client.post(f"/accounts/connections/{pk}/disconnect/")

        assert leads_to(agent, pk, owner)

    def test_an_address_without_an_account(self, agent: Person, owner: Person) -> None:
        owner.log_out()
        owner.client.post("/accounts/login/", {"login": "nobody@example.com", "password": "wrong"})

        answer = agent.client.get(SEARCH, {"q": "Nobody@example.com"})

        assert says(answer, "No person has", "wrong address or password")

    def test_several_people_are_a_short_list(self, agent: Person, owner: Person, bob: Person) -> None:
        bob.connect("Northwind")

        answer = agent.client.get(SEARCH, {"q": "Northwind"})

        assert says(answer, "2 people have", "alice@example.com", "bob@example.com", "Team")

    def test_more_hits_take_no_more_queries(self, agent: Person, owner: Person, bob: Person) -> None:
        bob.connect("Northwind")
        agent.client.get(SEARCH, {"q": "Northwind"})
        with CaptureQueriesContext(database) as few:
            agent.client.get(SEARCH, {"q": "Northwind"})
        users = User.objects.bulk_create(User(email=f"more{n}@example.com", password="!") for n in range(5))
        Event.objects.bulk_create(Event(kind="log_in", actor="x", user=u, request_id="Northwind") for u in users)

        with CaptureQueriesContext(database) as many:
            assert says(agent.client.get(SEARCH, {"q": "Northwind"}), "7 people have")

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)


class TestRefuses:
    def test_staff_are_not_found(self, agent: Person, staff: Person, owner: Person) -> None:
        assert says(agent.client.get(SEARCH, {"q": "staff@example.com"}), "No person has")
        assert leads_to(staff, "agent@example.com", agent)

    def test_staff_without_the_permission(self, digitalocean: Sandbox, owner: Person) -> None:
        other = make_staff(digitalocean, "other@example.com")

        assert other.client.get(SEARCH, {"q": "alice@example.com"}).status_code == 403
        assert 'action="/admin/people/"' not in other.client.get("/admin/").content.decode()


class TestHandles:
    @pytest.mark.parametrize(
        "words", ["", "   ", "\0", "a" * 5_000, "%", "_", "'", "9" * 40, "-1", "１２", "<b>", "x" * 36, "@", "é\u202e"]
    )
    def test_any_text(self, agent: Person, owner: Person, words: str) -> None:
        answer = agent.client.get(SEARCH, {"q": words})

        assert answer.status_code == 200
        assert "<b>" not in answer.content.decode().partition("<main")[2]
        assert "alice@example.com" not in text_of(answer)

    def test_many_hits_are_limited(self, agent: Person, owner: Person) -> None:
        users = User.objects.bulk_create(User(email=f"many{n}@example.com", password="!") for n in range(70))
        Event.objects.bulk_create(Event(kind="log_in", actor="person", user=u, request_id="same") for u in users)

        answer = agent.client.get(SEARCH, {"q": "same"})

        assert says(answer, "50 people have")
