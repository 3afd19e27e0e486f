"""The history of an account: what its owner reads of the audit log."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import audit, security_events
from accounts.models import Event, User
from tests.support.pages import says, text_of
from tests.support.person import Person

HISTORY = "/account/history/"


def entries(person: Person, query: str = "") -> list[str]:
    """The detail of each row on the page, which the tests below set."""
    answer = person.client.get(f"{HISTORY}{query}")
    assert answer.status_code == 200
    return [entry.detail for entry in answer.context["page"].entries]


def write(user: User, count: int) -> None:
    Event.objects.bulk_create(
        Event(kind="log_in", actor="person", user=user, detail=str(number)) for number in range(count)
    )


class TestWorks:
    def test_log_ins_connects_and_refresh_failures(self, owner: Person) -> None:
        connection = owner.connection("Northwind")
        audit.record(
            Event.Kind.REFRESH, connection, actor="refresh_tokens", outcome="unavailable", request_id="do-request-1"
        )

        page = owner.client.get(HISTORY)

        assert says(owner.client.get("/accounts/settings/"), HISTORY)
        assert says(page, "Signed up", "Log-in", "Connected", "Northwind", "You")
        assert says(page, "Token refreshed", "DigitalOcean is having trouble answering.", "do-request-1", "Conveyor")

    def test_what_support_looked_at_and_did(self, owner: Person, staff: Person) -> None:
        security_events.record(Event.Kind.TWO_FACTOR, user=owner.user, staff=staff.user, note="looked at the account")

        page = owner.client.get(f"{HISTORY}?show=support")

        assert says(page, "Support", "looked at the account")
        assert staff.email not in text_of(page)
        assert security_events.hash_of(staff.email) not in text_of(page)
        assert len(page.context["page"].entries) == 1

    def test_a_team_that_was_disconnected_stays(self, owner: Person) -> None:
        connection = owner.connection("Northwind")
        owner.client.post(f"/accounts/connections/{connection.pk}/disconnect/")

        found = owner.client.get(f"{HISTORY}?show=connections")

        assert says(found, "Disconnected", "Revoked at DigitalOcean")

    def test_pages(self, alice: Person) -> None:
        Event.objects.all().delete()
        write(alice.user, 120)

        first = alice.client.get(HISTORY).context["page"]
        second = alice.client.get(f"{HISTORY}?before={first.older}").context["page"]
        third = alice.client.get(f"{HISTORY}?before={second.older}").context["page"]
        back = alice.client.get(f"{HISTORY}?after={third.newer}").context["page"]

        assert [entry.detail for page in (first, second, third) for entry in page.entries] == [
            str(number) for number in reversed(range(120))
        ]
        assert first.newer is None
        assert third.older is None
        assert len(third.entries) == 20
        assert back.entries == second.entries

    @pytest.mark.parametrize("show", ["log-ins", "connections", "emails", "support"])
    def test_each_filter_leaves_out_the_others(self, owner: Person, show: str) -> None:
        everything = {entry.id for entry in owner.client.get(HISTORY).context["page"].entries}
        page = owner.client.get(f"{HISTORY}?show={show}")

        assert {entry.id for entry in page.context["page"].entries} < everything
        assert says(page, f'?show={show}" aria-current="page"')


class TestRefuses:
    def test_nothing_of_anybody_else(self, owner: Person, bob: Person) -> None:
        write(bob.user, 3)
        Event.objects.create(kind="refresh", actor="refresh_tokens", connection_id=uuid4(), team_name="Stranger")

        page = owner.client.get(HISTORY)

        assert "Stranger" not in text_of(page)
        shown = Event.objects.filter(pk__in=[entry.id for entry in page.context["page"].entries])
        assert {event.user_id for event in shown} <= {owner.user.pk, None}

    def test_not_what_somebody_else_did_with_a_connection_of_the_same_id(self, owner: Person, bob: Person) -> None:
        pk = owner.connection("Northwind").pk
        Event.objects.create(kind="refused", actor="person", connection_id=pk, user=bob.user, detail="bob's")

        assert "bob's" not in entries(owner)

    def test_a_refused_connection_makes_nothing_of_others_visible(self, owner: Person, bob: Person) -> None:
        pk = owner.connection("Northwind").pk
        Event.objects.create(kind="refused", actor="person", connection_id=pk, user=bob.user)
        Event.objects.create(kind="refresh", actor="refresh_tokens", connection_id=pk, detail="alice's")

        assert "alice's" not in entries(bob)
        assert "alice's" in entries(owner)

    def test_nobody_else(self, client: Client, db: None) -> None:
        assert client.get(HISTORY)["Location"].startswith("/accounts/login/")

    def test_a_wrong_code_is_not_said_to_be_the_owners(self, alice: Person) -> None:
        Event.objects.create(kind="two_factor", actor="person", outcome="wrong code", user=alice.user)

        assert alice.client.get(HISTORY).context["page"].entries[0].who == "Somebody"


class TestHandles:
    @pytest.mark.parametrize("query", ["?show=nonsense", "?before=x", "?after=-1", f"?before={10**30}", "?show=%00"])
    def test_an_address_that_makes_no_sense(self, owner: Person, query: str) -> None:
        assert entries(owner, query) == entries(owner)

    def test_behind_the_end(self, alice: Person) -> None:
        assert entries(alice, "?before=1") == []

    def test_the_number_of_queries_does_not_grow(self, owner: Person) -> None:
        def count() -> int:
            with CaptureQueriesContext(database) as queries:
                owner.client.get(HISTORY)
            return len(queries)

        count()
        few = count()
        owner.connect("Acme Web")
        write(owner.user, 40)
        count()

        assert count() == few
