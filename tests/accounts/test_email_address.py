"""Changing one's address, and whose an address is."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache

from accounts.models import User
from tests.support.at_once import at_once
from tests.support.emails import emails_to, link_to
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import session_of

EMAIL, SETTINGS = "/accounts/email/", "/accounts/settings/"


def change(person: Person, to: str) -> Any:
    """Ask for another address, giving the password where that is asked for."""
    answer = person.client.post(EMAIL, {"email": to, "action_add": ""})
    if answer.status_code == 302 and "reauthenticate" in answer["Location"]:
        answer = person.client.post(answer["Location"], {"password": PASSWORD})
    return answer


def confirm(person: Person, address: str) -> Any:
    return person.client.post(link_to(address, "/confirm-email/"))


class TestWorks:
    def test_the_new_address_counts_once_it_is_proved(self, alice: Person) -> None:
        change(alice, "New@example.com")

        assert says(
            alice.client.get(EMAIL), "new@example.com is not confirmed yet", "Until then, your old address stays in use"
        )
        assert alice.user.email == "alice@example.com"

        answer = confirm(alice, "new@example.com")

        assert answer["Location"] == "/droplets/"
        user = User.objects.get()
        assert user.email == "new@example.com"
        assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
            ("new@example.com", True, True)
        ]
        assert "was changed from alice@example.com to new@example.com" in emails_to("alice@example.com")[-1]
        alice.email = "new@example.com"
        alice.log_out()
        alice.log_in()
        assert "_auth_user_id" in session_of(alice.client)

    def test_it_can_be_forgotten_before(self, alice: Person) -> None:
        change(alice, "new@example.com")
        link = link_to("new@example.com", "/confirm-email/")

        alice.client.post(EMAIL, {"email": "new@example.com", "action_remove": ""})

        assert says(alice.client.post(link), "This link no longer works")
        assert alice.user.email == "alice@example.com"

    def test_a_second_wish_takes_the_firsts_place(self, alice: Person) -> None:
        change(alice, "one@example.com")
        change(alice, "two@example.com")

        assert says(alice.client.get(link_to("one@example.com", "/confirm-email/")), "This link no longer works")
        confirm(alice, "two@example.com")
        assert User.objects.get().email == "two@example.com"

    def test_the_password_is_asked_for(self, alice: Person) -> None:
        answer = alice.client.post(EMAIL, {"email": "new@example.com", "action_add": ""})

        assert answer["Location"].startswith("/accounts/reauthenticate/")
        assert not emails_to("new@example.com")


class TestRefuses:
    @pytest.mark.parametrize("address", ["", "nonsense", "alice@example.com", "ALICE@EXAMPLE.COM"])
    def test_what_cannot_be_the_new_one(self, alice: Person, address: str) -> None:
        before = list(EmailAddress.objects.values())

        change(alice, address)

        assert list(EmailAddress.objects.values()) == before

    def test_an_address_that_somebody_has_proved(self, alice: Person, bob: Person) -> None:
        """Asking for it looks as ever; the email goes to its owner, and its link says that it is taken."""
        cache.clear()
        mail.outbox.clear()
        change(alice, bob.email)
        link = link_to(bob.email, "/confirm-email/")

        assert says(alice.client.get(link), "This address is in use")
        alice.client.post(link)

        assert says(alice.client.get(SETTINGS), "alice@example.com")
        assert (alice.user.email, bob.user.email) == ("alice@example.com", "bob@example.com")
        assert EmailAddress.objects.get(user=bob.user).verified


class TestASquatter:
    """Somebody signed up with an address that is not theirs, and never proved it."""

    @pytest.fixture
    def squatter(self, digitalocean: Sandbox, db: None) -> User:
        person = Person(digitalocean, "owned@example.com")
        person.client.post("/accounts/signup/", {"email": person.email, "password1": PASSWORD})
        cache.clear()
        mail.outbox.clear()
        return person.user

    def test_who_proves_the_address_has_it(self, alice: Person, squatter: User) -> None:
        change(alice, "owned@example.com")

        answer = confirm(alice, "owned@example.com")

        assert answer.status_code == 302
        alice.email = "owned@example.com"
        assert says(alice.client.get(SETTINGS), "owned@example.com is confirmed.")
        assert list(EmailAddress.objects.values_list("email", "user", "verified", "primary")) == [
            ("owned@example.com", alice.user.pk, True, True)
        ]
        assert not User.objects.filter(pk=squatter.pk).exists()

    def test_nothing_is_half_written_when_it_fails(
        self, alice: Person, squatter: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the middle, after the squatter has given it up."""
        change(alice, "owned@example.com")
        before = list(User.objects.values()), list(EmailAddress.objects.values())

        def fail(*args: object, **kwargs: object) -> None:
            raise RuntimeError("the power is gone")

        monkeypatch.setattr(EmailAddress, "set_as_primary", fail)
        with pytest.raises(RuntimeError, match="the power is gone"):
            confirm(alice, "owned@example.com")

        assert (list(User.objects.values()), list(EmailAddress.objects.values())) == before

    def test_the_squatter_cannot_prove_it_any_more(self, alice: Person, squatter: User, digitalocean: Sandbox) -> None:
        other = Person(digitalocean, "owned@example.com")
        other.log_in()  # sends the email again
        theirs = link_to("owned@example.com", "/confirm-email/")
        cache.clear()
        mail.outbox.clear()
        change(alice, "owned@example.com")
        confirm(alice, "owned@example.com")

        assert says(other.client.post(theirs), "This link no longer works")
        assert User.objects.get(email="owned@example.com").pk != squatter.pk

    def test_an_account_without_an_address_goes_on(self, alice: Person, bob: Person) -> None:
        """Bob's was never proved (he came when no mail was sent), and Alice has just proved it."""
        user = bob.user
        EmailAddress.objects.filter(user=user).delete()
        user.release_email()
        mail.outbox.clear()

        assert says(bob.client.get(SETTINGS), "No email address", "No email address")
        assert says(bob.client.get(EMAIL), "Your account has no email address")
        change(bob, "bob@elsewhere.example")
        confirm(bob, "bob@elsewhere.example")

        user.refresh_from_db()
        assert user.email == "bob@elsewhere.example"
        assert not [email for email in mail.outbox if "released.invalid" in email.to[0]]


