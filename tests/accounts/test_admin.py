"""The admin finds users and their connections for support."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.db import connection as database
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils.formats import date_format

from accounts.models import Connection, Event, Revocation, User
from tests.support.admin import READ_ONLY, every_page, page, user_form
from tests.support.pages import says, text_of
from tests.support.person import Person
from tests.support.sandbox import Sandbox

HOSTILE = '<script>alert("1")</script>'


class TestWorks:
    def test_every_page_opens(self, staff: Person, customers: Person) -> None:
        seen = [address for address, _ in every_page(staff)]

        assert len(seen) > 25

    @pytest.mark.parametrize("words", ["alice@example.com", "ALICE", "Northwind"])
    def test_a_user_is_found(self, staff: Person, customers: Person, words: str) -> None:
        found = staff.client.get(page(User), {"q": words})

        assert says(found, "alice@example.com", "1 user")
        assert "bob@example.com" not in text_of(found)

    def test_a_user_has_the_connections_on_the_page(self, staff: Person, customers: Person) -> None:
        shown = staff.client.get(page(User, "change", customers.user.pk))

        connection = customers.connection("Northwind")
        assert says(shown, "Northwind", page(Connection, "change", connection.pk), "Healthy", "read")
        assert connection.expires_at
        assert says(shown, date_format(connection.expires_at, "DATETIME_FORMAT"))

    def test_users_are_filtered_by_the_state_of_their_connections(self, staff: Person, customers: Person) -> None:
        found = staff.client.get(page(User), {"connections": "reconnect"})

        assert "bob@example.com" in text_of(found)
        assert "alice@example.com" not in text_of(found)

    @pytest.mark.parametrize("words", ["bob@example.com", "Hopper", "grace@northwind.example"])
    def test_a_connection_is_found(self, staff: Person, customers: Person, words: str) -> None:
        found = staff.client.get(page(Connection), {"q": words})

        assert says(found, "Hopper Labs", "Reconnect needed", "invalid_grant", "bob@example.com", "1 connection")
        assert "Northwind" not in text_of(found)

    def test_a_connection_is_found_by_its_uuids(self, staff: Person, customers: Person, digitalocean: Sandbox) -> None:
        for uuid in (digitalocean.user("grace").uuid, digitalocean.team("Hopper Labs").uuid):
            assert says(staff.client.get(page(Connection), {"q": uuid}), "1 connection")

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ({"state__exact": "needs_reconnect"}, "Hopper Labs"),
            ({"state__exact": "healthy"}, "Northwind"),
            ({"last_error": "invalid_grant"}, "Hopper Labs"),
            ({"last_error": ""}, "Northwind"),
        ],
    )
    def test_connections_are_filtered(self, staff: Person, customers: Person, query: Any, expected: str) -> None:
        found = staff.client.get(page(Connection), query)

        assert says(found, expected, "1 connection")

    def test_a_connection_shows_what_support_needs(self, staff: Person, customers: Person) -> None:
        connection = Connection.objects.get(team_name="Hopper Labs")
        Event.objects.filter(connection_id=connection.pk).update(request_id="a-request-id")

        shown = staff.client.get(page(Connection, "change", connection.pk))

        assert says(shown, "Hopper Labs", "Reconnect needed", "invalid_grant", "bob@example.com", "Token expires")
        events = f"{page(Event)}?connection_id={connection.pk}"
        assert says(shown, events)
        assert says(staff.client.get(events), "Connected", "a-request-id", "1 event")

    def test_an_event_is_found(self, staff: Person, customers: Person) -> None:
        pk = customers.connection("Northwind").pk

        for query in ({"q": str(pk)}, {"q": "Northwind"}, {"kind__exact": "connect", "q": "alice@example.com"}):
            assert says(staff.client.get(page(Event), query), "Northwind")
        assert says(staff.client.get(page(Event), {"kind__exact": "disconnect"}), "Acme Web", "1 event")

    def test_a_revocation_is_found(self, staff: Person, customers: Person) -> None:
        assert says(staff.client.get(page(Revocation)), "Acme Web", "disconnected", "unavailable", "1 revocation")
        for query in ({"q": "Acme"}, {"status": "queued"}, {"reason": "disconnected"}, {"last_error": "unavailable"}):
            assert says(staff.client.get(page(Revocation), query), "1 revocation")

    def test_a_social_account_is_found(self, staff: Person, customers: Person, digitalocean: Sandbox) -> None:
        assert says(staff.client.get(page(SocialAccount), {"q": digitalocean.user("grace").uuid}), "bob@example.com")

    @pytest.mark.parametrize("model", [User, Connection, Event, Revocation, SocialAccount])
    def test_a_list_takes_no_more_queries_for_more_rows(
        self, staff: Person, customers: Person, digitalocean: Sandbox, model: type[Model]
    ) -> None:
        staff.client.get(page(model))
        with CaptureQueriesContext(database) as few:
            staff.client.get(page(model))
        for number in range(3):
            person = Person(digitalocean, f"carol{number}@example.com", "linus")
            person.sign_up()
            digitalocean.account("linus", team=f"Team {number}")
            person.connect(f"Team {number}")
            person.connect(f"Team {number}")  # leaves a revocation each
        staff.client.get(page(model))

        with CaptureQueriesContext(database) as many:
            staff.client.get(page(model))

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)

    def test_a_user_with_many_connections_takes_no_more_queries(self, staff: Person, customers: Person) -> None:
        address = page(User, "change", customers.user.pk)
        staff.client.get(address)
        with CaptureQueriesContext(database) as few:
            staff.client.get(address)
        customers.connect("Acme Web")
        customers.connect("Side projects")

        with CaptureQueriesContext(database) as many:
            staff.client.get(address)

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)


class TestRefuses:
    @pytest.mark.parametrize("model", READ_ONLY)
    def test_read_only_rows(self, staff: Person, customers: Person, model: type[Model]) -> None:
        row = model._default_manager.first()
        assert row is not None
        before = list(model._default_manager.values())

        assert staff.client.get(page(model, "add")).status_code == 403
        assert staff.client.post(page(model, "add"), {}).status_code == 403
        assert staff.client.post(page(model, "change", row.pk), {"team_name": "Mine"}).status_code == 403
        assert staff.client.get(page(model, "delete", row.pk)).status_code == 403
        assert staff.client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        actions = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
        staff.client.post(page(model), actions)
        assert list(model._default_manager.values()) == before

    def test_connections_are_not_changed_through_their_owner(self, staff: Person, customers: Person) -> None:
        user = customers.user
        before = list(Connection.objects.values()), list(SocialAccount.objects.values("uid", "user"))
        more = {
            "socialaccount_set-TOTAL_FORMS": "2",
            "socialaccount_set-INITIAL_FORMS": "1",
            "socialaccount_set-0-id": str(customers.connection("Northwind").account_id),
            "socialaccount_set-0-user": str(user.pk),
            "socialaccount_set-0-DELETE": "on",
            "socialaccount_set-1-uid": "a:b",
        }

        staff.client.post(page(User, "change", user.pk), user_form(user) | more)

        assert (list(Connection.objects.values()), list(SocialAccount.objects.values("uid", "user"))) == before


class TestHandles:
    def test_hostile_names_are_text(self, staff: Person, customers: Person) -> None:
        Connection.objects.update(team_name=HOSTILE, email="<b>x</b>@example.com", last_error=HOSTILE, scope=HOSTILE)
        Revocation.objects.update(team_name=HOSTILE, last_error=HOSTILE, email="<b>x</b>@example.com")
        Event.objects.update(team_name=HOSTILE, detail=HOSTILE, request_id=HOSTILE, actor=HOSTILE)
        User.objects.filter(pk=customers.user.pk).update(email=f"{HOSTILE}@example.com")
        SocialAccount.objects.update(extra_data={"team_name": HOSTILE})

        for address, source in every_page(staff):
            assert HOSTILE not in source, address
            assert "<b>x</b>" not in source, address
        assert "&lt;script&gt;" in staff.client.get(page(Connection)).content.decode()

    def test_a_connection_without_a_token(self, staff: Person, customers: Person) -> None:
        SocialToken.objects.all().delete()

        for model in (User, Connection):
            assert staff.client.get(page(model)).status_code == 200
        for connection in Connection.objects.all():
            assert staff.client.get(page(Connection, "change", connection.pk)).status_code == 200

    def test_a_social_account_without_a_connection(self, staff: Person, customers: Person) -> None:
        Connection.objects.all().delete()

        assert says(staff.client.get(page(User, "change", customers.user.pk)), "none")

    @pytest.mark.parametrize("pk", ["1", "nonsense", "00000000-0000-0000-0000-000000000000"])
    def test_an_unknown_id(self, staff: Person, pk: str) -> None:
        answer = staff.client.get(f"/admin/accounts/connection/{pk}/change/", follow=True)

        assert answer.status_code in (200, 404)
