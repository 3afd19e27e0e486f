"""Sessions: a new one at log-in, none after log-out, and the others end when their owner says so."""

from __future__ import annotations

from django.contrib.sessions.models import Session

from tests.support.pages import says
from tests.support.person import Person
from tests.support.sandbox import Sandbox

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
