"""Sign-ups, log-ins, second factors and password resets are in the audit log, without addresses."""

from __future__ import annotations

import logging

import pytest
from django.core.cache import cache

from accounts import security_events
from accounts.models import Event, User
from tests.support import totp
from tests.support.emails import link_to
from tests.support.pages import says
from tests.support.person import PASSWORD, Person

RESET = "/accounts/password/reset/"


def recorded(kind: str) -> list[tuple[str, str | None]]:
    """Outcome and user's address of all events of this kind, oldest first."""
    return list(Event.objects.filter(kind=kind).order_by("pk").values_list("outcome", "user__email"))


@pytest.fixture
def logged_out(alice: Person) -> Person:
    alice.log_out()
    cache.clear()
    Event.objects.all().delete()
    return alice


class TestWorks:
    def test_sign_up_and_log_in(self, visitor: Person) -> None:
        visitor.sign_up()

        assert recorded("sign_up") == [("ok", visitor.email)]
        assert recorded("log_in") == [("ok", visitor.email)]

    def test_sign_up_with_digitalocean(self, visitor: Person) -> None:
        visitor.go("Acme Web", process="login")

        assert Event.objects.get(kind="sign_up").detail.startswith("with DigitalOcean, address ")

    def test_the_second_factor(self, transactional_db: None, alice: Person) -> None:
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        secret = alice.client.get("/accounts/2fa/totp/activate/").context["form"].secret
        alice.client.post("/accounts/2fa/totp/activate/", {"code": totp.code(secret)})
        alice.client.post("/accounts/2fa/totp/deactivate/")

        notes = [event.detail.partition(",")[0] for event in Event.objects.filter(kind="two_factor").order_by("pk")]
        assert notes[0] == "totp on"
        assert "totp off" in notes

    def test_a_password_reset(self, logged_out: Person) -> None:
        logged_out.client.post(RESET, {"email": logged_out.email})
        assert recorded("email") == [("ok", logged_out.email)]
        assert recorded("password_reset") == []

        page = logged_out.client.get(link_to(logged_out.email, "/reset/key/"))
        new = "another horse battery staple"
        logged_out.client.post(page["Location"], {"password1": new, "password2": new})

        assert recorded("password_reset") == [("ok", logged_out.email)]

    def test_the_log_has_the_request_and_no_address(self, logged_out: Person, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.INFO, logger="accounts"):
            answer = logged_out.client.post(
                "/accounts/login/", {"login": logged_out.email.upper(), "password": "wrong"}
            )
            logged_out.log_in()

        failed, done = (record.__dict__ for record in caplog.records if record.name == "accounts.audit")
        assert failed["detail"].endswith(f", request {answer['X-Request-Id']}")
        address = failed["detail"].partition(",")[0]
        assert done["detail"].startswith(f"{address}, ")
        assert logged_out.email not in str(failed).lower() + str(done).lower()


class TestRefuses:
    def test_a_wrong_password_and_a_lock_out(self, logged_out: Person) -> None:
        for _ in range(6):
            answer = logged_out.client.post("/accounts/login/", {"login": logged_out.email, "password": "wrong"})

        assert says(answer, "Too many failed login attempts")
        outcomes = [outcome for outcome, _ in recorded("log_in")]
        assert outcomes == ["wrong address or password"] * 5 + ["locked out"]

    def test_an_unknown_address(self, visitor: Person) -> None:
        visitor.log_in()

        assert recorded("log_in") == [("wrong address or password", None)]
        assert visitor.email not in Event.objects.get().detail

    def test_a_wrong_code(self, logged_out: Person) -> None:
        totp.switch_on(logged_out.user)
        logged_out.log_in()

        logged_out.client.post("/accounts/2fa/authenticate/", {"code": "000000"})

        assert recorded("two_factor") == [("wrong code", logged_out.email)]
        assert recorded("log_in") == []

    def test_a_denied_consent(self, alice: Person) -> None:
        alice.go("Acme Web", decision="deny")

        assert recorded("refused") == [("denied", alice.email)]


@pytest.mark.django_db(transaction=True)
class TestHandles:
    def test_an_account_that_has_just_been_deleted(self, alice: Person) -> None:
        user = User.objects.get(email=alice.email)
        User.objects.filter(pk=user.pk).delete()

        security_events.record(Event.Kind.EMAIL, email=alice.email, user=user)

        assert recorded("email")[-1] == ("ok", None)
