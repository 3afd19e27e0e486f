"""The way into the admin: a log-in, a confirmed address, and a second factor that was used a short while ago."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.account import app_settings
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.support import passkey, totp
from tests.support.emails import emails_to, link_to
from tests.support.pages import says, text_of
from tests.support.person import PASSWORD, Person
from tests.support.sandbox import Sandbox
from tests.support.staff import log_in_with_second_factor, make_staff

SET_UP = "/accounts/2fa/totp/activate/"
CODE = "/accounts/2fa/reauthenticate/"


@pytest.fixture
def superuser(digitalocean: Sandbox, db: None, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Made as the README says."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--no-input", "--email", "Root@Example.com", verbosity=0)
    return Person(digitalocean, "root@example.com")


@pytest.fixture
def with_email(settings: Any) -> None:
    """As with EMAIL_URL set."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.MFA_ALLOW_UNVERIFIED_EMAIL = False


def set_up(person: Person) -> Any:
    """Confirm the password, read the secret, enter the first code; returns the page that follows."""
    person.client.post(f"/accounts/reauthenticate/?next={SET_UP}", {"password": PASSWORD})
    shown = person.client.get(SET_UP)
    found = re.search(r"[A-Z2-7]{32}", shown.content.decode())
    assert found
    answer = person.client.post(SET_UP, {"code": totp.code(found[0])})
    assert answer.status_code == 302, text_of(answer)
    return person.client.get(answer["Location"])


def forget_second_factor(person: Person) -> None:
    """It was used too long ago."""
    session = person.client.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - app_settings.REAUTHENTICATION_TIMEOUT - 1
    session.save()


class TestWorks:
    @pytest.mark.django_db(transaction=True)  # allauth sends its signal after the commit
    @pytest.mark.usefixtures("with_email")
    def test_the_first_superuser_is_led_to_the_admin(self, superuser: Person) -> None:
        assert superuser.client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
        superuser.log_in()
        asked = superuser.client.get("/admin/", follow=True)
        assert asked.redirect_chain[-1][0] == "/accounts/2fa/"
        assert says(asked, "The admin needs two-factor authentication.", SET_UP, passkey.ADD)

        codes = set_up(superuser)

        assert says(codes, "Save your recovery codes.", '<a href="/admin/">open the admin</a>')
        assert superuser.client.get("/admin/").status_code == 200
        assert emails_to("root@example.com")  # about the second factor
        assert EmailAddress.objects.get(user=superuser.user).verified

    def test_a_second_factor_at_log_in_opens_it(self, superuser: Person) -> None:
        log_in_with_second_factor(superuser, totp.switch_on(superuser.user))

        assert superuser.client.get("/admin/accounts/user/").status_code == 200
        assert superuser.client.get("/admin/login/?next=/admin/accounts/user/")["Location"] == "/admin/accounts/user/"

    @pytest.mark.usefixtures("host_name")
    def test_a_passkey_alone_opens_it(self, superuser: Person) -> None:
        superuser.log_in()
        key = passkey.Passkey()
        codes = passkey.add(superuser, key)
        assert says(superuser.client.get(codes["Location"]), '<a href="/admin/">open the admin</a>')
        assert superuser.client.get("/admin/").status_code == 200
        superuser.log_out()

        passkey.use(superuser, key, passkey.LOGIN)

        assert superuser.client.get("/admin/accounts/user/").status_code == 200

    @pytest.mark.usefixtures("host_name")
    def test_a_passkey_used_again_opens_it(self, superuser: Person) -> None:
        superuser.log_in()
        key = passkey.Passkey()
        passkey.add(superuser, key)
        forget_second_factor(superuser)

        asked = superuser.client.get("/admin/", follow=True).redirect_chain[-1][0]
        assert asked == f"{passkey.REAUTHENTICATE}?next=/admin/"
        passkey.use(superuser, key, asked, next="/admin/")

        assert superuser.client.get("/admin/").status_code == 200

    def test_staff_can_change_their_own_password(self, superuser: Person) -> None:
        log_in_with_second_factor(superuser, totp.switch_on(superuser.user))

        for address in ("/admin/password_change/", "/admin/password_change/done/"):
            for method in (superuser.client.get, superuser.client.post):
                assert method(address)["Location"] == "/accounts/password/change/"


