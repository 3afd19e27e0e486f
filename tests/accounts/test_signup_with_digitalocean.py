"""Signing up with DigitalOcean: the account, its first team and the proof of the address."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.db.models import F
from django.utils import timezone

from accounts import revocations
from accounts.models import Connection, Event, Revocation, User
from tests.support.at_once import at_once, tab
from tests.support.emails import emails_to, link_to
from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox
from tests.support.stored import Stored, all_sessions, secrets_in, stray_grants

FORM = "/accounts/3rdparty/signup/"


def confirm(person: Person) -> Any:
    """Open the link in the email, and press the button there."""
    link = link_to(person.email, "/confirm-email/")
    assert says(person.client.get(link), "Confirm your address", person.email)
    return person.client.post(link)


def is_signed_in(person: Person) -> bool:
    return "_auth_user_id" in person.client.session


class TestWorks:
    def test_it_makes_an_account_that_may_sign_in_with_the_team(self, visitor: Person, digitalocean: Sandbox) -> None:
        answer = visitor.go("Acme Web", process="login")

        assert answer["Location"] == "/accounts/confirm-email/"
        [connection] = visitor.connections
        assert connection.sign_in
        assert (connection.team_name, connection.scope, connection.email) == ("Acme Web", "read", "ada@acme.example")
        assert not visitor.user.has_usable_password()
        assert not is_signed_in(visitor)
        assert len(digitalocean.live_grants()) == 1
        assert not Revocation.objects.exists()
        assert Event.objects.get(kind=Event.Kind.CONNECT).user == visitor.user

    def test_the_address_has_to_be_proved(self, visitor: Person, digitalocean: Sandbox) -> None:
        """DigitalOcean's word on an address is not taken for it."""
        visitor.go("Acme Web", process="login")
        again = visitor.go("Acme Web", process="login")
        assert again["Location"] == "/accounts/confirm-email/"
        assert says(visitor.client.get(again["Location"]), "Check your email")
        assert not is_signed_in(visitor)

        confirm(visitor)

        assert EmailAddress.objects.get(user=visitor.user).verified
        visitor.go("Acme Web", process="login")
        assert is_signed_in(visitor)
        assert len(digitalocean.live_grants()) == 1

    def test_without_mail_it_signs_in_at_once(self, visitor: Person, without_mail: None) -> None:
        answer = visitor.go("Acme Web", process="login")

        assert answer["Location"] == "/droplets/"
        assert is_signed_in(visitor)
        # A second team right away: the sign-up counts as a recent log-in.
        assert not visitor.connect("Northwind").sign_in

    def test_next_is_kept_over_the_round_trip(self, visitor: Person, without_mail: None) -> None:
        answer = visitor.go("Acme Web", url="/accounts/digitalocean/login/?process=login&next=/accounts/settings/")

        assert answer["Location"] == "/accounts/settings/"

    def test_a_form_asks_for_the_address_that_digitalocean_does_not_tell(
        self, visitor: Person, digitalocean: Sandbox
    ) -> None:
        digitalocean.account("ada", email="")

        answer = visitor.go("Acme Web", process="login")

        assert answer["Location"] == FORM
        assert says(visitor.client.get(FORM), "One more step", "Email")
        assert not User.objects.exists()
        visitor.client.post(FORM, {"email": "ADA@Example.com"})
        visitor.email = "ada@example.com"
        [connection] = visitor.connections
        assert connection.sign_in
        confirm(visitor)
        visitor.go("Acme Web", process="login")
        assert is_signed_in(visitor)

    def test_no_moment_leaves_a_token_in_the_session(self, visitor: Person, digitalocean: Sandbox) -> None:
        digitalocean.account("ada", email="")
        seen = []

        def look() -> None:
            seen.append(all_sessions())
            assert not secrets_in(seen[-1:])

        there = visitor.leave(process="login")
        look()
        visitor.come_back(digitalocean.authorize(there, team="Acme Web"))
        assert "socialaccount_sociallogin" in visitor.client.session
        look()
        visitor.client.post(FORM, {"email": visitor.email})
        assert "account_login" in visitor.client.session
        look()
        confirm(visitor)
        look()
        visitor.go("Acme Web", process="login")
        look()
        assert len(seen) == 5
        assert all(seen)


