"""An account that has not confirmed its address holds nothing: whoever signs up with another person's gets nothing."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Connection, Event, User
from tests.support.at_once import tab
from tests.support.callback import ACCOUNT
from tests.support.emails import emails_to, link_to
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import session_of

ADDRESS = "owner@example.com"
OWNERS, SQUATTERS = "the password of the owner", "the password of the squatter"


def browser(sandbox: Sandbox, user: str = "ada") -> Person:
    return Person(sandbox, ADDRESS, user)


def sign_up(person: Person, password: str) -> str:
    """Returns the link of the email that comes of it."""
    cache.clear()  # rate limits
    mail.outbox.clear()
    person.client.post("/accounts/signup/", {"email": ADDRESS, "password1": password})
    User.objects.filter(email=ADDRESS).update(date_joined=timezone.now() - timedelta(minutes=1))  # no double click
    return link_to(ADDRESS, "/confirm-email/")


def enter_new_address(person: Person) -> None:
    """Ask to change the account's address to the owner's."""
    cache.clear()
    mail.outbox.clear()
    User.objects.update(date_joined=timezone.now() - timedelta(minutes=1))  # no double click
    asked = person.client.post("/accounts/email/", {"email": ADDRESS, "action_add": ""})
    person.client.post(asked["Location"], {"password": PASSWORD})
    assert emails_to(ADDRESS)


def can_log_in(sandbox: Sandbox, password: str) -> bool:
    person = browser(sandbox)
    cache.clear()
    person.client.post("/accounts/login/", {"login": ADDRESS, "password": password})
    return "_auth_user_id" in session_of(person.client)


@pytest.fixture
def owner(digitalocean: Sandbox, db: None) -> Person:
    return browser(digitalocean)


@pytest.fixture
def squatter(digitalocean: Sandbox, db: None) -> Person:
    return browser(digitalocean, "grace")


class TestSignUp:
    def test_the_second_click_of_two_may_be_the_faster_one(
        self, owner: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = tab(owner)

        def second_click_in_between(key: str, *args: Any) -> bool:
            is_first: bool = cache.add(key, *args)
            if is_first and key.startswith("accounts.sign-up:"):
                other.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})
            return is_first

        monkeypatch.setattr("accounts.email_ownership.cache", SimpleNamespace(add=second_click_in_between))
        owner.client.get("/accounts/signup/")
        owner.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})

        assert [event.kind for event in Event.objects.filter(kind="sign_up")] == ["sign_up"]
        assert User.objects.filter(email=ADDRESS).count() == 1

    def test_a_later_sign_up_gets_a_link_of_its_own(
        self, owner: Person, squatter: Person, digitalocean: Sandbox
    ) -> None:
        theirs = sign_up(squatter, SQUATTERS)
        link = sign_up(owner, OWNERS)

        assert link != theirs
        assert owner.client.post(link)["Location"] == "/droplets/"

        assert User.objects.get().check_password(OWNERS)
        assert says(squatter.client.post(theirs), "This link no longer works")
        assert not can_log_in(digitalocean, SQUATTERS)
        assert can_log_in(digitalocean, OWNERS)

    def test_the_owner_cannot_confirm_for_somebody_else(self, owner: Person, squatter: Person) -> None:
        sign_up(owner, OWNERS)
        theirs = sign_up(squatter, SQUATTERS)

        assert says(owner.client.get(theirs), "If you did not enter this address")
        for password in ("", OWNERS):
            answer = owner.client.post(theirs, {"password": password})
            assert answer.status_code == 422

        assert not EmailAddress.objects.filter(verified=True).exists()

    def test_another_browser_needs_the_password(self, owner: Person, digitalocean: Sandbox) -> None:
        link = sign_up(owner, OWNERS)
        phone = browser(digitalocean)

        assert says(phone.client.get(link), "Enter the password of your Conveyor account")
        assert phone.client.post(link, {"password": "wrong"}).status_code == 422
        phone.client.post(link, {"password": OWNERS})

        assert EmailAddress.objects.get().verified

    def test_a_confirmed_account_stays(self, owner: Person, squatter: Person) -> None:
        owner.client.post(sign_up(owner, OWNERS))
        mail.outbox.clear()
        cache.clear()

        squatter.client.post("/accounts/signup/", {"email": ADDRESS, "password1": SQUATTERS})

        assert User.objects.get().check_password(OWNERS)
        assert "/confirm-email/" not in "".join(emails_to(ADDRESS))

    def test_a_pending_new_address_of_somebody_else_does_not_stand_in_the_way(
        self, alice: Person, owner: Person
    ) -> None:
        enter_new_address(alice)

        owner.client.post(sign_up(owner, OWNERS))

        assert EmailAddress.objects.get(email=ADDRESS).user == User.objects.get(email=ADDRESS)
        assert alice.user.email == "alice@example.com"

    def test_the_owner_cannot_give_the_address_to_a_confirmed_account(self, alice: Person, owner: Person) -> None:
        """Alice enters the owner's address as her new one, and the owner presses the link in the email."""
        enter_new_address(alice)
        link = link_to(ADDRESS, "/confirm-email/")

        assert says(owner.client.get(link), "If you did not enter this address")
        assert owner.client.post(link).status_code == 422

        assert alice.user.email == "alice@example.com"
        owner.client.post(link, {"password": PASSWORD})  # as Alice would, on her phone
        assert User.objects.get().email == ADDRESS


