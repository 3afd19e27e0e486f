"""Signing up with a password, logging in and out, and a forgotten password."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache

from accounts.models import User
from tests.support import totp
from tests.support.at_once import at_once, tab
from tests.support.emails import emails_to, link_to
from tests.support.pages import says
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.stored import session_of

SIGN_UP, LOG_IN, LOG_OUT = "/accounts/signup/", "/accounts/login/", "/accounts/logout/"
RESET = "/accounts/password/reset/"
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "https:///evil.example/",
    "http:evil.example",
    "javascript:alert(1)",
    "\t//evil.example",
    "http://127.0.0.1@evil.example/",
]


def is_signed_in(person: Person) -> bool:
    return "_auth_user_id" in session_of(person.client)


def sign_up(person: Person, password: str = PASSWORD, **more: str) -> Any:
    return person.client.post(SIGN_UP, {"email": person.email, "password1": password, **more})


@pytest.fixture
def newcomer(digitalocean: Sandbox, db: None) -> Person:
    return Person(digitalocean, "new@example.com")


class TestSignUp:
    def test_it_asks_for_a_proof_of_the_address_and_signs_in_with_it(self, newcomer: Person) -> None:
        answer = sign_up(newcomer)

        assert answer["Location"] == "/accounts/confirm-email/"
        assert says(newcomer.client.get(answer["Location"]), "Check your email")
        assert not is_signed_in(newcomer)
        link = link_to(newcomer.email, "/confirm-email/")
        assert says(newcomer.client.get(link), "Confirm your address", newcomer.email)
        assert not EmailAddress.objects.get().verified  # to look at an email proves nothing

        answer = newcomer.client.post(link)

        assert answer["Location"] == "/droplets/"
        assert is_signed_in(newcomer)
        assert EmailAddress.objects.get().verified

    def test_the_link_opened_in_another_browser_proves_without_signing_in(
        self, newcomer: Person, digitalocean: Sandbox
    ) -> None:
        sign_up(newcomer)
        elsewhere = Person(digitalocean, newcomer.email)

        answer = elsewhere.client.post(link_to(newcomer.email, "/confirm-email/"), {"password": PASSWORD})

        assert answer["Location"] == LOG_IN
        assert not is_signed_in(elsewhere)
        assert EmailAddress.objects.get().verified

    def test_a_second_click_on_the_button(self, newcomer: Person) -> None:
        sign_up(newcomer)
        link = link_to(newcomer.email, "/confirm-email/")
        newcomer.client.post(link)

        assert says(newcomer.client.post(link), "This link no longer works", "It has already been used")

    @pytest.mark.parametrize("key", ["nonsense", "MQ:1xVeLT:UhtvcMNM0DUGTUJlrHyMnfj58o0fS52app2tgL901vg"])
    def test_a_link_that_is_none(self, newcomer: Person, key: str) -> None:
        for method in ("get", "post"):
            answer = getattr(newcomer.client, method)(f"/accounts/confirm-email/{key}/")
            assert answer.status_code == 200
            assert says(answer, "This link no longer works")

    def test_without_mail_it_signs_in_at_once(self, newcomer: Person, without_mail: None) -> None:
        answer = sign_up(newcomer)

        assert answer["Location"] == "/droplets/"
        assert is_signed_in(newcomer)

    def test_addresses_are_kept_in_lower_case(self, newcomer: Person) -> None:
        newcomer.email = "New@Example.COM"

        sign_up(newcomer)

        assert User.objects.get().email == EmailAddress.objects.get().email == "new@example.com"

    @pytest.mark.parametrize("address", ["", "nonsense", "a@b", "a b@example.com", "a@example.com\x00", "@" * 400])
    def test_it_refuses_an_address_that_is_none(self, newcomer: Person, address: str) -> None:
        newcomer.email = address

        answer = sign_up(newcomer)

        assert answer.status_code == 200
        assert says(answer, "Sign up")
        assert not User.objects.exists()

    @pytest.mark.parametrize("password", ["", "short", "1234567890123", "password123", "new@example.com"])
    def test_it_refuses_a_weak_password(self, newcomer: Person, password: str) -> None:
        answer = sign_up(newcomer, password)

        assert answer.status_code == 200
        assert not User.objects.exists()

    def test_an_address_that_is_taken_looks_like_any_other(self, newcomer: Person, alice: Person) -> None:
        """The page tells a stranger nothing; the email tells its owner."""
        newcomer.email = alice.email.upper()
        cache.clear()
        mail.outbox.clear()

        answer = sign_up(newcomer, "a quite different one")

        assert answer["Location"] == "/accounts/confirm-email/"
        assert User.objects.count() == 1
        assert RESET in emails_to(alice.email)[-1]
        assert alice.user.check_password(PASSWORD)

    @pytest.mark.parametrize("is_known", [True, False])
    def test_a_known_address_takes_as_long_as_a_new_one(
        self, newcomer: Person, alice: Person, monkeypatch: pytest.MonkeyPatch, is_known: bool
    ) -> None:
        """The hash of the password takes nearly all of the time: one, either way."""
        hashed: list[str] = []
        encode = MD5PasswordHasher.encode
        monkeypatch.setattr(
            MD5PasswordHasher, "encode", lambda self, *more: hashed.append("once") or encode(self, *more)
        )
        if is_known:
            newcomer.email = alice.email

        sign_up(newcomer, "a quite different one")

        assert hashed == ["once"]

    def test_without_mail_it_says_that_an_address_is_taken(
        self, newcomer: Person, alice: Person, without_mail: None
    ) -> None:
        newcomer.email = alice.email

        answer = sign_up(newcomer)

        assert says(answer, "already registered with this email address")
        assert User.objects.count() == 1

    def test_a_mail_server_that_is_down(self, newcomer: Person, settings: Any) -> None:
        """The account is there, and the page says how to get the email."""
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        answer = sign_up(newcomer)

        assert answer.status_code == 503
        assert says(answer, "The email could not be sent", "the next log-in sends the email again")
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        cache.clear()
        newcomer.log_in()
        newcomer.client.post(link_to(newcomer.email, "/confirm-email/"))
        assert is_signed_in(newcomer)


class TestLogIn:
    def test_it_logs_in_and_out(self, alice: Person) -> None:
        assert is_signed_in(alice)
        assert says(alice.client.get(LOG_OUT), "Log out?")
        assert is_signed_in(alice)  # a GET only asks

        answer = alice.log_out()

        assert answer["Location"] == "/"
        assert not is_signed_in(alice)
        assert alice.client.get("/accounts/settings/")["Location"] == f"{LOG_IN}?next=/accounts/settings/"

    def test_the_case_of_the_address_does_not_matter(self, alice: Person) -> None:
        alice.log_out()

        alice.client.post(LOG_IN, {"login": "ALICE@example.com", "password": PASSWORD})

        assert is_signed_in(alice)

    def test_it_goes_on_to_the_page_that_was_asked_for(self, alice: Person) -> None:
        alice.log_out()

        answer = alice.client.post(f"{LOG_IN}?next=/accounts/settings/", {"login": alice.email, "password": PASSWORD})

        assert answer["Location"] == "/accounts/settings/"

    def test_an_address_that_is_not_proved_has_to_be_first(self, newcomer: Person) -> None:
        sign_up(newcomer)
        newcomer.client.cookies.clear()

        answer = newcomer.log_in()

        assert answer["Location"] == "/accounts/confirm-email/"
        assert not is_signed_in(newcomer)

    def test_a_second_factor(self, alice: Person) -> None:
        secret = totp.switch_on(alice.user)
        alice.log_out()

        assert alice.log_in()["Location"] == "/accounts/2fa/authenticate/"
        assert not is_signed_in(alice)
        alice.client.post("/accounts/2fa/authenticate/", {"code": totp.code(secret)})

        assert is_signed_in(alice)

    @pytest.mark.parametrize(
        ("login", "password"),
        [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("", ""), ("\x00", "x")],
    )
    def test_it_refuses_what_does_not_fit(self, alice: Person, login: str, password: str) -> None:
        alice.log_out()

        answer = alice.client.post(LOG_IN, {"login": login, "password": password})

        assert answer.status_code == 200
        assert not is_signed_in(alice)

    def test_the_same_words_for_an_unknown_address_and_a_wrong_password(self, alice: Person) -> None:
        alice.log_out()
        words = "The email address and/or password you specified are not correct."

        for login, password in ((alice.email, "wrong"), ("nobody@example.com", PASSWORD)):
            assert says(alice.client.post(LOG_IN, {"login": login, "password": password}), words)

    def test_an_account_that_is_switched_off(self, alice: Person) -> None:
        alice.log_out()
        User.objects.update(is_active=False)

        answer = alice.log_in()

        assert says(alice.client.get(answer["Location"]), "This account is disabled")
        assert not is_signed_in(alice)

    def test_guessing_is_limited(self, alice: Person, digitalocean: Sandbox) -> None:
        """Five wrong passwords from one network; then even the right one has to wait, but for a known browser."""
        alice.log_out()
        for _ in range(5):
            guesser = Person(digitalocean, alice.email)
            guesser.client.post(LOG_IN, {"login": alice.email, "password": "a guess"})

        another = Person(digitalocean, alice.email)
        answer = another.log_in()

        assert says(answer, "Too many failed login attempts. Try again later.")
        assert not is_signed_in(another)
        alice.log_in()
        assert is_signed_in(alice)

    def test_guessing_addresses_is_limited(self, newcomer: Person) -> None:
        """Ten failures a minute from one place, whatever the address."""
        answers = [
            newcomer.client.post(LOG_IN, {"login": f"{number}@example.com", "password": "a guess"})
            for number in range(11)
        ]

        assert says(answers[9], "are not correct")
        assert says(answers[10], "Too many failed login attempts")

    def test_signing_up_is_limited(self, newcomer: Person) -> None:
        answers = []
        for number in range(21):
            newcomer.email = f"{number}@example.com"
            answers.append(sign_up(newcomer))
            newcomer.client.cookies.clear()

        assert answers[-1].status_code == 429
        assert says(answers[-1], "Too many")
        assert User.objects.count() == 20


class TestNext:
    @pytest.mark.parametrize("url", ELSEWHERE)
    @pytest.mark.parametrize("by", ["address", "form"])
    def test_a_log_in_leads_to_no_other_host(self, alice: Person, url: str, by: str) -> None:
        alice.log_out()
        form = {"login": alice.email, "password": PASSWORD}

        if by == "address":
            answer = alice.client.post(LOG_IN, form, query_params={"next": url})
        else:
            answer = alice.client.post(LOG_IN, form | {"next": url})

        assert answer["Location"] == "/droplets/"

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_nor_does_a_log_out(self, alice: Person, url: str) -> None:
        assert alice.client.post(LOG_OUT, {"next": url})["Location"] == "/"

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_nor_a_sign_up(self, newcomer: Person, without_mail: None, url: str) -> None:
        assert sign_up(newcomer, next=url)["Location"] == "/droplets/"

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_nor_a_new_team(self, alice: Person, digitalocean: Sandbox, url: str) -> None:
        there = alice.client.post("/accounts/digitalocean/login/", {"next": url}, query_params={"process": "connect"})[
            "Location"
        ]

        answer = alice.come_back(digitalocean.authorize(there, team="Acme Web"))

        assert answer["Location"] == "/droplets/"

    @pytest.mark.parametrize("url", ELSEWHERE)
    def test_nor_a_password_asked_for_again(self, alice: Person, url: str) -> None:
        answer = alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": url})

        assert answer.status_code == 302
        assert "evil" not in answer["Location"]
        assert "javascript" not in answer["Location"]


class TestAForgottenPassword:
    NEW = "an entirely different one"

    def choose(self, person: Person, link: str, password: str = NEW) -> Any:
        opened = person.client.get(link)
        form = opened["Location"] if opened.status_code == 302 else link
        return person.client.post(form, {"password1": password, "password2": password})

    def test_the_email_leads_to_a_new_one(self, alice: Person) -> None:
        alice.log_out()
        answer = alice.client.post(RESET, {"email": alice.email})
        assert says(alice.client.get(answer["Location"]), "mail")

        answer = self.choose(alice, link_to(alice.email, "/reset/key/"))

        assert says(alice.client.get(answer["Location"]), "Your password was changed")
        assert alice.user.check_password(self.NEW)
        assert "was reset" in emails_to(alice.email)[-1]

    def test_the_link_works_once(self, alice: Person, digitalocean: Sandbox) -> None:
        alice.client.post(RESET, {"email": alice.email})
        link = link_to(alice.email, "/reset/key/")
        self.choose(alice, link)

        answer = self.choose(Person(digitalocean, alice.email), link, "and yet another one 1")

        assert says(answer, "This link no longer works")
        assert alice.user.check_password(self.NEW)

    def test_it_ends_the_sessions_of_other_browsers(self, alice: Person, digitalocean: Sandbox) -> None:
        elsewhere = Person(digitalocean, alice.email)
        elsewhere.client.post(RESET, {"email": alice.email})

        self.choose(elsewhere, link_to(alice.email, "/reset/key/"))

        assert alice.client.get("/accounts/settings/").status_code == 302

    def test_an_unknown_address_looks_like_any_other(self, alice: Person) -> None:
        known = alice.client.post(RESET, {"email": alice.email})
        unknown = alice.client.post(RESET, {"email": "nobody@example.com"})

        assert known["Location"] == unknown["Location"]
        assert "There is no account with this address" in emails_to("nobody@example.com")[-1]

    def test_somebody_without_a_password_gets_one(self, visitor: Person) -> None:
        """Signed up with DigitalOcean: the email proves the address as well as any."""
        visitor.go("Acme Web", process="login")
        visitor.client.post(link_to(visitor.email, "/confirm-email/"))
        visitor.log_out()

        visitor.client.post(RESET, {"email": visitor.email})
        self.choose(visitor, link_to(visitor.email, "/reset/key/"))

        visitor.client.post(LOG_IN, {"login": visitor.email, "password": self.NEW})
        assert is_signed_in(visitor)

    @pytest.mark.parametrize("key", ["1-nonsense", "zzzzzzzzzzzz-a-b", "1-set-password"])
    def test_a_link_that_is_none(self, alice: Person, key: str) -> None:
        answer = alice.client.get(f"{RESET}key/{key}/")

        assert answer.status_code == 200
        assert says(answer, "This link no longer works")

    def test_a_mail_server_that_is_down(self, alice: Person, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9

        answer = alice.client.post(RESET, {"email": alice.email})

        assert answer.status_code == 503
        assert says(answer, "The email could not be sent", "Wait a few minutes")


@pytest.mark.django_db(transaction=True)
class TestADoubleClick:
    def test_on_sign_up(self, digitalocean: Sandbox, transactional_db: None) -> None:
        newcomer = Person(digitalocean, "new@example.com")
        newcomer.client.get(SIGN_UP)

        answers = at_once(*(partial(sign_up, each) for each in (newcomer, tab(newcomer), tab(newcomer))))

        assert {answer.status_code for answer in answers} == {302}
        assert {answer["Location"] for answer in answers} <= {"/accounts/confirm-email/", LOG_IN}
        assert User.objects.count() == 1
        assert EmailAddress.objects.count() == 1

    def test_on_log_in(self, digitalocean: Sandbox, transactional_db: None) -> None:
        alice = Person(digitalocean, "alice@example.com")
        alice.sign_up()
        alice.log_out()
        alice.client.get(LOG_IN)

        answers = at_once(*(each.log_in for each in (alice, tab(alice), tab(alice))))

        assert {answer.status_code for answer in answers} == {302}
        assert {answer["Location"] for answer in answers} <= {"/droplets/", "/"}
