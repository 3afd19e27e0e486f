"""Deleting the account: what the page lists, how the user confirms, and what is said about the access."""

from __future__ import annotations

from time import monotonic

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession

from accounts import revocations
from accounts.models import Event, Revocation, User
from tests.support.callback import REVOKE
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, session_of, stray_grants

DELETE = "/accounts/delete/"


class TestWorks:
    def test_everything_goes_and_the_grants_are_revoked(
        self, owner: Person, bob: Person, digitalocean: Sandbox
    ) -> None:
        owner.connect("Acme Web")
        bob.connect("Hopper Labs")
        ids = [connection.pk for connection in owner.connections]
        assert says(owner.client.get(DELETE), "Delete your account?", "Acme Web", "Northwind", "2 connections")

        answer = owner.client.post(DELETE, {"email": owner.email})

        assert answer.status_code == 200
        assert says(answer, "Acme Web, Northwind are disconnected. The access is revoked at DigitalOcean.")
        assert [user.email for user in User.objects.all()] == [bob.email]
        assert not EmailAddress.objects.exclude(user=bob.user).exists()
        assert not UserSession.objects.exclude(user=bob.user).exists()
        assert "_auth_user_id" not in session_of(owner.client)
        assert [grant.user_uuid for grant in digitalocean.live_grants()] == [digitalocean.user("grace").uuid]
        assert not Revocation.objects.exists()
        # The audit log stays: it says what happened to each connection, but not whose it was.
        for pk in ids:
            events = Event.objects.filter(connection_id=pk).order_by("pk")
            assert [event.kind for event in events] == ["connect", "disconnect", "revoke"]
            assert {event.user for event in events} == {None}

    def test_other_browsers_are_signed_out(self, owner: Person, digitalocean: Sandbox) -> None:
        elsewhere = Person(digitalocean, owner.email)
        elsewhere.log_in()

        owner.client.post(DELETE, {"email": owner.email})

        assert elsewhere.client.get("/accounts/settings/").status_code == 302

    @pytest.mark.parametrize("typed", ["ALICE@example.com", "  alice@example.com "])
    def test_case_and_spaces_do_not_matter(self, owner: Person, typed: str) -> None:
        owner.client.post(DELETE, {"email": typed})

        assert not User.objects.exists()

    def test_without_any_connection(self, alice: Person) -> None:
        answer = alice.client.post(DELETE, {"email": alice.email})

        assert answer.status_code == 200
        assert "revoked at DigitalOcean" not in answer.content.decode()
        assert not User.objects.exists()

    def test_without_a_password(self, owner: Person) -> None:
        """The last way in may go where the whole account goes."""
        user = owner.user
        user.set_unusable_password()
        user.save()
        owner.client.force_login(user)

        owner.client.post(DELETE, {"email": owner.email})

        assert not User.objects.exists()

    def test_without_an_address_a_word_is_typed(self, owner: Person) -> None:
        user = owner.user
        user.release_email()
        assert says(owner.client.get(DELETE), 'The word "delete"')
        assert owner.client.post(DELETE, {"email": user.email}).status_code == 422

        owner.client.post(DELETE, {"email": "delete"})

        assert not User.objects.exists()

    def test_one_may_come_again(self, owner: Person, digitalocean: Sandbox) -> None:
        owner.client.post(DELETE, {"email": owner.email})

        owner.sign_up()
        connection = owner.connect("Northwind")

        assert connection.generation == 1
        assert len(digitalocean.live_grants()) == 1


class TestRefuses:
    @pytest.mark.parametrize("typed", ["", "bob@example.com", "alice", "delete", "<script>alert(1)</script>"])
    def test_anything_else_than_ones_address(self, owner: Person, bob: Person, typed: str) -> None:
        before = Stored.now()

        answer = owner.client.post(DELETE, {"email": typed})

        assert answer.status_code == 422
        assert says(answer, "Delete your account?")
        assert "<script>alert" not in answer.content.decode()
        assert Stored.now() == before

    def test_a_look_deletes_nothing(self, owner: Person) -> None:
        before = Stored.now()

        owner.client.get(DELETE, {"email": owner.email})

        assert Stored.now() == before

    def test_nobody(self, visitor: Person) -> None:
        assert visitor.client.post(DELETE, {"email": "x"})["Location"] == f"/accounts/login/?next={DELETE}"


class TestHandles:
    def test_digitalocean_being_down(self, owner: Person, digitalocean: Sandbox) -> None:
        """The account goes all the same; which revocations still wait is said, and they are paid later."""
        owner.connect("Acme Web")
        digitalocean.fault("status", **REVOKE, status=503)

        answer = owner.client.post(DELETE, {"email": owner.email})

        assert says(answer, "could not be revoked at DigitalOcean yet", "Acme Web, Northwind", "keep trying")
        assert not User.objects.exists()
        assert Revocation.objects.count() == 2
        assert stray_grants(digitalocean) == []
        digitalocean.clear_faults()
        revocations.process(
            list(Revocation.objects.values_list("pk", flat=True)), deadline=monotonic() + 5, actor="test"
        )
        assert digitalocean.live_grants() == []

    def test_one_revocation_that_waits_of_two(self, owner: Person, digitalocean: Sandbox) -> None:
        owner.connect("Acme Web")
        digitalocean.fault("status", **REVOKE, status=503, team="Acme Web")

        answer = owner.client.post(DELETE, {"email": owner.email})

        assert says(answer, "The access to Acme Web could not be revoked", "All other access is revoked")
        assert [grant.team_uuid for grant in digitalocean.live_grants()] == [digitalocean.team("Acme Web").uuid]

    def test_a_pair_that_no_key_decrypts(self, owner: Person, settings: object) -> None:
        settings.TOKEN_KEYS = ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q="]  # type: ignore[attr-defined]

        answer = owner.client.post(DELETE, {"email": owner.email})

        assert says(answer, "so it cannot revoke it. Remove Conveyor in DigitalOcean's control panel under API, OAuth.")
        assert "is revoked at DigitalOcean" not in answer.content.decode()
        assert not User.objects.exists()

    def test_a_connection_that_was_revoked_in_the_panel(self, owner: Person, digitalocean: Sandbox) -> None:
        digitalocean.revoke()

        answer = owner.client.post(DELETE, {"email": owner.email})

        assert says(answer, "is revoked at DigitalOcean")
        assert not Revocation.objects.exists()