class TestSquatter:
    """Somebody who signs up with the owner's address again and again, from another network."""

    ELSEWHERE = "198.51.100.7"

    def sign_up(self, squatter: Person) -> None:
        squatter.client.post(
            "/accounts/signup/", {"email": ADDRESS, "password1": SQUATTERS}, REMOTE_ADDR=self.ELSEWHERE
        )

    def test_cannot_use_up_the_owners_emails(self, owner: Person, squatter: Person) -> None:
        for _ in range(5):
            self.sign_up(squatter)
        assert len(emails_to(ADDRESS)) == 3

        owner.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})

        assert len(emails_to(ADDRESS)) == 4
        assert owner.client.post(link_to(ADDRESS, "/confirm-email/"))["Location"] == "/droplets/"
        assert User.objects.get().check_password(OWNERS)

    def test_cannot_keep_the_owner_out(self, owner: Person, squatter: Person, digitalocean: Sandbox) -> None:
        """The owner's pending sign-up is replaced, and at once replaces the squatter's again."""
        owner.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})
        old = link_to(ADDRESS, "/confirm-email/")
        self.sign_up(squatter)
        assert User.objects.get().check_password(SQUATTERS)
        assert says(owner.client.post(old, {"password": OWNERS}), "This link no longer works")
        cache.clear()  # ten seconds later
        owner.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})

        owner.client.post(link_to(ADDRESS, "/confirm-email/"))
        self.sign_up(squatter)

        assert User.objects.get().check_password(OWNERS)
        assert can_log_in(digitalocean, OWNERS)
        assert not can_log_in(digitalocean, SQUATTERS)

    def test_gains_nothing_from_the_owners_click(self, owner: Person, squatter: Person, digitalocean: Sandbox) -> None:
        owner.client.post("/accounts/signup/", {"email": ADDRESS, "password1": OWNERS})
        self.sign_up(squatter)

        answer = owner.client.post(link_to(ADDRESS, "/confirm-email/"), {"password": OWNERS})

        assert answer.status_code == 422
        assert not EmailAddress.objects.filter(verified=True).exists()
        assert not can_log_in(digitalocean, SQUATTERS)

    def test_the_owner_can_reset_the_password_of_the_squatters_account(
        self, owner: Person, squatter: Person, digitalocean: Sandbox
    ) -> None:
        self.sign_up(squatter)
        TestPasswordReset().reset(owner)

        self.sign_up(squatter)

        assert can_log_in(digitalocean, OWNERS)
        assert not can_log_in(digitalocean, SQUATTERS)

    def test_many_networks_together_have_a_limit_too(self, squatter: Person) -> None:
        for number in range(70):
            squatter.client.post(
                "/accounts/signup/",
                {"email": ADDRESS, "password1": SQUATTERS},
                REMOTE_ADDR=f"198.51.{number}.7",
            )

        assert len(emails_to(ADDRESS)) == 60


class TestDigitalOcean:
    @pytest.mark.parametrize("value", [False, None, "true", 1])
    def test_its_address_has_to_be_confirmed(self, visitor: Person, digitalocean: Sandbox, value: Any) -> None:
        digitalocean.fault("patch", **ACCOUNT, set={"/account/email_verified": value})

        answer = visitor.go("Acme Web", process="login")

        assert answer.status_code == 403
        assert says(answer, "DigitalOcean has not confirmed your email address")
        assert not User.objects.exists()
        assert digitalocean.live_grants() == []

    def test_somebody_who_has_an_account_may_still_connect(self, alice: Person, digitalocean: Sandbox) -> None:
        digitalocean.fault("patch", **ACCOUNT, set={"/account/email_verified": False})

        alice.go("Acme Web")

        assert Connection.objects.get().team_name == "Acme Web"


class TestPasswordReset:
    def reset(self, person: Person) -> Any:
        cache.clear()
        mail.outbox.clear()
        person.client.post("/accounts/password/reset/", {"email": person.email})
        opened = person.client.get(link_to(person.email, "/reset/key/"))
        return person.client.post(opened["Location"], {"password1": OWNERS, "password2": OWNERS}, follow=True)

    def test_what_was_attached_before_the_first_proof_goes(self, visitor: Person, digitalocean: Sandbox) -> None:
        """Somebody signed up with DigitalOcean and never confirmed the address, which is the owner's."""
        visitor.go("Acme Web", process="login")
        user = User.objects.get()
        assert Connection.objects.get().sign_in
        Authenticator.objects.create(user=user, type="totp", data={})
        owner = Person(digitalocean, user.email)

        answer = self.reset(owner)

        assert says(answer, "Everything that was attached to the account before was removed")
        assert not Connection.objects.exists()
        assert not Authenticator.objects.exists()
        assert digitalocean.live_grants() == []
        owner.client.post("/accounts/login/", {"login": owner.email, "password": OWNERS})
        assert "_auth_user_id" in session_of(owner.client)

    def test_what_a_confirmed_owner_has_attached_stays(self, alice: Person, digitalocean: Sandbox) -> None:
        alice.connect("Acme Web")
        elsewhere = Person(digitalocean, alice.email)

        self.reset(elsewhere)

        assert Connection.objects.get().team_name == "Acme Web"
        assert alice.client.get("/droplets/")["Location"].startswith("/accounts/login/")  # its session has ended
        assert PASSWORD != OWNERS
