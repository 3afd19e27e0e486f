"""Passkeys in a real browser, with Chromium's virtual authenticator, under the real Content-Security-Policy."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from tests.browser.conftest import Arrive
from tests.browser.visitor import PASSWORD, Visitor

ADD = "/accounts/2fa/webauthn/add/"
LOG_IN = "Log in with a passkey"
USE = "Use a passkey"
NOT_USED = "No passkey was used. Try again, or choose another way."
REFUSED = "This passkey was not accepted. Try again."


class Device:
    """A device that keeps the visitor's passkeys (https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/)."""

    def __init__(self, visitor: Visitor) -> None:
        self._chromium = visitor.page.context.new_cdp_session(visitor.page)
        self._chromium.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self._id = self._chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def refuse(self, refused: bool = True) -> None:
        """Whether the person refuses to show their finger or to type the PIN."""
        self._chromium.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": not refused})

    @property
    def passkeys(self) -> int:
        return len(self._chromium.send("WebAuthn.getCredentials", {"authenticatorId": self._id})["credentials"])


def sign_up(arrive: Arrive, email: str) -> tuple[Visitor, Device]:
    """Somebody who has added a passkey, and has logged out."""
    visitor = arrive()
    device = Device(visitor)
    visitor.sign_up(email)
    visitor.go("/accounts/2fa/")
    visitor.follow("Add a passkey")
    visitor.fill(Your_password=PASSWORD)
    visitor.press("Confirm")
    visitor.fill(Name_optional="Laptop")
    visitor.press("Add the passkey")
    assert visitor.sees("The passkey was added.", "Recovery codes")
    assert device.passkeys == 1
    visitor.log_out()
    return visitor, device


def ask(visitor: Visitor, button: str, answer: str) -> None:
    """Press the button; the page stays, and says `answer`."""
    visitor.page.get_by_role("button", name=button, exact=True).click()
    expect(visitor.page.get_by_role("alert").filter(has_text=answer)).to_be_visible()


class TestWorks:
    def test_alone_and_after_a_password_until_it_is_removed(self, arrive: Arrive) -> None:
        visitor, _ = sign_up(arrive, "passkey@example.com")

        visitor.go("/accounts/3rdparty/")
        visitor.press(LOG_IN)
        assert visitor.path == "/accounts/3rdparty/"
        visitor.log_out()

        visitor.go("/accounts/login/")
        visitor.log_in("passkey@example.com")
        assert visitor.path == "/accounts/2fa/authenticate/"
        visitor.press(USE)
        assert visitor.path == "/droplets/"

        visitor.go("/accounts/2fa/webauthn/")
        assert visitor.sees("Laptop", "Logs you in without a password")
        visitor.follow("Rename Laptop")
        visitor.follow(USE)
        visitor.press(USE)
        visitor.fill(Name="Old laptop")
        visitor.press("Rename")
        visitor.follow("Remove… Old laptop")
        visitor.press("Remove")
        assert visitor.sees("The passkey was removed.", "You have no passkey yet.")

        visitor.log_out()
        visitor.go("/accounts/login/")
        visitor.press(LOG_IN)
        assert visitor.sees(REFUSED)
        visitor.log_in("passkey@example.com")
        assert visitor.path == "/droplets/"

    def test_enter_in_the_name_adds_it_too(self, arrive: Arrive) -> None:
        visitor = arrive()
        device = Device(visitor)
        visitor.sign_up("enter@example.com")
        visitor.go(ADD)
        visitor.fill(Your_password=PASSWORD)
        visitor.press("Confirm")

        with visitor.page.expect_navigation():
            visitor.page.get_by_label("Name optional", exact=True).press("Enter")

        assert visitor.sees("The passkey was added.")
        assert device.passkeys == 1


class TestRefuses:
    def test_the_passkey_of_another_user(self, arrive: Arrive) -> None:
        """Mallory knows the password."""
        sign_up(arrive, "victim@example.com")
        mallory, _ = sign_up(arrive, "mallory@example.com")
        mallory.go("/accounts/login/")
        mallory.log_in("victim@example.com")

        ask(mallory, USE, NOT_USED)
        mallory.page.evaluate(
            """const asked = document.querySelector("#passkey_options");
            const options = JSON.parse(asked.textContent);
            options.request_options.publicKey.allowCredentials = [];
            asked.textContent = JSON.stringify(options);"""
        )
        mallory.press(USE)

        assert mallory.sees(REFUSED)
        mallory.go("/droplets/")
        assert mallory.path == "/accounts/2fa/authenticate/"

    def test_a_used_challenge(self, arrive: Arrive) -> None:
        visitor, _ = sign_up(arrive, "replay@example.com")
        visitor.go("/accounts/login/")
        with visitor.page.expect_request(lambda request: request.method == "POST") as sent:
            visitor.press(LOG_IN)
        answer = (sent.value.post_data_json or {})["credential"]
        visitor.log_out()

        visitor.go("/accounts/login/")
        with visitor.page.expect_navigation():
            visitor.page.evaluate(
                """answer => {
                    const field = document.querySelector("#id_credential");
                    field.value = answer;
                    field.form.submit();
                }""",
                answer,
            )

        assert visitor.sees(REFUSED)
        visitor.go("/droplets/")
        assert visitor.path == "/accounts/login/"


class TestHandles:
    def test_cancel(self, arrive: Arrive) -> None:
        visitor, device = sign_up(arrive, "cancel@example.com")
        device.refuse()
        visitor.go("/accounts/login/")
        ask(visitor, LOG_IN, NOT_USED)

        device.refuse(False)
        visitor.press(LOG_IN)

        assert visitor.path == "/droplets/"

    def test_a_second_passkey_on_one_device(self, arrive: Arrive) -> None:
        visitor, device = sign_up(arrive, "twice@example.com")
        visitor.go("/accounts/login/")
        visitor.press(LOG_IN)
        visitor.go(ADD)
        visitor.fill(Your_password=PASSWORD)
        visitor.press("Confirm")

        ask(visitor, "Add the passkey", "This device already has a passkey for your account.")

        assert device.passkeys == 1

    def test_an_address_that_passkeys_are_not_for(self, visitor: Visitor) -> None:
        def name_another_host(route: Route) -> None:
            answer = route.fetch()
            options = answer.json()
            options["request_options"]["publicKey"]["rpId"] = "127.0.0.1"
            route.fulfill(response=answer, json=options)

        visitor.page.route("**/2fa/webauthn/login/", name_another_host)
        visitor.go("/accounts/login/")

        ask(visitor, LOG_IN, "Passkeys do not work at this address.")

    def test_no_javascript(self, arrive: Arrive) -> None:
        visitor = arrive(javascript=False)
        visitor.go("/accounts/login/")

        assert visitor.sees("Passkeys need JavaScript.")
        expect(visitor.page.get_by_role("button", name=LOG_IN)).to_have_count(0)
