"""A session ends when it has not been used for long, and some time after the log-in in any case."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache

from tests.support.clock import Calendar
from tests.support.pages import says
from tests.support.person import PASSWORD, Person

PAGE = "/accounts/settings/?tab=1"
LOGIN = f"/accounts/login/?{urlencode({'next': PAGE}, safe='/')}"
UNUSED = "You were logged out because you did not use Conveyor for 14 days."
TOO_OLD = "You were logged out because your last log-in was more than 30 days ago."


class Time:
    """Days that pass, for Django and allauth and for the entries of the cache."""

    def __init__(self) -> None:
        self.calendar = Calendar()

    def pass_by(self, **span: float) -> None:
        self.calendar.move_on(**span)
        cache.clear()  # its entries live for a minute, by a clock of its own


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr("django.utils.timezone.now", time.calendar)
    for name in ("created_at", "last_seen_at"):  # defaults: the function itself, which was there before
        monkeypatch.setattr(UserSession._meta.get_field(name), "_get_default", time.calendar)
    return time


def is_open(person: Person) -> bool:
    return bool(person.client.get(PAGE).status_code == 200)


class TestWorks:
    def test_an_unused_session_ends(self, alice: Person, time: Time) -> None:
        assert is_open(alice)
        key = alice.client.session.session_key

        time.pass_by(days=14, seconds=1)
        answer = alice.client.get(PAGE)

        assert answer["Location"] == LOGIN
        assert says(alice.client.get(LOGIN), UNUSED)
        assert not Session.objects.filter(session_key=key).exists()

    def test_an_old_session_ends_however_much_it_is_used(self, alice: Person, time: Time) -> None:
        for _ in range(30):
            assert is_open(alice)
            time.pass_by(days=1)

        time.pass_by(seconds=1)
        answer = alice.client.get(PAGE)

        assert answer["Location"] == LOGIN
        assert says(alice.client.get(LOGIN), TOO_OLD)

    def test_use_keeps_a_session_open(self, alice: Person, time: Time) -> None:
        for _ in range(2):
            time.pass_by(days=13)
            assert is_open(alice)

    def test_the_person_gets_to_the_page_that_they_wanted(self, alice: Person, time: Time) -> None:
        time.pass_by(days=15)
        login = alice.client.get(PAGE)["Location"]

        page = alice.client.get(login)
        answer = alice.client.post(login, {"login": alice.email, "password": PASSWORD, "next": PAGE})

        assert says(page, f'value="{PAGE}"')
        assert answer["Location"] == PAGE
        assert is_open(alice)
        assert b"You were logged out" not in alice.client.get(PAGE).content

    def test_a_host_may_set_both(self, alice: Person, time: Time, settings: Any) -> None:
        settings.SESSION_IDLE_DAYS, settings.SESSION_MAX_DAYS = 1, 2
        assert is_open(alice)

        time.pass_by(days=1, seconds=1)

        assert says(alice.client.get(PAGE, follow=True), "did not use Conveyor for 1 day.")


class TestRefuses:
    def test_a_form_that_is_sent_too_late_does_nothing(self, alice: Person, time: Time) -> None:
        time.pass_by(days=15)

        answer = alice.client.post("/accounts/sessions/")

        assert answer["Location"].startswith("/accounts/login/")

    def test_another_session_does_not_keep_it_open(self, alice: Person, time: Time) -> None:
        phone = Person(alice.sandbox, alice.email)
        phone.log_in()
        for _ in range(2):
            time.pass_by(days=8)
            assert is_open(phone)

        assert not is_open(alice)
        assert is_open(phone)
        assert UserSession.objects.filter(user=alice.user).count() == 1


class TestHandles:
    def test_htmx_loads_the_page_again_which_says_why(self, alice: Person, time: Time) -> None:
        time.pass_by(days=15)

        answer = alice.client.get("/droplets/", headers={"HX-Request": "true"})

        assert answer["HX-Refresh"] == "true"
        assert says(alice.client.get("/droplets/", follow=True), UNUSED)

    def test_a_session_that_allauth_does_not_list_goes_on(self, alice: Person, time: Time) -> None:
        UserSession.objects.all().delete()

        assert is_open(alice)
        assert UserSession.objects.filter(user=alice.user).exists()