class TestRefuses:
    def test_a_password_alone(self, superuser: Person) -> None:
        superuser.log_in()

        for address in ("/admin/", "/admin/accounts/user/", "/admin/jsi18n/"):
            assert superuser.client.get(address).status_code == 302
            assert superuser.client.post(address).status_code == 302
        assert not Authenticator.objects.exists()

    def test_a_password_at_log_in_where_the_second_factor_is_on(self, superuser: Person) -> None:
        totp.switch_on(superuser.user)

        assert superuser.log_in()["Location"] == "/accounts/2fa/authenticate/"
        assert superuser.client.get("/admin/")["Location"].startswith("/admin/login/")

    def test_a_second_factor_that_another_browser_has_turned_on(self, superuser: Person) -> None:
        superuser.log_in()
        secret = totp.switch_on(superuser.user)

        asked = superuser.client.get("/admin/accounts/user/", follow=True)

        assert asked.redirect_chain[-1][0] == f"{CODE}?next=/admin/accounts/user/"
        answer = superuser.client.post(asked.redirect_chain[-1][0], {"code": totp.code(secret)})
        assert answer["Location"] == "/admin/accounts/user/"
        assert superuser.client.get("/admin/accounts/user/").status_code == 200

    def test_a_second_factor_used_long_ago(self, superuser: Person) -> None:
        log_in_with_second_factor(superuser, totp.switch_on(superuser.user))
        forget_second_factor(superuser)

        assert superuser.client.get("/admin/", follow=True).redirect_chain[-1][0] == f"{CODE}?next=/admin/"
        superuser.client.post("/admin/logout/")
        assert "_auth_user_id" not in superuser.client.session

    def test_a_password_typed_again_is_no_second_factor(self, superuser: Person) -> None:
        superuser.log_in()
        totp.switch_on(superuser.user)

        superuser.client.post("/accounts/reauthenticate/?next=/admin/", {"password": PASSWORD})

        assert superuser.client.get("/admin/").status_code == 302

    @pytest.mark.usefixtures("with_email")
    def test_an_address_that_is_not_confirmed(self, digitalocean: Sandbox, db: None) -> None:
        person = Person(digitalocean, "alice@example.com")
        person.sign_up()
        User.objects.update(is_staff=True)
        EmailAddress.objects.update(verified=False)

        asked = person.client.get("/admin/", follow=True)

        assert asked.redirect_chain[-1][0] == "/accounts/email/"
        assert says(asked, "Confirm your email address first.")

    def test_who_is_not_staff(self, alice: Person) -> None:
        totp.switch_on(alice.user)
        for address in ("/admin/", "/admin/accounts/user/", "/admin/login/"):
            assert alice.client.get(address, follow=True).status_code == 403, address

    def test_a_password_sent_to_djangos_own_form(self, digitalocean: Sandbox, superuser: Person) -> None:
        """It would log in as any other staff user without a second factor or a rate limit."""
        other = make_staff(digitalocean, "staff@example.com")

        answer = other.client.post("/admin/login/", {"username": "root@example.com", "password": PASSWORD})

        assert answer.status_code == 405
        assert other.client.session["_auth_user_id"] == str(other.user.pk)

    def test_another_site_as_the_next_page(self, superuser: Person) -> None:
        log_in_with_second_factor(superuser, totp.switch_on(superuser.user))

        assert superuser.client.get("/admin/login/?next=https://evil.example/")["Location"] == "/admin/"


class TestHandles:
    def test_createsuperuser_for_an_address_in_use(self, alice: Person) -> None:
        with pytest.raises(CommandError, match="already taken"):
            call_command("createsuperuser", "--no-input", "--email", alice.email, verbosity=0)

        assert EmailAddress.objects.count() == 1

    @pytest.mark.usefixtures("with_email")
    def test_a_lost_password(self, superuser: Person) -> None:
        superuser.client.post("/accounts/password/reset/", {"email": superuser.email})

        assert link_to(superuser.email, "password/reset/key")
