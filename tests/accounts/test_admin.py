"""The support desk: finds people and their connections, shows no token, and changes nothing behind Conveyor's back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import connections
from accounts.models import Connection, Event, Revocation, User
from tests.support import totp
from tests.support.callback import REVOKE
from tests.support.pages import says, text_of
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import secrets_in

HOSTILE = '<script>alert("1")</script>'
LOCKED = (Connection, Event, Revocation, SocialAccount)
"""What the desk only looks at."""


def page(model: type[Model], name: str = "changelist", *pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=pk)


@pytest.fixture
def staff(digitalocean: Sandbox, db: None) -> Person:
    person = Person(digitalocean, "staff@example.com")
    User.objects.create_superuser(person.email, PASSWORD)
    EmailAddress.objects.create(user=person.user, email=person.email, verified=True, primary=True)
    person.log_in()
    return person


@pytest.fixture
def customers(owner: Person, bob: Person, digitalocean: Sandbox) -> Person:
    """Alice with two teams, Bob with one, a revocation that is owed, and a second factor."""
    owner.connect("Acme Web")
    bob.connect("Hopper Labs")
    digitalocean.fault("status", **REVOKE, status=503)
    connections.disconnect(owner.connection("Acme Web"))
    totp.switch_on(bob.user)
    Connection.objects.filter(team_name="Hopper Labs").update(
        state="needs_reconnect", last_error="invalid_grant", failures=2
    )
    return owner


def every_page(staff: Person) -> Iterator[tuple[str, str]]:
    """Address and source of each page of the desk: index, lists, forms, histories and deletions of each row."""
    addresses = ["/admin/"]
    for model, _ in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        addresses.append(page(model))
        addresses.append(page(model, "add"))
        for row in model._default_manager.all():
            addresses += [page(model, name, row.pk) for name in ("change", "history", "delete")]
    for address in addresses:
        answer = staff.client.get(address)
        assert answer.status_code in (200, 403), address
        yield address, answer.content.decode()


class TestWorks:
    def test_every_page_opens(self, staff: Person, customers: Person) -> None:
        seen = [address for address, _ in every_page(staff)]

        assert len(seen) > 25

    @pytest.mark.parametrize("words", ["alice@example.com", "ALICE", "Northwind"])
    def test_a_person_is_found(self, staff: Person, customers: Person, words: str) -> None:
        found = staff.client.get(page(User), {"q": words})

        assert says(found, "alice@example.com", "1 user")
        assert "bob@example.com" not in text_of(found)

    def test_a_person_has_the_connections_on_the_page(self, staff: Person, customers: Person) -> None:
        shown = staff.client.get(page(User, "change", customers.user.pk))

        connection = customers.connection("Northwind")
        assert says(shown, "Northwind", page(Connection, "change", connection.pk), "Healthy", "read")

    def test_people_are_filtered_by_the_state_of_their_connections(self, staff: Person, customers: Person) -> None:
        found = staff.client.get(page(User), {"socialaccount__connection__state__exact": "needs_reconnect"})

        assert "bob@example.com" in text_of(found)
        assert "alice@example.com" not in text_of(found)

    @pytest.mark.parametrize("words", ["bob@example.com", "Hopper", "grace@northwind.example"])
    def test_a_connection_is_found(self, staff: Person, customers: Person, words: str) -> None:
        found = staff.client.get(page(Connection), {"q": words})

        assert says(found, "Hopper Labs", "Needs to be reconnected", "invalid_grant", "bob@example.com", "1 connection")
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

    def test_a_connection_tells_what_support_asks_for(self, staff: Person, customers: Person) -> None:
        connection = Connection.objects.get(team_name="Hopper Labs")
        Event.objects.filter(connection_id=connection.pk).update(request_id="a-request-id")

        shown = staff.client.get(page(Connection, "change", connection.pk))

        assert says(
            shown, "Hopper Labs", "Needs to be reconnected", "invalid_grant", "bob@example.com", "Token expires"
        )
        events = f"{page(Event)}?connection_id={connection.pk}"
        assert says(shown, events)
        assert says(staff.client.get(events), "Connected", "a-request-id", "1 event")

    def test_the_trail_is_found(self, staff: Person, customers: Person) -> None:
        pk = customers.connection("Northwind").pk

        for query in ({"q": str(pk)}, {"q": "Northwind"}, {"kind__exact": "connect", "q": "alice@example.com"}):
            assert says(staff.client.get(page(Event), query), "Northwind")
        assert says(staff.client.get(page(Event), {"kind__exact": "disconnect"}), "Acme Web", "1 event")

    def test_what_is_owed_is_found(self, staff: Person, customers: Person) -> None:
        assert says(staff.client.get(page(Revocation)), "Acme Web", "disconnected", "unavailable", "1 revocation")
        for query in ({"q": "Acme"}, {"status": "queued"}, {"reason": "disconnected"}, {"last_error": "unavailable"}):
            assert says(staff.client.get(page(Revocation), query), "1 revocation")

    def test_a_social_account_is_found(self, staff: Person, customers: Person, digitalocean: Sandbox) -> None:
        assert says(staff.client.get(page(SocialAccount), {"q": digitalocean.user("grace").uuid}), "bob@example.com")

    def test_a_person_can_be_switched_off(self, staff: Person, customers: Person) -> None:
        user = customers.user

        answer = staff.client.post(page(User, "change", user.pk), _form(user, is_active=""))

        assert answer.status_code == 302
        user.refresh_from_db()
        assert not user.is_active
        assert customers.client.get("/accounts/settings/").status_code == 302
        assert customers.connections

    def test_a_staff_user_is_made(self, staff: Person) -> None:
        answer = staff.client.post(
            page(User, "add"),
            {"email": "New@Example.com", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD},
        )

        assert answer.status_code == 302
        assert User.objects.filter(email="new@example.com").exists()

    @pytest.mark.parametrize("model", [User, Connection, Event, Revocation, SocialAccount])
    def test_a_list_asks_the_database_as_often_for_many(
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
            person.connect(f"Team {number}")  # and something owed for each
        staff.client.get(page(model))

        with CaptureQueriesContext(database) as many:
            staff.client.get(page(model))

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)

    def test_a_person_with_many_connections_takes_no_more_queries(self, staff: Person, customers: Person) -> None:
        address = page(User, "change", customers.user.pk)
        staff.client.get(address)
        with CaptureQueriesContext(database) as few:
            staff.client.get(address)
        customers.connect("Acme Web")
        customers.connect("Side projects")

        with CaptureQueriesContext(database) as many:
            staff.client.get(address)

        assert len(many) == len(few), "\n".join(query["sql"] for query in many)


class TestShowsNoSecret:
    def test_no_token_is_on_any_page(self, staff: Person, customers: Person) -> None:
        sealed = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
        sealed += [text for row in Revocation.objects.all() for text in (row.token, row.token_secret)]
        second_factors = [str(row.data["secret"]) for row in Authenticator.objects.all()]
        passwords = [user.password.split("$")[-1] for user in User.objects.all()]
        sessions = [row.session_key for row in Session.objects.all()]
        assert len(sealed) == 6
        assert second_factors

        for address, source in every_page(staff):
            assert not secrets_in([source]), address
            for secret in (*sealed, *second_factors, *passwords, *sessions):
                assert secret not in source, address

    @pytest.mark.parametrize("model", [SocialToken, SocialApp, Authenticator])
    def test_what_holds_secrets_has_no_page(self, staff: Person, model: type[Model]) -> None:
        assert not admin.site.is_registered(model)
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert staff.client.get(address).status_code == 404

    @pytest.mark.parametrize(
        "lookup",
        [
            "token__token__startswith",
            "token__token_secret__startswith",
            "account__socialtoken__token__startswith",
            "account__user__password__startswith",
        ],
    )
    def test_tokens_cannot_be_guessed_by_filters(self, staff: Person, customers: Person, lookup: str) -> None:
        """`?token__token__startswith=` on a list would tell a token letter by letter."""
        answer = staff.client.get(page(Connection), {lookup: "g"})

        assert answer.status_code in (302, 400)

    @pytest.mark.parametrize("lookup", ["token__startswith", "token_secret__startswith"])
    def test_nor_those_that_are_owed(self, staff: Person, customers: Person, lookup: str) -> None:
        assert staff.client.get(page(Revocation), {lookup: "g"}).status_code in (302, 400)

    def test_sessions_cannot_be_guessed_by_filters(self, staff: Person) -> None:
        """Whoever may view them could find a key letter by letter, and be somebody else with it."""
        assert not admin.site.is_registered(UserSession)
        assert staff.client.get("/admin/usersessions/usersession/").status_code == 404

    @pytest.mark.parametrize("lookup", ["password__startswith", "socialaccount__socialtoken__token__startswith"])
    def test_nor_through_people(self, staff: Person, customers: Person, lookup: str) -> None:
        assert staff.client.get(page(User), {lookup: "g"}).status_code in (302, 400)


class TestRefuses:
    @pytest.mark.parametrize("model", LOCKED)
    def test_rows_that_are_only_looked_at(self, staff: Person, customers: Person, model: type[Model]) -> None:
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

    def test_a_person_with_connections_is_not_deleted_from_here(self, staff: Person, customers: Person) -> None:
        """Switching off is offered; deleting would leave grants alive that the person was not told about."""
        user = customers.user

        staff.client.post(page(User, "delete", user.pk), {"post": "yes"})

        assert User.objects.filter(pk=user.pk).exists()
        assert customers.connections

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

        staff.client.post(page(User, "change", user.pk), _form(user) | more)

        assert (list(Connection.objects.values()), list(SocialAccount.objects.values("uid", "user"))) == before

    def test_who_is_not_staff(self, owner: Person) -> None:
        owner.client.get("/accounts/3rdparty/")  # reads the messages that wait
        for address in ("/admin/", page(User), page(Connection), "/admin/login/"):
            answer = owner.client.get(address, follow=True)
            assert answer.status_code == 403, address
            assert "Northwind" not in text_of(answer)

    def test_staff_without_rights_see_nothing(self, staff: Person, customers: Person) -> None:
        User.objects.filter(pk=staff.user.pk).update(is_superuser=False)

        assert staff.client.get("/admin/").status_code == 200
        for model in (User, *LOCKED):
            assert staff.client.get(page(model)).status_code == 403

    def test_nobody_is_sent_to_conveyors_own_log_in(self, visitor: Person) -> None:
        answer = visitor.client.get("/admin/accounts/user/", follow=True)

        path, query = answer.redirect_chain[-1][0].split("?")
        assert path == "/accounts/login/"
        assert query == urlencode({"next": "/admin/accounts/user/"})
        assert says(answer, "Log in", "Continue with DigitalOcean")

    def test_the_second_factor_is_asked_for(self, staff: Person) -> None:
        totp.switch_on(staff.user)
        staff.log_out()

        assert staff.log_in()["Location"] == "/accounts/2fa/authenticate/"

        assert staff.client.get("/admin/")["Location"].startswith("/admin/login/")


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

    def test_a_connection_without_a_pair(self, staff: Person, customers: Person) -> None:
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


def _form(user: User, **changes: str) -> dict[str, str]:
    """A user's form as the browser would send it unchanged."""
    form = {"email": user.email, "is_active": "on"}
    for inline in ("socialaccount_set", "emailaddress_set"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    form |= changes
    return {name: value for name, value in form.items() if value}
