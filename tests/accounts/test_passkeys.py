"""Passkeys: to log in alone, as a second factor, and as confirmation of a log-in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.cache import cache

from accounts import email_ownership
from accounts.models import Event
from tests.support.pages import says
from tests.support.passkey import ADD, AUTHENTICATE, LOGIN, ORIGIN, REAUTHENTICATE, Passkey, add, options, use
from tests.support.person import PASSWORD, Person

PAGE = "/accounts/settings/"
REFUSED = "This passkey was not accepted. Try again."


pytestmark = pytest.mark.usefixtures("host_name")


@pytest.fixture
def passkey(alice: Person) -> Passkey:
    """Alice's, who is logged out."""
    passkey = Passkey()
    assert add(alice, passkey).status_code == 302
    log_out(alice)
    return passkey


def log_out(person: Person) -> None:
    person.log_out()
    cache.clear()  # limits
    Event.objects.all().delete()


def is_logged_in(person: Person) -> bool:
    return bool(person.client.get(PAGE).status_code == 200)


def events() -> list[tuple[str, str, str]]:
    return [
        (event.kind, event.outcome, event.detail.partition(", ")[0]) for event in Event.objects.order_by("pk").all()
    ]


class TestWorks:
    def test_log_in_with_a_passkey_alone(self, alice: Person, passkey: Passkey) -> None:
        answer = use(alice, passkey, LOGIN, next=f"{PAGE}?tab=1")

        assert answer["Location"] == f"{PAGE}?tab=1"
        assert is_logged_in(alice)
        assert events() == [("log_in", "ok", "with a passkey")]

    def test_the_second_factor_after_a_password(self, alice: Person, passkey: Passkey) -> None:
        assert alice.log_in()["Location"] == AUTHENTICATE
        assert not is_logged_in(alice)
        assert says(alice.client.get(AUTHENTICATE), "Use a passkey", "Passkeys need JavaScript", "recovery codes")

        use(alice, passkey, AUTHENTICATE)

        assert is_logged_in(alice)
        assert events()[-1][:2] == ("log_in", "ok")

    def test_it_confirms_a_log_in(self, alice: Person, passkey: Passkey) -> None:
        use(alice, passkey, LOGIN)
        asked = alice.client.get(ADD, follow=True)
        assert says(asked, "Use a passkey", f'href="{REAUTHENTICATE}?next=')

        answer = use(alice, passkey, f"{REAUTHENTICATE}?next={ADD}", next=ADD)

        assert answer["Location"] == ADD
        assert says(alice.client.get(ADD), "Add a passkey")

    def test_list_rename_and_remove(self, alice: Person) -> None:
        answer = add(alice, Passkey(), name="")
        assert says(alice.client.get(answer["Location"], follow=True), "Recovery codes", "The passkey was added.")
        pk = Authenticator.objects.get(type="webauthn").pk
        assert says(alice.client.get("/accounts/2fa/webauthn/"), "Passkey 1", "Logs you in without a password")

        alice.client.post(f"/accounts/2fa/webauthn/keys/{pk}/edit/", {"name": "Phone"})
        assert says(alice.client.get("/accounts/2fa/webauthn/"), "Phone")
        assert says(alice.client.get(f"/accounts/2fa/webauthn/keys/{pk}/remove/"), "Remove Phone?")
        alice.client.post(f"/accounts/2fa/webauthn/keys/{pk}/remove/")

        assert not Authenticator.objects.exists()
        notes = [detail for kind, _, detail in events() if kind == "two_factor"]
        assert notes[0] == "webauthn on"
        assert "webauthn off" in notes

    def test_conveyor_is_named_by_base_url_and_not_by_the_host_header(self, alice: Person) -> None:
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})

        assert options(alice, ADD)["publicKey"]["rp"] == {"id": "localhost", "name": "Conveyor"}
        assert alice.client.get(ADD, headers={"host": "testserver"})["Location"] == f"{ORIGIN}{ADD}"

    def test_a_key_without_a_pin_is_a_second_factor(self, alice: Person) -> None:
        key = Passkey(is_verified=False)
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert says(
            alice.client.post(ADD, {"credential": key.create(options(alice, ADD)), "passwordless": "on"}), REFUSED
        )
        alice.client.post(ADD, {"credential": key.create(options(alice, ADD))})
        log_out(alice)

        assert use(alice, key, LOGIN)["Location"] == "/accounts/login/"
        alice.log_in()
        use(alice, key, AUTHENTICATE)

        assert is_logged_in(alice)


