"""Sessions: a new one at log-in, none after log-out, and the others end when their owner says so."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from tests.support import passkey, totp
from tests.support.pages import says, text_of
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import log_in_with_second_factor

SESSIONS = "/accounts/sessions/"


def key_of(person: Person) -> str:
    return str(person.client.session.session_key)


def test_log_in_gives_a_new_session(alice: Person, digitalocean: Sandbox) -> None:
    """One that somebody has set in the browser before does not become a logged-in one."""
    browser = Person(digitalocean, alice.email)
    browser.client.get("/accounts/login/")
    session = browser.client.session
    session["before"] = True
    session.save()
    before = key_of(browser)

    browser.log_in()

    assert key_of(browser) != before
    assert not Session.objects.filter(session_key=before).exists()


def test_log_out_ends_the_session(alice: Person) -> None:
    key = key_of(alice)

    alice.log_out()

    assert not Session.objects.filter(session_key=key).exists()


def test_the_others_end_when_their_owner_says_so(alice: Person, digitalocean: Sandbox) -> None:
    phone = Person(digitalocean, alice.email)
    phone.log_in()
    alice.client.get("/accounts/settings/")
    assert says(alice.client.get(SESSIONS), "This browser")

    alice.client.post(SESSIONS)

    assert phone.client.get("/accounts/settings/")["Location"].startswith("/accounts/login/")
    assert alice.client.get("/accounts/settings/").status_code == 200


class TestAfterASecondFactorIsAdded:
    INDEX = "/accounts/2fa/"
    OFFER = "You are also logged in on"

    def test_the_other_sessions_can_be_ended(self, alice: Person, digitalocean: Sandbox) -> None:
        others = [Person(digitalocean, alice.email) for _ in range(2)]
        for other in others:
            other.log_in()
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        secret = alice.client.get("/accounts/2fa/totp/activate/").context["form"].secret

        codes = alice.client.post("/accounts/2fa/totp/activate/", {"code": totp.code(secret)}, follow=True)

        assert says(codes, "Recovery codes", "Log out the other 2 sessions")
        alice.client.post(SESSIONS)
        assert [other.client.get(self.INDEX).status_code for other in (alice, *others)] == [200, 302, 302]
        assert self.OFFER not in text_of(alice.client.get(self.INDEX))

    @pytest.mark.usefixtures("host_name")
    def test_after_a_passkey_too(self, alice: Person, digitalocean: Sandbox) -> None:
        phone = Person(digitalocean, alice.email)
        phone.log_in()

        passkey.add(alice, passkey.Passkey())

        assert says(alice.client.get(self.INDEX), "Log out the other session")

    def test_the_only_session_is_not_offered(self, alice: Person) -> None:
        totp.switch_on(alice.user)

        assert self.OFFER not in text_of(alice.client.get(self.INDEX))

    def test_a_session_that_has_used_it_is_not_offered(self, alice: Person, digitalocean: Sandbox) -> None:
        secret = totp.switch_on(alice.user)
        phone = Person(digitalocean, alice.email)
        log_in_with_second_factor(phone, secret)

        assert self.OFFER not in text_of(alice.client.get(self.INDEX))

    def test_nothing_is_offered_without_a_second_factor(self, alice: Person, digitalocean: Sandbox) -> None:
        Person(digitalocean, alice.email).log_in()

        assert self.OFFER not in text_of(alice.client.get(self.INDEX))
