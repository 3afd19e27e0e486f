"""Codes of the second factor: each works once, for a minute and a half at most."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.management import call_command

from tests.support import totp
from tests.support.pages import says
from tests.support.person import PASSWORD, Person

ACTIVATE = "/accounts/2fa/totp/activate/"
AUTHENTICATE = "/accounts/2fa/authenticate/"


def code(secret: str, *, periods: int = 0) -> str:
    """The code of 30 seconds × `periods` from now."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + periods)))


def turn_on(person: Person) -> tuple[str, str]:
    """Turn the second factor on as a user does. Returns the secret and the code that was used."""
    person.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = person.client.get(ACTIVATE)
    secret: str = page.context["form"].secret
    used = code(secret)
    assert person.client.post(ACTIVATE, {"code": used}).status_code == 302
    assert Authenticator.objects.filter(type="totp").exists()
    return secret, used


def is_logged_in(person: Person) -> bool:
    return bool(person.client.get("/accounts/settings/").status_code == 200)


class TestWorks:
    def test_the_clock_may_be_one_period_off(self, alice: Person) -> None:
        for periods in (-1, 1):
            secret = totp.switch_on(alice.user)
            alice.log_out()
            alice.log_in()

            alice.client.post(AUTHENTICATE, {"code": code(secret, periods=periods)})

            assert is_logged_in(alice)
            Authenticator.objects.all().delete()


class TestRefuses:
    def test_the_code_that_turned_it_on(self, alice: Person) -> None:
        secret, used = turn_on(alice)
        alice.log_out()
        alice.log_in()

        answer = alice.client.post(AUTHENTICATE, {"code": used})

        assert says(answer, "Incorrect code")
        assert not is_logged_in(alice)
        alice.client.post(AUTHENTICATE, {"code": code(secret, periods=1)})
        assert is_logged_in(alice)

    def test_a_used_code_for_as_long_as_it_is_valid(self, alice: Person, monkeypatch: Any) -> None:
        """allauth alone forgets it after 30 seconds, but with the tolerance it is valid for 90."""
        secret = totp.switch_on(alice.user)
        used = code(secret)
        alice.log_out()
        alice.log_in()
        alice.client.post(AUTHENTICATE, {"code": used})
        assert is_logged_in(alice)
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP._mark_code_used", lambda *_: True)
        alice.log_out()
        alice.log_in()

        answer = alice.client.post(AUTHENTICATE, {"code": used})

        assert says(answer, "Incorrect code")
        assert not is_logged_in(alice)


class TestAtRest:
    def test_no_secret_lies_open_in_the_table(self, alice: Person) -> None:
        secret, _ = turn_on(alice)

        rows = Authenticator.objects.filter(user=alice.user)
        assert {row.type for row in rows} == {"totp", "recovery_codes"}
        for row in rows:
            assert all(text.startswith("gAAAA") for key, text in row.data.items() if key in ("secret", "seed"))
            assert secret not in str(row.data)

    def test_one_that_an_earlier_version_stored_still_works_and_is_encrypted(self, alice: Person) -> None:
        secret, _ = turn_on(alice)
        row = Authenticator.objects.get(type="totp")
        Authenticator.objects.filter(pk=row.pk).update(data={"secret": secret})
        assert self.logs_in(alice, code(secret, periods=1))

        call_command("reseal_tokens", stdout=StringIO())

        assert Authenticator.objects.get(type="totp").data["secret"].startswith("gAAAA")
        assert self.logs_in(alice, code(secret))

    def test_a_change_of_keys(self, alice: Person, settings: Any) -> None:
        secret, _ = turn_on(alice)
        settings.TOKEN_KEYS = [Fernet.generate_key().decode(), *settings.TOKEN_KEYS]
        call_command("reseal_tokens", stdout=StringIO())

        settings.TOKEN_KEYS = settings.TOKEN_KEYS[:1]

        assert self.logs_in(alice, code(secret, periods=1))

    def test_a_lost_key_lets_nobody_in(self, alice: Person, settings: Any) -> None:
        secret, _ = turn_on(alice)
        settings.TOKEN_KEYS = [Fernet.generate_key().decode()]

        assert not self.logs_in(alice, code(secret, periods=1))
        assert not self.logs_in(alice, code("", periods=1))

    def logs_in(self, person: Person, one_time_code: str) -> bool:
        cache.clear()  # limits, and codes that were used
        person.log_out()
        person.log_in()
        person.client.post(AUTHENTICATE, {"code": one_time_code})
        return is_logged_in(person)