class TestRefuses:
    def test_the_passkey_of_another_user(self, alice: Person, passkey: Passkey, bob: Person) -> None:
        other = Passkey()
        add(bob, other)
        Event.objects.all().delete()
        alice.log_in()

        answer = use(alice, other, AUTHENTICATE)

        assert says(answer, REFUSED)
        assert not is_logged_in(alice)
        assert events() == [("two_factor", "wrong passkey", events()[0][2])]
        assert Event.objects.get().user == alice.user

    def test_anothers_passkey_with_the_users_handle(self, alice: Person, passkey: Passkey, bob: Person) -> None:
        other = Passkey()
        add(bob, other)
        other.user_handle = passkey.user_handle

        assert use(alice, other, LOGIN)["Location"] == "/accounts/login/"

        assert not is_logged_in(alice)

    def test_a_used_challenge(self, alice: Person, passkey: Passkey) -> None:
        answer = passkey.get(options(alice, LOGIN))
        alice.client.post(LOGIN, {"credential": answer})
        assert is_logged_in(alice)
        log_out(alice)

        for _ in ("without a challenge", "with a new one"):
            assert alice.client.post(LOGIN, {"credential": answer})["Location"] == "/accounts/login/"
            assert not is_logged_in(alice)
            options(alice, LOGIN)

        assert says(alice.client.get("/accounts/login/"), REFUSED)
        assert [event[:2] for event in events()] == [("log_in", "wrong passkey")] * 2

    @pytest.mark.parametrize("origin", ["http://sub.localhost:8000", "http://localhost:9000", "https://localhost:8000"])
    def test_a_page_of_another_origin(self, alice: Person, passkey: Passkey, origin: str) -> None:
        """fido2 accepts them all."""
        passkey.origin = origin

        assert use(alice, passkey, LOGIN)["Location"] == "/accounts/login/"

        assert not is_logged_in(alice)

    def test_a_removed_passkey(self, alice: Person, passkey: Passkey) -> None:
        Authenticator.objects.filter(type="webauthn").delete()

        use(alice, passkey, LOGIN)

        assert not is_logged_in(alice)

    def test_a_disabled_account(self, alice: Person, passkey: Passkey) -> None:
        user = alice.user
        user.is_active = False
        user.save()

        assert use(alice, passkey, LOGIN)["Location"] == "/accounts/inactive/"

        assert not is_logged_in(alice)

    def test_an_address_that_is_not_confirmed(self, alice: Person, passkey: Passkey, settings: Any) -> None:
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        settings.MFA_ALLOW_UNVERIFIED_EMAIL = False
        EmailAddress.objects.update(verified=False)

        assert use(alice, passkey, LOGIN)["Location"] == "/accounts/confirm-email/"
        assert not is_logged_in(alice)

    def test_too_many(self, alice: Person, passkey: Passkey, bob: Person) -> None:
        other = Passkey()
        add(bob, other)
        alice.log_in()

        for _ in range(6):
            answer = use(alice, other, AUTHENTICATE)

        assert says(answer, "Too many failed login attempts")
        assert events()[-1][:2] == ("log_in", "locked out")

    def test_sign_up_with_one(self, visitor: Person) -> None:
        assert visitor.client.get("/accounts/2fa/webauthn/signup/").status_code == 404
        assert visitor.client.get("/accounts/signup/passkey/").status_code == 404


MALFORMED = [
    "",
    "{",
    "1",
    "[]",
    "{}",
    '{"response": 1}',
    '{"response": {"clientDataJSON": "x"}}',
    '{"id": "AA", "rawId": "AA", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}}',
]


class TestHandles:
    @pytest.mark.parametrize("credential", MALFORMED)
    def test_a_malformed_answer(self, alice: Person, passkey: Passkey, credential: str) -> None:
        assert alice.client.post(LOGIN, {"credential": credential})["Location"] == "/accounts/login/"
        alice.log_in()
        assert says(alice.client.post(AUTHENTICATE, {"credential": credential}), REFUSED)
        use(alice, passkey, AUTHENTICATE)
        again = alice.client.post(REAUTHENTICATE, {"credential": credential, "next": PAGE})["Location"]
        assert unquote(again) == f"{REAUTHENTICATE}?next={PAGE}"
        assert says(alice.client.get(again), REFUSED)
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        assert says(alice.client.post(ADD, {"credential": credential}), REFUSED)

    def test_a_null_character(self, alice: Person) -> None:
        """PostgreSQL cannot store it."""
        alice.client.post("/accounts/reauthenticate/", {"password": PASSWORD})
        credential = json.loads(Passkey().create(options(alice, ADD)))

        answer = alice.client.post(ADD, {"credential": json.dumps(credential | {"more": "\0"})})

        assert says(answer, REFUSED)

    def test_a_refused_log_in_still_leads_to_the_page_that_was_wanted(self, alice: Person, passkey: Passkey) -> None:
        answer = alice.client.post(LOGIN, {"credential": "{}", "next": PAGE})

        assert unquote(answer["Location"]) == f"/accounts/login/?next={PAGE}"

    def test_a_password_reset_removes_what_was_added_before_the_address_was_confirmed(
        self, alice: Person, passkey: Passkey
    ) -> None:
        EmailAddress.objects.update(verified=False)

        assert email_ownership.after_reset(alice.user)

        assert not Authenticator.objects.exists()
        use(alice, passkey, LOGIN)
        assert not is_logged_in(alice)