class TestRefuses:
    @pytest.fixture
    def holder(self, alice: Person, digitalocean: Sandbox) -> Person:
        """Who has the address that Ada has at DigitalOcean."""
        digitalocean.account("ada", email=alice.email)
        cache.clear()  # the email of the sign-up a moment ago would keep the next one back
        return alice

    def test_an_address_that_is_taken_is_not_given_away(
        self, holder: Person, visitor: Person, digitalocean: Sandbox
    ) -> None:
        """The page looks as ever; its holder gets an email. Never connected by email address."""
        before = Stored.now()

        answer = visitor.go("Acme Web", process="login")

        assert answer["Location"] == "/accounts/confirm-email/"
        assert says(visitor.client.get(answer["Location"]), "Check your email")
        assert Stored.now() == before
        assert not is_signed_in(visitor)
        assert "/accounts/password/reset/" in emails_to(holder.email)[-1]
        assert stray_grants(digitalocean) == []

    def test_an_address_typed_into_the_form_that_is_taken(
        self, alice: Person, visitor: Person, digitalocean: Sandbox
    ) -> None:
        digitalocean.account("ada", email="")
        visitor.go("Acme Web", process="login")
        before = Stored.now()

        answer = visitor.client.post(FORM, {"email": alice.email.upper()})

        assert answer["Location"] == "/accounts/confirm-email/"
        assert Stored.now() == before
        assert stray_grants(digitalocean) == []

    def test_without_mail_the_form_says_that_it_is_taken(
        self, holder: Person, visitor: Person, digitalocean: Sandbox, without_mail: None
    ) -> None:
        answer = visitor.go("Acme Web", process="login")
        assert answer["Location"] == FORM
        before = Stored.now()

        answer = visitor.client.post(FORM, {"email": holder.email})

        assert answer.status_code == 200
        assert says(answer, "An account already exists with this email address")
        assert Stored.now() == before
        # Another address will do, with the same grant.
        visitor.client.post(FORM, {"email": "ada@elsewhere.example"})
        assert Connection.objects.count() == 1
        assert len(digitalocean.live_grants()) == 1

    @pytest.mark.parametrize("address", ["", "nonsense", "a@b", "x" * 400 + "@example.com"])
    def test_an_address_that_is_none(self, visitor: Person, digitalocean: Sandbox, address: str) -> None:
        digitalocean.account("ada", email="")
        visitor.go("Acme Web", process="login")

        answer = visitor.client.post(FORM, {"email": address})

        assert answer.status_code == 200
        assert says(answer, "One more step")
        assert not User.objects.exists()

    def test_the_form_without_a_sign_up_under_way(self, visitor: Person) -> None:
        assert visitor.client.get(FORM)["Location"] == "/accounts/login/"
        assert visitor.client.post(FORM, {"email": "x@example.com"})["Location"] == "/accounts/login/"