class TestWithoutMail:
    """No address is ever proved, so a new one counts at once."""

    @pytest.fixture(autouse=True)
    def _unproved(self, without_mail: None, alice: Person, bob: Person) -> None:
        EmailAddress.objects.update(verified=False)

    def test_it_counts_at_once(self, alice: Person, bob: Person) -> None:
        """For two people: neither is left with an empty address, which must be unique like any other."""
        for person, to in ((alice, "new-alice@example.com"), (bob, "new-bob@example.com")):
            assert change(person, to).status_code == 302
            person.email = to
            assert person.user.email == to
            assert list(EmailAddress.objects.filter(user=person.user).values_list("email", "primary")) == [(to, True)]
            assert says(person.client.get(SETTINGS), to)

    def test_again_and_again(self, alice: Person) -> None:
        for to in ("one@example.com", "two@example.com", "alice@example.com"):
            change(alice, to)

        assert alice.user.email == "alice@example.com"
        assert EmailAddress.objects.filter(user=alice.user).count() == 1

    def test_a_taken_one_is_refused(self, alice: Person, bob: Person) -> None:
        change(alice, "bob@example.com")  # asks for the password, and then refuses
        answer = alice.client.post(EMAIL, {"email": "bob@example.com", "action_add": ""})

        assert answer.status_code == 200
        assert says(answer, "already registered with this email address")
        assert alice.user.email == "alice@example.com"


@pytest.mark.django_db(transaction=True)
class TestHandlesTwoAtOnce:
    def test_two_prove_one_address(self, digitalocean: Sandbox, transactional_db: None) -> None:
        """They share a mailbox, say; one of them has it, the other is told, and no row is half written."""
        people = [Person(digitalocean, f"{name}@example.com") for name in ("alice", "bob")]
        links = []
        for person in people:
            person.sign_up()
            cache.clear()
            change(person, "shared@example.com")
            links.append(link_to("shared@example.com", "/confirm-email/"))

        answers = at_once(*(partial(each.client.post, link) for each, link in zip(people, links, strict=True)))

        assert {answer.status_code for answer in answers} <= {200, 302}
        assert User.objects.filter(email="shared@example.com").count() == 1
        [proved] = EmailAddress.objects.filter(email="shared@example.com", verified=True)
        assert proved.primary
        assert proved.user.email == "shared@example.com"
        loser = User.objects.exclude(pk=proved.user_id).get()
        assert EmailAddress.objects.get(user=loser, primary=True).email == loser.email

    def test_two_change_to_one_address_without_mail(
        self, digitalocean: Sandbox, transactional_db: None, without_mail: None
    ) -> None:
        people = [Person(digitalocean, f"{name}@example.com") for name in ("alice", "bob")]
        for person in people:
            person.sign_up()
            EmailAddress.objects.update(verified=False)
            answer = person.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
            assert answer.status_code == 302

        answers = at_once(*(partial(change, each, "shared@example.com") for each in people))

        assert {answer.status_code for answer in answers} <= {200, 302}
        assert User.objects.filter(email="shared@example.com").count() == 1
        assert not User.objects.filter(email="").exists()