class TestHandles:
    @pytest.fixture
    def undecided(self, visitor: Person, digitalocean: Sandbox) -> Person:
        """Somebody in front of the form, who has not sent it yet."""
        digitalocean.account("ada", email="")
        visitor.go("Acme Web", process="login")
        return visitor

    def test_an_abandoned_sign_up_is_queued_for_revocation(self, undecided: Person, digitalocean: Sandbox) -> None:
        [row] = Revocation.objects.all()
        assert row.status == Revocation.Status.PENDING
        assert timedelta(minutes=59) < row.due_at - timezone.now() <= timedelta(hours=1)
        assert revocations.due() == []

        _an_hour_passes()

        revocations.process(revocations.due(), deadline=monotonic() + 5, actor="test")
        assert digitalocean.live_grants() == []
        assert not Revocation.objects.exists()

    @pytest.mark.parametrize("paid", [True, False], ids=["revoked already", "not revoked yet"])
    def test_a_sign_up_that_took_more_than_the_hour(self, undecided: Person, digitalocean: Sandbox, paid: bool) -> None:
        _an_hour_passes()
        if paid:
            revocations.process(revocations.due(), deadline=monotonic() + 5, actor="test")

        answer = undecided.client.post(FORM, {"email": undecided.email})

        assert answer.status_code == 409
        assert says(answer, "That took too long", "Start again")
        assert Stored.now() == Stored([], [], [], [])
        assert stray_grants(digitalocean) == []

    def test_a_sign_up_while_the_grant_is_being_revoked(self, undecided: Person, digitalocean: Sandbox) -> None:
        lease = {"status": Revocation.Status.QUEUED, "lease_until": timezone.now() + timedelta(seconds=30)}
        Revocation.objects.update(**lease)

        answer = undecided.client.post(FORM, {"email": undecided.email})

        assert says(answer, "That took too long")
        assert not User.objects.exists()

    def test_the_form_sent_twice(self, undecided: Person, digitalocean: Sandbox) -> None:
        undecided.client.post(FORM, {"email": undecided.email})

        again = undecided.client.post(FORM, {"email": undecided.email})

        assert again.status_code == 302
        assert User.objects.count() == 1

    def test_a_second_sign_up_in_another_browser_is_the_same_account(
        self, visitor: Person, digitalocean: Sandbox
    ) -> None:
        visitor.go("Acme Web", process="login")
        other = Person(digitalocean, visitor.email)

        other.go("Acme Web", process="login")

        assert User.objects.count() == 1
        assert SocialAccount.objects.count() == 1
        assert len(digitalocean.live_grants()) == 1


@pytest.mark.django_db(transaction=True)
class TestHandlesTwoAtOnce:
    def test_two_tabs_sign_up_with_one_team(
        self, digitalocean: Sandbox, transactional_db: None, without_mail: None
    ) -> None:
        digitalocean.fault("delay", path="^/v2/account$", seconds=0.2)
        people = [Person(digitalocean, "ada@acme.example") for _ in range(3)]
        callbacks = [digitalocean.authorize(each.leave(process="login"), team="Acme Web") for each in people]

        answers = at_once(*(partial(each.come_back, url) for each, url in zip(people, callbacks, strict=True)))

        assert [answer.status_code for answer in answers if answer.status_code not in (302, 409)] == []
        for answer in answers:
            if answer.status_code == 409:
                assert says(answer, "This was done in another tab", "The account already exists. Log in.")
        assert User.objects.count() == 1
        assert Connection.objects.get().sign_in
        assert EmailAddress.objects.count() == 1
        assert stray_grants(digitalocean) == []
        revocations.process(
            list(Revocation.objects.values_list("pk", flat=True)), deadline=monotonic() + 5, actor="test"
        )
        assert len(digitalocean.live_grants()) == 1

    def test_two_tabs_send_the_form(self, digitalocean: Sandbox, transactional_db: None, without_mail: None) -> None:
        digitalocean.account("ada", email="")
        person = Person(digitalocean, "ada@acme.example")
        person.go("Acme Web", process="login")
        tabs = [person, tab(person)]

        answers = at_once(*(partial(each.client.post, FORM, {"email": person.email}) for each in tabs))

        assert {answer.status_code for answer in answers} <= {200, 302, 409}
        assert User.objects.count() == 1
        assert Connection.objects.count() == 1
        assert stray_grants(digitalocean) == []


def _an_hour_passes() -> None:
    """For the grants that wait to be linked."""
    Revocation.objects.update(due_at=F("due_at") - timedelta(hours=1))
